"""Does what was settled on the turntable hold when objects turn any way?"""

from __future__ import annotations

from learner.experiments.design import Base, Condition, Experiment, main_methods


def conditions(base: Base) -> list[Condition]:
    """The three methods with the settled action term, and the published negatives beside it."""
    data = base.data(play="tumble")
    found = main_methods(base, data, panel="tumble")
    published = base.train("aa-simclr", loss={"negatives": "all"})
    against = ("simclr", "simclr-tt")
    return [*found, base.condition("aa-simclr, all", published, data, panel="tumble", rank=1, against=against)]


EXPERIMENT = Experiment(
    name="tumble",
    title="From turns about the upright axis to any",
    asks="The settled action term where the arm turns objects about all axes: does it still help?",
    split="validation",
    conditions=conditions,
)
