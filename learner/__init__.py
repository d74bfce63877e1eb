"""The learner: replay buffer, encoders, methods, training, probes, report."""

from learner.checkpoint import load_encoder
from learner.encoders import Encoder, build_encoder
from learner.methods import METHODS, MethodSettings, build_method
from learner.replay import ReplayBuffer
from learner.training import Learner

__all__ = [
    "METHODS",
    "Encoder",
    "Learner",
    "MethodSettings",
    "ReplayBuffer",
    "build_encoder",
    "build_method",
    "load_encoder",
]
