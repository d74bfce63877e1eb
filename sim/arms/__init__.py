"""Arms by name: a new one is a file beside this one and a line in `ARMS`."""

from __future__ import annotations

from collections.abc import Callable

from sim.arm import ArmSpec
from sim.arms.kuka import kuka
from sim.arms.panda import panda
from sim.errors import InputError

ARMS: dict[str, Callable[[], ArmSpec]] = {"kuka": kuka, "panda": panda}


def arm_spec(name: str) -> ArmSpec:
    """The arm called `name`. Raises InputError for an unknown one."""
    if name not in ARMS:
        raise InputError(f"arm={name}: unknown, known are {', '.join(sorted(ARMS))}")
    return ARMS[name]()


__all__ = ["ARMS", "arm_spec"]
