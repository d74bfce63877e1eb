"""How a toy stands on a level table when nothing touches it: on a side above which its centre of mass is."""

from __future__ import annotations

import numpy as np

from sim import poses
from sim.hulls import convex_hull
from sim.objects.solid import Solid

SAFE = 0.2
"""How far inside the edge of that side the centre of mass should be, as a share of its height (the tangent of the tilt
that it bears): less, and a breath tips the toy over."""
FLAT = 1e-3
"""Corners that are less than this above the lowest one bear weight, m."""


def standing(solid: Solid) -> np.ndarray:
    """The rotation [4] of the canonical frame with which the toy stands by itself, as nearly upright as it can."""
    hull = solid.hull.astype(np.float64)
    found = convex_hull(hull)
    outward = np.unique(found.equations[:, :3].round(6), axis=0)
    outward /= np.linalg.norm(outward, axis=1, keepdims=True)
    upright = outward[np.argsort(outward[:, 2], kind="stable")]
    bears = []
    for normal in upright:
        height = (hull @ normal).max() - normal @ solid.center
        bears.append(_margin(hull, normal, solid.center) / height)
        if bears[-1] > SAFE:
            break
    best = int(np.argmax(bears))
    return poses.from_matrix(_turning(upright[best], np.array([0.0, 0.0, -1.0])))


def placed(solid: Solid, rotation: np.ndarray, x: float, y: float, *, gap: float = 0.0) -> np.ndarray:
    """The toy's pose [7] in the base frame, turned so, its centre of mass above (x, y) and its lowest point `gap` m
    above the table at z = 0."""
    turn = poses.to_matrix(rotation)
    low = (solid.hull.astype(np.float64) @ turn.T)[:, 2].min()
    center = turn @ solid.center
    return np.concatenate([[x - center[0], y - center[1], gap - low], rotation])


def _margin(hull: np.ndarray, normal: np.ndarray, center: np.ndarray) -> float:
    """How far inside the side with this outward normal the centre of mass projects, m; negative where outside."""
    height = hull @ normal
    side = hull[height > height.max() - FLAT]
    if len(side) < 3:
        return -np.inf
    turn = _turning(normal, np.array([0.0, 0.0, 1.0]))
    flat = (side @ turn.T)[:, :2]
    if np.linalg.matrix_rank(flat - flat.mean(axis=0), tol=1e-5) < 2:
        return -np.inf
    edges = convex_hull(flat, options="QJ").equations
    return float(-(edges[:, :2] @ (turn @ center)[:2] + edges[:, 2]).max())


def _turning(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """The smallest rotation [3, 3] that takes one unit vector to another."""
    axis, cosine = np.cross(start, end), float(start @ end)
    sine = np.linalg.norm(axis)
    if sine < 1e-9:
        return np.eye(3) if cosine > 0 else np.diag([1.0, -1.0, -1.0])
    return poses.to_matrix(poses.from_axis_angle(axis / sine, np.arctan2(sine, cosine)))
