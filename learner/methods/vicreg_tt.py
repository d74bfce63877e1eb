"""VICReg through time (arXiv 2105.04906 on the two frames of a pair, as in AA-SSL); the action is not used."""

from __future__ import annotations

from learner.methods.base import Recipe, Sizes, Term
from learner.methods.settings import MethodSettings
from learner.methods.terms import InstanceTerm, decorrelate


def terms(sizes: Sizes, settings: MethodSettings) -> dict[str, Term]:
    """The instance term."""
    return {"instance": InstanceTerm(settings, decorrelate(settings))}


VICREG_TT = Recipe(second_view="other", terms=terms)
