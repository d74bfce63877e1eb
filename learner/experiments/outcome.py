"""What an experiment leaves in its folder: tables, pictures, and its section of the results."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from agent.files import read_json, write_text
from agent.settings import from_json, to_json
from learner.card import table
from learner.experiments.design import ActionTerm, Condition, Experiment
from learner.experiments.drawing import draw_accuracies, draw_curves, draw_differences, draw_noise, draw_seen
from learner.experiments.grid import Cell, Grid
from learner.experiments.merit import ENOUGH, NO_GAIN, NOT_YET, costs, merits, shares_left, standard_errors
from learner.experiments.pool import pooled
from learner.experiments.scoring import CANDIDATES
from learner.experiments.settle import TERM
from learner.experiments.summary import (
    PROTOCOLS,
    Found,
    Row,
    cell_table,
    curve_table,
    groups_in,
    seen_table,
    summary,
    the,
)
from learner.methods import MethodSettings
from sim.errors import InputError
from sim.objects import named_objects

CHOICE = "choice.json"
TERM_SETTINGS = ("action_weight", "action_warmup", "action_temperature", "negatives", "pair_norm")
"""What `settle` chooses; the rest is shared by all methods, and searched for none."""
VERDICT = "AA-SimCLR"
"""How the lines begin that say whether acting helps."""
CALLED = {"knn": "kNN", "logistic": "logistic regression"}
PAPER = (2.5, 3.7)
"""Points that AA-SSL gained on RT4K over SimCLR-TT and SimCLR (arXiv 2407.06704)."""
PICTURES = {
    "accuracy": "Accuracy",
    "differences": "Gains",
    "curves": "While learning",
    "knn": "Accuracy",
    "retrieval": "Action retrieval",
}
PICTURES |= {"alignment": "Viewpoint alignment", "seen": "Accuracy against frames seen"}


def write_outcome(
    folder: Path,
    experiment: Experiment,
    grid: Grid,
    found: Found,
    *,
    baselines: Mapping[str, Mapping[str, float]],
    command: str,
) -> None:
    """Write all that the scores so far say; `baselines` are accuracies by instance of what learned nothing. There must
    be a condition all of whose folds have scores of some seed, where it has folds."""
    title = about(grid, found)
    write_csv(folder / "cells.csv", cell_table(grid, found))
    write_csv(folder / "curves.csv", curve_table(grid, found))
    grid, found = pooled(grid, found)
    rows, looks = summary(grid, found), curve_table(grid, found)
    write_csv(folder / "summary.csv", [row._asdict() for row in rows])
    untaught = {name: sum(each.values()) / len(each) for name, each in baselines.items()}
    for name in PICTURES:
        (folder / f"{name}.png").unlink(missing_ok=True)
    if experiment.name.startswith("noise"):
        for figure in sorted({row.figure for row in rows} & {"knn", "retrieval", "alignment"}):
            draw_noise(folder / f"{figure}.png", rows, figure_name=figure, title=title)
    else:
        draw_accuracies(folder / "accuracy.png", rows, title=title, baselines=untaught)
        if any(row.beside for row in rows):
            papers = dict(zip(("simclr-tt", "simclr"), PAPER, strict=True))
            draw_differences(folder / "differences.png", rows, title=title, papers=papers)
    seen = seen_table(grid, found)
    if seen:
        write_csv(folder / "seen.csv", seen)
        draw_seen(folder / "seen.png", seen, title=title)
    runs: dict[str, Condition] = {}
    for each in sorted(grid.conditions, key=lambda each: each.rank):
        runs.setdefault(Cell(each, 0).key, each)  # a curve is of a training, however often that is scored
    methods = {each.name: each.method for each in runs.values()}
    shown = {name: method for name, method in methods.items() if any(look["condition"] == name for look in looks)}
    draw_curves(folder / "curves.png", looks, shown, title=title)
    tables = [_accuracies(grid, rows, untaught), *_extra(folder, experiment, grid, found, rows)]
    text = section(experiment, title=title, command=command, tables=tables, rows=rows, folder=folder)
    write_text(folder / "section.md", text)


def write_csv(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Rows of the same columns."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]) if rows else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(path, text.getvalue())


def about(grid: Grid, found: Found) -> str:
    """Data, steps, seeds, instances: what stands above a picture."""
    whole, told = pooled(grid, found)
    first = whole.conditions[0]
    counts = Counter(name for name, _ in told)
    fewest, most = min(counts.values()), max(counts.values())
    seeds = f"{most} seed{'s' if most > 1 else ''}" if fewest == most else f"{fewest} to {most} seeds"
    record, settings = first.data.record, first.settings
    scores = next(iter(told.values()))
    instances, frames = len(scores["accuracy"]["knn"]), scores["frames"]
    categories = len({name.partition("/")[0] for name in scores["accuracy"]["knn"]})
    scene, (objects, fold) = record.scene, named_objects(record.objects)
    folds = "" if fold is None else f" without one of {fold.of} folds"
    data = (
        f"{first.data.episodes} episodes of {objects}{folds}, {record.play}, background {scene.randomize.background}, "
        f"arm {scene.draw}, {scene.image_size} pixels where nothing else is said"
    )
    trained = f"{settings.encoder} encoder, {settings.steps} steps of {settings.batch} pairs"
    each = "each" if fold is None else "each on the average"
    scored = f"{instances} {grid.split} instances of {categories} categories, {frames // instances} frames {each}"
    groups = groups_in(scores)
    units = "instances" if groups is None else f"the {groups.max() + 1} groups of near-duplicates"
    return (
        f"{data}; {trained};\n{scored}; {seeds}, bars: 95 % over seeds and {units}; "
        f"{grid.progress(found)} of {grid.words} ({100 * grid.share:.3g} %)"
    )


def _accuracies(grid: Grid, rows: Sequence[Row], untaught: Mapping[str, float]) -> str:
    lines = []
    for condition in grid.conditions:
        own = {(row.figure, row.beside): row for row in rows if row.condition == condition.name}
        if not own:
            continue
        accuracies = [_per_cent(own[protocol, ""]) for protocol in PROTOCOLS]
        differences = [
            "; ".join(f"{_points(row)} over {row.beside}" for row in own.values() if row.beside and row.figure == each)
            for each in PROTOCOLS
        ]
        others = [_per_cent(own.get(("retrieval", "")))]
        others += [_ratio(own.get((figure, ""))) for figure in ("alignment", "error")]
        lines.append((condition.name, own["knn", ""].seeds, *accuracies, *differences, *others))
    head = (
        "condition",
        "seeds",
        "kNN, %",
        "logistic, %",
        "kNN difference, points",
        "logistic difference, points",
        "action found, %",
        "alignment",
        "error told",
    )
    told = ", ".join(f"{name} {100 * share:.1f}" for name, share in untaught.items())
    legend = (
        f"\n*action found*: share of the other pairs, of {CANDIDATES} at most, that an action puts behind its own "
        "(chance 50 %); *alignment*: cosine of features of different objects of a category, equal viewpoints over "
        "unequal ones; *error told*: relative error of the action. Brackets: least and most of the seeds for these, "
        "else 95 %.\n"
    )
    return table(head, lines) + legend + (f"\nWithout learning, kNN: {told} %.\n" if told else "")


def _per_cent(row: Row | None) -> str:
    return "" if row is None else f"{100 * row.estimate:.1f} [{100 * row.low:.1f}, {100 * row.high:.1f}]"


def _points(row: Row) -> str:
    return f"{100 * row.estimate:+.1f} [{100 * row.low:+.1f}, {100 * row.high:+.1f}]"


def _ratio(row: Row | None) -> str:
    return "" if row is None else f"{row.estimate:.3f}"


def _extra(folder: Path, experiment: Experiment, grid: Grid, found: Found, rows: Sequence[Row]) -> list[str]:
    """What one experiment says and others do not."""
    if experiment.name == "settle":
        return [choose(folder / CHOICE, grid, found, rows)]
    if experiment.name == "cost":
        told = costs(grid, found)
        lines = [tuple("" if value is None else _short(value) for value in row.values()) for row in told]
        return [table(tuple(told[0]), lines)] if told else []
    if experiment.name == "remedies":
        return [_merits("condition", "share of the clean gain that is left", shares_left(grid, found))]
    if not experiment.name.startswith("noise"):
        return []
    gain = the(rows, "aa-simclr", "knn", "simclr-tt")
    said = ""
    if gain is not None:
        above = standard_errors(gain)
        said = f"Gain of clean AA-SimCLR over SimCLR-TT, kNN: {_points(gain)} points, {above:.1f} standard errors."
        said += "\n\n" if above >= ENOUGH else f" {NOT_YET}.\n\n"
    lost = [(each.kind, each.told) for each in merits(grid, found)]
    return [said + _merits("corruption", "error at which half of the gain is gone", lost)]


def _merits(of: str, what: str, lines: Sequence[tuple[str, str]]) -> str:
    """A table; a sentence where no line has a figure, nothing where there are no lines."""
    if not lines:
        return ""
    if {told.partition(":")[0] for _, told in lines} == {NO_GAIN}:
        return f"{what[0].upper()}{what[1:]}: {lines[0][1]}."
    return table((of, f"{what}, 95 %"), [*lines])


def _short(value: Any) -> str:
    return value if isinstance(value, str) else f"{value:.4g}"


def choose(path: Path, grid: Grid, found: Found, rows: Sequence[Row]) -> str:
    """Keep the settings of the best action term by kNN on validation instances, and say which they are; the warm-up as
    a share of the steps. Of a grid with trainings to come nothing is kept: others learn with what was chosen."""
    known = {each.name: each for each in grid.conditions if each.panel == TERM and each.method == "aa-simclr"}
    wanted = [(cell.condition.name, cell.seed) for cell in grid.cells if cell.condition.name in known]
    missing = sum(key not in found for key in wanted)
    if missing or not wanted:
        return f"No action term is chosen yet: {missing} of {len(wanted)} trainings with one are to come.\n"
    able = [row for row in rows if row.figure == "knn" and not row.beside and row.condition in known]
    best = max(able, key=lambda row: row.estimate)
    settings = known[best.condition].settings
    term = {name: value for name, value in to_json(settings.loss).items() if name in TERM_SETTINGS}
    term["action_warmup"] = settings.loss.action_warmup / settings.steps
    kept = {"condition": best.condition, "steps": settings.steps, "seeds": best.seeds, "term": term}
    write_text(path, json.dumps(kept, indent=1) + "\n")
    return f"Best action term on these instances: **{best.condition}**. The other experiments use it.\n"


def chosen(path: Path) -> tuple[ActionTerm, str]:
    """The settled action term, and where it is from; the default where nothing was settled."""
    if not path.exists():
        return ActionTerm(), "as by default, nothing was settled"
    try:
        kept = read_json(path)
        term = {**kept["term"]}
        warmup = float(term.pop("action_warmup"))
        told = f"{kept['condition']}, settled in {kept['steps']} steps with {kept['seeds']} seeds"
    except (OSError, ValueError, KeyError, TypeError, OverflowError) as error:
        raise InputError(f"{path}: tells of no action term ({error}); remove it to settle one anew") from None
    return ActionTerm(from_json(MethodSettings, term, where=str(path)), warmup), told


def section(
    experiment: Experiment, *, title: str, command: str, tables: Sequence[str], rows: Sequence[Row], folder: Path
) -> str:
    """The experiment's part of docs/results.md."""
    pictures = [
        f"![{experiment.title}: {what.lower()}](results/{experiment.name}/{name}.png)\n"
        for name, what in PICTURES.items()
        if (folder / f"{name}.png").exists()
    ]
    parts = [
        f"## {experiment.title}\n",
        f"{experiment.asks}\n",
        f"`{command}`: {' '.join(title.split())}.\n",
        *verdict(rows),
        *pictures,
        *(part for part in tables if part),
    ]
    return "\n".join(parts)


