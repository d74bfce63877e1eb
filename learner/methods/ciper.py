"""CIPER (as in AA-SSL, arXiv 2407.06704): SimCLR-TT, and the action is predicted from the pair of views."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from learner.heads import mlp
from learner.methods.base import Recipe, Sizes, Term, TermOutput, Views
from learner.methods.settings import MethodSettings
from learner.methods.terms import nt_xent


class PredictionTerm(Term):
    """Mean squared error of the standardised action, predicted from the concatenated features of both views."""

    def __init__(self, sizes: Sizes, settings: MethodSettings) -> None:
        super().__init__(weight=settings.action_weight, warmup=settings.action_warmup)
        self.predictor = mlp(2 * sizes.features, sizes.action_dim, hidden=1024)

    def forward(self, views: Views) -> TermOutput:
        predicted = self.predictor(torch.cat(views.online.features, dim=1))
        return TermOutput(F.mse_loss(predicted, views.action), matched=(views.action, predicted))


def terms(sizes: Sizes, settings: MethodSettings) -> dict[str, Term]:
    """The instance term and the prediction."""
    return {"instance": nt_xent(settings), "action": PredictionTerm(sizes, settings)}


CIPER = Recipe(second_view="other", terms=terms, uses_action=True)
