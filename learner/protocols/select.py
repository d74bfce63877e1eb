"""Which frames a protocol looks at."""

from __future__ import annotations

import numpy as np

from sim.errors import InputError

NEAR = 10.0
"""Degrees of azimuth beyond which a frame does not show a view."""


def nearest_to(azimuth: float, view: np.ndarray, instances: np.ndarray, *, within: float = NEAR) -> np.ndarray:
    """Rows int64 [I] of the frame of each instance, ascending, that is nearest to an azimuth in degrees; `view` are
    polar and azimuth, float64 [N, 2] degrees. Of equally near ones the first; instances with none `within` that many
    degrees are left out.

    Raises InputError for azimuths that are not known.
    """
    if np.isnan(view[:, 1]).any():
        raise InputError("view=nan: the azimuth of some frames is not known, so the nearest cannot be told")
    off = angle_between(view[:, 1], azimuth)
    order = np.argsort(off, kind="stable")
    nearest = order[np.unique(instances[order], return_index=True)[1]]
    return nearest[off[nearest] <= within]


def angle_between(first: np.ndarray, second: np.ndarray | float) -> np.ndarray:
    """Difference of angles on the circle, in degrees from 0 to 180."""
    return np.abs((first - second + 180.0) % 360.0 - 180.0)


def evenly_spaced(instances: np.ndarray, count: int) -> np.ndarray:
    """Rows int64 [n], ascending, of `count` frames of each instance, evenly spaced in their order; of all frames where
    an instance has no more, or `count` is 0."""
    order = np.argsort(instances, kind="stable")
    parts = np.split(order, np.flatnonzero(np.diff(instances[order])) + 1)
    chosen = [
        part if not count or len(part) <= count else part[np.linspace(0, len(part) - 1, count).round().astype(int)]
        for part in parts
    ]
    return np.sort(np.concatenate(chosen))


def one_per_instance(instances: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Rows int64 [I] of one random frame of each instance, by ascending instance."""
    order = rng.permutation(len(instances))
    return order[np.unique(instances[order], return_index=True)[1]]
