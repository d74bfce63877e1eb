"""Methods by name: a new one is a file beside these and a line in `METHODS`."""

from __future__ import annotations

from learner.encoders import Encoder, initialised_from
from learner.methods.aa_bounded import AA_BOUNDED
from learner.methods.aa_byol import AA_BYOL
from learner.methods.aa_simclr import AA_SIMCLR
from learner.methods.aa_soft import AA_SOFT
from learner.methods.aa_trusting import AA_TRUSTING
from learner.methods.aa_vicreg import AA_VICREG
from learner.methods.base import Method, MethodOutput, Recipe, Sizes
from learner.methods.byol_tt import BYOL_TT
from learner.methods.ciper import CIPER
from learner.methods.equimod import EQUIMOD
from learner.methods.settings import MethodSettings
from learner.methods.simclr import SIMCLR
from learner.methods.simclr_tt import SIMCLR_TT
from learner.methods.supervised import SUPERVISED
from learner.methods.vicreg_tt import VICREG_TT
from sim.errors import InputError

METHODS: dict[str, Recipe] = {
    "simclr": SIMCLR,
    "simclr-tt": SIMCLR_TT,
    "aa-simclr": AA_SIMCLR,
    "ciper": CIPER,
    "equimod": EQUIMOD,
    "byol-tt": BYOL_TT,
    "aa-byol": AA_BYOL,
    "vicreg-tt": VICREG_TT,
    "aa-vicreg": AA_VICREG,
    "aa-bounded": AA_BOUNDED,
    "aa-trusting": AA_TRUSTING,
    "aa-soft": AA_SOFT,
    "supervised": SUPERVISED,
}
REMEDIES = ("aa-bounded", "aa-trusting", "aa-soft")
"""Our own, for wrong actions; the others are the paper's."""


def build_method(
    name: str, encoder: Encoder, *, action_dim: int, categories: int, settings: MethodSettings, seed: int
) -> Method:
    """The method of that name around `encoder`, for standardised actions [N, action_dim], heads drawn from `seed`."""
    if name not in METHODS:
        raise InputError(f"method={name}: one of {', '.join(METHODS)} is needed, or there is no loss to minimise")
    sizes = Sizes(encoder.features, action_dim, categories)
    with initialised_from(seed):
        return Method(encoder, METHODS[name], sizes=sizes, settings=settings)


__all__ = ["METHODS", "REMEDIES", "Method", "MethodOutput", "MethodSettings", "Recipe", "build_method"]
