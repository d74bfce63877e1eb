"""AA-SSL with SimCLR's loss (arXiv 2407.06704): SimCLR-TT, and the action between two frames attracts their pair."""

from __future__ import annotations

from learner.methods.base import Recipe, Sizes, Term
from learner.methods.settings import MethodSettings
from learner.methods.terms import ActionTerm, contrast, nt_xent


def terms(sizes: Sizes, settings: MethodSettings) -> dict[str, Term]:
    """The instance term, and the action term between a pair and its action."""
    compare = contrast(temperature=settings.action_temperature, negatives=settings.negatives)
    return {"instance": nt_xent(settings), "action": ActionTerm(sizes, settings, compare)}


AA_SIMCLR = Recipe(second_view="other", terms=terms, uses_action=True)
