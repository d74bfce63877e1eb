"""Convex hulls of points, by SciPy, which is slow to load and which only scenes with contact need."""

from __future__ import annotations

from typing import Any

import numpy as np


def convex_hull(points: np.ndarray, *, options: str | None = None) -> Any:
    """The `scipy.spatial.ConvexHull` of points [N, D]; `options` are Qhull's."""
    from scipy.spatial import ConvexHull

    return ConvexHull(points, qhull_options=options)
