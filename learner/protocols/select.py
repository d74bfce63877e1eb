"""Which frames a protocol looks at."""

from __future__ import annotations

import numpy as np

from sim.errors import InputError

RT4K_VIEWS = {"side": 180, "face": 135, "quarter": 157}
"""The single views that AA-SSL reports on RT4K (arXiv 2407.06704), by their numbers."""
RT4K_STEP = 2.0
"""Degrees of azimuth from one view to the next."""


def at_view(view: np.ndarray, name: str) -> np.ndarray:
    """Whether each frame, bool [N], is at one of `RT4K_VIEWS`; `view` are polar and azimuth, float64 [N, 2] degrees.

    Raises InputError for an unknown view, or azimuths that are not known.
    """
    if name not in RT4K_VIEWS:
        raise InputError(f"view={name}: unknown, known are {', '.join(RT4K_VIEWS)}")
    if np.isnan(view[:, 1]).any():
        raise InputError(f"view={name}: the azimuth of some frames is not known, so they cannot be told apart")
    return angle_between(view[:, 1], RT4K_STEP * RT4K_VIEWS[name]) < RT4K_STEP / 2


def angle_between(first: np.ndarray, second: np.ndarray | float) -> np.ndarray:
    """Difference of angles on the circle, in degrees from 0 to 180."""
    return np.abs((first - second + 180.0) % 360.0 - 180.0)


def one_per_instance(instances: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Rows int64 [I] of one random frame of each instance, by ascending instance."""
    order = rng.permutation(len(instances))
    return order[np.unique(instances[order], return_index=True)[1]]
