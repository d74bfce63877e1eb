"""Action retrieval on held-out pairs, for every representation and by a run's own heads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from learner.data import ActionFormula
from learner.examination.heads import Heads
from learner.examination.look import Looked
from learner.examination.probe import folds
from learner.examination.represent import Seeds
from learner.examination.settings import ExamSettings
from learner.protocols import Interval, by_instance, interval
from learner.retrieval import Ranks, Told, draw_pairs, rank_by_regression
from sim.seeding import stream

CANDIDATES = 256
"""Test pairs, and their actions, of which each pair has to find its own."""
TRAINING_PAIRS = 4096
"""Pairs that the regression is fitted on, at most."""
HEADS = "own heads"


class Retrieval(NamedTuple):
    """How well actions are found, over objects and seeds."""

    representation: str
    by: str
    """`own heads`, or `regression`."""
    seeds: int
    top1: Interval
    top5: Interval
    mean_rank: Interval
    """From 1, where each is found first."""
    candidates: float
    """Mean number of actions that a pair has to choose from."""

    @property
    def chance(self) -> dict[str, float]:
        """What guesses reach."""
        n = self.candidates
        return {"top1": 1 / n, "top5": min(1.0, 5 / n), "mean_rank": (n + 1) / 2}


def retrieve(
    looked: Looked, name: str, settings: ExamSettings, formula: ActionFormula | None, heads: Heads | None = None
) -> dict[str, list[Ranks]]:
    """Ranks of each fold's test pairs by `regression`, and by `own heads` where there are any; nothing where no action
    is known, or no clip has two frames.

    The pairs are the same for every representation: up to `CANDIDATES`, of two different frames of a clip, each clip as
    often as another.
    """
    found: dict[str, list[Ranks]] = {}
    if formula is None:
        return found
    for number, (train_rows, test_rows) in enumerate(folds(looked, settings)):
        if any(np.bincount(looked.clip[rows]).max() < 2 for rows in (train_rows, test_rows)):
            continue
        train, test = (
            _drawn(looked, rows, count, stream(f"{kind} pairs", settings.seed, number))
            for kind, rows, count in (("training", train_rows, TRAINING_PAIRS), ("test", test_rows, CANDIDATES))
        )
        ranks = rank_by_regression(_told(looked, name, train, formula), _told(looked, name, test, formula))
        found.setdefault("regression", []).append(ranks)
        if heads is not None:
            found.setdefault(HEADS, []).append(heads.ranks(_told(looked, name, test, heads.formula)))
    return found


def retrievals(ranks: Mapping[str, Mapping[str, list[Ranks]]], seeds: Seeds, settings: ExamSettings) -> list[Retrieval]:
    """The table of action retrieval: of each representation, with intervals over seeds and objects."""
    found = []
    for representation, members in seeds.items():
        for by in (HEADS, "regression"):
            those = [ranks[name][by] for name in members.values() if by in ranks.get(name, {})]
            if those:
                found.append(_retrieval(representation, by, those, settings))
    return found


def _retrieval(representation: str, by: str, those: list[list[Ranks]], settings: ExamSettings) -> Retrieval:
    instances, candidates = (
        np.concatenate([getattr(f, name) for f in those[0]]) for name in ("instances", "candidates")
    )

    def over_objects(parts: list[list[np.ndarray]]) -> Interval:
        values = np.stack([by_instance(np.concatenate(folds_of), instances) for folds_of in parts])
        return interval(values, rng=stream("bootstrap", settings.seed), level=settings.level)

    top1, top5 = (over_objects([[fold.top(k) for fold in one] for one in those]) for k in (1, 5))
    mean_rank = over_objects([[fold.rank for fold in one] for one in those])
    return Retrieval(representation, by, len(those), top1, top5, mean_rank, float(candidates.mean()))


def _drawn(looked: Looked, rows: np.ndarray, count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Pairs among frames bool [N], as places among all."""
    places = np.flatnonzero(rows)
    here, there = draw_pairs(looked.clip[places], count, rng)
    return places[here], places[there]


def _told(looked: Looked, name: str, pairs: tuple[np.ndarray, np.ndarray], formula: ActionFormula) -> Told:
    features, motion = looked.features[name], looked.motion
    here, there = pairs
    actions = formula.compute(motion[here], motion[there])
    return Told(features[here], features[there], actions, looked.instances[here])
