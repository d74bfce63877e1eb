"""What a report shows of a pair."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class PairPicture(NamedTuple):
    """One pair of frames as the learner saw it, with the commands of its episode."""

    first: np.ndarray
    """uint8 [H, W, 3], RGB."""
    second: np.ndarray
    """uint8 [H, W, 3], RGB."""
    clean: np.ndarray
    """float32 [T-1, D] rad/s: the commands of the episode; [0, 0] where none are known."""
    recorded: np.ndarray
    """float32 [T-1, D] rad/s: what the learner was told."""
    span: tuple[int, int]
    """Frame numbers (t, t'); t' may come first."""
    category: str
    gap: float
    """s: time of t' minus time of t; NaN where it is not known."""
    turn: float
    """rad: the object's true rotation between the two frames; NaN where it is not known."""
