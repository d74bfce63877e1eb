"""Checkpoints: tensors as safetensors, the rest as JSON. Nothing is unpickled."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from agent.files import write_whole
from sim.errors import InputError


def save_checkpoint(path: Path, tensors: dict[str, torch.Tensor], state: dict[str, Any]) -> None:
    """Write one file, atomically: the tensors, and `state` (plain JSON values) in its header."""
    kept = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    data = save(kept, metadata={"state": json.dumps(state)})
    write_whole(path, lambda file: file.write(data))


def load_checkpoint(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Read what `save_checkpoint` wrote. Raises InputError for a missing or foreign file."""
    try:
        with safe_open(path, framework="pt") as file:
            state = json.loads((file.metadata() or {})["state"])
            return {name: file.get_tensor(name) for name in file.keys()}, state  # noqa: SIM118
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        raise InputError(f"{path}: not a checkpoint of armplay ({' '.join(str(error).split())})") from None


def flatten_optimizer(name: str, optimizer: torch.optim.Optimizer) -> dict[str, torch.Tensor]:
    """An optimiser's state as named tensors; its settings are the run's."""
    found = {}
    for index, values in optimizer.state_dict()["state"].items():
        for key, value in values.items():
            found[f"{name}.{index}.{key}"] = torch.as_tensor(value)
    return found


def restore_optimizer(name: str, optimizer: torch.optim.Optimizer, tensors: dict[str, torch.Tensor]) -> None:
    """Load what `flatten_optimizer` made."""
    state: dict[int, dict[str, torch.Tensor]] = {}
    for full, tensor in tensors.items():
        if full.startswith(f"{name}."):
            index, key = full[len(name) + 1 :].split(".", 1)
            state.setdefault(int(index), {})[key] = tensor
    optimizer.load_state_dict({**optimizer.state_dict(), "state": state})
