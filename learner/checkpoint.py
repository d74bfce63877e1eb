"""Checkpoints: tensors as safetensors, the rest as JSON, their digest beside them. Nothing is unpickled."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from agent.files import parse_json, write_whole
from sim.errors import InputError

SUFFIX = ".safetensors"
BEST = f"best{SUFFIX}"
METHOD = "method."
"""How the names of a method's tensors begin in a run's checkpoint."""


class Kept(NamedTuple):
    """A checkpoint that was read."""

    path: Path
    tensors: dict[str, torch.Tensor]
    state: dict[str, Any]
    """Plain JSON values."""


class Checkpoints:
    """The checkpoints in a folder: the last few, by step, and the best by validation. Results use the last."""

    def __init__(self, folder: Path, *, keep: int = 2) -> None:
        """`keep` of the last are kept; the one before the newest serves where the disk spoils that."""
        self.folder, self._keep = folder, keep

    @property
    def steps(self) -> list[int]:
        """Steps of the checkpoints there are, ascending."""
        names = (path.name.removesuffix(SUFFIX) for path in self.folder.glob(f"*{SUFFIX}"))
        return sorted(int(name) for name in names if name.isdecimal())

    def path_of(self, step: int) -> Path:
        """Where the checkpoint of a step is."""
        return self.folder / f"{step:09d}{SUFFIX}"

    def save(self, step: int, tensors: dict[str, torch.Tensor], state: dict[str, Any], *, best: bool = False) -> None:
        """Write a checkpoint, atomically, and remove those that are too old. Raises InputError where it cannot."""
        path = self.path_of(step)
        try:
            self.folder.mkdir(exist_ok=True)
            save_checkpoint(path, tensors, state)
            if best:
                draft = self.folder / f".{BEST}.tmp"
                draft.unlink(missing_ok=True)
                os.link(path, draft)
                os.replace(draft, self.folder / BEST)
            # Later ones are of steps that a resumed run takes anew.
            for other in self.steps:
                if other > step or other not in [s for s in self.steps if s <= step][-self._keep :]:
                    self.path_of(other).unlink()
        except OSError as error:
            raise InputError(
                f"{path}: cannot be written ({error.strerror or error}), the one before it stays"
            ) from None

    def load(self) -> tuple[Kept | None, list[str]]:
        """The newest that is sound, or None where there is none; and a sentence for each newer one that is not.

        Raises InputError where there are some and none is sound.
        """
        damaged: list[str] = []
        for step in reversed(self.steps):
            try:
                return Kept(self.path_of(step), *load_checkpoint(self.path_of(step))), damaged
            except InputError as error:
                damaged.append(str(error))
        if damaged:
            raise InputError(damaged[0])
        return None, []


def save_checkpoint(path: Path, tensors: dict[str, torch.Tensor], state: dict[str, Any]) -> None:
    """Write one file, atomically: the tensors, and `state` (plain JSON values) in its header."""
    kept = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    text = json.dumps(state)
    data = save(kept, metadata={"state": text, "sha256": _digest(kept, text)})
    write_whole(path, lambda file: file.write(data))


def load_checkpoint(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Read what `save_checkpoint` wrote. Raises InputError for a missing, foreign or damaged file."""
    try:
        with safe_open(path, framework="pt") as file:
            about = file.metadata() or {}
            state = parse_json(about["state"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        if _digest(tensors, about["state"]) != about["sha256"]:
            raise ValueError("its bytes are not those that were written")
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        raise InputError(f"{path}: not a checkpoint of armplay ({' '.join(str(error).split())})") from None
    return tensors, state


def _digest(tensors: dict[str, torch.Tensor], text: str) -> str:
    found = hashlib.sha256(text.encode())
    for name in sorted(tensors):
        found.update(name.encode())
        found.update(tensors[name].reshape(-1).view(torch.uint8).numpy().data)
    return found.hexdigest()
