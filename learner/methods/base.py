"""What the methods share: an encoder, a projector, and weighted terms that each score the two views of a batch."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeVar

import torch
from torch import nn

from learner.distributed import check_equal_batches, world_size
from learner.encoders import Encoder
from learner.heads import projector
from learner.methods.settings import MethodSettings
from sim.errors import InputError

SecondView = Literal["same", "other"]
Sides = tuple[torch.Tensor, torch.Tensor]
Network = TypeVar("Network", bound=nn.Module)


class Sizes(NamedTuple):
    """Widths of what terms are given."""

    features: int
    action_dim: int
    categories: int


class Seen(NamedTuple):
    """What a network makes of both views; one row per pair."""

    features: Sides
    """h of the first and of the second view, float [N, F]."""
    projections: Sides
    """Projections of both, float [N, 128]; h again where a method has no projector."""


class Views(NamedTuple):
    """All that a term may look at; one row per pair."""

    online: Seen
    target: Seen | None
    """As the target network sees them, without gradients; None for methods that keep no target network."""
    action: torch.Tensor
    """float [N, A]: standardised."""
    category: torch.Tensor
    """int64 [N]: labels, for the supervised upper bound only."""


class TermOutput(NamedTuple):
    """What a term says of a batch."""

    loss: torch.Tensor
    chance: float | None = None
    """The loss, in nats, of a learner to whom all candidates look alike; None where nothing is contrasted."""
    matched: Sides | None = None
    """What the term compares: the action's side [N, D], which knows no view, and the pair's, which knows no action."""


class MethodOutput(NamedTuple):
    """One step's result."""

    loss: torch.Tensor
    """Scalar to differentiate: the weighted sum of the terms."""
    terms: dict[str, torch.Tensor]
    """Detached scalars for logs: each term's loss under its name, and under `<name>_chance` the loss of a learner to
    whom all candidates look alike, where there are candidates."""
    features: torch.Tensor
    """float [N, F]: detached h of the first view, for an online probe."""
    projections: Sides
    """float [N, 128] each: detached projections of both views; h [N, F] where a method has no projector."""
    matched: Sides | None
    """float [N, D] each: detached embeddings of the action and of the pair, as the action term compares them; None
    where no term does."""


class Term(nn.Module, ABC):
    """One part of the loss."""

    def __init__(self, *, weight: float, warmup: int = 0) -> None:
        super().__init__()
        self.weight, self.warmup = weight, warmup

    @abstractmethod
    def forward(self, views: Views) -> TermOutput:
        """Score the rows of this process, such that the mean over processes is the score of the whole batch."""

    def weight_at(self, step: int) -> float:
        """The weight at step `step` (from 0): it rises linearly from 0 over `warmup` steps."""
        return self.weight * min(1.0, step / self.warmup) if self.warmup else self.weight

    def after_update(self) -> None:
        """Called after each step of the optimiser."""


@dataclass(frozen=True)
class Recipe:
    """What a method is made of, besides the encoder."""

    second_view: SecondView
    """Whether the second view is of the same frame as the first, or of the other frame of the pair."""
    terms: Callable[[Sizes, MethodSettings], dict[str, Term]]
    """Makes the terms of the loss."""
    uses_action: bool = False
    """Whether a term looks at the action; flips would falsify it."""
    has_projector: bool = True
    has_target: bool = False
    """Keep a target network: copies of encoder and projector that follow them."""


class Method(nn.Module):
    """An encoder, a projector, and the terms of the loss by name."""

    def __init__(self, encoder: Encoder, recipe: Recipe, *, sizes: Sizes, settings: MethodSettings) -> None:
        super().__init__()
        self.second_view, self.uses_action = recipe.second_view, recipe.uses_action
        self.encoder = encoder
        # The projector is drawn first, so that methods built with one seed share its initial weights.
        self.projector = projector(sizes.features) if recipe.has_projector else nn.Identity()
        self.terms = nn.ModuleDict(recipe.terms(sizes, settings))
        self.target: nn.ModuleDict | None = None
        if recipe.has_target:
            self.target = nn.ModuleDict({"encoder": frozen(self.encoder), "projector": frozen(self.projector)})
        self.ema = settings.ema
        self.steps = 0
        """Updates so far, for warm-ups: whoever trains sets it before each step, and counts on after a resume."""
        self.reduced = False
        """Run the encoder in bfloat16; BatchNorm statistics, heads and losses stay in float32."""

    def forward(
        self, first: torch.Tensor, second: torch.Tensor, action: torch.Tensor, category: torch.Tensor
    ) -> MethodOutput:
        """Score views `first` and `second` [N, 3, H, W] in [-1, 1], the standardised action [N, A] between them, and
        their category int64 [N], which only the supervised upper bound looks at.

        `second` is another view of the first frame where `second_view` is "same", of the other frame where "other".
        Raises InputError for a batch of 1 in training, or unequal batches on many processes.
        """
        if self.training and len(first) * world_size() < 2:
            raise InputError(f"batch={len(first)}: at least 2 pairs are needed, or BatchNorm has nothing to compare")
        check_equal_batches(len(first))
        online, target = self._see(self.encoder, self.projector, first, second), None
        if self.target is not None:
            with torch.no_grad():
                target = self._see(self.target["encoder"], self.target["projector"], first, second)
        views = Views(online, target, action, category)
        loss, matched = torch.zeros((), device=first.device), None
        logged: dict[str, torch.Tensor] = {}
        for name, term in self.terms.items():
            assert isinstance(term, Term)
            found: TermOutput = term(views)
            loss = loss + term.weight_at(self.steps) * found.loss
            logged[name] = found.loss.detach()
            if found.chance is not None:
                logged[f"{name}_chance"] = torch.full_like(logged[name], found.chance)
            matched = matched or found.matched
        projections = _detached(online.projections)
        return MethodOutput(loss, logged, online.features[0].detach(), projections, matched and _detached(matched))

    def after_update(self) -> None:
        """To be called after each step of the optimiser: target networks follow; does nothing where there are none."""
        if self.target is not None:
            follow(self.target["encoder"], self.encoder, keep=self.ema)
            follow(self.target["projector"], self.projector, keep=self.ema)
        for term in self.terms.values():
            assert isinstance(term, Term)
            term.after_update()

    def _see(self, encoder: nn.Module, projector: nn.Module, first: torch.Tensor, second: torch.Tensor) -> Seen:
        # The views pass one after the other: each has its own BatchNorm statistics, as in the authors' code.
        with torch.autocast(first.device.type, torch.bfloat16, enabled=self.reduced):
            features = encoder(first), encoder(second)
        if self.reduced:
            features = features[0].float(), features[1].float()
        return Seen(features, (projector(features[0]), projector(features[1])))


def frozen(network: Network) -> Network:
    """A copy that no gradient changes."""
    return deepcopy(network).requires_grad_(False)


@torch.no_grad()
def follow(target: nn.Module, online: nn.Module, *, keep: float) -> None:
    """Move the target's parameters to `keep` * target + (1 - `keep`) * online (BYOL, arXiv 2006.07733, equation 1).

    Buffers stay: a target's BatchNorm keeps statistics of its own.
    """
    for ours, theirs in zip(target.parameters(), online.parameters(), strict=True):
        ours.lerp_(theirs, 1 - keep)


def _detached(sides: Sides) -> Sides:
    return sides[0].detach(), sides[1].detach()
