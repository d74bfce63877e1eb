"""Experiments by name: a new one is a file beside these and a line in `EXPERIMENTS`."""

from __future__ import annotations

from learner.experiments import (
    actions,
    augmentations,
    contact,
    cost,
    long,
    methods,
    noise,
    online,
    own,
    play,
    remedies,
    settle,
    tumble,
)
from learner.experiments.design import Base, Condition, Data, Experiment, Scale

EXPERIMENTS: dict[str, Experiment] = {
    each.name: each
    for each in (
        settle.EXPERIMENT,
        tumble.EXPERIMENT,
        long.EXPERIMENT,
        methods.EXPERIMENT,
        noise.EXPERIMENT,
        noise.QUICK,
        remedies.EXPERIMENT,
        augmentations.EXPERIMENT,
        actions.EXPERIMENT,
        play.EXPERIMENT,
        online.EXPERIMENT,
        cost.EXPERIMENT,
        contact.EXPERIMENT,
        own.EXPERIMENT,
    )
}

__all__ = ["EXPERIMENTS", "Base", "Condition", "Data", "Experiment", "Scale"]
