"""The report of a run: one HTML file that needs nothing else, in light, in dark and on paper."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from learner.charts import COLORS, MUTED, Curve, accuracies, commands, drawing
from learner.evaluation import Row
from learner.health import diagnose
from learner.page import data_url, drawn, flatten, percent, unbroken, write_page
from learner.pictured import PairPicture
from learner.probes import Score

UNTRAINED = "untrained encoder"
BASELINES = (UNTRAINED, "raw pixels", "colour histogram")
CLEAR = 2.0
"""A difference counts as seen when it is more than this many of its standard errors."""
POINTS = 400
"""A curve is drawn from at most this many points, each the mean of its share of the log."""
ACCURACY = "Accuracy while training"
PANELS = {
    ACCURACY: {"probe/knn_validation": "kNN, validation", "probe/linear_online": "linear, online"},
    "Speed, per second": {"speed/frames_per_s": "frames in", "speed/samples_per_s": "samples out"},
    "Replay ratio": {"speed/replay_ratio": "samples per frame"},
    "Share of time spent waiting": {"wait/learner_share": "learner waits", "wait/arm_share": "arm waits"},
    "Replay buffer": {"buffer/episodes": "episodes"},
}
"""Titles of the small charts after the losses; keys of the log and their names."""
HEALTH = {
    "Embedding standard deviation": {"health/std": "relative to an even spread"},
    "Effective rank": {"health/rank": "dimensions in use"},
    "Alignment": {"health/alignment": "squared distance"},
    "Uniformity": {"health/uniformity": "log potential"},
    "Action retrieval": {"health/retrieval_top1": "own pair nearest"},
    "Negatives of the same object": {"buffer/false_negatives": "false negatives"},
}
"""As `PANELS`, of the section on the learner's health."""


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
    width: int,
    notes: Sequence[str] = (),
    category_names: Sequence[str] = (),
    test_instances: int | None = None,
) -> None:
    """Write the report to `path`, whole or not at all.

    Each row of `history` has `step`, and any of `seconds`, `loss`, `loss/<term>`, `loss/<term>_chance` and the keys in
    `PANELS` and `HEALTH`. `width` is the largest effective rank that could be seen: the smaller of batch and feature
    width. `category_names` gives the names of the labels 0, 1, ... in `Score.per_category`.
    """
    trained = _find(rows, lambda row: row.representation not in BASELINES)
    names = list(dict.fromkeys(row.representation for row in rows))
    peak = max((float(np.abs([pair.clean, pair.recorded]).max(initial=0)) for pair in pairs), default=0) or 1.0
    joints = max((pair.recorded.shape[1] for pair in pairs), default=0)
    with drawing():
        write_page(
            path,
            "report.html.jinja",
            title=title,
            headline=headline(rows, steps=_last(history, "step"), test_instances=test_instances),
            notes=notes,
            seconds=_last(history, "seconds"),
            probes=list(dict.fromkeys(row.probe for row in rows)),
            table=[(name, [row for row in rows if row.representation == name]) for name in names],
            accuracies=accuracies(rows) if rows else None,
            warnings=_warnings(history, width),
            panels=drawn(panels(history, rows)),
            health=drawn(health_panels(history)),
            pairs=[
                (pair, data_url(pair.first), data_url(pair.second), commands(pair, peak) if joints else "")
                for pair in pairs
            ],
            peak=peak,
            colors=COLORS,
            joints=[COLORS[joint % len(COLORS)] for joint in range(joints)],
            corrupted=any(not np.array_equal(pair.clean, pair.recorded) for pair in pairs),
            categories=_per_category(trained, category_names),
            trained=trained,
            tables={"Settings": flatten(settings), "Machine": flatten(machine)},
            command=command,
        )


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
    return unbroken(text)


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
    keys = sorted({key for row in history for key in row if key.split("/")[0] == "loss"})
    names = {key: f"{key.partition('/')[2] or 'total'} loss" for key in keys if not key.endswith("_chance")}
    losses = {name.capitalize(): {key: name} for key, name in names.items()}
    found = _panels(history, losses | PANELS)
    if lines := found.get(ACCURACY):
        ends = np.array([min(line.steps[0] for line in lines), max(line.steps[-1] for line in lines)])
        levels = [row for row in rows if row.representation in BASELINES and row.probe == "kNN"]
        for row, color in zip(levels, COLORS[2:], strict=False):
            lines.append(Curve(row.representation, ends, np.full(2, row.score.accuracy), color, "dashed"))
        lines += [Curve("chance", ends, np.full(2, row.score.chance), MUTED, "dotted") for row in rows[:1]]
    return found


def health_panels(history: Sequence[Mapping[str, float]]) -> dict[str, list[Curve]]:
    """Titles and curves of the learner's health, of keys that occur."""
    return _panels(history, HEALTH)


def _panels(history: Sequence[Mapping[str, float]], panels: Mapping[str, Mapping[str, str]]) -> dict[str, list[Curve]]:
    """Curves of the keys of each panel that occur, and of their chance where it was logged."""
    found = {}
    for title, names in panels.items():
        lines = [curve(history, key, name, color) for (key, name), color in zip(names.items(), COLORS, strict=False)]
        lines += [curve(history, f"{key}_chance", "chance", MUTED, "dashed") for key in names]
        found[title] = [line for line in lines if len(line.steps)]
    return {title: lines for title, lines in found.items() if lines}


def _warnings(history: Sequence[Mapping[str, float]], width: int) -> list[str]:
    """What the last value of each key says of the learner's health; not every row has every key."""
    last: dict[str, float] = {}
    for row in history:
        last |= row
    return [f"{said[0].upper()}{said[1:]}." for said in diagnose(last, width=width)] if last else []


def curve(history: Sequence[Mapping[str, float]], key: str, label: str, color: str, dash: str = "solid") -> Curve:
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
