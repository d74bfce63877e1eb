"""The two terms that most methods are made of, and the losses by which they compare two sides."""

from __future__ import annotations

from collections.abc import Callable

import torch

from learner.distributed import gather, own_rows
from learner.heads import action_head, pair_head
from learner.losses import Negatives, info_nce, log_chance, vicreg
from learner.methods.base import Sides, Sizes, Term, TermOutput, Views
from learner.methods.settings import MethodSettings

Comparison = Callable[[torch.Tensor, torch.Tensor], TermOutput]
"""Scores this process's rows of two sides [N, D]; the mean over processes is the whole batch's score."""


def contrast(*, temperature: float, negatives: Negatives) -> Comparison:
    """InfoNCE: this process's rows against those of all."""

    def compare(first: torch.Tensor, second: torch.Tensor) -> TermOutput:
        sides = gather(first), gather(second)
        loss = info_nce(*sides, temperature=temperature, negatives=negatives, own=own_rows(len(first)))
        return TermOutput(loss, log_chance(len(sides[0]), negatives=negatives))

    return compare


def decorrelate(settings: MethodSettings) -> Comparison:
    """VICReg: on the rows of all processes, the same on each."""

    def compare(first: torch.Tensor, second: torch.Tensor) -> TermOutput:
        loss = vicreg(
            gather(first),
            gather(second),
            invariance=settings.vicreg_invariance,
            variance=settings.vicreg_variance,
            covariance=settings.vicreg_covariance,
        )
        return TermOutput(loss)

    return compare


class InstanceTerm(Term):
    """Projections of the two views attract."""

    def __init__(self, settings: MethodSettings, compare: Comparison) -> None:
        super().__init__(weight=settings.instance_weight)
        self.compare = compare

    def forward(self, views: Views) -> TermOutput:
        return self.compare(*views.online.projections)


class Alignment(Term):
    """Embeds the action, and both views together, for a loss by which the two attract."""

    def __init__(self, sizes: Sizes, settings: MethodSettings) -> None:
        super().__init__(weight=settings.action_weight, warmup=settings.action_warmup)
        self.pair_head = pair_head(sizes.features, norm=settings.pair_norm)
        self.action_head = action_head(sizes.action_dim)

    def embedded(self, views: Views) -> Sides:
        """Embeddings [N, 128] of the actions and of the pairs."""
        pair = self.pair_head(torch.cat(views.online.features, dim=1))
        return self.action_head(views.action), pair


class ActionTerm(Alignment):
    """The embedding of the action and the joint embedding of both views attract: AA-SSL's action alignment."""

    def __init__(self, sizes: Sizes, settings: MethodSettings, compare: Comparison) -> None:
        super().__init__(sizes, settings)
        self.compare = compare

    def forward(self, views: Views) -> TermOutput:
        sides = self.embedded(views)
        return self.compare(*sides)._replace(matched=sides)


def nt_xent(settings: MethodSettings) -> InstanceTerm:
    """SimCLR's loss of the two views (arXiv 2002.05709, equation 1)."""
    return InstanceTerm(settings, contrast(temperature=settings.temperature, negatives="all"))
