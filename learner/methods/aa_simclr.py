"""AA-SSL with SimCLR's loss (arXiv 2407.06704): SimCLR-TT, and the action between two frames attracts their pair."""

from __future__ import annotations

from learner.encoders import Encoder
from learner.heads import projector
from learner.methods.base import ActionTerm, InstanceTerm, Method, MethodSettings


def aa_simclr(encoder: Encoder, *, action_dim: int, settings: MethodSettings) -> Method:
    """The instance term on views of two frames, and the action term between their pair and the action."""
    # The projector is drawn first, so that methods built with one seed share its initial weights.
    shared = projector(encoder.features)
    terms = {
        "instance": InstanceTerm(temperature=settings.temperature),
        "action": ActionTerm(encoder.features, action_dim=action_dim, settings=settings),
    }
    return Method(encoder, shared, second_view="other", terms=terms)
