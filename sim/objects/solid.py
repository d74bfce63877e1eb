"""A toy as a solid body: its convex hull for collisions, its mass and how that is spread."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sim.errors import InputError
from sim.hulls import convex_hull
from sim.objects.mesh import Toy

MAX_VERTICES = 64
"""Of a hull: PyBullet tests each of them in each contact."""
THINNEST = 0.02
"""Least thickness of a hull out of the toy's size: a sheet would fall through the table and have no inertia."""
MASSES = (0.02, 0.5)
"""Bounds of the mass, kg: lighter bodies make contacts unstable, heavier ones are too much for the arms."""


class Solid(NamedTuple):
    """A rigid body of even density, in the toy's canonical frame scaled to metres."""

    hull: np.ndarray
    """float32 [N, 3] m: at most MAX_VERTICES corners of a convex hull."""
    mass: float
    """kg."""
    center: np.ndarray
    """float64 [3] m: centre of mass."""
    inertia: np.ndarray
    """float64 [3, 3] kg m^2: about the centre of mass, along the axes of the canonical frame."""


def solid_of(toy: Toy, *, size: float, density: float = 300.0) -> Solid:
    """The toy, `size` metres long, filled to its convex hull with `density` kg/m^3, the mass kept within MASSES.

    What is thinner than THINNEST of its size in some direction is thickened to that. Raises InputError where size or
    density is not above 0.
    """
    if not size > 0 or not density > 0:
        raise InputError(f"size={size}, density={density}: m and kg/m^3 above 0 are needed, or there is no body")
    points = _thickened(toy.vertices.astype(np.float64)[np.unique(toy.faces)])
    hull = corners(points) * size
    faces = _outward(hull)
    a, b, c = (hull[faces[:, k]] - hull.mean(axis=0) for k in range(3))
    volumes = np.einsum("ij,ij->i", a, np.cross(b, c)) / 6
    volume = volumes.sum()
    center = (volumes[:, None] * (a + b + c) / 4).sum(axis=0) / volume
    a, b, c = a - center, b - center, c - center
    volumes = np.einsum("ij,ij->i", a, np.cross(b, c)) / 6
    # Second moments of tetrahedra with a corner at the centre: volume / 20 times sums over pairs of the other corners.
    total = a + b + c
    moments = sum(np.einsum("n,ni,nj->ij", volumes / 20, p, p) for p in (a, b, c, total))
    mass = float(np.clip(density * volume, *MASSES))
    inertia = (np.trace(moments) * np.eye(3) - moments) * (mass / volume)
    return Solid(hull.astype(np.float32), mass, center + hull.mean(axis=0), inertia)


def _thickened(points: np.ndarray) -> np.ndarray:
    """Points [N, 3], doubled along those of their principal axes in which they are too thin."""
    center = (points.min(axis=0) + points.max(axis=0)) / 2
    spread = points - points.mean(axis=0)
    for axis in np.linalg.eigh(spread.T @ spread)[1].T:
        missing = THINNEST - np.ptp((points - center) @ axis)
        if missing > 0:
            points = np.concatenate([points - missing / 2 * axis, points + missing / 2 * axis])
    return points


def corners(points: np.ndarray) -> np.ndarray:
    """Corners of the convex hull of points [N, 3]; of too many, those furthest out in evenly spread directions."""
    found = points[np.sort(convex_hull(points).vertices)]
    if len(found) <= MAX_VERTICES:
        return found
    spread = MAX_VERTICES - 6
    z = 1 - (2 * np.arange(spread) + 1) / spread
    turn = np.pi * (3 - np.sqrt(5)) * np.arange(spread)
    round_about = np.stack([np.sqrt(1 - z * z) * np.cos(turn), np.sqrt(1 - z * z) * np.sin(turn), z], axis=1)
    directions = np.concatenate([np.eye(3), -np.eye(3), round_about])
    return found[np.unique((found @ directions.T).argmax(axis=0))]


def _outward(corners: np.ndarray) -> np.ndarray:
    """Triangles int [F, 3] of the hull of its corners [N, 3], counterclockwise seen from outside."""
    hull = convex_hull(corners)
    a, b, c = (corners[hull.simplices[:, k]] for k in range(3))
    inward = np.einsum("ij,ij->i", np.cross(b - a, c - a), hull.equations[:, :3]) < 0
    return np.where(inward[:, None], hull.simplices[:, ::-1], hull.simplices)
