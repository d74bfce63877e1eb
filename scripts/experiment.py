"""Run the grid of trainings and evaluations that answers a question: settle, tumble, long, methods, noise,
noise-quick, remedies, augmentations, actions, play, online, cost, contact or own. Killed, the same command goes on.

python scripts/experiment.py settle --dry-run
python scripts/experiment.py settle --budget 8
python scripts/experiment.py settle --steps 2000 --seeds 3 --rank 1
python scripts/experiment.py methods --devices cuda:0 cuda:1
python scripts/experiment.py own --objects ../meshes --folds 5 --steps 2000 --seeds 3
python scripts/experiment.py methods --grid docs/results/methods/grid.json --out again
python scripts/experiment.py results
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from _cli import Stop, parse, program, stop_on_signal
from _experiment import Worker
from _progress import prepare
from tyro.conf import Positional

from agent.files import open_folder
from learner.experiments import EXPERIMENTS, Base, Experiment
from learner.experiments.budget import ORDER, fitted, hours, measured, suited_scale
from learner.experiments.design import Scale
from learner.experiments.grid import Grid, cut_from, grid_of, read_grid, write_grid
from learner.experiments.outcome import CHOICE, chosen, write_outcome
from learner.experiments.page import gather, write_page
from learner.experiments.pool import pooled
from learner.machine import check_device, default_device
from sim.cores import cores
from sim.errors import InputError
from sim.objects import catalogue_of, named_objects

KNOWN = ", ".join((*EXPERIMENTS, "results"))
SIZES = {"budget": 0, "steps": 0, "seeds": 0, "image_size": 0, "rank": -1}
"""What says how large a grid is, and the least of each, which leaves it as it suits."""


@dataclass(frozen=True)
class Ask:
    """Run an experiment, or write what all of them found."""

    name: Positional[str]
    """Which experiment; or results, which copies what was found to --docs and writes its results.md."""
    out: Path | None = None
    """Folder for grid, tables and pictures; CACHE/NAME by default."""
    cache: Path = Path("experiments")
    """Folder of the datasets and trainings that experiments share."""
    budget: float = 0.0
    """Hours: the grid shrinks until it fits, first its steps, then its seeds, then its conditions; 0 is no bound."""
    steps: int = 0
    """Of each training; 0 is as many as suit the machine."""
    seeds: int = 0
    """Of each condition; 0 is 5 of those that are always compared and 3 of others."""
    image_size: int = 0
    """Height and width of the pictures in pixels; 0 is as it suits, 64 (32 in long)."""
    objects: str = ""
    """Folder of meshes (category/instance/mesh) that own learns from, all of which it tests in folds."""
    folds: int = 5
    """Parts of that folder: each is tested by trainings on the others."""
    rank: int = -1
    """Conditions of a higher rank are left out: 0 keeps what is always compared; -1 keeps all."""
    dry_run: bool = False
    """Print the grid and the hours that it would take, and end."""
    grid: Path | None = None
    """Run this stored grid again."""
    workers: int = 0
    """Trainings at once; 0 is one for each device. Threads are divided among them."""
    devices: tuple[str, ...] = field(default_factory=lambda: (default_device(),))
    """Where trainings run: cpu, cuda, or several as in cuda:0 cuda:1."""
    docs: Path = Path("docs")
    """Folder of results.md, results/ and the settled action term."""
    quiet: bool = False
    """No progress."""

    def __post_init__(self) -> None:
        if self.name not in (*EXPERIMENTS, "results"):
            raise InputError(f"name={self.name}: unknown, known are {KNOWN}")
        for name, least in {"folds": 2, "workers": 0, **SIZES}.items():
            if getattr(self, name) < least:
                usual = "" if name == "folds" else " (as it suits)"
                raise InputError(f"{name}={getattr(self, name):g}: {least}{usual} or more is needed")
        if self.grid is not None and self.cut:
            raise InputError(f"{self.cut}: a stored grid has its own size; leave either away")
        if self.objects and not (self.name in EXPERIMENTS and EXPERIMENTS[self.name].folded):
            folded = ", ".join(name for name, each in EXPERIMENTS.items() if each.folded)
            raise InputError(f"objects={self.objects}: {self.name} has objects of its own; a folder is for {folded}")
        if not self.devices:
            raise InputError("devices: at least 1 is needed, or nothing is trained")

    def sized(self, scale: Scale) -> Scale:
        """The scale with the sizes that are asked for."""
        sizes = {"steps": self.steps, "seeds": self.seeds, "other_seeds": self.seeds, "image_size": self.image_size}
        asked = {name: size for name, size in sizes.items() if size}
        return replace(scale, highest_rank=scale.highest_rank if self.rank < 0 else self.rank, **asked)

    @property
    def folder(self) -> Path:
        """Of what is found."""
        return self.out or self.cache / self.name

    @property
    def cut(self) -> str:
        """The flags that make the grid smaller, or its pictures of another size."""
        asked = {name: getattr(self, name) for name in SIZES}
        changed = (name for name, usual in SIZES.items() if asked[name] != usual)
        return " ".join(f"--{name.replace('_', '-')} {asked[name]:g}" for name in changed)

    @property
    def of(self) -> str:
        """The flags that name the objects."""
        return f"--objects {self.objects} --folds {self.folds}" if self.objects else ""

    @property
    def at_once(self) -> int:
        """Trainings at once."""
        return self.workers or len(self.devices)


def main(asked: Ask) -> int:
    """Grid -> datasets -> trainings -> scores -> tables and pictures."""
    if asked.name == "results":
        gather(asked.cache, asked.docs / "results", EXPERIMENTS)
        write_page(asked.docs / "results.md", asked.docs / "results", EXPERIMENTS.values())
        print(f"{asked.docs / 'results.md'}: written")
        return 0
    for device in asked.devices:
        check_device(device)
    experiment = EXPERIMENTS[asked.name]
    grid = settled_grid(asked, experiment)
    if asked.dry_run:
        print(told(asked, grid))
        return 0
    lock = open_folder(asked.folder, "experiment")
    try:
        write_grid(asked.folder / "grid.json", grid)
        with stop_on_signal() as stop:
            return work(asked, experiment, grid, stop)
    finally:
        os.close(lock)


def settled_grid(asked: Ask, experiment: Experiment) -> Grid:
    """The grid that is asked for, or that was begun in the folder: a second measurement could shrink it otherwise. One
    that has all of what was begun, and more, takes its place."""
    path = asked.folder / "grid.json"
    if not path.exists() and asked.grid is None:
        return asked_grid(asked, experiment)
    grid = read_grid(path if path.exists() else asked.grid)
    if grid.experiment != experiment.name:
        raise InputError(f"grid: one of {grid.experiment}, one of {experiment.name} is needed")
    if path.exists() and asked.grid is not None and read_grid(asked.grid) != grid:
        raise InputError(f"grid={asked.grid}: another one was begun in {asked.folder}: give another --out")
    if asked.objects and asked.of != objects_of(grid):
        raise InputError(f"{asked.of}: the grid in {asked.folder} is of {objects_of(grid)}: give another --out")
    if asked.cut in ("", grid.cut):
        return grid
    more = None if asked.budget else asked_grid(asked, experiment)
    if more is None or not more.figures >= grid.figures:
        told = f"the grid in {asked.folder} is {grid.cut or 'full'}, of which some would be gone"
        raise InputError(f"{asked.cut}: {told}: give another --out")
    return more


def asked_grid(asked: Ask, experiment: Experiment) -> Grid:
    """The grid that the flags ask for."""
    threads = max(1, cores() // asked.at_once)
    scale = experiment.scale(suited_scale(device=asked.devices[0], split=experiment.split, threads=threads))
    term, words = chosen(asked.docs / "results" / "settle" / CHOICE)
    if asked.objects:
        prepare(catalogue_of(f"{asked.objects}?fold=1/{asked.folds}"), quiet=asked.quiet)
    base = Base(scale, experiment.split, term, asked.objects, asked.folds)
    grid = full = grid_of(experiment, scale, base, term=words)
    scale = asked.sized(scale)
    if asked.budget:
        speeds = measured(base.train("simclr"), image_size=scale.image_size, workers=cores())
        base = replace(base, scale=scale)
        grid = fitted(experiment, base, speeds, budget=asked.budget, at_once=asked.at_once, term=words)
    elif asked.cut:
        grid = grid_of(experiment, scale, base, term=words)
    return cut_from(full, grid, asked.cut)


def objects_of(grid: Grid) -> str:
    """The flags that name the objects that a grid was made for."""
    objects, fold = named_objects(grid.conditions[0].record.objects)
    return "" if fold is None else f"--objects {objects} --folds {fold.of}"


def told(asked: Ask, grid: Grid) -> str:
    """The grid in words, and how long it takes here."""
    first = grid.conditions[0]
    speeds = measured(first.settings, image_size=first.data.record.scene.image_size, workers=cores())
    lines = [f"{'condition':44} {'seeds':>5} {'steps':>7} {'batch':>5}  data"]
    for condition, seeds in zip(grid.conditions, grid.seeds, strict=True):
        settings = condition.settings
        lines.append(f"{condition.name:44} {seeds:5} {settings.steps:7} {settings.batch:5}  {condition.data.key}")
    episodes = sum(data.episodes for data in grid.data)
    lines.append(
        f"{len(grid.trainings)} trainings, {len(grid.data)} datasets of {episodes} episodes in all: {grid.words}"
    )
    lines.append(f"action term: {grid.term}")
    lines.append(f"about {hours(grid, speeds, at_once=asked.at_once):.2g} hours here; a --budget takes away {ORDER}")
    return "\n".join(lines)


def work(asked: Ask, experiment: Experiment, grid: Grid, stop: Stop) -> int:
    """Do what is not done yet, and write what is known then."""
    torch.set_num_threads(grid.conditions[0].settings.threads or cores())
    worker = Worker(asked.cache, devices=asked.devices, at_once=asked.at_once, stop=stop, quiet=asked.quiet)
    worker.collect(grid.data)
    untaught = {} if stop else worker.baselines(grid)
    found = {(cell.condition.name, cell.seed): scores for cell, scores in worker.cells(grid)}
    again = " ".join(part for part in ("python scripts/experiment.py", asked.name, objects_of(grid), grid.cut) if part)
    if pooled(grid, found)[1]:
        write_outcome(asked.folder, experiment, grid, found, baselines=untaught, command=again)
        print(f"{asked.folder}: {grid.progress(found)}, {grid.words}; see section.md")
    elif found:
        print(f"{asked.folder}: {grid.progress(found)}, {grid.words}; of no condition are all folds done yet")
    if stop:
        print(f"kept: {grid.progress(found)} are done; the same command goes on")
    return stop.status or (1 if worker.failures else 0)


def command_line() -> Ask:
    """The arguments."""
    return parse(Ask)


if __name__ == "__main__":
    program(lambda: main(command_line()))
