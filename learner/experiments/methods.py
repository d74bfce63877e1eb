"""All methods on instances that nothing was chosen on, and the controls that say what the action term uses."""

from __future__ import annotations

from learner.experiments.design import MAIN, Base, Condition, Data, Experiment, main_methods
from learner.methods import METHODS, REMEDIES

OTHERS = tuple(name for name in METHODS if name not in (*MAIN, *REMEDIES))
HEADLINE = "all methods"
"""The panel that the results open with."""


def conditions(base: Base) -> list[Condition]:
    """Methods; then backgrounds, what is seen of the arm, any turns; then controls of the action."""
    usual = base.data()
    found = main_methods(base, usual, panel=HEADLINE)
    found += [base.condition(name, base.train(name), usual, panel=HEADLINE, rank=1) for name in OTHERS]
    elsewhere: dict[str, tuple[Data, int]] = {
        "background per frame": (base.data(background="frame"), 2),
        "background per episode": (base.data(background="episode"), 4),
        "hand seen": (base.data(draw="hand"), 3),
        "whole arm seen": (base.data(draw="whole"), 2),
        "any turns": (base.data(play="tumble"), 2),
    }
    for panel, (data, rank) in elsewhere.items():
        found += main_methods(base, data, panel=panel, suffix=f", {panel}", rank=rank)
    return found + controls(base, usual)


def controls(base: Base, usual: Data) -> list[Condition]:
    """AA-SimCLR, told wrong or other things; and shown an arm without an object."""
    told = {
        "actions of other episodes": base.train("aa-simclr", corrupt="shuffled:1"),
        "the time gap as action": base.train("aa-simclr", action="gap"),
        "the true rotation as action": base.train("aa-simclr", action="pose-rotation"),
    }
    found = [
        base.condition(name, settings, usual, panel="controls", rank=2, against=(*MAIN,))
        for name, settings in told.items()
    ]
    alone = base.data(draw="whole", draw_object=False)
    empty = base.condition("the arm without an object", base.train("aa-simclr"), alone, panel="controls", rank=3)
    return [*found, empty]


EXPERIMENT = Experiment(
    name="methods",
    title="Accuracy by method",
    asks="Does acting help? All methods with the same steps, images and order of pairs; then other backgrounds, a "
    "visible arm (whose posture a pair of views may tell), any turns; and controls of what the action term uses: "
    "the actions of other episodes, the time gap alone, the true rotation, and an arm that holds nothing, whose "
    "action retrieval measures the shortcut.",
    split="test",
    conditions=conditions,
)
