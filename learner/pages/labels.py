"""Names of categories on a map, each where its frames lie densest, none over another."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke
from scipy.spatial.distance import cdist

from learner.charts import PAPER, Palette

FONT = 9.0
"""Size of a name in CSS pixels; its letters are `LETTER` of that wide."""
LETTER = 0.62
FAR = 14
"""Lines that a name moves, at most."""


def densest(points: np.ndarray) -> np.ndarray:
    """The one of `points` [n, 2] whose nearest third of the others lies nearest to it. Unlike a median it is in a
    cluster also where there are several."""
    distance = np.sort(cdist(points, points), axis=1)
    return points[distance[:, : 1 + -(-len(points) // 3)].mean(axis=1).argmin()]


def free_places(anchors: np.ndarray, sizes: np.ndarray, bounds: np.ndarray) -> np.ndarray:
    """Centres [C, 2] of boxes of `sizes` [C, 2] near `anchors` [C, 2] that overlap nowhere, within 0 and `bounds` [2].

    Greedy, in the order given; NaN for a box that finds no place within `FAR` lines.
    """
    steps = np.arange(-FAR, FAR + 1)
    shifts = np.array([(across, down) for across in steps / 2 for down in steps])
    found = np.full(anchors.shape, np.nan)
    for box, (anchor, size) in enumerate(zip(anchors, sizes, strict=True)):
        places = anchor + shifts * [size[0] / 4, size[1]]
        places = np.clip(places, size / 2, np.maximum(bounds - size / 2, size / 2))
        apart = np.abs(places[:, None] - found[None, :box]) >= (size + sizes[:box]) / 2 - 1e-9
        free = (apart.any(axis=2) | np.isnan(found[:box]).any(axis=1)).all(axis=1)
        if free.any():
            away = np.where(free, np.hypot(*(places - anchor).T), np.inf)
            found[box] = places[away.argmin()]
    return found


def place(axes: Axes, points: np.ndarray, names: np.ndarray, *, width: float, height: float, palette: Palette) -> int:
    """Write the names of points [M, 2], str [M], on a map of about so many CSS pixels, with a thread to where they
    belong; returns how many found no place."""
    kinds = np.unique(names)
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    low, scale = np.array([left, bottom]), np.array([width / (right - left), height / (top - bottom)])
    axes.set(xlim=(left, right), ylim=(bottom, top))
    anchors = (np.array([densest(points[names == kind]) for kind in kinds]) - low) * scale
    sizes = np.array([(LETTER * FONT * len(kind) + 4, FONT + 2) for kind in kinds])
    places = free_places(anchors, sizes, np.array([width, height]))
    # A page's style sheet draws the border of letters in its own colour of paper.
    border = [withStroke(linewidth=2.5, foreground="white")] if palette is PAPER else []
    for kind, anchor, at in zip(kinds, anchors / scale + low, places / scale + low, strict=True):
        if np.isnan(at).any():
            continue
        if np.abs((at - anchor) * scale).max() > FONT:
            axes.plot(*zip(anchor, at, strict=True), color=palette.muted, linewidth=0.6)
        axes.text(at[0], at[1], kind, fontsize=FONT, color=palette.ink, ha="center", va="center", path_effects=border)
    return int(np.isnan(places).any(axis=1).sum())
