"""Methods by name: a new one is a file beside these and a line in `METHODS`."""

from __future__ import annotations

from typing import Protocol

from learner.encoders import Encoder, initialised_from
from learner.methods.aa_simclr import aa_simclr
from learner.methods.base import Method, MethodOutput, MethodSettings
from learner.methods.simclr import simclr
from learner.methods.simclr_tt import simclr_tt
from sim.errors import InputError


class BuildsMethod(Protocol):
    """A method is a function of an encoder."""

    def __call__(self, encoder: Encoder, *, action_dim: int, settings: MethodSettings) -> Method: ...


METHODS: dict[str, BuildsMethod] = {
    "simclr": simclr,
    "simclr-tt": simclr_tt,
    "aa-simclr": aa_simclr,
}


def build_method(name: str, encoder: Encoder, *, action_dim: int, settings: MethodSettings, seed: int) -> Method:
    """The method of that name around `encoder`, for standardised actions [N, action_dim], heads drawn from `seed`."""
    if name not in METHODS:
        raise InputError(f"method={name}: one of {', '.join(METHODS)} is needed, or there is no loss to minimise")
    with initialised_from(seed):
        return METHODS[name](encoder, action_dim=action_dim, settings=settings)


__all__ = ["METHODS", "Method", "MethodOutput", "MethodSettings", "build_method"]
