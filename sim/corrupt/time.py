"""Time corrupted on purpose: frames that are lost, so that intervals are longer than the learner takes them for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from sim.corrupt import levels
from sim.corrupt.levels import Levels
from sim.errors import InputError
from sim.seeding import stream

Keep = Callable[[int, float, np.random.Generator], np.ndarray]
"""(frames T >= 2, level > 0, generator) -> bool [T], true where a frame is kept; always true for the first frame.

The generator is the episode's own, the same at all levels.
"""


class TimeKind(NamedTuple):
    """One way to lose frames."""

    keep: Keep
    levels: Levels


TIME_KINDS: dict[str, TimeKind] = {}


def register(name: str, levels: Levels) -> Callable[[Keep], Keep]:
    """Register a function as the corruption of time `name`."""

    def add(keep: Keep) -> Keep:
        TIME_KINDS[name] = TimeKind(keep, levels)
        return keep

    return add


@dataclass(frozen=True)
class Timing:
    """Which corruption of time, how much of it, and what the learner is told."""

    kind: str
    level: float
    told: Literal["nominal", "true"] = "nominal"
    """`nominal`: it takes each interval between kept frames for the nominal one. `true`: it is told how long they were,
    which is a control and causes no error."""

    def __post_init__(self) -> None:
        levels.check("corrupt_time", self.kind, self.level, TIME_KINDS)
        if self.told not in ("nominal", "true"):
            raise InputError(f"time_told={self.told}: either nominal or true")

    @classmethod
    def parse(cls, text: str, told: Literal["nominal", "true"] = "nominal") -> Timing:
        """Read `KIND:LEVEL`, or `KIND` alone where the kind has a default level."""
        return cls(*levels.read("corrupt_time", text, TIME_KINDS), told)

    def __str__(self) -> str:
        return f"{self.kind}:{self.level:g} ({TIME_KINDS[self.kind].levels.unit}), {self.told} times told"


def kept_frames(timing: Timing, frames: int, *, seed: int, episode: int) -> np.ndarray:
    """Indices int64 [2 to T], ascending, of the frames that are kept of an episode's T >= 2; the first one always is.

    Where no other would be left, the kind decides which one stays: there is a pair in every episode.
    """
    if timing.level == 0:
        return np.arange(frames)
    rng = stream(f"corrupt/time/{timing.kind}", seed, episode)
    return np.flatnonzero(TIME_KINDS[timing.kind].keep(frames, timing.level, rng))


@register("missing", Levels("share of frames", 1.0, (0.1, 0.2, 0.5, 0.8)))
def missing(frames: int, level: float, rng: np.random.Generator) -> np.ndarray:
    """Each frame but the first is lost with probability `level`, independently; if all are, one at random stays."""
    chance = rng.random(frames)
    kept = chance >= level
    kept[0] = kept[1 + chance[1:].argmax()] = True
    return kept


@register("uneven", Levels("frames", 1000.0, (2, 3, 5, 8), whole=True))
def uneven(frames: int, level: float, rng: np.random.Generator) -> np.ndarray:
    """Gaps between kept frames are whole numbers from 1 to `level` frames, each as likely; level 1 loses none.

    Where the first gap is longer than the episode, the last frame stays.
    """
    gaps = 1 + np.floor(rng.random(frames) * level).astype(np.int64)
    kept = np.zeros(frames, dtype=bool)
    kept[0] = True
    there = np.cumsum(gaps)
    kept[there[there < frames]] = True
    kept[-1] |= there[0] >= frames
    return kept
