"""A grid that is settled: which conditions, with how many seeds, how much of the full one; kept as JSON."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from agent.files import read_json, write_text
from agent.record import RecordSettings
from agent.settings import from_json, to_json
from learner.experiments.design import MACHINE, Base, Condition, Data, Experiment, Scale, digest
from learner.settings import LearnSettings, OnlineSettings, TrainSettings
from sim.errors import InputError

FORMAT, VERSION = "armplay-experiment", 1
KINDS: dict[str, type[LearnSettings]] = {kind.script: kind for kind in (TrainSettings, OnlineSettings)}


@dataclass(frozen=True)
class Cell:
    """One training of a grid."""

    condition: Condition
    seed: int

    @property
    def settings(self) -> LearnSettings:
        """Of the training, but for data and device."""
        settings = self.condition.settings
        if isinstance(settings, OnlineSettings):
            return replace(settings, record=replace(settings.record, seed=self.seed))
        assert isinstance(settings, TrainSettings)
        return replace(settings, seed=self.seed)

    @property
    def key(self) -> str:
        """Names the training: what its numbers depend on, and nothing else, so that experiments share runs."""
        settings = {name: value for name, value in to_json(self.settings).items() if name not in MACHINE}
        kind = self.settings.device.partition(":")[0]
        return digest([self.settings.script, kind, self.condition.data.key, settings])


@dataclass(frozen=True)
class Grid:
    """The conditions of an experiment and the seeds of each."""

    experiment: str
    split: str
    conditions: tuple[Condition, ...]
    seeds: tuple[int, ...]
    """Of each condition."""
    share: float = 1.0
    """Of the training of the full grid: steps times pairs."""
    words: str = "the full grid"
    """What is left of it, in words."""
    term: str = "as by default"
    """Where the settings of the action term come from."""
    cut: str = ""
    """The flags that made it smaller than the full one."""

    @property
    def cells(self) -> list[Cell]:
        """Seed by seed, so that the first results are of all conditions."""
        return [
            Cell(condition, seed)
            for seed in range(max(self.seeds))
            for condition, seeds in zip(self.conditions, self.seeds, strict=True)
            if seed < seeds
        ]

    @property
    def trainings(self) -> list[Cell]:
        """A cell of each training, however many conditions score it."""
        return list({cell.key: cell for cell in self.cells}.values())

    @property
    def figures(self) -> set[tuple[str, ...]]:
        """What each of its figures depends on: a condition's name, a training, what probes are fitted and tested on."""
        return {
            (cell.condition.name, cell.key, cell.condition.bank.key, cell.condition.scored.key) for cell in self.cells
        }

    def progress(self, scored: Collection[tuple[str, int]]) -> str:
        """How many trainings are done, where these conditions are scored with these seeds."""
        done = {cell.key for cell in self.cells if (cell.condition.name, cell.seed) in scored}
        return f"{len(done)} of {len(self.trainings)} trainings"

    @property
    def data(self) -> list[Data]:
        """All datasets that it needs, each once."""
        wanted = [found.data for found in self.conditions if not found.live]
        wanted += [each for found in self.conditions for each in (found.bank, found.scored)]
        return list({each.key: each for each in wanted}.values())

    @property
    def pairs(self) -> float:
        """Pairs that all its trainings draw."""
        return sum(cell.settings.steps * cell.settings.batch for cell in self.trainings)


def grid_of(experiment: Experiment, scale: Scale, base: Base, *, term: str = "as by default") -> Grid:
    """The grid at a scale. Raises InputError for conditions of one name, or compared with ones that are not there."""
    found = [each for each in experiment.conditions(replace(base, scale=scale)) if each.rank <= scale.highest_rank]
    names = [each.name for each in found]
    kept = [replace(each, against=tuple(other for other in each.against if other in names)) for each in found]
    if len({*names}) < len(names):
        raise InputError(f"conditions={sorted(names)}: each needs a name of its own")
    seeds = tuple(scale.seeds if each.rank == 0 else min(scale.seeds, scale.other_seeds) for each in kept)
    return Grid(experiment.name, experiment.split, tuple(kept), seeds, term=term)


def cut_from(full: Grid, grid: Grid, cut: str) -> Grid:
    """The grid, telling what it is of the full one, and by which flags."""

    def sizes(of: Grid) -> list[int]:
        return [len(of.conditions), len(of.trainings), max(each.settings.steps for each in of.conditions)]

    names = ("conditions", "trainings", "steps")
    counts = zip(sizes(grid), sizes(full), names, strict=True)
    words = ", ".join(f"{some} of {most} {name}" for some, most, name in counts)
    return replace(grid, cut=cut, share=grid.pairs / full.pairs, words=words if cut else full.words)


def write_grid(path: Path, grid: Grid) -> None:
    """Keep the grid, atomically."""
    data = {each.key: each.made_of for each in grid.data}
    head = {name: getattr(grid, name) for name in ("experiment", "split", "share", "words", "term", "cut")}
    rows = [_row(condition, seeds) for condition, seeds in zip(grid.conditions, grid.seeds, strict=True)]
    stored = {"format": FORMAT, "version": VERSION, **head, "data": data, "conditions": rows}
    write_text(path, json.dumps(stored) + "\n")


def _row(condition: Condition, seeds: int) -> dict[str, Any]:
    settings = to_json(condition.settings)
    names = ("name", "panel", "x", "against", "rank")
    row = {name: getattr(condition, name) for name in names}
    keys = {name: getattr(condition, name).key for name in ("data", "scored", "bank")}
    row |= {"pool": condition.pool} if condition.pool else {}
    return {**row, "seeds": seeds, **keys, "script": condition.settings.script, "settings": settings}


def read_grid(path: Path) -> Grid:
    """A grid that `write_grid` kept. Raises InputError for a file that holds none."""
    try:
        stored = read_json(path)
        if (stored["format"], stored["version"]) != (FORMAT, VERSION):
            raise ValueError(f"format {stored['format']} version {stored['version']}")
        data = {key: _data(each, str(path)) for key, each in stored["data"].items()}
        conditions = tuple(_condition(row, data, path) for row in stored["conditions"])
        head = {name: stored[name] for name in ("experiment", "split", "share", "words", "term", "cut")}
        return Grid(**head, conditions=conditions, seeds=tuple(int(row["seeds"]) for row in stored["conditions"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise InputError(f"{path}: no grid of armplay {VERSION} ({' '.join(str(error).split())})") from None


def _data(made_of: dict[str, Any], where: str) -> Data:
    beside = [from_json(RecordSettings, made_of["beside"], where=where)] if "beside" in made_of else []
    return Data(from_json(RecordSettings, made_of["record"], where=where), int(made_of["episodes"]), *beside)


def _condition(row: dict[str, Any], data: dict[str, Data], path: Path) -> Condition:
    return Condition(
        name=row["name"],
        data=data[row["data"]],
        scored=data[row["scored"]],
        bank=data[row["bank"]],
        settings=from_json(KINDS[row["script"]], row["settings"], where=f"{path}: {row['name']}"),
        panel=row["panel"],
        x=row["x"],
        against=tuple(row["against"]),
        rank=int(row["rank"]),
        pool=row.get("pool", ""),
    )
