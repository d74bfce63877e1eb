"""Commands corrupted on purpose: pure functions of (seed, episode number, kind, level), drawn once an episode."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from sim.errors import InputError
from sim.seeding import stream

Other = Callable[[int], np.ndarray]
"""Gives the clean commands [T-1, D] of another episode, by its number."""


class Kind(NamedTuple):
    """One way to corrupt commands."""

    apply: Callable[[np.ndarray, float, int, int, Other], np.ndarray]
    """(clean [T-1, D] rad/s, level, seed, episode number, other) -> corrupted [T-1, D] rad/s."""
    unit: str
    highest: float
    default: float | None
    """The level where none is given; None where one must be given."""


KINDS: dict[str, Kind] = {}


def register(name: str, *, unit: str, highest: float = np.inf, default: float | None = None):
    """Register a corruption: a pure function of the clean commands, the level, the seed, the number and `other`."""

    def add(apply: Callable[[np.ndarray, float, int, int, Other], np.ndarray]):
        KINDS[name] = Kind(apply, unit, highest, default)
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
        if self.kind not in KINDS:
            raise InputError(f"corrupt={self.kind}: unknown kind, known are {', '.join(sorted(KINDS))}")
        if self.what not in ("recorded", "executed"):
            raise InputError(f"corrupt-what={self.what}: either recorded or executed")
        highest = KINDS[self.kind].highest
        if not 0.0 <= self.level <= highest or not np.isfinite(self.level):
            unit = KINDS[self.kind].unit
            raise InputError(f"corrupt={self.kind}:{self.level}: the level must be from 0 to {highest:g} ({unit})")

    @classmethod
    def parse(cls, text: str, what: Literal["recorded", "executed"] = "recorded") -> Corruption:
        """Read `KIND:LEVEL`, or `KIND` alone where the kind has a default level."""
        kind, _, level = text.partition(":")
        if kind in KINDS and not level:
            default = KINDS[kind].default
            if default is None:
                raise InputError(f"corrupt={text}: give a level in {KINDS[kind].unit}, as in {kind}:0.2")
            return cls(kind, default, what)
        try:
            return cls(kind, float(level or 0), what)
        except ValueError:
            raise InputError(f"corrupt={text}: the level is not a number, write {kind}:0.2") from None

    def __str__(self) -> str:
        return f"{self.kind}:{self.level:g} ({KINDS[self.kind].unit}), {self.what}"


def corrupt(clean: np.ndarray, corruption: Corruption, *, seed: int, episode: int, other: Other) -> np.ndarray:
    """The corrupted commands, float32 [T-1, D] rad/s, of an episode; not projected into limits."""
    changed = KINDS[corruption.kind].apply(clean, corruption.level, seed, episode, other)
    return changed.astype(np.float32)


@register("gaussian", unit="rad/s")
def gaussian(clean: np.ndarray, level: float, seed: int, episode: int, other: Other) -> np.ndarray:
    """Independent Gaussian noise of standard deviation `level` rad/s on each joint of each command."""
    return clean + level * stream("corrupt/gaussian", seed, episode).standard_normal(clean.shape)


@register("shuffled", unit="share of episodes", highest=1.0, default=1.0)
def shuffled(clean: np.ndarray, level: float, seed: int, episode: int, other: Other) -> np.ndarray:
    """Another episode's commands, in a share `level` of the episodes: no information is left in those."""
    if stream("corrupt/shuffled", seed, episode).random() >= level:
        return clean
    return other(partner(seed, episode))


BLOCK = 1024


def partner(seed: int, episode: int) -> int:
    """The episode whose commands `episode` is given: never itself, and each number of a block of 1024 is used once."""
    start, within = episode - episode % BLOCK, episode % BLOCK
    cycle = stream("corrupt/partner", seed, start).permutation(BLOCK)
    position = int(np.flatnonzero(cycle == within)[0])
    return start + int(cycle[(position + 1) % BLOCK])
