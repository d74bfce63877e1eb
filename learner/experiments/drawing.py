"""The pictures of an experiment: accuracies with intervals, learning curves, and accuracy against a measured axis."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from textwrap import wrap
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from agent.files import write_whole
from learner.experiments.summary import PROTOCOLS, Row, the

COLORS = {
    "simclr": "#999999",
    "simclr-tt": "#0072B2",
    "aa-simclr": "#D55E00",
    "ciper": "#E69F00",
    "equimod": "#009E73",
    "byol-tt": "#56B4E9",
    "aa-byol": "#CC79A7",
    "vicreg-tt": "#004D40",
    "aa-vicreg": "#882255",
    "aa-bounded": "#661100",
    "aa-trusting": "#117733",
    "aa-soft": "#6699CC",
    "supervised": "#000000",
}
"""Of each method in every picture; told apart by the colour-blind too (Okabe and Ito's, and darker ones of Tol's)."""
MARKERS = dict(zip(COLORS, "osDv^<>PXhpd*", strict=True))
NAMES = {
    "knn": "kNN accuracy, %",
    "logistic": "logistic accuracy, %",
    "retrieval": "other pairs behind its own, % (chance 50)",
    "alignment": "viewpoint alignment, ratio in %",
}
STYLES = ("-", "--", ":", "-.", (0, (8, 2)), (0, (1, 3)))
"""Of the curves of one method: as many as there are curves."""
MOST_CURVES = len(STYLES)
LETTERS_AN_INCH = 17
"""Of a title."""


def save(path: Path, figure: Figure, title: str) -> None:
    """As PNG with that title, atomically."""
    lines = wrap(" ".join(title.split()), int(LETTERS_AN_INCH * figure.get_figwidth()))
    figure.suptitle("\n".join(lines), fontsize=8)
    write_whole(path, lambda file: figure.savefig(file, format="png", dpi=130))


def draw_accuracies(path: Path, rows: Sequence[Row], *, title: str, baselines: dict[str, float]) -> None:
    """Both protocols side by side: a line a condition, panel by panel, with intervals; below, what learned nothing."""
    lines = [row for row in rows if row.figure == "knn" and not row.beside]
    places = {row.condition: place for row, place in zip(lines, _stacked(lines), strict=True)}
    below = round(max(places.values()) + 1.6)
    ticks = {**places, **{name: below + number for number, name in enumerate(baselines)}}
    figure = _beside(ticks)
    for axes, protocol in zip(figure.axes, PROTOCOLS, strict=True):
        for row in rows:
            if row.figure == protocol and not row.beside:
                _dot(axes, row, places[row.condition])
        axes.set_xlabel(NAMES[protocol])
    for place, share in zip(range(below, below + len(baselines)), baselines.values(), strict=True):
        figure.axes[0].plot(100 * share, place, marker="|", color="0.4", markersize=8)
    save(path, figure, title)


def over(row: Row) -> str:
    """What gains over what."""
    return f"{row.condition} over {row.beside}"


def draw_differences(
    path: Path, rows: Sequence[Row], *, title: str, papers: Mapping[str, float], label: Callable[[Row], str] = over
) -> None:
    """What each condition gains over others, paired: an interval without 0 tells the two apart, however far those of
    their accuracies overlap. `papers` are points that AA-SSL gained over a method by a linear probe."""
    lines = [row for row in rows if row.figure == "knn" and row.beside]
    places = {label(row): place for row, place in zip(lines, _stacked(lines), strict=True)}
    figure = _beside(places)
    for axes, protocol in zip(figure.axes, PROTOCOLS, strict=True):
        axes.axvline(0, color="0.4", linewidth=0.8)
        for row in rows:
            if row.figure == protocol and row.beside:
                _dot(axes, row, places[label(row)])
        axes.set_xlabel(f"gain in {NAMES[protocol].replace('%', 'points')}")
    name: str | None = "the paper's, on RT4K"
    for row in lines:
        gain = papers.get(row.beside.partition(",")[0])
        if row.method == "aa-simclr" and gain is not None:
            place = places[label(row)]
            figure.axes[1].plot(gain, place, marker="|", color="0.4", markersize=9, linestyle="", label=name)
            name = None
    if name is None:
        figure.legend(loc="outside lower right", fontsize=7, frameon=False)
    save(path, figure, title)


def _beside(ticks: dict[str, float]) -> Figure:
    """Both protocols side by side, with a line for each tick."""
    last = max(ticks.values())
    figure = Figure(figsize=(9, 1.5 + 0.24 * (last + 1)), layout="constrained")
    for axes in figure.subplots(1, 2, sharey=True):
        axes.grid(axis="x", color="0.9")
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
    figure.axes[0].set_yticks([*ticks.values()], [*ticks], fontsize=7)
    figure.axes[0].set_ylim(last + 0.7, -0.7)
    return figure


def _stacked(lines: Sequence[Row]) -> list[float]:
    """Where each line stands; panels are half a line apart."""
    places: list[float] = []
    for number, row in enumerate(lines):
        apart = 1.0 if row.panel == lines[number - 1].panel else 1.6
        places.append(places[-1] + apart if places else 0.0)
    return places


def _dot(axes: Axes, row: Row, place: float) -> None:
    values = 100 * np.array([row.estimate, row.low, row.high])
    axes.errorbar(
        values[0],
        place,
        xerr=[[max(0.0, values[0] - values[1])], [max(0.0, values[2] - values[0])]],
        fmt=MARKERS[row.method],
        color=COLORS[row.method],
        markersize=5,
        capsize=2,
    )


def draw_curves(path: Path, looks: Sequence[dict[str, Any]], methods: dict[str, str], *, title: str) -> None:
    """Validation accuracy while learning, and the action loss beside its chance: means over seeds, least to most
    shaded; the first conditions of `methods`, which names the method of each."""
    figure = Figure(figsize=(9, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    seen: dict[str, int] = {}
    for name, method in [*methods.items()][:MOST_CURVES]:
        own = [look for look in looks if look["condition"] == name]
        style = STYLES[seen.get(method, 0)]
        seen[method] = seen.get(method, 0) + 1
        draw = partial(_curve, own=own, color=COLORS[method], style=style, label=name)
        draw(left, "knn_validation", scale=100)
        draw(right, "action_loss")
        draw(right, "action_chance", color="0.6", style="dotted")
    left.set_ylabel("kNN on validation instances, %")
    right.set_ylabel("action loss, nats (dotted: chance)")
    for axes in (left, right):
        axes.set_xlabel("steps")
        axes.grid(color="0.9")
        axes.spines[["top", "right"]].set_visible(False)
    left.set_ylim(bottom=0)  # the action loss stays near its chance for long: from 0 on nothing could be told apart
    lines = left.get_legend_handles_labels()
    figure.legend(*lines, loc="outside lower center", ncols=3, fontsize=7, frameon=False, handlelength=4)
    right.set_visible(bool(right.lines))
    save(path, figure, title)


def _curve(
    axes: Axes,
    field: str,
    *,
    own: Sequence[dict[str, Any]],
    color: str,
    style: Any,
    label: str,
    scale: float = 1,
) -> None:
    values: dict[int, list[float]] = {}
    for look in own:
        if look[field] is not None:
            values.setdefault(look["step"], []).append(scale * look[field])
    if not values:
        return
    steps = sorted(values)
    axes.plot(
        steps, [np.mean(values[step]) for step in steps], color=color, linestyle=style, linewidth=1.3, label=label
    )
    least, most = ([of(values[step]) for step in steps] for of in (min, max))
    axes.fill_between(steps, least, most, color=color, alpha=0.12, linewidth=0)


def draw_seen(path: Path, looks: Sequence[dict[str, Any]], *, title: str) -> None:
    """Accuracy of live runs against the frames that they have seen: means over seeds, least to most shaded."""
    figure = Figure(figsize=(6.5, 4), layout="constrained")
    axes = figure.subplots()
    names = dict.fromkeys(look["condition"] for look in looks)
    styles = ("-", "--", "-.", ":", (0, (4, 1, 1, 1)))
    for name, color, style in zip(names, [*COLORS.values()][1:], styles, strict=False):
        own = [{"step": look["frames"], "knn": look["knn"]} for look in looks if look["condition"] == name]
        _curve(axes, "knn", own=own, color=color, style=style, label=name, scale=100)
    axes.set_xlabel("frames seen (shaded: least to most of the seeds)")
    axes.set_ylabel(NAMES["knn"])
    axes.set_xlim(left=0)
    axes.grid(color="0.9")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(fontsize=7, frameon=False)
    save(path, figure, title)


def draw_noise(path: Path, rows: Sequence[Row], *, figure_name: str, title: str) -> None:
    """A panel a kind: the figure against the measured error, from the clean AA-SimCLR on; dashed is SimCLR-TT, which
    knows no action."""
    kinds = [kind for kind in dict.fromkeys(row.panel for row in rows) if kind != "clean"]
    columns = min(4, len(kinds))
    lines = -(-len(kinds) // columns)
    figure = Figure(figsize=(0.6 + 2.3 * columns, 1.2 + 2.1 * lines), layout="constrained")
    panels = figure.subplots(lines, columns, sharey=True, sharex=True, squeeze=False).ravel()
    for axes, kind in zip(panels, kinds, strict=False):
        for name in ("simclr-tt", "aa-simclr"):
            clean = the(rows, name, figure_name)
            if clean is not None:
                style = "--" if name == "simclr-tt" else "-"
                label = f"{name}, clean"
                axes.axhline(100 * clean.estimate, color=COLORS[name], linestyle=style, linewidth=0.8, label=label)
                axes.axhspan(100 * clean.low, 100 * clean.high, color=COLORS[name], alpha=0.12, linewidth=0)
        _along(axes, rows, kind, figure_name)
        axes.set_title(kind, fontsize=8)
        axes.tick_params(labelsize=7)
        axes.spines[["top", "right"]].set_visible(False)
    for number, axes in enumerate(panels):
        axes.set_visible(number < len(kinds))
        axes.tick_params(labelbottom=number + columns >= len(kinds))  # of the last one in its column
    panels[0].legend(fontsize=6, frameon=False)
    figure.supylabel(NAMES[figure_name], fontsize=8)
    figure.supxlabel("measured relative error of the told action (0: exact, 1: as if nothing moved)", fontsize=8)
    save(path, figure, title)


def _along(axes: Axes, rows: Sequence[Row], kind: str, figure_name: str) -> None:
    points = []
    for row in rows:
        if row.figure == figure_name and not row.beside and (row.panel == kind or row.condition == "aa-simclr"):
            error = the(rows, row.condition, "error")
            if error is not None:
                points.append((error.estimate, row.estimate, row.low, row.high))
    if not points:
        return
    x, y, low, high = np.array(sorted(points)).T
    bars = [100 * np.maximum(0, y - low), 100 * np.maximum(0, high - y)]
    axes.errorbar(
        x, 100 * y, yerr=bars, color=COLORS["aa-simclr"], marker="D", markersize=3.5, capsize=2, linewidth=1.2
    )
