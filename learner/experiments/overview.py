"""Does acting help? What all experiments found of it, in one picture."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from learner.experiments.drawing import draw_differences
from learner.experiments.grid import Grid, read_grid
from learner.experiments.outcome import PAPER, settings_in
from learner.experiments.summary import PROTOCOLS, Row, read_rows, the

OTHER = "simclr-tt"
PICTURE = "gains.png"
TITLE = f"gain of AA-SimCLR over {OTHER}, which sees as much and is told no action; bars: 95 %"


def gains(kept: Path, names: Iterable[str]) -> Iterator[Row]:
    """Of each experiment in `kept` and each of its settings where both methods were trained; `condition` says which."""
    for name in names:
        if not (kept / name / "summary.csv").exists():
            continue
        rows, grid = read_rows(kept / name / "summary.csv"), read_grid(kept / name / "grid.json")
        for setting in settings_in(rows):
            for protocol in PROTOCOLS:
                row = the(rows, f"aa-simclr{setting}", protocol, f"{OTHER}{setting}")
                if row is not None:
                    yield row._replace(condition=f"{name}{_told(grid, setting, row)}", panel="", beside=OTHER)


def _told(grid: Grid, setting: str, row: Row) -> str:
    """Of what play, at what length."""
    one = next(each for each in grid.conditions if each.method == row.method and each.name.endswith(setting))
    record, seeds = one.data.record, f"{row.seeds} seed{'s' if row.seeds > 1 else ''}"
    return f"{setting or f', {record.play}'}: {record.scene.image_size} pixels, {one.settings.steps} steps, {seeds}"


def draw_gains(kept: Path, names: Iterable[str]) -> bool:
    """Draw `kept`/gains.png, and whether there was anything to draw."""
    (kept / PICTURE).unlink(missing_ok=True)
    rows = [*gains(kept, names)]
    if rows:
        papers = {OTHER: PAPER[0]}
        draw_differences(kept / PICTURE, rows, title=TITLE, papers=papers, label=lambda row: row.condition)
    return bool(rows)
