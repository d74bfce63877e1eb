"""The report of a run: one HTML file that needs nothing else, in light, in dark and on paper."""

from __future__ import annotations

import base64
import io
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import jinja2
import matplotlib
import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import EngFormatter, FuncFormatter, LogLocator, MaxNLocator, NullLocator

from agent.files import write_text
from learner.evaluation import Row
from learner.probes import Score

UNTRAINED = "untrained encoder"
BASELINES = (UNTRAINED, "raw pixels", "colour histogram")
CLEAR = 2.0
"""A difference counts as seen when it is more than this many of its standard errors."""
POINTS = 400
"""A curve is drawn from at most this many points, each the mean of its share of the log."""
INK, MUTED, LINE, SHADE = "#010101", "#020202", "#030303", "#040404"
COLORS = ("#0100c1", "#0200c1", "#0300c1", "#0400c1", "#0500c1", "#0600c1", "#0700c1")
"""Stand-ins that matplotlib writes and the page replaces by its variables, so that one drawing suits light and dark."""
VARIABLES = {INK: "ink", MUTED: "muted", LINE: "line", SHADE: "shade"} | {c: f"c{i}" for i, c in enumerate(COLORS, 1)}
ACCURACY = "Accuracy while training"
PANELS = {
    ACCURACY: {"probe/knn_validation": "kNN, validation", "probe/linear_online": "linear, online"},
    "Speed, per second": {"speed/frames_per_s": "frames in", "speed/samples_per_s": "samples out"},
    "Replay ratio": {"speed/replay_ratio": "samples per frame"},
    "Share of time spent waiting": {"wait/learner_share": "learner waits", "wait/arm_share": "arm waits"},
    "Replay buffer": {"buffer/episodes": "episodes"},
    "Negatives of the same object": {"buffer/false_negatives": "false negatives"},
}
"""Titles of the small charts after the losses; keys of the log and their names."""
SHARES = (ACCURACY, "Share of time spent waiting", "Negatives of the same object")


class PairPicture(NamedTuple):
    """One pair of frames as the learner saw it, with the commands of its episode."""

    first: np.ndarray
    """uint8 [H, W, 3], RGB."""
    second: np.ndarray
    """uint8 [H, W, 3], RGB."""
    clean: np.ndarray
    """float32 [T-1, D] rad/s: the commands of the episode."""
    recorded: np.ndarray
    """float32 [T-1, D] rad/s: what the learner was told."""
    span: tuple[int, int]
    """Frame numbers (t, t'); t' may come first."""
    category: str
    gap: float
    """s: time of t' minus time of t."""
    turn: float
    """rad: the object's true rotation between the two frames."""


class Curve(NamedTuple):
    """One line of a small chart: values float64 [N] over steps float64 [N]; solid, dashed or dotted."""

    label: str
    steps: np.ndarray
    values: np.ndarray
    color: str
    dash: str = "solid"


