"""A run's folder: settings, history, TensorBoard events, checkpoint, exported encoder, report."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

import numpy as np
from torch.utils.tensorboard import SummaryWriter

from agent.files import write_text
from agent.settings import differences, from_json, to_json
from learner.checkpoint import load_checkpoint, save_checkpoint
from learner.meters import Meters
from learner.settings import FREE_ON_RESUME, OnlineSettings
from learner.training import Learner
from sim.errors import InputError

VERSION = 1


def stored_settings(folder: Path) -> OnlineSettings:
    """The settings of the run in `folder`. Raises InputError when there is none."""
    try:
        stored = json.loads((folder / "settings.json").read_text())
        if stored.get("format") != "armplay-run" or stored.get("version") != VERSION:
            raise ValueError(f"format {stored.get('format')} version {stored.get('version')}")
        settings = stored["settings"]
    except (OSError, ValueError, AttributeError, KeyError) as error:
        raise InputError(f"{folder}: no run of armplay {VERSION} to resume ({error})") from None
    return from_json(OnlineSettings, settings, where=f"{folder}/settings.json")


class Run:
    """An open run folder; one process at a time."""

    def __init__(self, folder: Path, settings: OnlineSettings, *, command: str, machine: dict[str, Any], resume: bool):
        """Make or reopen the folder. Raises InputError for a used folder, another run's settings, or one in use."""
        self.folder, self.settings, self.command, self.machine = folder, settings, command, machine
        if resume:
            for name, old, new in differences(to_json(stored_settings(folder)), to_json(settings)):
                if name not in FREE_ON_RESUME:
                    raise InputError(f"{name}={new}: the run in {folder} has {old}, changing it would mix two runs")
        try:
            if not resume and folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
                raise InputError(f"{folder}: exists and is not empty, pass --resume to go on, or another --out")
            folder.mkdir(parents=True, exist_ok=True)
            self._lock: TextIO = (folder / ".lock").open("w")
        except OSError as error:
            raise InputError(f"{folder}: {error.strerror}, nothing can be kept there") from None
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise InputError(f"{folder}: another process is training there") from None
        header = {"format": "armplay-run", "version": VERSION, "command": command, "machine": machine}
        write_text(folder / "settings.json", json.dumps({**header, "settings": to_json(settings)}, indent=2) + "\n")
        self.history: list[dict[str, float]] = []
        self._board: SummaryWriter | None = None

    def __enter__(self) -> Run:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    @property
    def checkpoint_path(self) -> Path:
        return self.folder / "checkpoint.safetensors"

    def restore(self, learner: Learner, rng: np.random.Generator) -> float:
        """Load the checkpoint, if there is one, and return the seconds trained so far."""
        if not self.checkpoint_path.exists():
            return 0.0
        tensors, state = load_checkpoint(self.checkpoint_path)
        try:
            learner.restore(tensors, state["learner"])
            rng.bit_generator.state = state["rng"]
            self.history = list(state["history"])
            return float(state["seconds"])
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"{self.checkpoint_path}: not a checkpoint of this run ({error})") from None

    def checkpoint(self, learner: Learner, rng: np.random.Generator, seconds: float) -> None:
        """Write everything that `restore` needs, atomically."""
        tensors, state = learner.state()
        rest = {"rng": rng.bit_generator.state, "history": self.history, "seconds": seconds, "learner": state}
        save_checkpoint(self.checkpoint_path, tensors, rest)

    @contextmanager
    def keeping(self, learner: Learner, rng: np.random.Generator, meters: Meters) -> Iterator[None]:
        """Write a checkpoint at the end, and also when something fails, unless it is the learner itself."""
        try:
            yield
        except (FloatingPointError, InputError):
            raise
        except Exception:
            self.checkpoint(learner, rng, meters.seconds)
            raise
        self.checkpoint(learner, rng, meters.seconds)

    def log(self, step: int, values: dict[str, float]) -> None:
        """Add a row to the history and to TensorBoard."""
        self.history.append({"step": step, **values})
        if self._board is None:
            self._board = SummaryWriter(str(self.folder / "tensorboard"), purge_step=step)
        for name, value in values.items():
            self._board.add_scalar(name, value, step)

    def close(self) -> None:
        """Flush the history as JSON lines, and release the folder."""
        lines = "".join(json.dumps(row) + "\n" for row in self.history)
        write_text(self.folder / "history.jsonl", lines)
        if self._board is not None:
            self._board.close()
        self._lock.close()
