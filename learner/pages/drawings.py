"""The drawings of an evaluation: accuracies, confusion matrices, alignment of viewpoints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from markupsafe import Markup
from matplotlib.colors import LinearSegmentedColormap, to_rgb
from matplotlib.figure import Figure
from sklearn.metrics import confusion_matrix

from learner.charts import LIGHT, Dot, Palette, dots, empty, styled
from learner.examination import Finding
from learner.protocols import Result

SHARES = LinearSegmentedColormap.from_list("shares", [(*to_rgb(LIGHT["c1"]), alpha) for alpha in (0, 0.55, 1)])
"""From nothing, which is paper of any colour, to blue."""
DASHES = ("solid", "dashed", "dotted", "dashdot")


def draw_accuracies(found: Sequence[Finding]) -> list[tuple[str, Markup]]:
    """Of each protocol its name, and the accuracies of all representations with their intervals, on one scale."""
    top = min(1.02, 1.05 * max(finding.accuracy.high for finding in found))
    charts = []
    for protocol in dict.fromkeys(finding.protocol for finding in found):
        rows = [finding for finding in found if finding.protocol == protocol]
        marks = [
            Dot(row.representation[-24:], protocol, row.accuracy.estimate, row.accuracy.low, row.accuracy.high)
            for row in rows
        ]
        charts.append((protocol, dots(marks, chance=rows[0].chance, top=top, width=340)))
    return charts


def draw_confusion(
    results: Mapping[str, Result], categories: Sequence[str], palette: Palette, *, names: Sequence[str]
) -> Figure:
    """What each tested category is taken for, in shares of its frames: of the encoders `names` beside each other, with
    all categories that occur in any of `results`."""
    is_, said = (_occurring(results, which) for which in ("labels", "predictions"))
    said = np.union1d(is_, said)
    longest = max(len(categories[label]) for label in said)
    width, height = (max(240.0, 13.0 * len(labels)) + 6.0 * longest for labels in (said, is_))
    figure = empty((width + 120) * len(names), height + 60)
    for number, name in enumerate(names, start=1):
        result = results[name]
        axes = styled(figure.add_subplot(1, len(names), number), palette)
        shares = confusion_matrix(result.labels, result.predictions, labels=said, normalize="true")
        shares = shares[np.searchsorted(said, is_)]
        shown = axes.imshow(shares, cmap=SHARES, vmin=0, vmax=1, interpolation="nearest")
        axes.grid(visible=False)
        axes.spines[:].set(visible=True, color=palette.line)
        axes.tick_params(labelsize=9)
        axes.set_xticks(range(len(said)), [categories[label] for label in said], rotation=90)
        axes.set_yticks(range(len(is_)), [categories[label] for label in is_])
        axes.set_xlabel("taken for")
        axes.set_ylabel("is")
        axes.set_title(f"{name[-40:]}: {100 * result.score.accuracy:.1f} % right by {result.protocol}")
        bar = figure.colorbar(shown, ax=axes, shrink=0.5, aspect=30, pad=0.01)
        bar.outline.set_edgecolor(palette.line)
        bar.ax.tick_params(length=0, labelsize=9, labelcolor=palette.muted)
        bar.set_label("share of the category's frames", fontsize=9.5, color=palette.muted)
    return figure


def _occurring(results: Mapping[str, Result], which: str) -> np.ndarray:
    return np.unique(np.concatenate([getattr(result, which) for result in results.values()]))


def draw_alignment(holds: Mapping[str, Mapping[str, Any]], palette: Palette) -> Figure | None:
    """How alike features of different objects of a category are, by how different their viewpoints are; None where
    views are not known."""
    lines = {name: held["alignment"] for name, held in holds.items() if "alignment" in held}
    if not lines:
        return None
    figure = empty(620, 330)
    axes = styled(figure.add_subplot(), palette)
    for number, (name, line) in enumerate(lines.items()):
        middle = (np.array(line["degrees"][1:]) + line["degrees"][:-1]) / 2
        cosine = np.array([np.nan if value is None else value for value in line["cosine"]])
        known = ~np.isnan(cosine)
        color, dash = palette.series[number % len(palette.series)], DASHES[number // len(palette.series) % len(DASHES)]
        axes.plot(middle[known], cosine[known], linestyle=dash, marker="o", markersize=3, color=color, label=name[-30:])
    axes.set_title("Different objects of a category, by how differently they are seen")
    axes.set_xlabel("difference of viewpoints, degrees")
    axes.set_ylabel("mean cosine similarity of features")
    axes.legend(fontsize=9, frameon=False, labelcolor=palette.ink, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure
