"""Does acting help in the end? Trainings as long as a laptop can bear, on small pictures."""

from __future__ import annotations

from dataclasses import replace

from learner.experiments.design import MAIN, Base, Condition, Experiment, Scale, main_methods

PLAYS = ("turntable", "tumble")
IMAGE_SIZE = 32
"""A step on such images takes a CPU less than a third of one on 64 pixels."""
WEIGHT = 0.1
"""Of the action term, beside the settled one: where objects turn any way, what it costs goes with its weight."""


def conditions(base: Base) -> list[Condition]:
    """The three methods, upright and turned any way, and the action term once more at a small weight."""
    found: list[Condition] = []
    for play in PLAYS:
        data = base.data(play=play)
        found += main_methods(base, data, panel=play, suffix=f", {play}")
        settings = base.train("aa-simclr", loss={"action_weight": WEIGHT})
        against = tuple(f"{method}, {play}" for method in MAIN[:2])
        name = f"aa-simclr, weight {WEIGHT:g}, {play}"
        found.append(base.condition(name, settings, data, panel=play, rank=1, against=against))
    return found


def small(scale: Scale) -> Scale:
    """Steps instead of pixels."""
    return replace(scale, image_size=IMAGE_SIZE)


EXPERIMENT = Experiment(
    name="long",
    title="After long trainings on small pictures",
    asks="The paper trained 146,000 steps. Does acting help when trainings are long? Images have 32 pixels, so that a "
    "CPU comes to 20,000 steps: it is the course over the steps that counts here, and not the height.",
    split="validation",
    conditions=conditions,
    scale=small,
)
