"""How good frozen representations are on a dataset of images: by which protocol, how sure, and beside what."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch

from learner.analysis import decode_pose, temporal_coherence, viewpoint_alignment
from learner.data import ImageData
from learner.encoders import Encoder, build_encoder
from learner.health import effective_rank
from learner.probes import color_histogram, embed, raw_pixels
from learner.protocols import (
    Embedded,
    Interval,
    Result,
    by_seed_and_instance,
    few_shot,
    interval,
    knn,
    least_squares,
    linear,
    logistic,
    one_per_instance,
    paired,
)
from sim.errors import InputError
from sim.objects.splits import SPLITS
from sim.seeding import stream

Embed = Callable[[np.ndarray], np.ndarray]
"""Frames uint8 [N, H, W, 3] -> features float32 [N, F]."""


@dataclass(frozen=True)
class ExamSettings:
    """How representations are compared."""

    frames: int = 16
    """Frames an object, evenly spaced; 0 takes all."""
    leave_one_out: bool = False
    """Test each object by all others, where a dataset is too small for a test split of its own."""
    shots: tuple[int, ...] = (1, 5, 10)
    """Labelled objects of each category in the few-shot protocols; those with fewer are left out."""
    draws: int = 10
    """Draws of those objects."""
    level: float = 0.95
    """Of the confidence intervals."""
    seed: int = 0
    """Of draws, probes and bootstrap."""

    def __post_init__(self) -> None:
        if self.frames < 0:
            raise InputError(f"frames={self.frames}: 0 (all) or more are needed")
        if any(shots < 1 for shots in self.shots) or self.draws < 1:
            raise InputError(f"shots={self.shots}, draws={self.draws}: at least 1 of each is needed")


class Looked(NamedTuple):
    """N frames of a dataset, and what every representation makes of them."""

    features: dict[str, np.ndarray]
    """Name -> float32 [N, F]."""
    labels: np.ndarray
    """int64 [N]."""
    instances: np.ndarray
    """int64 [N]."""
    clip: np.ndarray
    """int64 [N]."""
    view: np.ndarray
    """float64 [N, 2] degrees; NaN where not known."""
    split: np.ndarray
    """int64 [N]: index in `SPLITS`."""
    row: np.ndarray
    """int64 [N]: the frame's row in that split of the dataset."""

    @property
    def objects(self) -> int:
        """How many objects the frames show."""
        return len(np.unique(self.instances))

    def of(self, name: str, rows: np.ndarray) -> Embedded:
        """One representation of some frames."""
        return Embedded(self.features[name][rows], self.labels[rows], self.instances[rows])


class Finding(NamedTuple):
    """One figure of the table."""

    representation: str
    protocol: str
    accuracy: Interval
    chance: float
    beside: Interval | None
    """How much better than the first representation, paired over objects; None for that one."""


def representations(encoders: Mapping[str, Encoder], *, device: str) -> dict[str, Embed]:
    """The encoders, and the baselines that always stand beside them: untrained encoders, raw pixels, colours."""
    found: dict[str, Embed] = {}
    for label, encoder in encoders.items():
        found[label] = partial(embed, encoder.to(device), device=device)
    for name, size in {encoder.name: encoder.image_size for encoder in encoders.values()}.items():
        untrained = build_encoder(name, seed=0, image_size=size).to(device)
        found[f"untrained {name}"] = partial(embed, untrained, device=device)
    return {**found, "raw pixels": raw_pixels, "colour histogram": color_histogram}


