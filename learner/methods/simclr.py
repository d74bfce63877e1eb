"""SimCLR (arXiv 2002.05709): two augmentations of one frame attract; time and action are not used."""

from __future__ import annotations

from learner.methods.base import Recipe, Sizes, Term
from learner.methods.settings import MethodSettings
from learner.methods.terms import nt_xent


def terms(sizes: Sizes, settings: MethodSettings) -> dict[str, Term]:
    """The instance term."""
    return {"instance": nt_xent(settings)}


SIMCLR = Recipe(second_view="same", terms=terms)
