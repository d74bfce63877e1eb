"""Commands that go wrong at once: lost, late, of the wrong sign, of a joint that has stopped."""

from __future__ import annotations

import numpy as np

from sim.corrupt.commands import COMMANDS, Partner, register
from sim.corrupt.levels import Levels

_SHARES = (0.1, 0.2, 0.5, 1.0)


@register("dropped", Levels("share of commands", 1.0, (0.1, 0.2, 0.5, 0.8)))
def dropped(clean: np.ndarray, level: float, rng: np.random.Generator, partner: Partner) -> np.ndarray:
    """Each command is zero for all joints with probability `level`, independently."""
    return np.where(rng.random((len(clean), 1)) < level, 0.0, clean)


@register("stuck", Levels("share of joints", 1.0, _SHARES))
def stuck(clean: np.ndarray, level: float, rng: np.random.Generator, partner: Partner) -> np.ndarray:
    """Each joint stops with probability `level`, independently: its commands are zero from a random moment on.

    The moment is one of the first 31 commands, each as likely, however long the episode is.
    """
    chance, moment = rng.random((2, clean.shape[1]))
    since = np.where(chance < level, np.floor(moment * COMMANDS), np.inf)
    return np.where(np.arange(len(clean))[:, None] >= since, 0.0, clean)


@register("flipped", Levels("share of joints", 1.0, _SHARES))
def flipped(clean: np.ndarray, level: float, rng: np.random.Generator, partner: Partner) -> np.ndarray:
    """Each joint has the wrong sign in all commands of the episode with probability `level`, independently."""
    return np.where(rng.random(clean.shape[1]) < level, -clean, clean)


@register("delayed", Levels("frames", 1000.0, (1, 2, 4, 8), whole=True))
def delayed(clean: np.ndarray, level: float, rng: np.random.Generator, partner: Partner) -> np.ndarray:
    """Each command comes `level` frames late; the first ones are zero."""
    late = np.zeros_like(clean)
    late[int(level) :] = clean[: max(0, len(clean) - int(level))]
    return late
