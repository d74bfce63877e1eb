"""The view sphere: from which sides an object has been seen."""

from __future__ import annotations

import numpy as np

from sim import poses

DIRECTIONS = 200
CONE = np.cos(np.radians(15.0))


def directions() -> np.ndarray:
    """200 unit vectors [200, 3] spread evenly over the sphere (Fibonacci lattice), in the object's canonical frame."""
    index = np.arange(DIRECTIONS) + 0.5
    height = 1.0 - 2.0 * index / DIRECTIONS
    turn = np.pi * (1.0 + np.sqrt(5.0)) * index
    radius = np.sqrt(1.0 - height**2)
    return np.stack([radius * np.cos(turn), radius * np.sin(turn), height], axis=-1)


def viewpoints(object_poses: np.ndarray) -> np.ndarray:
    """Unit vectors [..., 3] from object to camera in the object's frame, for its poses [..., 7] in the camera frame."""
    where = poses.inverse(object_poses)[..., :3]
    return where / np.linalg.norm(where, axis=-1, keepdims=True)


def seen(object_poses: np.ndarray) -> np.ndarray:
    """bool [200]: which directions some of the frames [T, 7] look from, within 15 degrees."""
    return (viewpoints(np.atleast_2d(object_poses)) @ directions().T > CONE).any(axis=0)


def coverage(object_poses: np.ndarray) -> float:
    """The share of the view sphere that the frames [T, 7] show."""
    return float(seen(object_poses).mean())
