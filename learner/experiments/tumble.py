"""Does what was settled on the turntable hold when objects turn any way?"""

from __future__ import annotations

from typing import Any

from learner.experiments.design import MAIN, Base, Condition, Experiment, main_methods

WEIGHTS = (0.1, 0.3)
"""Of the action term, beside the settled one."""


def conditions(base: Base) -> list[Condition]:
    """The three methods with the settled action term; beside it the published negatives, and smaller weights: what it
    costs the features to tell turns about all axes is weighed against what it brings."""
    data = base.data(play="tumble")
    found = main_methods(base, data, panel="tumble")

    def add(name: str, *, rank: int, **loss: Any) -> None:
        settings = base.train("aa-simclr", loss=loss)
        found.append(base.condition(f"aa-simclr, {name}", settings, data, panel="tumble", rank=rank, against=MAIN[:2]))

    add("all", rank=1, negatives="all")
    for weight in WEIGHTS:
        add(f"weight {weight:g}", rank=2, action_weight=weight)
    return found


EXPERIMENT = Experiment(
    name="tumble",
    title="From turns about the upright axis to any",
    asks="The settled action term where the arm turns objects about all axes: does it still help?",
    split="validation",
    conditions=conditions,
)
