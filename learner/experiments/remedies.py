"""What makes the action term robust: losses for wrong actions beside the plain one, on right and wrong commands."""

from __future__ import annotations

from dataclasses import replace

from learner.experiments.design import Base, Condition, Experiment, main_methods
from learner.experiments.noise import CLEAN
from learner.methods import REMEDIES

WRONG = {"gaussian:0.5": 0, "shuffled:0.5": 0, "gaussian:1": 1, "shuffled:0.2": 1, "drift:1": 2, "delayed:4": 2}
"""Corruptions, and the rank of what learns from them: noise in all commands, and nonsense in some."""
CALIBRATED = "calibrated-rotation"
"""The action by what joint positions have shown of the motors until the earlier frame."""
AGAINST = ("aa-simclr", "simclr-tt")


def conditions(base: Base) -> list[Condition]:
    """The plain action term and each remedy, clean and corrupted; and a learner that is told the true rotation, which
    no corruption of commands can reach."""
    data = base.data()
    found = main_methods(base, data, panel=CLEAN)
    for method in REMEDIES:
        found.append(base.condition(method, base.train(method), data, panel=CLEAN, against=AGAINST))
    oracle = base.train("aa-simclr", action="pose-rotation")
    found.append(base.condition("told the true rotation", oracle, data, panel=CLEAN, rank=3, against=AGAINST))
    calibrated = base.train("aa-simclr", action=CALIBRATED)
    found.append(base.condition(CALIBRATED, calibrated, data, panel=CLEAN, against=AGAINST))
    for wrong, rank in WRONG.items():
        plain = f"aa-simclr, {wrong}"
        tried = {method: base.train(method, corrupt=wrong) for method in ("aa-simclr", *REMEDIES)}
        tried[CALIBRATED] = replace(tried["aa-simclr"], action=CALIBRATED)
        for name, settings in tried.items():
            against = AGAINST if name == "aa-simclr" else (*AGAINST, plain)
            found.append(base.condition(f"{name}, {wrong}", settings, data, panel=wrong, rank=rank, against=against))
    return found


EXPERIMENT = Experiment(
    name="remedies",
    title="Remedies for wrong actions",
    asks="Can the action term be made robust? A bounded loss, a learned trust in actions, soft targets by the "
    "likeness of actions, and commands calibrated by the joint positions until the earlier frame, beside the plain "
    "loss: what of the clean gain is left on wrong commands, and is anything "
    "lost on right ones?",
    split="test",
    conditions=conditions,
)