def verdict(rows: Sequence[Row]) -> list[str]:
    """Whether acting helps, in words, by either protocol, in each setting where the main methods were compared; nothing
    where they were not. What the paper reports is the accuracy of a linear probe, so it stands beside the logistic
    one."""
    said = []
    for setting in settings_in(rows):
        for protocol, papers in (("knn", (None, None)), ("logistic", PAPER)):
            parts = []
            for other, paper in zip(("simclr-tt", "simclr"), papers, strict=True):
                row = the(rows, f"aa-simclr{setting}", protocol, f"{other}{setting}")
                if row is not None:
                    sure = "above zero" if row.low > 0 else "below zero" if row.high < 0 else "not told from zero"
                    beside = "" if paper is None else f" (the paper's linear probe, on RT4K: {paper:+})"
                    parts.append(f"over `{other}` {_points(row)} points, {sure}{beside}")
            if parts:
                said.append(f"{VERDICT}{setting} by {CALLED[protocol]}: {'; '.join(parts)}.\n")
    return said


def settings_in(rows: Sequence[Row]) -> list[str]:
    """What stands behind the name of a main method in each of its conditions: nothing, or the play, say."""
    return [*dict.fromkeys(row.condition.removeprefix("aa-simclr") for row in rows if row.method == "aa-simclr")]
