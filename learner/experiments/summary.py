"""What the scores of a grid's trainings come to: figures with intervals, and paired differences."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from learner.experiments.design import Condition
from learner.experiments.grid import Grid
from learner.protocols import Interval, interval, paired
from sim.errors import InputError
from sim.seeding import stream

PROTOCOLS = ("knn", "logistic")
BOTH, SPREAD = "bootstrap over seeds and instances, 95 %", "least and most of the seeds"
ALIKE = "bootstrap over seeds and groups of near-duplicates, 95 %"
Found = Mapping[tuple[str, int], Mapping[str, Any]]
"""Condition and seed -> what `scoring` found."""


class Row(NamedTuple):
    """One figure of one condition, or how much larger it is than that of another."""

    condition: str
    panel: str
    method: str
    x: float | None
    figure: str
    beside: str
    """The condition that is taken away; empty for the figure itself."""
    estimate: float
    low: float
    high: float
    how: str
    """What low and high are."""
    seeds: int
    instances: int


def by_instance(found: Sequence[Mapping[str, Any]], protocol: str) -> np.ndarray:
    """Accuracy float64 [S, I] of each instance, in the order of their names, for each seed. Raises InputError where
    seeds were scored on others."""
    names = sorted(found[0]["accuracy"][protocol])
    for each in found:
        if sorted(each["accuracy"][protocol]) != names:
            raise InputError(
                f"instances={len(each['accuracy'][protocol])}: the same {len(names)} are needed everywhere"
            )
    return np.array([[each["accuracy"][protocol][name] for name in names] for each in found])


def groups_in(scores: Mapping[str, Any]) -> np.ndarray | None:
    """The number of each instance's group of near-duplicates, int64 [I], in the order of their names; None where no
    two are known to be alike."""
    alike: Mapping[str, str] = scores.get("alike", {})
    if not alike:
        return None
    return np.unique([alike.get(name, name) for name in sorted(scores["accuracy"][PROTOCOLS[0]])], return_inverse=True)[
        1
    ]


def summary(grid: Grid, found: Found) -> list[Row]:
    """All figures of the conditions that have scores, and the differences that the grid asks for: of the same seeds, on
    the same instances."""
    rows: list[Row] = []
    known = {each.name: each for each in grid.conditions}
    seeds = {name: [seed for of, seed in sorted(found) if of == name] for name in known}
    for name, condition in known.items():
        scores = [found[name, seed] for seed in seeds[name]]
        if not scores:
            continue
        groups = groups_in(scores[0])
        how = BOTH if groups is None else ALIKE
        for protocol in PROTOCOLS:
            values = by_instance(scores, protocol)
            sure = interval(values, rng=_rng(), groups=groups)
            rows.append(_row(condition, protocol, "", sure, values.shape, how=how))
            for other in condition.against:
                shared = [seed for seed in seeds[name] if seed in seeds[other]]
                if shared:
                    both = [by_instance([found[of, seed] for seed in shared], protocol) for of in (name, other)]
                    sure = paired(*both, rng=_rng(), groups=groups)
                    rows.append(_row(condition, protocol, other, sure, both[0].shape, how=how))
        rows += _scalars(condition, scores)
    return rows


def scalars(scores: Mapping[str, Any]) -> dict[str, float | None]:
    """Figures of a whole training, None where it has none.

    `retrieval` is the share of the other pairs that an action puts behind its own: 0.5 by chance, 1 where it finds its
    own first; `top1`, how often it does, is small where many actions are nearly alike.
    """
    sought = scores.get("retrieval")
    return {
        "retrieval": None if sought is None else 1 - (sought["mean_rank"] - 1) / (sought["candidates"] - 1),
        "top1": None if sought is None else sought["top1"],
        "alignment": scores.get("alignment"),
        "coherence": scores.get("coherence"),
        "error": scores.get("error"),
        "seconds": scores.get("seconds"),
        "megabytes": scores.get("peak_megabytes"),
    }


def _scalars(condition: Condition, scores: Sequence[Mapping[str, Any]]) -> list[Row]:
    rows, found = [], [scalars(each) for each in scores]
    for figure in found[0]:
        values = [value for each in found if (value := each[figure]) is not None]
        if values:
            spread = Interval(float(np.mean(values)), min(values), max(values), level=1.0)
            rows.append(_row(condition, figure, "", spread, (len(values), 0), how=SPREAD))
    return rows


def _row(
    condition: Condition, figure: str, beside: str, told: Interval, shape: tuple[int, ...], *, how: str = BOTH
) -> Row:
    about = (condition.name, condition.panel, condition.method, condition.x)
    return Row(*about, figure, beside, told.estimate, told.low, told.high, how, *shape)


def _rng() -> np.random.Generator:
    return stream("bootstrap", 0)


def the(rows: Iterable[Row], condition: str, figure: str, beside: str = "") -> Row | None:
    """The row of a condition's figure, where there is one."""
    wanted = (condition, figure, beside)
    return next((row for row in rows if (row.condition, row.figure, row.beside) == wanted), None)


