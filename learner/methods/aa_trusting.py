"""AA-SimCLR for wrong actions: it learns how often an action is true, and so how far to trust each."""

from __future__ import annotations

import torch
from torch import nn

from learner.distributed import gather, own_rows
from learner.losses import log_chance, trusting_nce
from learner.methods.base import Recipe, Sizes, Term, TermOutput, Views
from learner.methods.settings import MethodSettings
from learner.methods.terms import Alignment, nt_xent

AT_FIRST, LEAST = 0.9, 0.1
"""Trust before anything is learned; and its bound, as a learner that trusts nothing would never find out."""
PACE = 20.0
"""AdamW moves each parameter by about its learning rate a step: this one by so many, in units of the logit."""


class TrustingActionTerm(Alignment):
    """The action term whose pairs weigh as much as it is likely that their action is true."""

    def __init__(self, sizes: Sizes, settings: MethodSettings) -> None:
        super().__init__(sizes, settings)
        self.temperature = settings.action_temperature
        share = torch.tensor((AT_FIRST - LEAST) / (1 - LEAST))
        self.logit = nn.Parameter(torch.logit(share)[None] / PACE)

    @property
    def trust(self) -> torch.Tensor:
        """Share of actions that are true, as learned so far: float [1]."""
        return LEAST + (1 - LEAST) * torch.sigmoid(PACE * self.logit)

    def forward(self, views: Views) -> TermOutput:
        action, pair = self.embedded(views)
        sides, own = (gather(action), gather(pair)), own_rows(len(action))
        loss = trusting_nce(*sides, temperature=self.temperature, trust=self.trust, own=own)
        return TermOutput(loss, log_chance(len(sides[0]), negatives="across"), matched=(action, pair))


def terms(sizes: Sizes, settings: MethodSettings) -> dict[str, Term]:
    """The instance term, and an action term that learns whom to trust."""
    return {"instance": nt_xent(settings), "action": TrustingActionTerm(sizes, settings)}


AA_TRUSTING = Recipe(second_view="other", terms=terms, uses_action=True)
