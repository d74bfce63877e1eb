"""AA-SimCLR for wrong actions: one that does not fit its pair pulls less, and none can pull without bound."""

from __future__ import annotations

import torch

from learner.distributed import gather, own_rows
from learner.losses import bounded_nce
from learner.methods.base import Recipe, Sizes, Term, TermOutput
from learner.methods.settings import MethodSettings
from learner.methods.terms import ActionTerm, Comparison, nt_xent


def bounded(*, temperature: float, exponent: float) -> Comparison:
    """The bounded loss: this process's rows against those of all."""

    def compare(first: torch.Tensor, second: torch.Tensor) -> TermOutput:
        sides, own = (gather(first), gather(second)), own_rows(len(first))
        loss = bounded_nce(*sides, temperature=temperature, exponent=exponent, own=own)
        return TermOutput(loss, (len(sides[0]) ** exponent - 1) / exponent)

    return compare


def terms(sizes: Sizes, settings: MethodSettings) -> dict[str, Term]:
    """The instance term, and a bounded action term."""
    compare = bounded(temperature=settings.action_temperature, exponent=settings.action_exponent)
    return {"instance": nt_xent(settings), "action": ActionTerm(sizes, settings, compare)}


AA_BOUNDED = Recipe(second_view="other", terms=terms, uses_action=True)
