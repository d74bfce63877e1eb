"""Supervised learning of the categories: not a rival of the others, but their upper bound."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from learner.methods.base import Recipe, Sizes, Term, TermOutput, Views
from learner.methods.settings import MethodSettings
from sim.errors import InputError


class CategoryTerm(Term):
    """Cross-entropy of a linear layer on each view's features, in nats, the mean of both views."""

    def __init__(self, sizes: Sizes, settings: MethodSettings) -> None:
        if sizes.categories < 2:
            raise InputError(f"categories={sizes.categories}: at least 2 are needed, or there is nothing to tell apart")
        super().__init__(weight=settings.instance_weight)
        self.linear = nn.Linear(sizes.features, sizes.categories)

    def forward(self, views: Views) -> TermOutput:
        logits = self.linear(torch.cat(views.online.features))
        return TermOutput(F.cross_entropy(logits, views.category.repeat(2)))


def terms(sizes: Sizes, settings: MethodSettings) -> dict[str, Term]:
    """The category term."""
    return {"category": CategoryTerm(sizes, settings)}


SUPERVISED = Recipe(second_view="other", terms=terms, has_projector=False)
