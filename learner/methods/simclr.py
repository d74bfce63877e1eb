"""SimCLR (arXiv 2002.05709): two augmentations of one frame attract; time and action are not used."""

from __future__ import annotations

from learner.encoders import Encoder
from learner.heads import projector
from learner.methods.base import InstanceTerm, Method, MethodSettings


def simclr(encoder: Encoder, *, action_dim: int, settings: MethodSettings) -> Method:
    """The instance term on two views of the first frame."""
    terms = {"instance": InstanceTerm(temperature=settings.temperature)}
    return Method(encoder, projector(encoder.features), second_view="same", terms=terms)
