"""What the methods share: an encoder, a projector, and weighted terms that each score the two views of a batch."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from torch import nn

from learner.encoders import Encoder
from learner.heads import action_head, pair_head
from learner.losses import Negatives, check_negatives, info_nce, log_chance
from sim.errors import InputError

SecondView = Literal["same", "other"]


@dataclass(frozen=True)
class MethodSettings:
    """Temperatures, weights and negatives of the losses."""

    temperature: float = 0.1
    """Temperature of the instance term."""
    action_temperature: float = 0.1
    """Temperature of the action term."""
    action_weight: float = 1.0
    """Weight of the action term beside the instance term, which has weight 1."""
    negatives: Negatives = "across"
    """Negatives of the action term: "across" contrasts actions with pairs only; "all", also actions with actions and
    pairs with pairs, is the paper's published form, which in the pilots held short runs back."""

    def __post_init__(self) -> None:
        for name in ("temperature", "action_temperature"):
            if not 0 < getattr(self, name) < math.inf:
                raise InputError(f"{name}={getattr(self, name)}: above 0 is needed, as similarities are divided by it")
        if not 0 <= self.action_weight < math.inf:
            raise InputError(f"action_weight={self.action_weight}: 0 or more is needed, or actions and pairs repel")
        check_negatives(self.negatives)


class Views(NamedTuple):
    """All that a term may look at; one row per pair."""

    features: tuple[torch.Tensor, torch.Tensor]
    """h of the first and of the second view, float [N, F]."""
    projections: tuple[torch.Tensor, torch.Tensor]
    """Projections of both, float [N, 128]."""
    action: torch.Tensor
    """float [N, A]: standardised."""


class MethodOutput(NamedTuple):
    """One step's result."""

    loss: torch.Tensor
    """Scalar to differentiate: the weighted sum of the terms."""
    terms: dict[str, torch.Tensor]
    """Detached scalars for logs: each term's loss in nats under its name, and under `<name>_chance` the loss of a
    learner to whom all candidates look alike."""
    features: torch.Tensor
    """float [N, F]: detached h of the first view, for an online probe."""


class Term(nn.Module, ABC):
    """One part of the loss: `forward(views)` is its value, a scalar in nats."""

    weight: float = 1.0

    @abstractmethod
    def chance(self, n: int) -> float:
        """The term's value for a batch of n that carries no information, in nats."""


class InstanceTerm(Term):
    """Projections of the two views attract: SimCLR's NT-Xent."""

    def __init__(self, *, temperature: float) -> None:
        super().__init__()
        self.temperature = temperature

    def forward(self, views: Views) -> torch.Tensor:
        return info_nce(*views.projections, temperature=self.temperature, negatives="all")

    def chance(self, n: int) -> float:
        return log_chance(n, negatives="all")


class ActionTerm(Term):
    """The embedding of the action and the joint embedding of both views attract: AA-SSL's action alignment."""

    def __init__(self, features: int, *, action_dim: int, settings: MethodSettings) -> None:
        super().__init__()
        self.weight, self.temperature = settings.action_weight, settings.action_temperature
        self.negatives = settings.negatives
        self.pair_head = pair_head(features)
        self.action_head = action_head(action_dim)

    def forward(self, views: Views) -> torch.Tensor:
        pair = self.pair_head(torch.cat(views.features, dim=1))
        action = self.action_head(views.action)
        return info_nce(action, pair, temperature=self.temperature, negatives=self.negatives)

    def chance(self, n: int) -> float:
        return log_chance(n, negatives=self.negatives)


class Method(nn.Module):
    """An encoder, a projector, and the terms of the loss by name."""

    def __init__(
        self, encoder: Encoder, projector: nn.Module, *, second_view: SecondView, terms: Mapping[str, Term]
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.projector = projector
        self.terms = nn.ModuleDict(terms)
        self.second_view = second_view
        self.reduced = False
        """Run the encoder in bfloat16; BatchNorm statistics, heads and losses stay in float32."""

    def forward(self, first: torch.Tensor, second: torch.Tensor, action: torch.Tensor) -> MethodOutput:
        """Score views `first` and `second` [N, 3, H, W] in [-1, 1] and the standardised action [N, A] between them.

        `second` is another view of the first frame where `second_view` is "same", of the other frame where "other".
        """
        if self.training and len(first) < 2:
            raise InputError(f"batch={len(first)}: at least 2 pairs are needed, or BatchNorm has nothing to compare")
        # The views pass one after the other: each has its own BatchNorm statistics, as in the authors' code.
        with torch.autocast(first.device.type, torch.bfloat16, enabled=self.reduced):
            features = self.encoder(first), self.encoder(second)
        features = features[0].to(first.dtype), features[1].to(second.dtype)
        views = Views(features, (self.projector(features[0]), self.projector(features[1])), action)
        loss = torch.zeros((), device=first.device)
        logged: dict[str, torch.Tensor] = {}
        for name, term in self.terms.items():
            assert isinstance(term, Term)
            value = term(views)
            loss = loss + term.weight * value
            logged[name] = value.detach()
            logged[f"{name}_chance"] = torch.full_like(logged[name], term.chance(len(first)))
        return MethodOutput(loss, logged, features[0].detach())
