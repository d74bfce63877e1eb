"""Commands that are a little off: noise, offsets, coarse steps."""

from __future__ import annotations

import numpy as np

from sim.corrupt.commands import COMMANDS, Partner, register
from sim.corrupt.levels import Levels

FASTEST = 100.0
"""Highest level in rad/s: far above any arm's speed, and no sum of it leaves float32."""


@register("gaussian", Levels("rad/s", FASTEST, (0.1, 0.2, 0.5, 1.0)))
def gaussian(clean: np.ndarray, level: float, rng: np.random.Generator, partner: Partner) -> np.ndarray:
    """Independent Gaussian noise of standard deviation `level` rad/s on each joint of each command."""
    return clean + level * rng.standard_normal(clean.shape)


@register("bias", Levels("rad/s", FASTEST, (0.05, 0.1, 0.2, 0.5)))
def bias(clean: np.ndarray, level: float, rng: np.random.Generator, partner: Partner) -> np.ndarray:
    """An offset of `level` rad/s to each joint, the same in all commands; its sign is drawn per joint and episode."""
    return clean + level * rng.choice([-1.0, 1.0], clean.shape[1])


@register("drift", Levels(f"rad/s after {COMMANDS} commands", FASTEST, (0.1, 0.2, 0.5, 1.0)))
def drift(clean: np.ndarray, level: float, rng: np.random.Generator, partner: Partner) -> np.ndarray:
    """An offset to each joint that walks at random: its standard deviation is `level` rad/s at the 31st command.

    It has taken one Gaussian step at the first command, n steps at the n-th, and so grows with the root of n.
    """
    return clean + level / np.sqrt(COMMANDS) * np.cumsum(rng.standard_normal(clean.shape), axis=0)


@register("quantised", Levels("rad/s", FASTEST, (0.5, 1.0, 2.0, 4.0)))
def quantised(clean: np.ndarray, level: float, rng: np.random.Generator, partner: Partner) -> np.ndarray:
    """Each joint of each command at the nearest multiple of `level` rad/s."""
    return clean - (np.remainder(clean + level / 2, level) - level / 2)  # a quotient could overflow
