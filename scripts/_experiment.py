"""Works a grid off: datasets, trainings, scores; each only where it is not there yet."""

from __future__ import annotations

import json
import shutil
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from queue import SimpleQueue
from threading import Lock
from typing import Any

from _children import run_script
from _cli import Stop
from _flags import flags
from _progress import Progress

from agent.dataset import Dataset
from agent.files import write_text
from agent.merge import merge
from learner.experiments.design import Condition, Data, digest
from learner.experiments.grid import Cell, Grid
from learner.experiments.scoring import score_baselines, score_run
from learner.settings import LearnSettings
from sim.errors import InputError


class Failed(Exception):
    """A program that this one started has failed; the message is its last line."""


class Worker:
    """Makes what a grid needs, in the folder `cache` that experiments share, with so many trainings at once.

    Where `stop` comes, what runs is told to end, and nothing new is begun."""

    def __init__(self, cache: Path, *, devices: Sequence[str], at_once: int, stop: Stop, quiet: bool) -> None:
        self._cache, self._stop, self._quiet = cache, stop, quiet
        self._at_once = at_once
        self._devices: SimpleQueue[str] = SimpleQueue()
        for number in range(at_once):
            self._devices.put(devices[number % len(devices)])
        self._scoring = Lock()
        self._at_work: defaultdict[str, Lock] = defaultdict(Lock)
        """Of each run: conditions may share one."""
        self.failures: list[str] = []
        for name in ("data", "runs", "logs", "baselines"):
            (cache / name).mkdir(parents=True, exist_ok=True)

    def collect(self, wanted: Sequence[Data]) -> None:
        """Collect the datasets that are not whole, one after the other. Raises InputError for one that fails: nothing
        can be learned without."""
        with Progress(len(wanted), unit="datasets", title="collect", quiet=self._quiet) as bar:
            for done, data in enumerate(wanted, start=1):
                self._obtain(data)
                bar.advance(done, data.key)

    def _obtain(self, data: Data) -> None:
        """Collect a dataset, or merge it from its halves, where it is not whole and `stop` did not come."""
        if not self._stop and not _whole(self._at(data), data.episodes):
            for half in data.parts:
                self._obtain(half)
            if not data.parts:
                self._play(data)
            elif not self._stop:
                shutil.rmtree(self._at(data), ignore_errors=True)  # of a merge that was killed
                merge(self._at(data), [self._at(half) for half in data.parts])

    def _play(self, data: Data) -> None:
        folder = self._at(data)
        arguments = ["--out", str(folder), "--episodes", str(data.episodes), *flags(data.record)]
        resumed = ["--resume"] if (folder / "dataset.json").exists() else []
        log = self._cache / "logs" / f"data-{data.key}.log"
        ended = run_script("collect", [*arguments, *resumed], log=log, stop=self._stop)
        if not self._stop and not _whole(folder, data.episodes):
            raise InputError(f"{folder}: not collected ({ended.told}); see {log}")

    def cells(self, grid: Grid) -> Iterator[tuple[Cell, dict[str, Any]]]:
        """Train and score all cells; yields each as it is done. Those that fail are told in `failures`."""
        with (
            ThreadPoolExecutor(self._at_once, thread_name_prefix="cell") as pool,
            Progress(len(grid.cells), unit="trainings", title=grid.experiment, quiet=self._quiet) as bar,
        ):
            waiting = {pool.submit(self._make, cell): cell for cell in grid.cells}
            for done, future in enumerate(as_completed(waiting), start=1):
                cell = waiting[future]
                name = f"{cell.condition.name}, seed {cell.seed}"
                try:
                    scores = future.result()
                except (Failed, InputError) as error:
                    self.failures.append(f"{name}: {error}")
                    print(f"look: {self.failures[-1]}", file=sys.stderr, flush=True)
                    continue
                if scores is not None:
                    bar.advance(done, name)
                    yield cell, scores

    def _make(self, cell: Cell) -> dict[str, Any] | None:
        """The scores of a cell; None where it was not done before `stop` came."""
        with self._at_work[cell.key]:
            return self._scores(cell)

    def _scores(self, cell: Cell) -> dict[str, Any] | None:
        run, condition = self._cache / "runs" / cell.key, cell.condition
        kept = run / f"scores-{digest([condition.scored.key, condition.bank.key])}.json"
        if kept.exists():
            return json.loads(kept.read_text())
        if self._stop:
            return None
        device = self._devices.get()
        try:
            if not _finished(run) and not self._train(cell, run, device):
                return None
            parts = {name: self._at(getattr(condition, name)) for name in ("data", "bank", "scored")}
            with self._scoring:
                scores = score_run(run, cell.settings, **parts, device=device)
        finally:
            self._devices.put(device)
        scores["peak_megabytes"] = json.loads((run / "peak.json").read_text())
        write_text(kept, json.dumps(scores) + "\n")
        return scores

    def _train(self, cell: Cell, run: Path, device: str) -> bool:
        """Train to the end, going on where a training stopped; false where `stop` came before. Raises Failed."""
        if run.exists() and not (run / "settings.json").exists():
            shutil.rmtree(run)  # killed before it had settings to go on with
        settings: LearnSettings = cell.settings
        arguments = ["--out", str(run), "--quiet"]
        if not cell.condition.live:
            arguments += ["--data", str(self._at(cell.condition.data))]
        arguments += _without(flags(settings), "--data")
        resumed = ["--resume"] if run.exists() else []
        log = self._cache / "logs" / f"run-{cell.key}.log"
        ended = run_script(
            settings.script, [*arguments, *resumed], log=log, stop=self._stop, device=device, threads=settings.threads
        )
        if run.exists():
            before = json.loads((run / "peak.json").read_text()) if (run / "peak.json").exists() else 0.0
            write_text(run / "peak.json", json.dumps(max(before, round(ended.peak_megabytes, 1))) + "\n")
        if not _finished(run):
            if self._stop:
                return False
            raise Failed(f"{ended.told or f'ended with status {ended.status}'}; see {log}")
        return True

    def baselines(self, grid: Grid) -> dict[str, dict[str, float]]:
        """Accuracies of what learned nothing, on the instances of the first condition that is scored in such a play,
        those of all its folds. Names say in which play where there are several, or in the hand and on a table."""
        firsts: dict[str, Condition] = {}
        for each in grid.conditions:
            firsts.setdefault(each.scored.record.play, each)
        tables = {first.scored.record.at_table for first in firsts.values()}
        found: dict[str, dict[str, float]] = {}
        for play, first in firsts.items():
            table = ", on the table" if first.scored.record.at_table else ", in the hand"
            place = "" if len(firsts) == 1 else table if len(firsts) == len(tables) else f", {play}"
            for each in grid.conditions if first.pool else (first,):
                if each.pool == first.pool:
                    for name, shares in self._untaught(each).items():
                        found.setdefault(f"{name}{place}", {}).update(shares)
        return found

    def _untaught(self, first: Condition) -> dict[str, dict[str, float]]:
        encoder = first.settings.encoder
        kept = self._cache / "baselines" / f"{digest([first.bank.key, first.scored.key, encoder])}.json"
        if not kept.exists():
            device = self._devices.get()
            found = score_baselines(self._at(first.bank), self._at(first.scored), encoder, device=device)
            self._devices.put(device)
            write_text(kept, json.dumps(found) + "\n")
        return json.loads(kept.read_text())

    def _at(self, data: Data) -> Path:
        return self._cache / "data" / data.key


def _whole(folder: Path, episodes: int) -> bool:
    if not (folder / "dataset.json").exists():
        return False
    try:
        return len(Dataset(folder)) >= episodes
    except InputError:  # none stored yet
        return False


def _finished(run: Path) -> bool:
    return (run / "encoder" / "config.json").exists()


def _without(arguments: list[str], flag: str) -> list[str]:
    """The arguments without a flag and its value."""
    if flag not in arguments:
        return arguments
    at = arguments.index(flag)
    return arguments[:at] + arguments[at + 2 :]
