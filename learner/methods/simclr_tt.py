"""SimCLR-TT (Schneider et al. 2021; AA-SSL's baseline): two frames of one episode attract; the action is not used."""

from __future__ import annotations

from learner.encoders import Encoder
from learner.heads import projector
from learner.methods.base import InstanceTerm, Method, MethodSettings


def simclr_tt(encoder: Encoder, *, action_dim: int, settings: MethodSettings) -> Method:
    """The instance term on views of two frames."""
    terms = {"instance": InstanceTerm(temperature=settings.temperature)}
    return Method(encoder, projector(encoder.features), second_view="other", terms=terms)
