"""AA-SimCLR for imprecise actions: pairs whose actions are alike are matches of each other's actions too."""

from __future__ import annotations

import torch

from learner.distributed import gather, own_rows
from learner.losses import log_chance, similar_nce
from learner.methods.base import Recipe, Sizes, Term, TermOutput, Views
from learner.methods.settings import MethodSettings
from learner.methods.terms import Alignment, nt_xent


class SoftActionTerm(Alignment):
    """The action term with soft targets: by a Gaussian of the distance between standardised actions."""

    def __init__(self, sizes: Sizes, settings: MethodSettings) -> None:
        super().__init__(sizes, settings)
        self.temperature, self.width = settings.action_temperature, settings.action_width

    def forward(self, views: Views) -> TermOutput:
        action, pair = self.embedded(views)
        all_actions, own = gather(views.action), own_rows(len(action))
        apart = torch.cdist(all_actions[own], all_actions).square() / (views.action.shape[1] * self.width**2)
        loss = similar_nce(gather(action), gather(pair), temperature=self.temperature, distance=apart, own=own)
        return TermOutput(loss, log_chance(len(all_actions), negatives="across"), matched=(action, pair))


def terms(sizes: Sizes, settings: MethodSettings) -> dict[str, Term]:
    """The instance term, and an action term with soft targets."""
    return {"instance": nt_xent(settings), "action": SoftActionTerm(sizes, settings)}


AA_SOFT = Recipe(second_view="other", terms=terms, uses_action=True)
