"""How the encoders of an evaluation were trained: settings, curves and command lines of their runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from agent.files import read_json
from learner.charts import COLORS, Curve
from learner.export import CONFIG
from learner.page import flatten
from learner.report import curve
from learner.run import stored_history
from sim.errors import InputError

CURVES = {
    "kNN, validation objects": "probe/knn_validation",
    "Linear probe, online": "probe/linear_online",
    "Total loss": "loss",
    "Effective rank": "health/rank",
}
"""Titles of the charts that lay runs over each other, and their keys in the log."""


class Trained(NamedTuple):
    """What a folder says of how its encoder came about."""

    settings: dict[str, str]
    """Dotted names and values."""
    command: str
    """Empty where it is not known."""
    history: list[dict[str, float]]
    """Rows of the log; none where only the encoder was kept."""


def read_trained(folder: Path) -> Trained:
    """What the folder of a run, or of an exported encoder, says. Raises InputError for a foreign one."""
    try:
        if (folder / "settings.json").exists():
            run = read_json(folder / "settings.json")
            return Trained(dict(flatten(run["settings"])), run["command"], stored_history(folder))
        config = folder / CONFIG if (folder / CONFIG).exists() else folder / "encoder" / CONFIG
        about = read_json(config)
        about["trained"] = {name: value for name, value in about["trained"].items() if name != "scores"}
        return Trained(dict(flatten(about)), "", [])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{folder}: does not tell how its encoder was trained ({error})") from None


def overlaid(runs: Mapping[str, Trained]) -> dict[str, list[Curve]]:
    """Titles and curves, one of each run that logged such."""
    found = {}
    for title, key in CURVES.items():
        lines = [curve(run.history, key, name, color) for (name, run), color in zip(runs.items(), COLORS, strict=False)]
        found[title] = [line for line in lines if len(line.steps)]
    return {title: lines for title, lines in found.items() if lines}


def apart(runs: Sequence[Trained]) -> tuple[list[tuple[str, list[str]]], list[tuple[str, str]]]:
    """Settings that differ between runs, with the value of each (a dash where it has none), and those that agree."""
    names = list(dict.fromkeys(name for run in runs for name in run.settings))
    rows = [(name, [run.settings.get(name, "\N{EN DASH}") for run in runs]) for name in names]
    differ = [row for row in rows if len(set(row[1])) > 1]
    return differ, [(name, values[0]) for name, values in rows if len(set(values)) == 1]
