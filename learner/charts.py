"""The charts of a report, as SVG elements that suit light, dark and paper."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple

import matplotlib
import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import EngFormatter, FuncFormatter, LogLocator, MaxNLocator, NullLocator

from agent.files import write_whole
from learner.evaluation import Row
from learner.pictured import PairPicture

RASTER_DPI = 160
"""Of what an SVG holds as pixels: clouds of points."""
SMALL = 340
"""Width of a small chart, CSS pixels."""
INK, MUTED, LINE, SHADE = "#010101", "#020202", "#030303", "#040404"
COLORS = ("#0100c1", "#0200c1", "#0300c1", "#0400c1", "#0500c1", "#0600c1", "#0700c1")
"""Stand-ins that matplotlib writes and the page replaces by its variables, so that one drawing suits light and dark."""
VARIABLES = {INK: "ink", MUTED: "muted", LINE: "line", SHADE: "shade"} | {c: f"c{i}" for i, c in enumerate(COLORS, 1)}
LIGHT = {"ink": "#1c2127", "muted": "#646d78", "line": "#dfe3e8", "shade": "#eaeff5"}
LIGHT |= {"c1": "#2a6fc9", "c2": "#c8621a", "c3": "#2b8a62", "c4": "#8656c4", "c5": "#c2417a", "c6": "#14889a"}
LIGHT |= {"c7": "#97750f"}
"""What the variables are on a light page, and in a picture of its own."""
RIGHT, WRONG = "#2b8a62", "#d13b3b"
"""Frames of pictures, on any page."""
SHARES = (
    "Accuracy while training",
    "kNN, validation objects",
    "Linear probe, online",
    "Share of time spent waiting",
    "Action retrieval",
    "Negatives of the same object",
)


class Palette(NamedTuple):
    """The colours of a drawing."""

    ink: str
    muted: str
    line: str
    series: tuple[str, ...]


PAGE = Palette(INK, MUTED, LINE, COLORS)
"""For the inside of a page, by `svg`."""
PAPER = Palette(LIGHT["ink"], LIGHT["muted"], LIGHT["line"], tuple(LIGHT[VARIABLES[color]] for color in COLORS))
"""For a file of its own, by `write_png`."""


class Curve(NamedTuple):
    """One line of a small chart: values float64 [N] over steps float64 [N]; solid, dashed or dotted."""

    label: str
    steps: np.ndarray
    values: np.ndarray
    color: str
    dash: str = "solid"


def drawing() -> AbstractContextManager[None]:
    """In which charts are made and written: text stays text, whatever it holds, and equal charts are equal bytes."""
    return matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "armplay", "text.parse_math": False})


def empty(width: float, height: float) -> Figure:
    """A figure of so many CSS pixels. Matplotlib's SVG counts in points, 72 an inch."""
    return Figure(figsize=(width / 72, height / 72), layout=ConstrainedLayoutEngine(w_pad=0.02, h_pad=0.03))


def styled(axes: Axes, palette: Palette = PAGE) -> Axes:
    """An empty chart in the manner of all others."""
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(palette.line)
    axes.tick_params(length=0, labelsize=10.5, labelcolor=palette.muted)
    axes.tick_params(which="minor", left=False)
    axes.grid(color=palette.line, linewidth=0.75)
    axes.set_axisbelow(True)
    for text in (axes.xaxis.label, axes.yaxis.label, axes.title):
        text.set(color=palette.muted if text is not axes.title else palette.ink, fontsize=10.5)
    return axes


def _axes(width: float, height: float) -> tuple[Figure, Axes]:
    figure = empty(width, height)
    return figure, styled(figure.add_subplot())


def _small(height: float, *, left: float) -> tuple[Figure, Axes]:
    """Axes in a small figure, one of dozens: at the same place in all, which also takes half the time to draw.

    `left` are the CSS pixels that labels are given there.
    """
    figure = Figure(figsize=(SMALL / 72, height / 72))
    axes = styled(figure.add_subplot())
    figure.subplots_adjust(left / SMALL, 24 / height, 1 - 8 / SMALL, 1 - 8 / height)
    return figure, axes


def svg(figure: Figure) -> Markup:
    """A drawing in the colours of `PAGE` as an SVG element for the inside of a page."""
    file = io.StringIO()
    metadata = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    figure.savefig(file, format="svg", transparent=True, metadata=metadata, dpi=RASTER_DPI)
    text = file.getvalue()
    for color, name in VARIABLES.items():
        text = text.replace(color, f"var(--{name})")
    # Inside a page, namespaces are implied, and the groups of several charts must not share their names.
    return Markup(re.sub(r' xmlns(:xlink)?="[^"]*"|(?<=<g) id="[^"]*"', "", text[text.index("<svg") :]))


def write_png(path: Path, figure: Figure) -> None:
    """A drawing in the colours of `PAPER` as a file, whole or not at all."""
    write_whole(path, lambda file: figure.savefig(file, format="png", dpi=110))


class Dot(NamedTuple):
    """An accuracy and the bar through it."""

    name: str
    """Of its line."""
    group: str
    """Of its colour and shape."""
    value: float
    low: float
    high: float


def accuracies(rows: Sequence[Row]) -> Markup:
    """Accuracies with their standard errors, a line a representation."""
    found = []
    for name, probe, score in rows:
        error = float(np.nan_to_num(score.standard_error))
        found.append(Dot(name, probe, score.accuracy, score.accuracy - error, score.accuracy + error))
    return dots(found, chance=rows[0].score.chance)


def dots(dots: Sequence[Dot], *, chance: float, top: float | None = None, width: float = 420) -> Markup:
    """Dots with bars: names from top to bottom, a colour and a shape for each group; the axis ends at `top`."""
    names = list(dict.fromkeys(dot.name for dot in dots))
    groups = list(dict.fromkeys(dot.group for dot in dots))
    figure, axes = _axes(width, 40 + (36 if len(groups) > 1 else 24) * len(names))
    for dot in dots:
        which = groups.index(dot.group)
        y = names.index(dot.name) + 0.26 * (which - (len(groups) - 1) / 2)
        error = [[dot.value - dot.low], [dot.high - dot.value]]
        color = COLORS[which % len(COLORS)]
        shape = "osD"[which % 3]
        # A dot at 0 is drawn whole.
        axes.errorbar(dot.value, y, xerr=np.maximum(error, 0), fmt=shape, color=color, markersize=6, clip_on=False)
    axes.axvline(chance, color=MUTED, linestyle="dotted")
    axes.set_yticks(range(len(names)), names, color=INK)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_xlim(0, top or 1)
    axes.grid(visible=False, axis="y")
    axes.xaxis.set_major_formatter(FuncFormatter(_per_cent_sign))
    return svg(figure)


def curves(title: str, curves: Sequence[Curve]) -> Markup:
    """One small chart of curves over training steps."""
    figure, axes = _small(170, left=50)
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
    return svg(figure)


def _number(value: float, _: int) -> str:
    """Thousands as k; but small numbers as they are, not in thousandths."""
    return EngFormatter(sep="")(value) if abs(value) >= 1000 else f"{value:.3g}".replace("-", "\N{MINUS SIGN}")


def _per_cent_sign(share: float, _: int) -> str:
    return f"{100 * share:.3g} %"


def commands(pair: PairPicture, peak: float) -> Markup:
    """The commands of a pair's episode over its frames: steps, because a command is held until the next frame."""
    figure, axes = _small(100, left=4)
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
    return svg(figure)
