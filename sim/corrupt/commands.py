"""Commands corrupted on purpose: pure functions of (seed, episode number, kind, level), drawn once an episode."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from sim.corrupt import levels
from sim.corrupt.levels import Levels
from sim.corrupt.partner import Exists, every, partner
from sim.errors import InputError
from sim.seeding import stream

COMMANDS = 31
"""Commands of a default episode. A level that grows over time is reached at the last of them, in longer episodes too:
were it the last of the episode at hand, the first commands would depend on how many follow."""

Other = Callable[[int], np.ndarray]
"""Gives the clean commands [T-1, D] of another episode, by its number."""

Partner = Callable[[], np.ndarray]
"""Gives the clean commands [any, D] rad/s of the episode's partner."""

Apply = Callable[[np.ndarray, float, np.random.Generator, Partner], np.ndarray]
"""(clean float64 [T-1, D] rad/s, level > 0, generator, partner) -> corrupted [T-1, D] rad/s.

The generator is the episode's own, the same at all levels, so that a higher level is more of the same corruption.
Row t depends on clean rows 0 to t, and on draws whose order does not depend on T: corrupting the first n commands gives
the first n corrupted commands.
"""


class Kind(NamedTuple):
    """One way to corrupt commands."""

    apply: Apply
    levels: Levels


KINDS: dict[str, Kind] = {}


def register(name: str, levels: Levels) -> Callable[[Apply], Apply]:
    """Register a function as the corruption `name`."""

    def add(apply: Apply) -> Apply:
        KINDS[name] = Kind(apply, levels)
        return apply

    return add


@dataclass(frozen=True)
class Corruption:
    """Which corruption, how much of it, and who is misled."""

    kind: str
    level: float
    what: Literal["recorded", "executed"] = "recorded"
    """`recorded`: the learner is told wrong commands. `executed`: the motors are given wrong commands."""

    def __post_init__(self) -> None:
        levels.check("corrupt", self.kind, self.level, KINDS)
        if self.what not in ("recorded", "executed"):
            raise InputError(f"corrupt-what={self.what}: either recorded or executed")

    @classmethod
    def parse(cls, text: str, what: Literal["recorded", "executed"] = "recorded") -> Corruption:
        """Read `KIND:LEVEL`, or `KIND` alone where the kind has a default level."""
        return cls(*levels.read("corrupt", text, KINDS), what)

    def __str__(self) -> str:
        return f"{self.kind}:{self.level:g} ({KINDS[self.kind].levels.unit}), {self.what}"


def corrupt(
    clean: np.ndarray, corruption: Corruption, *, seed: int, episode: int, other: Other, exists: Exists = every
) -> np.ndarray:
    """The corrupted commands, float32 [T-1, D] rad/s, of an episode; not projected into limits.

    `other` gives the clean commands of any episode that `exists`; both are asked by `shuffled` only.
    """
    if corruption.level == 0:
        return clean.astype(np.float32)
    changed = KINDS[corruption.kind].apply(
        clean.astype(np.float64),
        corruption.level,
        stream(f"corrupt/{corruption.kind}", seed, episode),
        lambda: other(partner(seed, episode, exists)),
    )
    return changed.astype(np.float32)
