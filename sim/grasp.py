"""How the hand holds an object, and how much of the object is seen: both from points on its surface."""

from __future__ import annotations

import cv2
import numpy as np

from sim import poses
from sim.camera import pixels

_NEIGHBOURS = np.ones((3, 3), dtype=np.uint8)
"""A surface point at the rim may fall into a pixel beside the drawn ones."""


def grasp_pose(surface: np.ndarray, rotation: np.ndarray) -> np.ndarray:
    """The toy's frame in the hand frame, float64 [7]: its centre on the hand's axis, its surface at the hand.

    `surface` [N, 3] are points of the toy in m, `rotation` [4] is its orientation in the hand frame. Where the toy has
    a hole on the hand's axis, the nearest part of it touches the hand instead.
    """
    x, y, z = poses.to_matrix(rotation) @ surface.T
    beside = x * x + y * y
    on_axis = z[beside < 0.01**2]
    near = on_axis if len(on_axis) else z[beside <= np.partition(beside, 30)[30]]
    return np.concatenate([[0.0, 0.0, max(-near.min(), 0.0)], rotation])


def visible_share(owned: np.ndarray, points: np.ndarray, intrinsics: np.ndarray) -> float:
    """The share in [0, 1] of an object's silhouette that is in the image and not covered.

    `owned` bool [H, H] are the pixels that the object has, `points` [N, 3] m its surface in the camera frame: splatted
    into cells they give the silhouette that the bare object would have.
    """
    size = len(owned)
    column, row = np.floor(pixels(points, intrinsics)).astype(np.int64).T
    near = cv2.dilate(owned.view(np.uint8), _NEIGHBOURS).view(bool)
    inside = (column >= 0) & (column < size) & (row >= 0) & (row < size)
    shown = np.zeros(len(column), dtype=bool)
    shown[inside] = near[row[inside], column[inside]]
    cell = max(1, size // 64)
    row, column = row // cell, column // cell
    row, column = row - row.min(), column - column.min()
    cells = row * (column.max() + 1) + column
    silhouette, covered = np.zeros((2, cells.max() + 1), dtype=bool)
    silhouette[cells] = True
    covered[cells[shown]] = True
    return float(covered.sum() / silhouette.sum())
