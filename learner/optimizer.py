"""The optimiser: which, how fast over the run, and its state as named tensors."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import nn

from sim.errors import InputError

Optimizer = Literal["adamw", "sgd"]
Schedule = Literal["constant", "cosine"]


@dataclass(frozen=True)
class OptimizerSettings:
    """Defaults are AA-SSL's (arXiv 2407.06704)."""

    optimizer: Optimizer = "adamw"
    """adamw, as in the paper, or sgd."""
    learning_rate: float = 5e-4
    weight_decay: float = 1e-6
    momentum: float = 0.9
    """Of sgd."""
    schedule: Schedule = "constant"
    """Learning rate over the run: constant, as in the paper, or falling to nothing along half a cosine."""
    warmup_steps: int = 0
    """Steps over which the learning rate first rises from nothing."""
    clip_norm: float = 0.0
    """Longest gradient, over all parameters, that is not shortened; 0 leaves all as they are."""

    def __post_init__(self) -> None:
        if not 0 < self.learning_rate < math.inf:
            raise InputError(f"learning_rate={self.learning_rate}: must be above 0, or nothing is learned")
        if not 0 <= self.weight_decay < 1:
            raise InputError(f"weight_decay={self.weight_decay}: must be at least 0 and below 1")
        if not 0 <= self.momentum < 1:
            raise InputError(f"momentum={self.momentum}: must be at least 0 and below 1, or steps never stop growing")
        for name in ("warmup_steps", "clip_norm"):
            if not 0 <= getattr(self, name) < math.inf:
                raise InputError(f"{name}={getattr(self, name)}: 0 (none) or more is needed")
        for name, known in (("optimizer", Optimizer), ("schedule", Schedule)):
            if getattr(self, name) not in get_args(known):
                raise InputError(f"{name}={getattr(self, name)}: unknown, known are {', '.join(get_args(known))}")

    def rate_at(self, step: int, horizon: int) -> float:
        """The learning rate of step `step` (from 0) of `horizon`; beyond it, a cosine stays at its last value."""
        if step < self.warmup_steps:
            return self.learning_rate * (step + 1) / self.warmup_steps
        if self.schedule == "constant":
            return self.learning_rate
        length = max(1, horizon - self.warmup_steps)
        done = min(step - self.warmup_steps, length - 1) / length
        return self.learning_rate * 0.5 * (1.0 + math.cos(math.pi * done))


def build_optimizer(parameters: Iterable[nn.Parameter], settings: OptimizerSettings) -> torch.optim.Optimizer:
    """The optimiser of the parameters that have gradients."""
    learned = [parameter for parameter in parameters if parameter.requires_grad]
    rate, decay = settings.learning_rate, settings.weight_decay
    if settings.optimizer == "sgd":
        return torch.optim.SGD(learned, lr=rate, momentum=settings.momentum, weight_decay=decay)
    return torch.optim.AdamW(learned, lr=rate, weight_decay=decay, fused=True)


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Use this learning rate from now on."""
    for group in optimizer.param_groups:
        group["lr"] = rate


def flatten_optimizer(name: str, optimizer: torch.optim.Optimizer) -> dict[str, torch.Tensor]:
    """An optimiser's state as named tensors; its settings are the run's."""
    found = {}
    for index, values in optimizer.state_dict()["state"].items():
        for key, value in values.items():
            if value is not None:
                found[f"{name}.{index}.{key}"] = torch.as_tensor(value)
    return found


def restore_optimizer(name: str, optimizer: torch.optim.Optimizer, tensors: Mapping[str, torch.Tensor]) -> None:
    """Load what `flatten_optimizer` made."""
    state: dict[int, dict[str, torch.Tensor]] = {}
    learned = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    for full, tensor in tensors.items():
        if full.startswith(f"{name}."):
            index, key = full[len(name) + 1 :].split(".", 1)
            parameter = learned[int(index)]
            if tensor.shape == parameter.shape:
                # Fused updates walk through memory: the order of its elements must be the parameter's, channels last.
                tensor = torch.empty_like(parameter, dtype=tensor.dtype).copy_(tensor)
            state.setdefault(int(index), {})[key] = tensor
    optimizer.load_state_dict({**optimizer.state_dict(), "state": state})
