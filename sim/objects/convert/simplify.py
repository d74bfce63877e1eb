"""Fewer triangles for the same form."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from sim.objects.convert.sides import sightings
from sim.objects.convert.soup import THINNEST, doubled_area, spread

WELDS = (4e-3, 1.6e-2, 6.4e-2)
"""Distances at which corners become one vertex, for an object of length 1: sheets that nearly touch hang together."""
HASTES = (4.0, 7.0)
"""How fast the tolerance grows: slowly is better where it leads to the goal."""
SAMPLES = 60_000
"""Points by which two surfaces are compared."""
GOOD = 5e-4
"""Distance of two surfaces at which they look alike."""


def simplify(corners: np.ndarray, count: int) -> np.ndarray:
    """At most `count` triangles [G, 3, 3] in the place of [F, 3, 3], by collapsing edges.

    Of several ways the best is taken. Where that is not good, as for a bookcase full of books, triangles that are
    never seen are left out first.
    """
    seen: np.ndarray | None = None
    for weld in WELDS:
        found = [(_distance(light, corners), light) for light in _ways(corners, count, weld)]
        if not found or min(found, key=_first)[0] > GOOD:
            if seen is None:
                seen = corners[sightings(corners, 96).near > 0]
            found += [(0.0, light) for light in _ways(seen, count, weld)]
            found = [(_distance(light, seen), light) for _, light in found]
        if found:
            return min(found, key=_first)[1]
    return corners[np.sort(np.argsort(-doubled_area(corners), kind="stable")[:count])]


def _first(pair: tuple[float, np.ndarray]) -> float:
    return pair[0]


def _ways(corners: np.ndarray, count: int, weld: float) -> list[np.ndarray]:
    """Simplified triangles, with the rims of open sheets kept and moved. No way is the best for all: rims that move
    shrink sheets, rims that stay leave too few triangles for the rest."""
    import fast_simplification

    vertices, faces = _welded(corners, weld)
    found = []
    for border in (True, False):
        for haste in HASTES:
            points, light = vertices, faces
            if len(faces) > count:
                points, light = fast_simplification.simplify(
                    vertices, faces, target_count=count, agg=haste, preserve_border=border
                )
            triangles = points[light]
            triangles = triangles[np.isfinite(triangles).all(axis=(1, 2))]
            triangles = triangles[doubled_area(triangles) > THINNEST]
            if 0 < len(triangles) <= count:
                found.append(triangles)
                break
    return found


def _distance(first: np.ndarray, second: np.ndarray) -> float:
    """Mean distance between points spread over two surfaces, to and fro, beyond that of points on one surface."""
    spacing = 1.5 * np.sqrt(doubled_area(second).sum() / 2 / SAMPLES)
    points = [spread(triangles, SAMPLES)[0] for triangles in (first, second)]
    distances = [cKDTree(points[k]).query(points[1 - k][::3])[0] for k in (0, 1)]
    return float(sum(np.maximum(distance - spacing, 0.0).mean() for distance in distances))


def _welded(corners: np.ndarray, distance: float) -> tuple[np.ndarray, np.ndarray]:
    """Vertices [V, 3] and faces int32 [F', 3], without the faces that have lost their area."""
    cell = np.round(corners.reshape(-1, 3) / distance).astype(np.int64) + (1 << 19)
    key = (cell[:, 0] << 40) + (cell[:, 1] << 20) + cell[:, 2]
    _, first, vertex = np.unique(key, return_index=True, return_inverse=True)
    faces = vertex.reshape(-1, 3)
    kept = (faces[:, 0] != faces[:, 1]) & (faces[:, 1] != faces[:, 2]) & (faces[:, 2] != faces[:, 0])
    return corners.reshape(-1, 3)[first], faces[kept].astype(np.int32)
