"""The table of an evaluation: accuracies with intervals, and differences from the first representation."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import NamedTuple

from learner.examination.represent import Seeds
from learner.examination.settings import ExamSettings
from learner.protocols import Interval, Result, apart, by_seed_and_instance, interval, paired
from sim.seeding import stream


class Finding(NamedTuple):
    """One figure of the table."""

    representation: str
    protocol: str
    accuracy: Interval
    chance: float
    beside: Interval | None
    """How much better than the first representation, paired over objects; None for that one."""
    seeds: int = 1
    """How many it is the mean of."""


def findings(
    results: Mapping[str, Mapping[str, Result]], settings: ExamSettings, seeds: Seeds | None = None
) -> list[Finding]:
    """The table: accuracies with intervals over seeds and objects, and differences from the first representation.

    `results` are by name and protocol; `seeds` says which names are one representation under several seeds, by default
    none. Differences are paired over objects, and over seeds where both have the same; else the seeds of each are drawn
    on their own.
    """
    seeds = seeds or {name: {0: name} for name in results}
    rng = partial(stream, "bootstrap", settings.seed)
    first, found = next(iter(seeds)), []
    for name, members in seeds.items():
        for protocol, result in results[next(iter(members.values()))].items():
            values, others = (
                by_seed_and_instance([results[seeds[one][seed]][protocol] for seed in sorted(seeds[one])])
                for one in (name, first)
            )
            beside = None
            if name != first:
                same = members.keys() == seeds[first].keys()
                beside = (paired if same else apart)(values, others, rng=rng(), level=settings.level)
            accuracy = interval(values, rng=rng(), level=settings.level)
            found.append(Finding(name, protocol, accuracy, result.score.chance, beside, len(values)))
    return found
