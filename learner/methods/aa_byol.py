"""AA-SSL with BYOL's loss (arXiv 2407.06704, arXiv 2006.07733), for both terms."""

from __future__ import annotations

import torch

from learner.heads import action_head, pair_head, predictor
from learner.losses import byol
from learner.methods.base import Recipe, Sizes, Term, TermOutput, Views, follow, frozen
from learner.methods.byol_tt import BootstrapTerm
from learner.methods.settings import MethodSettings


class BootstrapActionTerm(Term):
    """From the pair's embedding, the target embedding of the action is predicted, and the other way round.

    The targets are copies of both heads that follow them; the target's pair is of the target encoder's features.
    """

    def __init__(self, sizes: Sizes, settings: MethodSettings) -> None:
        super().__init__(weight=settings.action_weight, warmup=settings.action_warmup)
        self.pair_head = pair_head(sizes.features, norm=settings.pair_norm)
        self.action_head = action_head(sizes.action_dim)
        self.pair_predictor, self.action_predictor = predictor(), predictor()
        self.pair_target, self.action_target = frozen(self.pair_head), frozen(self.action_head)
        self.ema = settings.ema

    def forward(self, views: Views) -> TermOutput:
        assert views.target is not None
        pair, action = self.pair_head(torch.cat(views.online.features, dim=1)), self.action_head(views.action)
        with torch.no_grad():
            pair_target = self.pair_target(torch.cat(views.target.features, dim=1))
            action_target = self.action_target(views.action)
        loss = byol(self.pair_predictor(pair), action_target) + byol(self.action_predictor(action), pair_target)
        return TermOutput(loss, matched=(action, pair))

    def after_update(self) -> None:
        follow(self.pair_target, self.pair_head, keep=self.ema)
        follow(self.action_target, self.action_head, keep=self.ema)


def terms(sizes: Sizes, settings: MethodSettings) -> dict[str, Term]:
    """The instance term, and the action term between a pair and its action."""
    return {"instance": BootstrapTerm(settings), "action": BootstrapActionTerm(sizes, settings)}


AA_BYOL = Recipe(second_view="other", terms=terms, uses_action=True, has_target=True)
