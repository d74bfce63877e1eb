"""How a batch of pairs is drawn: which episodes it is of, and which two frames of each."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from sim import poses
from sim.errors import InputError


class Clips(NamedTuple):
    """The B episodes of a batch, one for each pair."""

    lengths: np.ndarray
    """int64 [B]: frames of each, 2 at least."""
    object_poses: Callable[[], np.ndarray]
    """Gives the object's poses [B, T, 7]; those beyond an episode's length mean nothing."""


Pairing = Callable[[Clips, np.random.Generator], tuple[np.ndarray, np.ndarray]]
"""Draws t and t', int64 [B] each."""


def draw_episodes(held: int, batch: int, rng: np.random.Generator) -> np.ndarray:
    """Which of `held` episodes the pairs of a batch are of, int64 [B]: none twice before all were taken once."""
    rounds = [rng.permutation(held) for _ in range(batch // held)]
    return np.concatenate([*rounds, rng.choice(held, batch % held, replace=False)])


def pairing(sampling: str) -> Pairing:
    """The function behind a setting: a name in `PAIRINGS`, or `window:k`. Raises InputError for neither."""
    name, _, reach = sampling.partition(":")
    if name == "window":
        if not reach.isdecimal() or int(reach) < 1:
            raise InputError(f"sampling={sampling}: give how many frames t' may be away, 1 at least, as in window:4")
        return window(int(reach))
    if sampling not in PAIRINGS:
        raise InputError(f"sampling={sampling}: unknown, known are {', '.join(PAIRINGS)}, window:FRAMES")
    return PAIRINGS[sampling]


def uniform(clips: Clips, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """t' is any other frame."""
    here = rng.integers(clips.lengths)
    return here, (here + 1 + rng.integers(clips.lengths - 1)) % clips.lengths


def uniform_or_same(clips: Clips, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """t' is any frame, t too, as in AA-SSL's code."""
    return rng.integers(clips.lengths), rng.integers(clips.lengths)


def window(reach: int) -> Pairing:
    """t' is any other frame that is at most `reach` frames away; near an end there are fewer of them."""

    def draw(clips: Clips, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        here = rng.integers(clips.lengths)
        low, high = np.maximum(here - reach, 0), np.minimum(here + reach, clips.lengths - 1)
        there = low + rng.integers(high - low)
        return here, there + (there >= here)

    return draw


def following(clips: Clips, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """t' is the next frame; t is any but the last."""
    here = rng.integers(clips.lengths - 1)
    return here, here + 1


def opposite(clips: Clips, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """t' is the other frame in which the object is turned most from how it is in t: the angle between its poses."""
    here = rng.integers(clips.lengths)
    turns = clips.object_poses()[..., 3:].astype(np.float64)
    back = poses.conjugate(turns[np.arange(len(here)), here])
    angles = poses.angle(poses.multiply(turns, back[:, None]))
    frames = np.arange(angles.shape[1])
    angles[(frames == here[:, None]) | (frames >= clips.lengths[:, None])] = -1.0
    return here, angles.argmax(axis=1)


PAIRINGS: dict[str, Pairing] = {
    "uniform": uniform,
    "uniform+same": uniform_or_same,
    "next": following,
    "walk": window(1),
    "opposite": opposite,
}
"""Name -> how t and t' are drawn; t is uniform among the frames that have a t'."""
