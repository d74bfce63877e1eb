"""From which side a frame shows its object, in the angles of image collections; and names that are safe in paths."""

from __future__ import annotations

import numpy as np

from sim import poses, viewsphere
from sim.errors import InputError


def angles(object_poses: np.ndarray) -> np.ndarray:
    """Polar and azimuth angle [T, 2] in degrees of the camera as seen from the object, for its poses [T, 7] in the
    camera frame. Polar: 0 = from above (the object's canonical z), 90 = horizontal. Azimuth: in [0, 360), about z,
    0 = canonical x, 90 = canonical y."""
    x, y, z = viewsphere.viewpoints(object_poses.astype(np.float64)).T
    polar = np.degrees(np.arccos(np.clip(z, -1.0, 1.0)))
    return np.stack([polar, np.degrees(np.arctan2(y, x)) % 360.0], axis=-1)


def lean(object_poses: np.ndarray, camera_poses: np.ndarray) -> np.ndarray:
    """How far the object leans [T], in degrees: between its canonical z and the vertical of the arm's base frame, for
    its poses [T, 7] in the camera frame and the camera's [T, 7] in the base frame."""
    turn = poses.multiply(camera_poses[:, 3:].astype(np.float64), object_poses[:, 3:].astype(np.float64))
    return np.degrees(np.arccos(np.clip(poses.to_matrix(turn)[:, 2, 2], -1.0, 1.0)))


def file_name(name: str) -> str:
    """The name, where it may be part of a path. Raises InputError where it would lead elsewhere."""
    if name in ("", ".", "..") or len(name.encode()) > 200 or any(mark in name for mark in "/\\\0\n\r"):
        raise InputError(f"{name[:60]!r}: no name for a file or folder, so images of it cannot be written")
    return name