def look(
    data: ImageData, embeds: Mapping[str, Embed], settings: ExamSettings, *, size: int, told: Callable[[int, int], None]
) -> Looked:
    """Read each frame once, and embed it by all. `told` is given the frames done, and their number."""
    chosen = {split: _spread(data, split, settings.frames) for split in SPLITS}
    total, done = sum(map(len, chosen.values())), 0
    features: dict[str, list[np.ndarray]] = {name: [] for name in embeds}
    known = []
    for number, (split, rows) in enumerate(chosen.items()):
        frames = data.frames(split)
        known.append((frames.category[rows], frames.instance[rows], frames.clip[rows], frames.view[rows], number))
        for images in data.batches(split, rows, size=size):
            for name, represent in embeds.items():
                features[name].append(represent(images))
            done += len(images)
            told(done, total)
    if not total:
        raise InputError(f"{data.kind}:{data.root}: no frames in any split, so there is nothing to look at")
    labels, instances, clip, view = (np.concatenate([part[field] for part in known]) for field in range(4))
    split_of = np.concatenate([np.full(len(part[0]), part[4]) for part in known])
    clip = np.unique(np.stack([split_of, clip]), axis=1, return_inverse=True)[1].reshape(-1)
    row = np.concatenate(list(chosen.values()))
    return Looked({k: np.concatenate(v) for k, v in features.items()}, labels, instances, clip, view, split_of, row)


def _spread(data: ImageData, split: str, count: int) -> np.ndarray:
    """Rows of `count` frames of each object, evenly spaced; of all where it has no more, or `count` is 0."""
    instances = data.frames(split).instance
    order = np.argsort(instances, kind="stable")
    parts = np.split(order, np.flatnonzero(np.diff(instances[order])) + 1) if len(order) else []
    rows = [
        part if not count or len(part) <= count else part[np.linspace(0, len(part) - 1, count).round().astype(int)]
        for part in parts
    ]
    return np.sort(np.concatenate(rows)) if rows else np.zeros(0, dtype=np.int64)


def folds(looked: Looked, settings: ExamSettings) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Rows that probes are fitted on, and rows that they are tested on: bool [N] each.

    The test split by the training split; or the k-th object of each category by all others, for each k.
    """
    if not settings.leave_one_out:
        train, test = (looked.split == SPLITS.index(name) for name in ("train", "test"))
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
        yield rank != k, rank == k


def examine(looked: Looked, name: str, settings: ExamSettings) -> dict[str, Result]:
    """The predictions of every protocol for one representation, over all folds."""
    found: dict[str, list[Result]] = {}
    for number, (train_rows, test_rows) in enumerate(folds(looked, settings)):
        train, test = looked.of(name, train_rows), looked.of(name, test_rows)
        for protocol, result in _protocols(train, test, settings, fold=number):
            found.setdefault(protocol, []).append(result)
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


def findings(results: Mapping[str, Mapping[str, Result]], settings: ExamSettings) -> list[Finding]:
    """The table: accuracies with intervals over objects, and paired differences from the first representation."""
    found, first = [], next(iter(results))
    for name, by_protocol in results.items():
        for protocol, result in by_protocol.items():
            rng = partial(stream, "bootstrap", settings.seed)
            values = by_seed_and_instance([result])
            beside = None
            if name != first:
                beside = paired(
                    values, by_seed_and_instance([results[first][protocol]]), rng=rng(), level=settings.level
                )
            accuracy = interval(values, rng=rng(), level=settings.level)
            found.append(Finding(name, protocol, accuracy, result.score.chance, beside))
    return found


def contents(looked: Looked, name: str, settings: ExamSettings) -> dict[str, Any]:
    """What a representation holds besides categories, of types that JSON knows: effective rank, coherence along clips,
    and where view angles are known their alignment between objects and how well they are read off."""
    features = looked.features[name]
    held: dict[str, Any] = {"effective_rank": float(effective_rank(torch.from_numpy(features)))}
    if np.bincount(looked.clip).max() > 1 and looked.clip.max() > 0:
        held["coherence"] = vars(temporal_coherence(features, looked.clip))
    if np.isnan(looked.view[:, 1]).any():
        return held
    rng = stream("alignment", settings.seed)
    try:
        met = viewpoint_alignment(features, looked.labels, looked.instances, looked.view, rng=rng, level=settings.level)
    except InputError:  # no two objects of a category are seen from one side
        pass
    else:
        cosine = [None if math.isnan(value) else value for value in met.cosine.tolist()]
        held["alignment"] = {"ratio": vars(met.ratio), "degrees": met.edges.tolist(), "cosine": cosine}
    for train, test in folds(looked, settings):
        read = decode_pose(features[train], looked.view[train], features[test], looked.view[test])
        for angle, figures in read.items():
            held.setdefault(f"pose_{angle}", []).append(vars(figures))
    return held
