"""A run's folder: settings, history, TensorBoard events, checkpoints, log of insertions."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TextIO

from agent.files import append_lines, read_json, read_lines, unwritable, write_text
from agent.settings import differences, from_json, to_json
from agent.watch import Watch
from learner.board import Board
from learner.checkpoint import Checkpoints
from learner.replay import Entry
from learner.replay_log import ReplayLog
from learner.settings import FREE_ON_RESUME, LearnSettings, OnlineSettings
from learner.team import Team
from learner.training import Learner
from sim.errors import InputError

VERSION = 2
HISTORY = "history.jsonl"
WATCHED = "probe/knn_validation"
"""The figure of the history by which a checkpoint is the best."""


def stored_settings(folder: Path, kind: type[LearnSettings]) -> Any:
    """The settings of the run in `folder`, which are of this kind. Raises InputError where there are none."""
    return _stored(folder, kind)[0]


def stored_processes(folder: Path, kind: type[LearnSettings]) -> int:
    """The number of processes that made the run in `folder`. Raises as `stored_settings` does."""
    return _stored(folder, kind)[1]


def _stored(folder: Path, kind: type[LearnSettings]) -> tuple[Any, int]:
    try:
        stored = read_json(folder / "settings.json")
        if stored.get("format") != "armplay-run" or stored.get("version") != VERSION:
            raise ValueError(f"format {stored.get('format')} version {stored.get('version')}")
        settings, script, processes = stored["settings"], stored["script"], int(stored["processes"])
    except (OSError, ValueError, AttributeError, KeyError, TypeError, OverflowError) as error:
        raise InputError(f"{folder}: no run of armplay {VERSION} ({error})") from None
    if script != kind.script:
        raise InputError(f"{folder}: a run of scripts/{script}.py, and one of scripts/{kind.script}.py is needed")
    return from_json(kind, settings, where=f"{folder}/settings.json"), processes


class Run:
    """An open run folder; one process, or one team, at a time. Only the process that leads a team writes."""

    def __init__(
        self,
        folder: Path,
        settings: LearnSettings,
        *,
        command: str,
        machine: dict[str, Any],
        resume: bool,
        team: Team | None = None,
        categories: Sequence[str] = (),
    ) -> None:
        """`categories` are the names of the labels 0, 1, ...

        Make or reopen the folder. Raises InputError for a used folder, another run's settings, or one in use."""
        self.folder, self.settings, self.command, self.machine = folder, settings, command, machine
        self.checkpoints = Checkpoints(folder / "checkpoints", keep=settings.keep_checkpoints)
        self.seconds = 0.0
        """Trained in earlier sessions."""
        self.damaged: list[str] = []
        """Sentences about checkpoints that could not be used."""
        self._team = team or Team()
        self.board = Board(folder / "tensorboard", categories) if self._team.leads else Watch()
        """What TensorBoard shows."""
        self._best = float("-inf")
        self._looked = (-1, self._best)
        """Step and figure of the last look at the validation objects."""
        self._lock: TextIO | None = None
        self._log = ReplayLog(folder) if isinstance(settings, OnlineSettings) else None
        if self._team.leads:
            self._open(resume)
        self._team.wait()

    def _open(self, resume: bool) -> None:
        folder, settings = self.folder, self.settings
        if resume:
            stored, processes = _stored(folder, type(settings))
            for name, old, new in differences(to_json(stored), to_json(settings)):
                if name not in FREE_ON_RESUME:
                    raise InputError(f"{name}={new}: the run in {folder} has {old}, changing it would mix two runs")
            if processes != self._team.size:
                raise InputError(
                    f"processes={self._team.size}: the run in {folder} has {processes}, and each draws pairs of its own"
                )
        try:
            # Hidden files are of a run that was killed before it had settings.
            if not resume and folder.exists() and (not folder.is_dir() or any(map(_shown, folder.iterdir()))):
                raise InputError(f"{folder}: exists and is not empty, pass --resume to go on, or another --out")
            folder.mkdir(parents=True, exist_ok=True)
            self._lock = (folder / ".lock").open("w")
        except OSError as error:
            raise InputError(f"{folder}: {error.strerror}, nothing can be kept there") from None
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise InputError(f"{folder}: another process is training there") from None
        header = {"format": "armplay-run", "version": VERSION, "script": settings.script, "command": self.command}
        header |= {"machine": self.machine, "processes": self._team.size, "settings": to_json(settings)}
        write_text(folder / "settings.json", json.dumps(header, indent=2) + "\n")

    def __enter__(self) -> Run:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def restore(self, learner: Learner) -> None:
        """Load the newest sound checkpoint, if there is one; the history goes back to it."""
        kept, self.damaged = self.checkpoints.load()
        if kept is not None:
            try:
                learner.restore(kept.tensors, kept.state["learner"])
                self.seconds, self._best = float(kept.state["seconds"]), float(kept.state["best"])
            except (KeyError, TypeError, ValueError, OverflowError) as error:
                raise InputError(f"{kept.path}: not a checkpoint of this run ({error})") from None
        if self._team.leads:
            kept_rows = [row for row in self.history if row["step"] <= learner.steps]
            write_text(self._history_path, "".join(map(_line, kept_rows)))
            for row in kept_rows[-1:]:
                self._look(row)
            if self._log is not None:
                self._log.begin(learner.steps, steps=learner.horizon)
        self._team.wait()  # nobody reads what another has begun to write

    def checkpoint(self, learner: Learner, seconds: float, entries: Sequence[Entry]) -> None:
        """Write everything that `restore` needs, atomically."""
        if not self._team.leads:
            return
        step, found = self._looked
        best = step == learner.steps and found > self._best
        self._best = found if best else self._best
        self._note(entries)
        tensors, state = learner.state()
        rest = {"seconds": seconds, "best": self._best, "learner": state}
        self.checkpoints.save(learner.steps, tensors, rest, best=best)

    def log(self, step: int, values: dict[str, float], entries: Sequence[Entry] = ()) -> None:
        """Add a row to the history and to TensorBoard, and what was inserted since to the log of insertions."""
        if not self._team.leads:
            return
        row = {"step": step, **values}
        self._look(row)
        self._note(entries)  # first: nobody else has them, and the disk may be full
        try:
            append_lines(self._history_path, [_line(row)])
        except OSError as error:
            raise unwritable(self.folder, error) from error
        self.board.figures(step, values)

    def close(self) -> None:
        """Release the folder."""
        try:
            self.board.close()
        finally:
            if self._lock is not None:
                self._lock.close()

    def _look(self, row: dict[str, float]) -> None:
        """Remember a row's figure of the validation objects, if it has one: it may make a checkpoint the best."""
        if WATCHED in row:
            self._looked = (int(row["step"]), row[WATCHED])

    def _note(self, entries: Sequence[Entry]) -> None:
        """What came into the buffer of a live run; other runs know it beforehand."""
        if self._log is None:
            return
        try:
            self._log.write(entries)
        except OSError as error:
            raise unwritable(self.folder, error) from error

    @property
    def history(self) -> list[dict[str, float]]:
        """All rows that were logged, read from their file: a run of days has more than memory should hold."""
        return stored_history(self.folder)

    @property
    def _history_path(self) -> Path:
        return self.folder / HISTORY


def stored_history(folder: Path) -> list[dict[str, float]]:
    """The rows of a run's log; the last one may have been cut by a kill, and is then left out. Raises InputError for
    what is no log."""
    path = folder / HISTORY
    return read_lines(path, _row, wrong="is no row of a history") if path.exists() else []


def _row(row: dict[str, Any]) -> dict[str, float]:
    return {**row, "step": int(row["step"])}


def _shown(path: Path) -> bool:
    return not path.name.startswith(".")


def _line(row: dict[str, float]) -> str:
    return json.dumps(row) + "\n"