def write_report(
    path: Path,
    *,
    title: str,
    settings: Mapping[str, Any],
    machine: Mapping[str, Any],
    command: str,
    history: Sequence[Mapping[str, float]],
    rows: Sequence[Row],
    pairs: Sequence[PairPicture],
    notes: Sequence[str] = (),
    category_names: Sequence[str] = (),
    test_instances: int | None = None,
) -> None:
    """Write the report to `path`, whole or not at all.

    Each row of `history` has `step`, and any of `seconds`, `loss`, `loss/<term>`, `loss/<term>_chance` and the keys in
    `PANELS`. `category_names` gives the names of the labels 0, 1, ... in `Score.per_category`.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("learner"), autoescape=True, trim_blocks=True, undefined=jinja2.StrictUndefined
    )
    environment.filters |= {"percent": percent, "color": lambda color: f"var(--{VARIABLES[color]})"}
    trained = _find(rows, lambda row: row.representation not in BASELINES)
    names = list(dict.fromkeys(row.representation for row in rows))
    peak = max((float(np.abs([pair.clean, pair.recorded]).max(initial=0)) for pair in pairs), default=0) or 1.0
    joints = max((pair.recorded.shape[1] for pair in pairs), default=0)
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "armplay", "text.parse_math": False}):
        page = environment.get_template("report.html.jinja").render(
            title=title,
            headline=headline(rows, steps=_last(history, "step"), test_instances=test_instances),
            notes=notes,
            seconds=_last(history, "seconds"),
            probes=list(dict.fromkeys(row.probe for row in rows)),
            table=[(name, [row for row in rows if row.representation == name]) for name in names],
            accuracies=_accuracies(rows) if rows else None,
            panels=[(name, curves, _curves(name, curves)) for name, curves in panels(history, rows).items()],
            shares=SHARES,
            pairs=[(pair, _png(pair.first), _png(pair.second), _commands(pair, peak)) for pair in pairs],
            peak=peak,
            colors=COLORS,
            joints=[COLORS[joint % len(COLORS)] for joint in range(joints)],
            corrupted=any(not np.array_equal(pair.clean, pair.recorded) for pair in pairs),
            categories=_per_category(trained, category_names),
            trained=trained,
            tables={"Settings": flatten(settings), "Machine": flatten(machine)},
            command=command,
        )
    write_text(path, page)


def percent(share: float, decimals: int = 1) -> str:
    """A share as a number of percent, without the sign."""
    return f"{100 * share:.{decimals}f}"


def flatten(settings: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Nested settings as dotted names and their values, in the order given."""
    lines = []
    for name, value in settings.items():
        if isinstance(value, Mapping) and value:
            lines += flatten(value, f"{prefix}{name}.")
        else:
            lines.append((f"{prefix}{name}", str(value)))
    return lines


def headline(rows: Sequence[Row], *, steps: float | None = None, test_instances: int | None = None) -> str:
    """What the run shows, in plain words that claim no more than its standard errors allow."""
    start = "" if steps is None else f"After {steps:_.0f} steps, ".replace("_", "\N{NARROW NO-BREAK SPACE}")
    trained = _find(rows, lambda row: row.representation not in BASELINES)
    if trained is None:
        return f"{start}no trained encoder was measured, so this run says nothing about accuracy.".capitalize()
    score, where = trained.score, f"{len(trained.score.per_category)} categories"
    where = f"{test_instances} test instances of {where}" if test_instances else f"test instances of {where}"
    text = f"{start}{trained.representation} names {_with_error(score)} of the frames of {where} right "
    text += f"by {trained.probe}; chance is {percent(score.chance)} %"
    if not score.accuracy - score.chance > CLEAR * score.standard_error:  # nor where there is no standard error
        text += ", which this does not clearly exceed"
    same = [row for row in rows if row.probe == trained.probe]
    untrained = _find(same, lambda row: row.representation == UNTRAINED)
    if untrained is None:
        text += ", and no untrained encoder was measured beside it."
    else:
        text += f", and the untrained encoder reaches {_with_error(untrained.score)}: {_gain(score, untrained.score)}."
    level = [row for row in same if row.representation in BASELINES and row.representation != UNTRAINED]
    level = [row for row in level if not _clearly_above(score, row.score)]
    if level:
        others = " or ".join(f"{row.representation} ({_with_error(row.score)})" for row in level)
        text += f" It does not clearly exceed {others}."
    return text.replace(" ± ", "\N{NO-BREAK SPACE}±\N{NO-BREAK SPACE}").replace(" %", "\N{NO-BREAK SPACE}%")


def _gain(score: Score, untrained: Score) -> str:
    """What training changed, in the words that its standard error allows."""
    gain, error = _difference(score, untrained)
    if math.isnan(error):
        return f"a difference of {100 * gain:+.1f} points without a standard error, which shows nothing yet"
    if abs(gain) > CLEAR * error:
        return f"training {'gained' if gain > 0 else 'lost'} {percent(abs(gain))} ± {percent(error)} points"
    text = f"the difference of {100 * gain:+.1f} ± {percent(error)} points is within two standard errors"
    return f"{text}, so this run shows no gain from training"


