"""AA-SSL with VICReg's loss (arXiv 2407.06704, arXiv 2105.04906), for both terms."""

from __future__ import annotations

from learner.methods.base import Recipe, Sizes, Term
from learner.methods.settings import MethodSettings
from learner.methods.terms import ActionTerm, InstanceTerm, decorrelate


def terms(sizes: Sizes, settings: MethodSettings) -> dict[str, Term]:
    """The instance term, and the action term between a pair and its action."""
    compare = decorrelate(settings)
    return {"instance": InstanceTerm(settings, compare), "action": ActionTerm(sizes, settings, compare)}


AA_VICREG = Recipe(second_view="other", terms=terms, uses_action=True)
