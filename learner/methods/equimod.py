"""EquiMod (arXiv 2211.01244, as in AA-SSL): SimCLR-TT, and from one view and the action the other's projection."""

from __future__ import annotations

import torch
from torch import nn

from learner.heads import EMBEDDING, action_head, projector
from learner.methods.base import Recipe, Sizes, Term, TermOutput, Views
from learner.methods.settings import MethodSettings
from learner.methods.terms import contrast, nt_xent


class EquivarianceTerm(Term):
    """A second projection of the first view, moved by the action's embedding, attracts the second view's projection.

    It has no `matched`: the side that knows the action knows a view too.
    """

    def __init__(self, sizes: Sizes, settings: MethodSettings) -> None:
        super().__init__(weight=settings.action_weight, warmup=settings.action_warmup)
        self.projector = projector(sizes.features)
        self.action_head = action_head(sizes.action_dim)
        self.predictor = nn.Sequential(nn.Linear(2 * EMBEDDING, EMBEDDING), nn.BatchNorm1d(EMBEDDING))
        self.compare = contrast(temperature=settings.action_temperature, negatives=settings.negatives)

    def forward(self, views: Views) -> TermOutput:
        known = self.projector(views.online.features[0]), self.action_head(views.action)
        return self.compare(self.predictor(torch.cat(known, dim=1)), views.online.projections[1])


def terms(sizes: Sizes, settings: MethodSettings) -> dict[str, Term]:
    """The instance term and the equivariance term."""
    return {"instance": nt_xent(settings), "action": EquivarianceTerm(sizes, settings)}


EQUIMOD = Recipe(second_view="other", terms=terms, uses_action=True)
