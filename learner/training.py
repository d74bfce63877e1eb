"""One step of learning: augment two views, score them with their action, update."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from agent.episode import Interest, Pairs
from learner.actions import Mirror
from learner.augment import Augment, AugmentSettings
from learner.checkpoint import METHOD
from learner.curiosity import EVERY, Curiosity
from learner.distributed import whole_batch_norm
from learner.encoders import Encoder, build_encoder
from learner.methods import Method, MethodOutput, MethodSettings, build_method
from learner.optimizer import OptimizerSettings, build_optimizer, flatten_optimizer, restore_optimizer, set_rate
from learner.precision import Precision
from learner.probes import OnlineLinearProbe
from learner.start import start_from
from learner.team import Team, together
from sim.errors import InputError
from sim.seeding import stream

STILL = 1e-5
"""Standard deviation of what is constant but for rounding, as the turn of a hand that only moves along (no unit)."""


class Step(NamedTuple):
    """What a step on one batch found, from before the update. All on the learner's device: reading it waits for it."""

    losses: dict[str, torch.Tensor]
    """Scalars for the log: `loss`, `loss/<term>`, `loss/<term>_chance`, means over the team; accuracy of the probe."""
    output: MethodOutput
    """Of this process's pairs."""


class Learner:
    """A method, its optimiser, augmentation, frozen action standardisation and the online linear probe.

    What a step draws depends on the seed, its number and the process's rank, on nothing drawn before: a resumed run
    goes on as if it had never stopped.
    """

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
        seed: int,
        horizon: int,
        team: Team | None = None,
        precision: Precision = "float32",
        mirror: Mirror | None = None,
        init: str = "",
        compiled: bool = False,
        local_bn: bool = False,
        curiosity: Curiosity | None = None,
    ) -> None:
        """`horizon` is the number of steps that the learning rate's schedule is laid out for.

        `mirror` makes the action of a pair that is mirrored, where the action has one (`learner.actions`); `init` names
        the weights that the encoder starts from (`learner.start`), empty means random ones. `team`, whose device the
        learner is on, shares each batch; `local_bn` leaves BatchNorm the statistics of a process's own share.
        `curiosity` is kept up where play asks for it.
        """
        self.team = team or Team()
        self.device = torch.device(self.team.device)
        network = build_encoder(encoder, seed=seed, image_size=image_size)
        self.init = start_from(network, init) if init else {}
        self.method = build_method(
            method, network, action_dim=action_size, categories=categories, settings=method_settings, seed=seed + 1
        ).to(self.device)
        if self.team.size > 1 and not local_bn:
            self.method = whole_batch_norm(self.method)
        self.method.reduced = precision == "bfloat16"
        self.encoder = self.method.encoder
        if compiled:
            self.encoder.compile()
        self._scored: nn.Module = self.method
        if self.team.size > 1:
            ids = [self.device.index] if self.device.type == "cuda" else None
            with together(), warnings.catch_warnings():
                warnings.simplefilter("ignore", FutureWarning)  # torch 2.13 has another name for it, 2.11 has not
                self._scored = DistributedDataParallel(self.method, device_ids=ids, broadcast_buffers=False)
        self.optimizer = build_optimizer(self.method.parameters(), optimizer_settings)
        self.probe = OnlineLinearProbe(self.encoder.features, categories, seed=seed + 2).to(self.device)
        self._augment = Augment(augment_settings, dtype=torch.bfloat16 if self.method.reduced else torch.float32)
        self._mirror = mirror if augment_settings.flip == "together" else None
        self.action_mean = torch.zeros(action_size)
        self.action_std = torch.ones(action_size)
        self.steps = 0
        self.horizon = horizon
        self.curiosity = curiosity
        self._settings, self._seed = optimizer_settings, seed

    @property
    def interest(self) -> Interest | None:
        """What it would like to see next; None where play does not ask."""
        return None if self.curiosity is None else self.curiosity.interest

    def freeze_standardisation(self, actions: torch.Tensor) -> None:
        """Take mean and standard deviation of the first process's actions [M, A] for good; a component that is constant
        but for rounding stays as it is. Where pairs are mirrored, each action counts beside its mirror image."""
        if self._mirror is not None:
            actions = torch.cat([actions, self._mirror(actions)])
        deviation = actions.std(dim=0)
        self.action_mean = self.team.from_first(actions.mean(dim=0))
        self.action_std = self.team.from_first(torch.where(deviation > STILL, deviation, torch.ones_like(deviation)))

    def step(self, pairs: Pairs) -> Step:
        """Learn from one batch, this process's share of it. Raises TeamLost where another process is gone: weights and
        BatchNorm statistics are then of a step that is not done."""
        with together():
            return self._step(pairs)

    def _step(self, pairs: Pairs) -> Step:
        self.method.train()
        first, second, action = self._views(pairs)
        category = pairs.category.to(self.device, non_blocking=True)
        self.method.steps = self.steps
        output: MethodOutput = self._scored(first, second, action, category)
        set_rate(self.optimizer, self._settings.rate_at(self.steps, self.horizon))
        self.optimizer.zero_grad(set_to_none=True)
        output.loss.backward()
        if self._settings.clip_norm:
            nn.utils.clip_grad_norm_(self.method.parameters(), self._settings.clip_norm)
        self.optimizer.step()
        self.method.after_update()
        probed = self.probe.step(self._of_all(output.features), self._of_all(category))
        self.steps += 1
        if self.curiosity is not None and self.steps % EVERY == 0:
            self.curiosity.look(output.matched, pairs.action, self.team)
        losses = {"loss": output.loss.detach(), **{f"loss/{name}": value for name, value in output.terms.items()}}
        means = self.team.mean(torch.stack([*losses.values()])).unbind()
        return Step({**dict(zip(losses, means, strict=True)), "probe/linear_batch": probed["accuracy"]}, output)

    def _views(self, pairs: Pairs) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Both views [B, 3, H, W] as the encoder takes them, and the standardised action [B, A], on the device."""
        drawn = int(stream("augment", self._seed, self.steps, self.team.rank).integers(2**63))
        generator = torch.Generator().manual_seed(drawn)
        here, there = (frames.to(self.device, non_blocking=True) for frames in (pairs.first, pairs.second))
        first, second, mirrored = self._augment.pair(here, there, generator)
        action = pairs.action
        if self._mirror is not None:
            action = torch.where(mirrored[:, None], self._mirror(action), action)
        return first, second, ((action - self.action_mean) / self.action_std).to(self.device, non_blocking=True)

    def _of_all(self, rows: torch.Tensor) -> torch.Tensor:
        """Rows of all processes, without gradients: the probe learns the same on each."""
        if self.team.size == 1:
            return rows
        found = [torch.empty_like(rows) for _ in range(self.team.size)]
        torch.distributed.all_gather(found, rows.contiguous())
        return torch.cat(found)

    def state(self) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
        """Tensors and plain values from which `restore` goes on exactly; the same on every process of a team."""
        tensors = {f"{METHOD}{name}": value for name, value in self.method.state_dict().items()}
        tensors |= {f"probe.{name}": value for name, value in self.probe.state_dict().items()}
        tensors |= flatten_optimizer("optimizer", self.optimizer)
        tensors |= flatten_optimizer("probe_optimizer", self.probe.optimizer)
        tensors |= {"action_mean": self.action_mean, "action_std": self.action_std}
        state = {"steps": self.steps, "init": self.init}
        return tensors, state if self.curiosity is None else {**state, "curiosity": self.curiosity.state()}

    def restore(self, tensors: Mapping[str, torch.Tensor], state: dict[str, Any]) -> None:
        """Go on from what `state` returned. Raises InputError for a checkpoint of other networks."""
        try:
            self.method.load_state_dict(_part(tensors, METHOD))
            self.probe.load_state_dict(_part(tensors, "probe."))
            restore_optimizer("optimizer", self.optimizer, tensors)
            restore_optimizer("probe_optimizer", self.probe.optimizer, tensors)
            self.action_mean, self.action_std = tensors["action_mean"], tensors["action_std"]
            self.steps, self.init = int(state["steps"]), dict(state["init"])
            if self.curiosity is not None:
                self.curiosity.restore(state["curiosity"])
        except (IndexError, KeyError, RuntimeError, TypeError, ValueError, OverflowError) as error:
            raise InputError(f"the checkpoint is of another run: {str(error).splitlines()[0]}") from None


def trained_method(
    tensors: Mapping[str, torch.Tensor], name: str, encoder: Encoder, settings: MethodSettings, *, categories: int
) -> Method:
    """The method of a checkpoint with those tensors, on the CPU and in evaluation mode; `encoder`, of the same network,
    becomes its encoder and takes the checkpoint's weights."""
    actions = len(tensors["action_mean"])
    method = build_method(name, encoder, action_dim=actions, categories=categories, settings=settings, seed=0)
    method.load_state_dict(_part(tensors, METHOD))
    return method.eval()


def _part(tensors: Mapping[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
