"""Points on the surface of a toy."""

from __future__ import annotations

import numpy as np

from sim import poses
from sim.objects.mesh import Toy


def surface_points(toy: Toy, count: int = 1200, *, size: float) -> np.ndarray:
    """Points [count, 3] m spread evenly over the surface of the toy of `size` m, the same ones at every call."""
    corners = (size * toy.vertices.astype(np.float64))[toy.faces]
    edge, other = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    area = np.cumsum(np.linalg.norm(poses.cross(edge, other), axis=-1))
    steps = (np.arange(count) + 0.5) / count
    face = np.searchsorted(area, steps * area[-1], side="right").clip(max=len(area) - 1)
    u, v = (steps * count * 0.7548776662466927) % 1.0, (steps * count * 0.5698402909980532) % 1.0
    fold = u + v > 1.0
    u, v = np.where(fold, 1 - u, u), np.where(fold, 1 - v, v)
    return corners[face, 0] + u[:, None] * edge[face] + v[:, None] * other[face]
