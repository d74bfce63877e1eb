"""Time, memory and frames that each method takes to reach a given accuracy."""

from __future__ import annotations

from learner.experiments.design import MAIN, Base, Condition, Experiment, main_methods
from learner.experiments.methods import OTHERS


def conditions(base: Base) -> list[Condition]:
    """The methods as in `methods`, whose runs they are."""
    data = base.data()
    others = [base.condition(name, base.train(name), data, panel="cost", rank=1) for name in OTHERS]
    return main_methods(base, data, panel="cost", methods=MAIN) + others


EXPERIMENT = Experiment(
    name="cost",
    title="What it costs",
    asks="Seconds, memory and frames until a method reaches the accuracy that SimCLR ends with, on the validation "
    "instances of its own training.",
    split="test",
    conditions=conditions,
)
