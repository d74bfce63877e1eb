"""The charts of a report, as SVG elements that suit light, dark and paper."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import EngFormatter, FuncFormatter, LogLocator, MaxNLocator, NullLocator

from learner.evaluation import Row

INK, MUTED, LINE, SHADE = "#010101", "#020202", "#030303", "#040404"
COLORS = ("#0100c1", "#0200c1", "#0300c1", "#0400c1", "#0500c1", "#0600c1", "#0700c1")
"""Stand-ins that matplotlib writes and the page replaces by its variables, so that one drawing suits light and dark."""
VARIABLES = {INK: "ink", MUTED: "muted", LINE: "line", SHADE: "shade"} | {c: f"c{i}" for i, c in enumerate(COLORS, 1)}
SHARES = (
    "Accuracy while training",
    "Share of time spent waiting",
    "Action retrieval",
    "Negatives of the same object",
)


class PairPicture(NamedTuple):
    """One pair of frames as the learner saw it, with the commands of its episode."""

    first: np.ndarray
    """uint8 [H, W, 3], RGB."""
    second: np.ndarray
    """uint8 [H, W, 3], RGB."""
    clean: np.ndarray
    """float32 [T-1, D] rad/s: the commands of the episode; [0, 0] where none are known."""
    recorded: np.ndarray
    """float32 [T-1, D] rad/s: what the learner was told."""
    span: tuple[int, int]
    """Frame numbers (t, t'); t' may come first."""
    category: str
    gap: float
    """s: time of t' minus time of t; NaN where it is not known."""
    turn: float
    """rad: the object's true rotation between the two frames; NaN where it is not known."""


class Curve(NamedTuple):
    """One line of a small chart: values float64 [N] over steps float64 [N]; solid, dashed or dotted."""

    label: str
    steps: np.ndarray
    values: np.ndarray
    color: str
    dash: str = "solid"


def _axes(width: float, height: float) -> tuple[Figure, Axes]:
    """An empty chart of so many CSS pixels. Matplotlib's SVG counts in points, 72 an inch."""
    figure = Figure(figsize=(width / 72, height / 72), layout=ConstrainedLayoutEngine(w_pad=0.02, h_pad=0.03))
    axes = figure.add_subplot()
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(LINE)
    axes.tick_params(length=0, labelsize=10.5, labelcolor=MUTED)
    axes.tick_params(which="minor", left=False)
    axes.grid(color=LINE, linewidth=0.75)
    axes.set_axisbelow(True)
    return figure, axes


def _svg(figure: Figure) -> Markup:
    """The chart as an SVG element for the inside of a page."""
    file = io.StringIO()
    figure.savefig(file, format="svg", transparent=True, metadata=dict.fromkeys(("Creator", "Date", "Format", "Type")))
    text = file.getvalue()
    for color, name in VARIABLES.items():
        text = text.replace(color, f"var(--{name})")
    # Inside a page, namespaces are implied, and the groups of several charts must not share their names.
    return Markup(re.sub(r' xmlns(:xlink)?="[^"]*"|(?<=<g) id="[^"]*"', "", text[text.index("<svg") :]))


def accuracies(rows: Sequence[Row]) -> Markup:
    """Dots with error bars: representations from top to bottom, a colour and a shape for each probe."""
    names = list(dict.fromkeys(row.representation for row in rows))
    probes = list(dict.fromkeys(row.probe for row in rows))
    figure, axes = _axes(420, 40 + 36 * len(names))
    for row in rows:
        which = probes.index(row.probe)
        y = names.index(row.representation) + 0.26 * (which - (len(probes) - 1) / 2)
        color, error = COLORS[which % len(COLORS)], np.nan_to_num(row.score.standard_error)
        axes.errorbar(row.score.accuracy, y, xerr=error, fmt="osD"[which % 3], color=color, markersize=6)
    axes.axvline(rows[0].score.chance, color=MUTED, linestyle="dotted")
    axes.set_yticks(range(len(names)), names, color=INK)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_xlim(left=0)
    axes.grid(visible=False, axis="y")
    axes.xaxis.set_major_formatter(FuncFormatter(_per_cent_sign))
    return _svg(figure)


def curves(title: str, curves: Sequence[Curve]) -> Markup:
    """One small chart of curves over training steps."""
    figure, axes = _axes(340, 170)
    for curve in curves:
        marker = "o" if len(curve.steps) == 1 else None
        (line,) = axes.plot(
            curve.steps, curve.values, linestyle=curve.dash, color=curve.color, linewidth=1.6, marker=marker
        )
        line.set(zorder=3, clip_on=False)  # along the bottom too, it is drawn whole
    low, high = axes.get_ylim()
    if title.startswith("Speed") and min(curve.values.min() for curve in curves) > 0:
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_minor_locator(NullLocator())
        # Room for two labels at least, whatever the speed.
        axes.set_ylim(min(curve.values.min() for curve in curves) / 2, high * 1.5)
    else:
        axes.yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 2.5, 5, 10]))
        # A loss is read by its distance from chance, everything else by its distance from nothing.
        if not title.endswith("loss"):
            values = np.concatenate([curve.values for curve in curves])
            axes.set_ylim(low if values.min() < 0 else 0, high if values.max() >= 0 else 0)
    axes.yaxis.set_major_formatter(FuncFormatter(_per_cent_sign if title in SHARES else _number))
    axes.xaxis.set_major_locator(MaxNLocator(4, integer=True, steps=[1, 2, 2.5, 5, 10]))
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    return _svg(figure)


def _number(value: float, _: int) -> str:
    """Thousands as k; but small numbers as they are, not in thousandths."""
    return EngFormatter(sep="")(value) if abs(value) >= 1000 else f"{value:.3g}".replace("-", "\N{MINUS SIGN}")


def _per_cent_sign(share: float, _: int) -> str:
    return f"{100 * share:.3g} %"


def commands(pair: PairPicture, peak: float) -> Markup:
    """The commands of a pair's episode over its frames: steps, because a command is held until the next frame."""
    figure, axes = _axes(340, 100)
    frames = np.arange(len(pair.recorded) + 1)
    left, right = sorted(pair.span)
    axes.axvspan(left, right, color=SHADE, linewidth=0)
    for joint, (clean, told) in enumerate(zip(pair.clean.T, pair.recorded.T, strict=True)):
        if not np.array_equal(clean, told):
            axes.step(frames, [*clean, clean[-1]], where="post", color=MUTED, alpha=0.45, linewidth=2.5)
        color = COLORS[joint % len(COLORS)]
        axes.step(frames, [*told, told[-1]], where="post", color=color, linewidth=1.1)
    axes.set_ylim(-1.08 * peak, 1.08 * peak)
    axes.set_yticks([0], [""])
    axes.set_xlim(-1.2, len(frames) + 0.2)
    # Outside the span, so that they stay apart where it is a single frame.
    axes.set_xticks([left, right], ["t", "t\N{PRIME}"] if pair.span[0] <= pair.span[1] else ["t\N{PRIME}", "t"])
    for label, side in zip(axes.get_xticklabels(), ("right", "left"), strict=True):
        label.set(horizontalalignment=side, fontsize=12.5)
    axes.grid(visible=False, axis="x")
    return _svg(figure)
