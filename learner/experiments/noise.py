"""When does noise break it: accuracy against how wrong the told action is, between AA-SimCLR and SimCLR-TT."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from learner.experiments.design import Base, Condition, Data, Experiment, Scale, main_methods
from sim.corrupt import KINDS, TIME_KINDS

CLEAN = "clean"
"""The panel of what nothing is corrupted in."""
EXECUTED = {"gaussian": (0.5, 1.0), "delayed": (2, 8)}
RANKS = (4, 2, 1, 3)
"""Of a kind's four levels, mild to severe: the third says most."""
FIRST = ("gaussian", "shuffled")
"""Kinds that a small grid keeps longest."""


def conditions(base: Base, *, play: str = "turntable") -> list[Condition]:
    """Clean ones, every kind of recorded corruption and lost frames at its levels, and wrong motors."""
    usual = base.data(play=play)
    found = main_methods(base, usual, panel=CLEAN)

    def add(panel: str, level: float, rank: int, *, data: Data = usual, **changes: Any) -> None:
        settings = base.train("aa-simclr", **changes)
        name, against = f"{panel} {level:g}", ("aa-simclr", "simclr-tt")
        found.append(base.condition(name, settings, data, like=usual, panel=panel, x=level, rank=rank, against=against))

    for kind, (_, levels) in sorted(KINDS.items()):
        for level, rank in zip(levels.grid, RANKS, strict=True):
            add(kind, level, rank if kind in FIRST else 4 + rank, corrupt=f"{kind}:{level:g}")
    for kind, (_, levels) in TIME_KINDS.items():
        for level, rank in zip(levels.grid, RANKS, strict=True):
            add(kind, level, 4 + rank, corrupt_time=f"{kind}:{level:g}")
    for kind, some in EXECUTED.items():
        for rank, level in enumerate(some, start=8):
            wrong = base.data(play=play, corrupt=f"{kind}:{level:g}", corrupt_what="executed")
            add(f"{kind}, executed", level, rank, data=wrong)
    return found


def least(scale: Scale) -> Scale:
    """For two cores and less than an hour."""
    base = replace(scale.base, batch=min(64, scale.base.batch))
    few: dict[str, Any] = {
        "steps": 1000,
        "ladder": (500, 300, 200),
        "seeds": 1,
        "episodes": 600,
        "validation_per_category": 5,
    }
    return replace(scale, base=base, **few)


def quick(base: Base) -> list[Condition]:
    """A first curve: commands that are noisy or of another episode, and the clean lines.

    Objects are turned any way: the turn of a picture in its own plane is learned long before that about the upright
    axis, by which after as many steps actions find their pairs hardly better than a guess.
    """
    kept = (CLEAN, "gaussian", "shuffled")
    return [each for each in conditions(base, play="tumble") if each.panel in kept and each.name != "simclr"]


EXPERIMENT = Experiment(
    name="noise",
    title="What corruption does",
    asks="The learner is told wrong commands, loses frames, or its motors do something else than they were told. How "
    "wrong may the action of a pair be until half of what acting gains is gone? The axis is the measured relative "
    "error of the action: 0 is told exactly, 1 is as wrong as being told that nothing moved.",
    split="test",
    conditions=conditions,
)
QUICK = replace(
    EXPERIMENT,
    name="noise-quick",
    title="A first curve of corruption",
    split="validation",
    conditions=quick,
    scale=least,
)
"""For two cores and less than an hour, in which accuracy shows nothing: read its action retrieval and alignment."""
