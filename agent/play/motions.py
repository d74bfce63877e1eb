"""Turns sorted into cells, so that what a learner cannot tell apart and what an arm plays can be spoken of alike."""

from __future__ import annotations

import numpy as np

from agent.episode import Interest
from sim.errors import InputError

_CORNERS = np.array([[1, 1, 1], [-1, 1, 1], [1, -1, 1], [1, 1, -1]]) / np.sqrt(3.0)
AXES = np.concatenate([np.eye(3), _CORNERS])
"""float64 [7, 3]: axes in the camera frame (x right, y down, z forward). A turn about an axis and the way back are of
one cell: a pair of frames is drawn in either order."""
ANGLES = 4
"""Equal parts of the angles from 0 to pi."""
CELLS = len(AXES) * ANGLES


def cells_of(turns: np.ndarray) -> np.ndarray:
    """The cell int64 [N] of each rotation, a unit quaternion [N, 4] in the camera frame: the axis that is nearest to
    its own, and the part that its angle is in."""
    turns = np.asarray(turns, dtype=np.float64)
    sine = np.linalg.norm(turns[:, :3], axis=-1)
    radians = 2.0 * np.arctan2(sine, np.abs(turns[:, 3]))
    part = np.minimum((radians / np.pi * ANGLES).astype(np.int64), ANGLES - 1)
    return np.abs(turns[:, :3] @ AXES.T).argmax(axis=-1) * ANGLES + part


def check_interest(interest: Interest) -> None:
    """Raise InputError for weights that are no distribution over the cells."""
    weights = np.array(interest.weights)
    if weights.shape != (CELLS,) or not (weights >= 0).all() or not np.isclose(weights.sum(), 1.0, atol=1e-3):
        raise InputError(
            f"interest={weights.round(3).tolist()}: {CELLS} shares that sum to 1 are needed, or no turn can be drawn"
        )
