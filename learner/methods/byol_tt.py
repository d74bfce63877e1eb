"""BYOL through time (arXiv 2006.07733 on the two frames of a pair, as in AA-SSL); the action is not used."""

from __future__ import annotations

from learner.heads import predictor
from learner.losses import byol
from learner.methods.base import Recipe, Sizes, Term, TermOutput, Views
from learner.methods.settings import MethodSettings


class BootstrapTerm(Term):
    """From the projection of one view, what the target network projects of the other is predicted; both ways."""

    def __init__(self, settings: MethodSettings) -> None:
        super().__init__(weight=settings.instance_weight)
        self.predictor = predictor()

    def forward(self, views: Views) -> TermOutput:
        assert views.target is not None
        first, second = (self.predictor(projection) for projection in views.online.projections)
        first_target, second_target = views.target.projections
        return TermOutput(byol(first, second_target) + byol(second, first_target))


def terms(sizes: Sizes, settings: MethodSettings) -> dict[str, Term]:
    """The instance term."""
    return {"instance": BootstrapTerm(settings)}


BYOL_TT = Recipe(second_view="other", terms=terms, has_target=True)
