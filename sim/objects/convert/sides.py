"""Which side of a triangle is seen: renderers draw only the one from which its corners run counterclockwise.

Meshes are often inside out in part, or open sheets that are seen from both sides, and other programs draw both sides.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from sim.objects.convert.soup import doubled_area, spread

PIXELS = 80
"""A side of the square onto which an object is projected."""
SAMPLES = 40_000
GRAZING = 0.1
"""Cosine below which a sample counts for neither side."""
DEEP = 0.02
"""Depth that tells two layers apart, for an object of length 1."""
ENOUGH = 3
"""Sightings that count as seen."""
RARE = 10
"""Sightings from behind for each from the front that is put down to the neighbourhood of an edge."""
TOUCHING = 1e-5
"""Distance below which two corners are one, for an object of length 1."""
FLAT = 1e-5
"""Volume out of the surface of a part up to which it is a sheet with two sides rather than a body."""


class Sightings(NamedTuple):
    """How often each triangle is seen, int64 [G] each, from afar in evenly spread directions; all are opaque."""

    front: np.ndarray
    behind: np.ndarray
    near: np.ndarray
    """From any side, or covered by less than DEEP."""


def sightings(triangles: np.ndarray, views: int) -> Sightings:
    """Look at triangles [G, 3, 3] from `views` directions."""
    points, face = spread(triangles, SAMPLES)
    normals = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    counts = np.zeros((3, len(triangles)), dtype=np.int64)
    for direction in _directions(views):
        facing = (normals @ direction)[face]
        depth, cell = points @ direction, _cells(points, direction)
        nearest_front = _nearest(depth, cell, facing > 0)
        nearest = np.maximum(nearest_front, _nearest(depth, cell, facing <= 0))
        near = depth > nearest[cell] - DEEP
        # A neighbouring pixel may hold what covers a sample at a rim.
        covered = cv2.dilate(nearest_front.reshape(PIXELS, PIXELS), np.ones((3, 3), np.uint8)).reshape(-1)
        seen = near & (facing > GRAZING), near & (facing < -GRAZING) & (depth > covered[cell] + DEEP), near
        for count, shown in zip(counts, seen, strict=True):
            count += np.bincount(face[shown], minlength=len(triangles))
    return Sightings(*counts)


def seen_from_behind(triangles: np.ndarray, views: int = 48) -> tuple[np.ndarray, np.ndarray]:
    """Of triangles [G, 3, 3] those that are seen from behind almost alone, and from both sides: bool [G] each."""
    closed, depth = _parts(triangles)
    if (closed & (depth > -FLAT)).all():  # whatever is met first from outside is met from the front
        return np.zeros_like(closed), np.zeros_like(closed)
    seen = sightings(triangles, views)
    behind = seen.behind >= ENOUGH
    alone = seen.front * RARE < seen.behind
    return behind & alone, behind & ~alone


def inside_out(triangles: np.ndarray) -> np.ndarray:
    """Of triangles [F, 3, 3] those of closed parts that enclose a negative volume: bool [F]."""
    closed, depth = _parts(triangles)
    return closed & (depth < -FLAT)


def _parts(triangles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Whether the part that each triangle belongs to is closed, bool [F], and its volume out of its surface, [F].

    A part is what hangs together by edges; it is closed when each of its edges is passed as often to as fro.
    """
    count = len(triangles)
    cell = np.round(triangles.reshape(-1, 3) / TOUCHING).astype(np.int64) + (1 << 19)
    vertex = np.unique((cell[:, 0] << 40) + (cell[:, 1] << 20) + cell[:, 2], return_inverse=True)[1].reshape(-1, 3)
    start, end = vertex.reshape(-1), np.roll(vertex, -1, axis=1).reshape(-1)
    ends = np.minimum(start, end) * (vertex.max() + 1) + np.maximum(start, end)
    edge = np.unique(ends, return_inverse=True)[1].reshape(-1)
    face = np.arange(3 * count) // 3
    size = count + int(edge.max()) + 1
    touching = coo_matrix((np.ones(3 * count, dtype=np.int8), (face, edge + count)), shape=(size, size))
    part = connected_components(touching, directed=False)[1]
    unequal = np.bincount(edge, weights=np.sign(end - start)) != 0
    is_open = np.bincount(part[count:], weights=unequal) > 0
    a, b, c = (triangles[:, k] for k in range(3))
    volume = np.bincount(part[:count], weights=np.einsum("ij,ij->i", a, np.cross(b, c)) / 6)
    surface = np.bincount(part[:count], weights=doubled_area(triangles) / 2)
    return ~is_open[part[:count]], (volume / surface)[part[:count]]


def _directions(count: int) -> np.ndarray:
    """Unit vectors spread evenly over the sphere, [count, 3]."""
    z = 1 - (2 * np.arange(count) + 1) / count
    turn = np.pi * (3 - np.sqrt(5)) * np.arange(count)
    return np.stack([np.sqrt(1 - z * z) * np.cos(turn), np.sqrt(1 - z * z) * np.sin(turn), z], axis=1)


def _cells(points: np.ndarray, direction: np.ndarray) -> np.ndarray:
    """Pixel of each point, seen along the direction: int16 [N], for which numpy's stable sort is fastest."""
    aside = np.eye(3)[np.abs(direction).argmin()]
    right = np.cross(aside, direction)
    right /= np.linalg.norm(right)
    flat = points @ np.stack([right, np.cross(direction, right)], axis=1)
    column, row = (((flat / np.sqrt(3)) + 0.5) * PIXELS).clip(0, PIXELS - 1).astype(np.int16).T
    return row * np.int16(PIXELS) + column


def _nearest(depth: np.ndarray, cell: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Largest depth of the chosen points in each pixel, float32 [PIXELS * PIXELS]; -9 where there is none."""
    nearest = np.full(PIXELS * PIXELS, -9.0, dtype=np.float32)
    depth, cell = depth[chosen], cell[chosen]
    if len(cell):
        order = np.argsort(cell, kind="stable")
        starts = np.flatnonzero(np.diff(cell[order], prepend=-1))
        nearest[cell[order[starts]]] = np.maximum.reduceat(depth[order], starts)
    return nearest
