"""Conditions that are told together: the folds of a cross-validation, each object scored in one of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from learner.experiments.design import Condition
from learner.experiments.grid import Grid
from learner.experiments.summary import Found
from sim.errors import InputError


def pooled(grid: Grid, found: Found) -> tuple[Grid, Found]:
    """The grid with each pool as one condition, and the scores of these; what has no pool stays as it is.

    A seed of a pool has scores once all its conditions have: some of the objects may be easier than all of them.
    """
    names = {each.name: each.pool or each.name for each in grid.conditions}
    parts: dict[str, list[Condition]] = {}
    seeds: dict[str, int] = {}
    for condition, count in zip(grid.conditions, grid.seeds, strict=True):
        parts.setdefault(names[condition.name], []).append(condition)
        seeds.setdefault(names[condition.name], count)
    whole = {}
    for name, conditions in parts.items():
        for seed in range(seeds[name]):
            scores = [found[each.name, seed] for each in conditions if (each.name, seed) in found]
            if len(scores) == len(conditions):
                whole[name, seed] = scores[0] if len(scores) == 1 else together(scores)
    told = tuple(_pool(name, conditions[0], names) for name, conditions in parts.items())
    return replace(grid, conditions=told, seeds=tuple(seeds.values())), whole


def _pool(name: str, first: Condition, names: Mapping[str, str]) -> Condition:
    against = dict.fromkeys(names[other] for other in first.against)
    return replace(first, name=name, pool="", against=tuple(against))


def together(parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Scores of several trainings as those of one: each object's accuracy is that of the training that it was held out
    of; frames are added, curves put together, and of other figures the mean is taken, of those that have it.

    Raises InputError where an object is in two of them.
    """
    accuracy: dict[str, dict[str, float]] = {}
    for part in parts:
        for protocol, shares in part["accuracy"].items():
            known = accuracy.setdefault(protocol, {})
            if twice := sorted(known.keys() & shares.keys()):
                raise InputError(f"{twice[0]}: tested in two folds; the folder has changed, begin with another --cache")
            known |= shares
    found: dict[str, Any] = {"accuracy": accuracy, "frames": sum(part["frames"] for part in parts)}
    found["alike"] = {name: group for part in parts for name, group in part.get("alike", {}).items()}
    found["curve"] = [look for part in parts for look in part["curve"]]
    sought = [part["retrieval"] for part in parts if part.get("retrieval") is not None]
    if sought:
        found["retrieval"] = {name: float(np.mean([each[name] for each in sought])) for name in sought[0]}
    for name in sorted({name for part in parts for name in part} - found.keys()):
        values = [part[name] for part in parts if isinstance(part.get(name), (int, float))]
        if values:
            found[name] = float(np.mean(values))
    return found
