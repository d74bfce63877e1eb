"""Protocols of evaluation on frozen features: how labels are predicted, and how sure the figures are."""

from __future__ import annotations

from learner.protocols.bootstrap import Interval, apart, by_instance, by_seed_and_instance, interval, paired
from learner.protocols.classify import knn, least_squares, logistic
from learner.protocols.few_shot import few_shot
from learner.protocols.linear import linear
from learner.protocols.result import Embedded, Result
from learner.protocols.select import evenly_spaced, nearest_to, one_per_instance

__all__ = [
    "Embedded",
    "Interval",
    "Result",
    "apart",
    "by_instance",
    "by_seed_and_instance",
    "evenly_spaced",
    "few_shot",
    "interval",
    "knn",
    "least_squares",
    "linear",
    "logistic",
    "nearest_to",
    "one_per_instance",
    "paired",
]
