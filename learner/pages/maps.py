"""Maps of a representation: t-SNE and principal components of its features, by category and by viewpoint."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, hsv_to_rgb
from matplotlib.figure import Figure
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from threadpoolctl import threadpool_limits

from learner.analysis import POLE
from learner.charts import Palette, empty, styled
from learner.pages.labels import place
from learner.protocols.few_shot import unit

MOST = 2000
"""Frames on a map, at most."""
COMPONENTS = 50
"""Principal components that t-SNE is made from, at most."""
FEWEST = 4
"""Frames; a map of fewer says nothing."""
AROUND = LinearSegmentedColormap.from_list("around", ["#2a6fc9", "#2b8a62", "#d9a520", "#c2417a", "#2a6fc9"])
"""Cyclic: 0 and 360 degrees are one colour; each can be seen on light and on dark."""
UNKNOWN = "#9aa0a6"
"""A grey that can be seen on both."""
PANEL = 400.0
"""Width and height of a map in CSS pixels."""


class Map(NamedTuple):
    """Where M frames lie on the plane."""

    tsne: np.ndarray
    """float64 [M, 2]: only who is whose neighbour means something."""
    pca: np.ndarray
    """float64 [M, 2]: the first two principal components."""
    explained: np.ndarray
    """float64 [2]: share of the variance that each of those holds."""


class Known(NamedTuple):
    """What is known of the M frames of a map."""

    names: np.ndarray
    """str [M]: of their categories."""
    view: np.ndarray
    """float64 [M, 2] degrees, as in `learner.data.Frames`."""
    objects: int


def spread(instances: np.ndarray, rng: np.random.Generator, *, most: int = MOST) -> np.ndarray:
    """Positions in `instances` int [N] of at most `most` frames, ascending: no object has two more than another that
    has more to give."""
    shuffled = rng.permutation(len(instances))
    by_object = shuffled[np.argsort(instances[shuffled], kind="stable")]
    own = instances[by_object]
    rank = np.empty(len(instances), dtype=np.int64)
    rank[by_object] = np.arange(len(own)) - np.searchsorted(own, own)
    return np.sort(np.lexsort((np.argsort(shuffled), rank))[:most])


def project(features: np.ndarray, *, seed: int) -> Map:
    """Map features [M, F] of unit length, in which Euclidean distance says what cosine similarity says, to the plane.

    scikit-learn's t-SNE (perplexity 30, or a third of the frames where they are few) starts from the principal
    components, `COMPONENTS` of which it sees. Features that are all one give a map that is one point.
    """
    rows = unit(features.astype(np.float64))
    if rows.std(axis=0).max() < 1e-9:
        return Map(np.zeros((len(rows), 2)), np.zeros((len(rows), 2)), np.zeros(2))
    reduced = PCA(min(COMPONENTS, *rows.shape), random_state=seed).fit(rows)
    found = reduced.transform(rows)
    perplexity = min(30.0, (len(rows) - 1) / 3)
    # On few frames threads wait for each other longer than they work, on a busy machine a hundred times so.
    with threadpool_limits(None if len(rows) > 1000 else 1):
        tsne = TSNE(perplexity=perplexity, init="pca", random_state=seed).fit_transform(found)
    return Map(tsne, found[:, :2], reduced.explained_variance_ratio_[:2])


def draw_maps(maps: Mapping[str, Map], known: Known, palette: Palette, *, columns: int) -> Figure:
    """All maps of all encoders, `columns` beside each other: by category and, where any is known, by azimuth."""
    azimuth = has_azimuth(known.view)
    colorings = ("category", "azimuth") if azimuth.any() else ("category",)
    panels = [(name, kind, by) for name in maps for kind in ("t-SNE", "PCA") for by in colorings]
    columns = min(columns, len(panels))
    lines = -(-len(panels) // columns)
    figure = empty(PANEL * columns, (PANEL + 30) * lines)
    for number, (name, kind, by) in enumerate(panels, start=1):
        axes = _plane(figure.add_subplot(lines, columns, number), maps[name], kind, palette)
        points = maps[name].tsne if kind == "t-SNE" else maps[name].pca
        title = f"{kind} by {by}: {len(points)} frames of {known.objects} objects"
        axes.set_title(f"{name[-40:]}\n{title}" if len(maps) > 1 else title, fontsize=10.5, color=palette.ink)
        if by == "category":
            _by_category(axes, points, known.names, palette)
        else:
            _by_azimuth(figure, axes, points, np.where(azimuth, known.view[:, 1], np.nan), palette)
    return figure


def has_azimuth(view: np.ndarray) -> np.ndarray:
    """Whether each azimuth of views [M, 2] is known, bool [M], and means something: not from straight above or
    below."""
    polar = np.where(np.isnan(view[:, 0]), 90.0, view[:, 0])
    return ~np.isnan(view[:, 1]) & (polar >= POLE) & (polar <= 180 - POLE)


def category_colors(names: Sequence[str]) -> dict[str, np.ndarray]:
    """A colour for each name: ten that differ well, or as many hues as there are names, neighbours far apart."""
    if len(names) <= 10:
        return dict(zip(names, matplotlib.colormaps["tab10"](range(10)), strict=False))
    hues = np.arange(len(names)) * 0.618034 % 1
    values = np.where(np.arange(len(names)) % 2, 0.85, 0.65)
    return dict(zip(names, hsv_to_rgb(np.stack([hues, np.full(len(names), 0.7), values], axis=1)), strict=True))


def _plane(axes: Axes, of: Map, kind: str, palette: Palette) -> Axes:
    styled(axes, palette)
    axes.grid(visible=False)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set(visible=True, color=palette.line)
    if kind == "t-SNE":
        labels = ["t-SNE 1, no unit", "t-SNE 2, no unit"]
    else:
        shares = enumerate(of.explained, start=1)
        labels = [f"component {n}: {100 * share:.0f} % of the variance" for n, share in shares]
    axes.set_xlabel(labels[0])
    axes.set_ylabel(labels[1])
    axes.margins(0.04)
    return axes


def _by_category(axes: Axes, points: np.ndarray, names: np.ndarray, palette: Palette) -> None:
    colors = category_colors(np.unique(names).tolist())
    _scatter(axes, points, np.array([colors[name] for name in names]), len(points))
    left = place(axes, points, names, width=PANEL - 40, height=PANEL - 40, palette=palette)
    if left:
        axes.set_title(f"{axes.get_title()}, {left} names left out", fontsize=10.5, color=palette.ink)


def _by_azimuth(figure: Figure, axes: Axes, points: np.ndarray, azimuth: np.ndarray, palette: Palette) -> None:
    known = ~np.isnan(azimuth)
    _scatter(axes, points[~known], UNKNOWN, len(points))
    _scatter(axes, points[known], AROUND(azimuth[known] / 360 % 1), len(points))
    scale = matplotlib.cm.ScalarMappable(matplotlib.colors.Normalize(0, 360), AROUND)
    bar = figure.colorbar(scale, ax=axes, orientation="horizontal", shrink=0.6, aspect=40, pad=0.01)
    bar.set_ticks([0, 90, 180, 270, 360])
    bar.ax.tick_params(length=0, labelsize=9, labelcolor=palette.muted)
    bar.set_label("azimuth, degrees" + ("" if known.all() else "; grey: not known"), fontsize=9.5, color=palette.muted)
    bar.outline.set_visible(False)


def _scatter(axes: Axes, points: np.ndarray, color: Any, among: int) -> None:
    """Pixels also in an SVG: thousands of circles make a page slow."""
    size = 14 if among < 500 else 8
    axes.scatter(points[:, 0], points[:, 1], s=size, c=color, alpha=0.75, linewidths=0, rasterized=True)
