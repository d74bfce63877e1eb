"""One step of learning: augment two views, score them with their action, update."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch

from agent.episode import Pairs
from learner.actions import Mirror
from learner.augment import Augment, AugmentSettings
from learner.checkpoint import flatten_optimizer, restore_optimizer
from learner.encoders import build_encoder
from learner.methods import MethodSettings, build_method
from learner.precision import Precision
from learner.probes import OnlineLinearProbe
from learner.start import start_from
from sim.errors import InputError


@dataclass(frozen=True)
class OptimizerSettings:
    """AdamW; defaults are AA-SSL's (arXiv 2407.06704)."""

    learning_rate: float = 5e-4
    weight_decay: float = 1e-6
    schedule: Literal["constant", "cosine"] = "constant"
    """Learning rate over the run: constant, as in the paper, or falling to nothing along half a cosine."""

    def __post_init__(self) -> None:
        if not 0 < self.learning_rate < 1:
            raise InputError(f"learning_rate={self.learning_rate}: must be above 0 and below 1, or nothing is learned")
        if not 0 <= self.weight_decay < 1:
            raise InputError(f"weight_decay={self.weight_decay}: must be at least 0 and below 1")
        if self.schedule not in ("constant", "cosine"):
            raise InputError(f"schedule={self.schedule}: unknown, known are constant, cosine")

    def rate_at(self, step: int, horizon: int) -> float:
        """The learning rate of step `step` (from 0) of `horizon`; beyond it, a cosine stays at its last value."""
        if self.schedule == "constant":
            return self.learning_rate
        return self.learning_rate * 0.5 * (1.0 + math.cos(math.pi * min(step, horizon - 1) / horizon))


class Learner:
    """A method, its optimiser, augmentation, frozen action standardisation and the online linear probe."""

    def __init__(
        self,
        *,
        method: str,
        encoder: str,
        image_size: int,
        action_size: int,
        categories: int,
        method_settings: MethodSettings,
        augment_settings: AugmentSettings,
        optimizer_settings: OptimizerSettings,
        device: str,
        seed: int,
        horizon: int,
        precision: Precision = "float32",
        mirror: Mirror | None = None,
        init: str = "",
    ) -> None:
        """`horizon` is the number of steps that the learning rate's schedule is laid out for.

        `mirror` makes the action of a pair that is mirrored, where the action has one (`learner.actions`); `init` names
        the weights that the encoder starts from (`learner.start`), empty means random ones.
        """
        self.device = torch.device(device)
        network = build_encoder(encoder, seed=seed, image_size=image_size)
        self.init = start_from(network, init) if init else {}
        self.method = build_method(
            method, network, action_dim=action_size, categories=categories, settings=method_settings, seed=seed + 1
        ).to(self.device)
        self.method.reduced = precision == "bfloat16"
        self.encoder = self.method.encoder
        self.optimizer = torch.optim.AdamW(
            self.method.parameters(),
            lr=optimizer_settings.learning_rate,
            weight_decay=optimizer_settings.weight_decay,
        )
        self.probe = OnlineLinearProbe(self.encoder.features, categories, seed=seed + 2).to(self.device)
        self._augment = Augment(augment_settings)
        self._mirror = mirror if augment_settings.flip == "together" else None
        self._generator = torch.Generator().manual_seed(seed + 3)
        self.action_mean = torch.zeros(action_size)
        self.action_std = torch.ones(action_size)
        self.steps = 0
        self._settings, self._horizon = optimizer_settings, horizon

    def freeze_standardisation(self, actions: torch.Tensor) -> None:
        """Take mean and standard deviation of actions [M, A] for good; a constant component stays as it is.

        Where pairs are mirrored, each action counts beside its mirror image, or play that turns one way would mislead.
        """
        if self._mirror is not None:
            actions = torch.cat([actions, self._mirror(actions)])
        self.action_mean = actions.mean(dim=0)
        deviation = actions.std(dim=0)
        self.action_std = torch.where(deviation > 1e-6, deviation, torch.ones_like(deviation))

    def step(self, pairs: Pairs) -> dict[str, float]:
        """Learn from one batch; returns losses in nats and the probe's accuracy on it, from before the update."""
        self.method.train()
        here, there = (frames.to(self.device, non_blocking=True) for frames in (pairs.first, pairs.second))
        first, second, mirrored = self._augment.pair(here, there, self._generator)
        action = pairs.action
        if self._mirror is not None:
            action = torch.where(mirrored[:, None], self._mirror(action), action)
        action = ((action - self.action_mean) / self.action_std).to(self.device)
        category = pairs.category.to(self.device)
        self.method.steps = self.steps
        output = self.method(first, second, action, category)
        for group in self.optimizer.param_groups:
            group["lr"] = self._settings.rate_at(self.steps, self._horizon)
        self.optimizer.zero_grad(set_to_none=True)
        output.loss.backward()
        self.optimizer.step()
        self.method.after_update()
        probed = self.probe.step(output.features, category)
        self.steps += 1
        values = {"loss": output.loss.detach(), **{f"loss/{name}": value for name, value in output.terms.items()}}
        values["probe/linear_batch"] = probed["accuracy"]
        found = {name: float(value) for name, value in values.items()}
        if not np.isfinite(found["loss"]):
            raise FloatingPointError(f"the loss is {found['loss']} at step {self.steps}: try a lower --learning-rate")
        return found

    def state(self) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
        """Tensors and plain values from which `restore` goes on exactly."""
        tensors = {f"method.{name}": value for name, value in self.method.state_dict().items()}
        tensors |= {f"probe.{name}": value for name, value in self.probe.state_dict().items()}
        tensors |= flatten_optimizer("optimizer", self.optimizer)
        tensors |= flatten_optimizer("probe_optimizer", self.probe.optimizer)
        tensors |= {"action_mean": self.action_mean, "action_std": self.action_std}
        tensors["generator"] = self._generator.get_state()
        return tensors, {"steps": self.steps, "init": self.init}

    def restore(self, tensors: dict[str, torch.Tensor], state: dict[str, Any]) -> None:
        """Go on from what `state` returned. Raises InputError for a checkpoint of other networks."""

        def part(prefix: str) -> dict[str, torch.Tensor]:
            return {name[len(prefix) :]: value for name, value in tensors.items() if name.startswith(prefix)}

        try:
            self.method.load_state_dict(part("method."))
            self.probe.load_state_dict(part("probe."))
            restore_optimizer("optimizer", self.optimizer, tensors)
            restore_optimizer("probe_optimizer", self.probe.optimizer, tensors)
            self.action_mean, self.action_std = tensors["action_mean"], tensors["action_std"]
            self._generator.set_state(tensors["generator"])
            self.steps, self.init = int(state["steps"]), dict(state.get("init", {}))
        except (KeyError, RuntimeError, TypeError, ValueError) as error:
            raise InputError(f"the checkpoint is of another run: {str(error).splitlines()[0]}") from None
