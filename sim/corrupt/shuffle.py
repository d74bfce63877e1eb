"""Commands that have nothing to do with what happened."""

from __future__ import annotations

import numpy as np

from sim.corrupt.commands import Partner, register
from sim.corrupt.levels import Levels


@register("shuffled", Levels("share of episodes", 1.0, (0.1, 0.2, 0.5, 1.0), default=1.0))
def shuffled(clean: np.ndarray, level: float, rng: np.random.Generator, partner: Partner) -> np.ndarray:
    """Another episode's commands, in a share `level` of the episodes: no information is left in those.

    Where the other episode is shorter, zeros follow.
    """
    if rng.random() >= level:
        return clean
    given = partner()[: len(clean)]
    told = np.zeros_like(clean)
    told[: len(given)] = given
    return told
