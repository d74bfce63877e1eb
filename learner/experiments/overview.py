"""Does acting help? What all experiments found of it, in one picture."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product
from pathlib import Path

from learner.experiments.design import Condition
from learner.experiments.drawing import draw_differences
from learner.experiments.grid import Cell, Grid, read_grid
from learner.experiments.outcome import PAPER, settings_in
from learner.experiments.summary import PROTOCOLS, Row, read_rows, the

OTHER = "simclr-tt"
PICTURE = "gains.png"
TITLE = f"gain of AA-SimCLR over {OTHER}, which sees as much and is told no action; bars: 95 %"


def gains(kept: Path, names: Iterable[str]) -> list[Row]:
    """Of each experiment in `kept` and each of its settings where both methods were trained; `condition` says which. Of
    experiments that compare the same trainings, the one that has most seeds."""
    found: dict[tuple[str, ...], Row] = {}
    for name in names:
        if not (kept / name / "summary.csv").exists():
            continue
        rows, grid = read_rows(kept / name / "summary.csv"), read_grid(kept / name / "grid.json")
        for setting, protocol in product(settings_in(rows), PROTOCOLS):
            row = the(rows, f"aa-simclr{setting}", protocol, f"{OTHER}{setting}")
            if row is None:
                continue
            ours, others = (_condition(grid, method, setting) for method in ("aa-simclr", OTHER))
            compared = (protocol, *_trained(ours), *_trained(others))
            if compared not in found or row.seeds > found[compared].seeds:
                told = f"{name}{_told(ours, setting, row)}"
                found[compared] = row._replace(condition=told, panel="", beside=OTHER)
    return [*found.values()]


def _condition(grid: Grid, method: str, setting: str) -> Condition:
    return next(each for each in grid.conditions if each.method == method and each.name.endswith(setting))


def _trained(condition: Condition) -> tuple[str, ...]:
    """What its numbers depend on, but for the seed."""
    return Cell(condition, 0).key, condition.bank.key, condition.scored.key


def _told(condition: Condition, setting: str, row: Row) -> str:
    """Of what play, at what length."""
    record, steps = condition.data.record, condition.settings.steps
    seeds = f"{row.seeds} seed{'s' if row.seeds > 1 else ''}"
    return f"{setting or f', {record.play}'}: {record.scene.image_size} pixels, {steps} steps, {seeds}"


def draw_gains(kept: Path, names: Iterable[str]) -> bool:
    """Draw `kept`/gains.png, and whether there was anything to draw."""
    (kept / PICTURE).unlink(missing_ok=True)
    rows = gains(kept, names)
    if rows:
        papers = {OTHER: PAPER[0]}
        draw_differences(kept / PICTURE, rows, title=TITLE, papers=papers, label=lambda row: row.condition)
    return bool(rows)
