"""Where on the texture each triangle lies."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

SIDE = 512
"""Texels a side at most."""
PATCH = 3
"""Texels a side of a patch of one colour."""


class Tiles(NamedTuple):
    """A rectangle of texels for each triangle, which lies in it undistorted, a texel away from the edges."""

    width: np.ndarray
    """int64 [G]."""
    height: np.ndarray
    """int64 [G]."""
    corners: np.ndarray
    """float64 [G, 3, 2]: texel coordinates (right, up) of the triangles' corners in their tiles."""


def tiles(triangles: np.ndarray, density: float) -> Tiles:
    """Tiles for triangles [G, 3, 3] with `density` texels per unit of length. The longest edge lies below."""
    edges = np.roll(triangles, -1, axis=1) - triangles
    lengths = np.linalg.norm(edges, axis=2)
    base = lengths.argmax(axis=1)
    rows = np.arange(len(triangles))
    longest = lengths[rows, base]
    along = edges[rows, base] / longest[:, None]
    apex = triangles[rows, (base + 2) % 3] - triangles[rows, base]
    foot = np.einsum("ij,ij->i", apex, along)
    rise = np.linalg.norm(apex - foot[:, None] * along, axis=1)
    width = np.ceil(longest * density).astype(np.int64).clip(min=1)
    height = np.ceil(rise * density).astype(np.int64).clip(min=1)
    corners = np.ones((len(triangles), 3, 2))
    corners[rows, (base + 1) % 3, 0] += width
    corners[rows, (base + 2) % 3] += np.stack([width * foot / longest, height], axis=1)
    return Tiles(width + 2, height + 2, corners)


def pack(width: np.ndarray, height: np.ndarray) -> tuple[np.ndarray, tuple[int, int]] | None:
    """Place rectangles in rows, the high ones first: their lower left texels int64 [N, 2] and the (width, height) of
    all together. None where they need more than SIDE texels a side."""
    area = int((width * height).sum())
    across = int(min(SIDE, max(width.max(), np.ceil(1.05 * np.sqrt(area)))))
    places = np.empty((len(width), 2), dtype=np.int64)
    x = y = row = 0
    for index in np.lexsort((-width, -height)):
        if x + width[index] > across:
            x, y, row = 0, y + row, 0
        places[index] = x, y
        x, row = x + int(width[index]), max(row, int(height[index]))
    return (places, (across, y + row)) if y + row <= SIDE else None
