"""What to tell of an action, how far apart two views may be, and how often to look."""

from __future__ import annotations

from learner.experiments.design import Base, Condition, Experiment, main_methods

TOLD = ("efference", "command+state", "command", "pose", "rotation")
WINDOWS = ("window:4", "window:8", "window:16")
RATES = (2.0, 10.0)
"""Frames/s beside the usual 5."""


def conditions(base: Base) -> list[Condition]:
    """Representations of the action; then how t' is drawn; then the frame rate."""
    data = base.data(play="tumble")
    found = main_methods(base, data, panel="representation")
    against = ("simclr", "simclr-tt")
    for action in TOLD:
        if action != "rotation":
            settings = base.train("aa-simclr", action=action)
            name = f"aa-simclr, {action}"
            found.append(base.condition(name, settings, data, panel="representation", rank=1, against=against))
    for window in WINDOWS:
        found += main_methods(base, data, panel=window, suffix=f", {window}", rank=2, train={"sampling": window})
    for rate in RATES:
        panel, often = f"{rate:g} frames/s", base.data(play="tumble", frame_rate=rate)
        found += main_methods(base, often, panel=panel, suffix=f", {panel}", rank=3, like=data)
    return found


EXPERIMENT = Experiment(
    name="actions",
    title="What is told of an action",
    asks="Which representation of the action serves (of `pose`, nothing can be known on a real arm: it is a control), "
    "how far apart in time may two views be (the panels without a window draw any two), and how often should the "
    "arm look? Objects are turned any way.",
    split="test",
    conditions=conditions,
)
