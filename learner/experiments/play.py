"""How to play: the turntable, tumbling, or looking from all sides; all scored on the same views."""

from __future__ import annotations

from learner.experiments.design import Base, Condition, Experiment, main_methods

POLICIES = ("tumble", "turntable", "inspect")


def conditions(base: Base) -> list[Condition]:
    """The three methods on each policy's episodes, scored on tumbling objects."""
    like, found = base.data(play="tumble"), []
    for rank, play in enumerate(POLICIES):
        data = base.data(play=play)
        found += main_methods(base, data, panel=play, suffix=f", {play}", rank=rank, like=like)
    return found


EXPERIMENT = Experiment(
    name="play",
    title="How to play",
    asks="The same number of frames by three play policies. All are scored on the same views, of objects that tumble.",
    split="test",
    conditions=conditions,
)