def panels(history: Sequence[Mapping[str, float]], rows: Sequence[Row]) -> dict[str, list[Curve]]:
    """Titles and curves of the small charts, of keys that occur; losses and accuracies beside what they must beat."""
    found = {}
    for key in sorted({key for row in history for key in row if key.split("/")[0] == "loss"}):
        if not key.endswith("_chance"):
            name = f"{key.partition('/')[2] or 'total'} loss"
            chance = _curve(history, f"{key}_chance", "chance", MUTED, "dashed")
            found[name.capitalize()] = [_curve(history, key, name, COLORS[0]), chance]
    for title, names in PANELS.items():
        pairs = zip(names.items(), COLORS, strict=False)
        found[title] = [_curve(history, key, name, color) for (key, name), color in pairs]
    found = {title: [line for line in lines if len(line.steps)] for title, lines in found.items()}
    if lines := found[ACCURACY]:
        ends = np.array([min(line.steps[0] for line in lines), max(line.steps[-1] for line in lines)])
        levels = [row for row in rows if row.representation in BASELINES and row.probe == "kNN"]
        for row, color in zip(levels, COLORS[2:], strict=False):
            lines.append(Curve(row.representation, ends, np.full(2, row.score.accuracy), color, "dashed"))
        lines += [Curve("chance", ends, np.full(2, row.score.chance), MUTED, "dotted") for row in rows[:1]]
    return {title: lines for title, lines in found.items() if lines}


def _curve(history: Sequence[Mapping[str, float]], key: str, label: str, color: str, dash: str = "solid") -> Curve:
    """The finite values of a key; of a long log, means of consecutive values."""
    seen = [(row["step"], row[key]) for row in history if math.isfinite(row.get(key, math.nan))]
    blocks = np.array_split(np.array(seen, float).reshape(-1, 2), min(POINTS, len(seen)) or 1)
    steps, values = np.array([block.mean(axis=0) for block in blocks if len(block)]).reshape(-1, 2).T
    return Curve(label, steps, values, color, dash)


def _find(rows: Iterable[Row], wanted: Any) -> Row | None:
    """The first wanted row, of kNN if there is one."""
    return min((row for row in rows if wanted(row)), key=lambda row: row.probe != "kNN", default=None)


def _last(history: Sequence[Mapping[str, float]], key: str) -> float | None:
    return next((row[key] for row in reversed(history) if key in row), None)


def _difference(score: Score, other: Score) -> tuple[float, float]:
    """Accuracy above the other's and its standard error, as if the two were independent (they share their frames)."""
    return score.accuracy - other.accuracy, math.hypot(score.standard_error, other.standard_error)


def _clearly_above(score: Score, other: Score) -> bool:
    gain, error = _difference(score, other)
    return gain > CLEAR * error


def _with_error(score: Score) -> str:
    error = "" if math.isnan(score.standard_error) else f" ± {percent(score.standard_error)}"
    return f"{percent(score.accuracy)}{error} %"


def _per_category(row: Row | None, names: Sequence[str]) -> list[tuple[str, float]]:
    """Names and accuracies of the categories, the best first."""
    pairs = sorted(row.score.per_category.items(), key=lambda pair: -pair[1]) if row else []
    return [(names[label] if label < len(names) else f"category {label}", share) for label, share in pairs]


def _png(frame: np.ndarray) -> str:
    """A data URL of a frame uint8 [H, W, 3]."""
    _, encoded = cv2.imencode(".png", np.ascontiguousarray(frame[..., ::-1]))
    return "data:image/png;base64," + base64.b64encode(encoded.tobytes()).decode()


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


def _accuracies(rows: Sequence[Row]) -> Markup:
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


def _curves(title: str, curves: Sequence[Curve]) -> Markup:
    """One small chart of curves over training steps."""
    figure, axes = _axes(340, 170)
    for curve in curves:
        marker = "o" if len(curve.steps) == 1 else None
        axes.plot(curve.steps, curve.values, linestyle=curve.dash, color=curve.color, linewidth=1.6, marker=marker)
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
        axes.set_ylim(bottom=low if title.endswith("loss") else min(0, low))
    axes.yaxis.set_major_formatter(FuncFormatter(_per_cent_sign) if title in SHARES else EngFormatter(sep=""))
    axes.xaxis.set_major_locator(MaxNLocator(4, integer=True, steps=[1, 2, 2.5, 5, 10]))
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    return _svg(figure)


def _per_cent_sign(share: float, _: int) -> str:
    return f"{100 * share:.3g} %"


def _commands(pair: PairPicture, peak: float) -> Markup:
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