def read_rows(path: Path) -> list[Row]:
    """What a `summary.csv` holds. Raises InputError for a file that is none."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            if reader.fieldnames != [*Row._fields]:
                raise ValueError("other columns")
            return [_read(row) for row in reader]
    except (OSError, ValueError, TypeError, csv.Error) as error:
        raise InputError(f"{path}: no summary of an experiment ({error}); run it again") from None


def _read(row: Mapping[str, str]) -> Row:
    kinds: dict[str, type] = dict.fromkeys(("estimate", "low", "high"), float) | dict.fromkeys(
        ("seeds", "instances"), int
    )
    values: dict[str, Any] = {name: kinds.get(name, str)(row[name]) for name in Row._fields}
    return Row(**{**values, "x": float(row["x"]) if row["x"] else None})


def cell_table(grid: Grid, found: Found) -> list[dict[str, Any]]:
    """A row a training: what it was, and its figures."""
    rows = []
    for cell in grid.cells:
        condition, settings = cell.condition, cell.settings
        scores = found.get((condition.name, cell.seed))
        if scores is None:
            continue
        record, scene = condition.record, condition.record.scene
        row: dict[str, Any] = {
            "condition": condition.name,
            "panel": condition.panel,
            "x": condition.x,
            "seed": cell.seed,
            "steps": settings.steps,
            "batch": settings.batch,
            "method": settings.method,
            "encoder": settings.encoder,
            "action": settings.action,
            "sampling": settings.sampling,
            "play": condition.play,
            "background": scene.randomize.background,
            "draw": scene.draw,
            "corrupt": getattr(settings, "corrupt", "") or record.corrupt,
            "corrupt_time": getattr(settings, "corrupt_time", ""),
            "data": condition.data.key,
            "scored": condition.scored.key,
            "run": cell.key,
        }
        for protocol in PROTOCOLS:
            row[protocol] = float(by_instance([scores], protocol).mean())
        rows.append({**row, **scalars(scores)})
    return rows


def seen_table(grid: Grid, found: Found) -> list[dict[str, Any]]:
    """A row a scored checkpoint of a live training: accuracy after so many frames."""
    return [
        {"condition": cell.condition.name, "seed": cell.seed, **look}
        for cell in grid.cells
        for look in found.get((cell.condition.name, cell.seed), {}).get("seen", [])
    ]


def curve_table(grid: Grid, found: Found) -> list[dict[str, Any]]:
    """A row a look at the validation instances of a training."""
    names = ("step", "seconds", "knn_validation", "action_loss", "action_chance")
    return [
        {"condition": cell.condition.name, "seed": cell.seed, **{name: look.get(name) for name in names}}
        for cell in grid.cells
        for look in found.get((cell.condition.name, cell.seed), {}).get("curve", [])
    ]
