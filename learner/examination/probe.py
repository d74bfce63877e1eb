"""What protocols say of a representation, and what it holds besides categories."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from learner.analysis import decode_pose, temporal_coherence, viewpoint_alignment
from learner.examination.look import Looked
from learner.examination.settings import ExamSettings
from learner.health import effective_rank
from learner.protocols import (
    Embedded,
    Result,
    few_shot,
    knn,
    least_squares,
    linear,
    logistic,
    one_per_instance,
)
from sim.errors import InputError
from sim.objects.splits import SPLITS
from sim.seeding import stream

AT_SINGLE_VIEWS = ("knn", "logistic", "least squares", "linear")
"""Protocols that are told at single views too."""


def folds(looked: Looked, settings: ExamSettings) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Rows that probes are fitted on, and rows that they are tested on: bool [N] each.

    The test split by the training split; or the k-th object of each category by all others, for each k.
    """
    if not settings.leave_one_out:
        train, test = (looked.even & (looked.split == SPLITS.index(name)) for name in ("train", "test"))
        if not (train.any() and test.any()):
            raise InputError("split=test: no frames there or in train: pass --leave-one-out to test each object")
        yield train, test
        return
    rank = np.zeros(len(looked.labels), dtype=np.int64)
    for label in np.unique(looked.labels):
        rows = looked.labels == label
        rank[rows] = np.unique(looked.instances[rows], return_inverse=True)[1]
    if not rank.any():
        raise InputError("leave_one_out: no category has a second object, so none can be tested by others")
    for k in range(rank.max() + 1):
        yield looked.even & (rank != k), looked.even & (rank == k)


def examine(
    looked: Looked, name: str, settings: ExamSettings, told: Callable[[str, int], object] = lambda protocol, fold: None
) -> dict[str, Result]:
    """The predictions of every protocol for one representation, over all folds; and, under `PROTOCOL, VIEW`, those of
    the same probes for the frames that show a single view, where the data has such.

    `told` is given the protocol and the fold that are done.
    """
    found: dict[str, list[Result]] = {}
    for number, (train_rows, test_rows) in enumerate(folds(looked, settings)):
        asked = np.isin(looked.instances, looked.instances[test_rows])
        train, test = looked.of(name, train_rows), looked.of(name, asked)
        for protocol, result in _protocols(train, test, settings, fold=number):
            told(protocol, number)
            found.setdefault(protocol, []).append(result.take(looked.even[asked]))
            for view, rows in looked.single.items() if protocol in AT_SINGLE_VIEWS else ():
                found.setdefault(f"{protocol}, {view}", []).append(result.take(rows[asked]))
    return {protocol: _joined(results) for protocol, results in found.items()}


def _protocols(train: Embedded, test: Embedded, settings: ExamSettings, *, fold: int) -> Iterator[tuple[str, Result]]:
    yield "knn", knn(train, test)
    yield "logistic", logistic(train, test)
    one_each = train.take(one_per_instance(train.instances, stream("one each", settings.seed, fold)))
    yield "least squares", least_squares(one_each, test)
    drawn = int(stream("linear probe", settings.seed, fold).integers(2**63))
    yield "linear", linear(train, test, generator=torch.Generator().manual_seed(drawn))
    objects = [len(np.unique(train.instances[train.labels == label])) for label in np.unique(train.labels)]
    for shots in settings.shots:
        if min(objects) >= shots:
            rng = stream("few shot", settings.seed, fold, shots)
            for result in few_shot(train, test, shots=shots, draws=settings.draws, rng=rng):
                yield f"{shots} a category", result


def _joined(results: list[Result]) -> Result:
    """The predictions of several folds or draws, as of one."""
    parts = (
        np.concatenate([getattr(each, name) for each in results]) for name in ("predictions", "labels", "instances")
    )
    predictions, labels, instances = parts
    return replace(results[0], predictions=predictions, labels=labels, instances=instances)


def contents(looked: Looked, name: str, settings: ExamSettings) -> dict[str, Any]:
    """What a representation holds besides categories, of types that JSON knows: effective rank, coherence along clips,
    and where view angles are known their alignment between objects and how well they are read off."""
    even = looked.even
    features, labels, instances, clip, view = (
        field[even] for field in (looked.features[name], looked.labels, looked.instances, looked.clip, looked.view)
    )
    held: dict[str, Any] = {"effective_rank": float(effective_rank(torch.from_numpy(features)))}
    if np.bincount(clip).max() > 1 and clip.max() > 0:
        held["coherence"] = vars(temporal_coherence(features, clip))
    if np.isnan(view[:, 1]).any():
        return held
    rng = stream("alignment", settings.seed)
    try:
        met = viewpoint_alignment(features, labels, instances, view, rng=rng, level=settings.level)
    except InputError:  # no two objects of a category are seen from one side
        pass
    else:
        cosine = [None if math.isnan(value) else value for value in met.cosine.tolist()]
        held["alignment"] = {"ratio": vars(met.ratio), "degrees": met.edges.tolist(), "cosine": cosine}
    for train, test in folds(looked, settings):
        read = decode_pose(
            *(part for rows in (train, test) for part in (looked.features[name][rows], looked.view[rows]))
        )
        for angle, figures in read.items():
            held.setdefault(f"pose_{angle}", []).append(vars(figures))
    return held
