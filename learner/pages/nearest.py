"""Who is whose neighbour: frames of other objects that a representation holds for alike, and what is mistaken."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from learner.protocols.few_shot import unit

Fold = tuple[np.ndarray, np.ndarray]
"""Frames that a protocol is fitted on and tested on, bool [N] each, as `learner.examination.folds` gives them."""


class Confusion(NamedTuple):
    """A category that is taken for another."""

    true: int
    said: int
    frames: int
    """That are so mistaken."""
    tested: int
    """Frames of the true category that were tested."""
    mistaken: int
    """The one of them that is most like a training frame of the category it is taken for."""
    example: int
    """That training frame."""


def draw_queries(labels: np.ndarray, rows: np.ndarray, rng: np.random.Generator, *, count: int) -> np.ndarray:
    """One frame each of `count` categories, int64 [n] in the order of their labels int [N], drawn from `rows`."""
    kinds = np.unique(labels[rows])
    chosen = np.sort(rng.choice(kinds, min(count, len(kinds)), replace=False))
    return np.array([rng.choice(rows[labels[rows] == kind]) for kind in chosen])


def neighbours(features: np.ndarray, instances: np.ndarray, queries: np.ndarray, *, count: int) -> np.ndarray:
    """The `count` nearest frames of other objects, int64 [Q, count], the nearest first; fewer where there are no more.

    By cosine similarity of features [N, F] of frames of objects int [N]; `queries` int [Q] are rows of them.
    """
    rows = unit(features)
    own = instances[queries][:, None] == instances
    similarity = np.where(own, -np.inf, rows[queries] @ rows.T)
    most = min(count, int((~own).sum(axis=1).min()))
    return np.argsort(-similarity, axis=1, kind="stable")[:, :most]


def confusions(
    features: np.ndarray, labels: np.ndarray, predictions: np.ndarray, folds: Sequence[Fold], *, count: int
) -> list[Confusion]:
    """The `count` largest confusions of `predictions` int [T], which are of the test frames of one fold after another;
    of equal ones those of the smaller labels come first. Features [N, F] and labels int [N] are of all frames."""
    tested = np.concatenate([np.flatnonzero(test) for _, test in folds])
    fold = np.concatenate([np.full(test.sum(), number) for number, (_, test) in enumerate(folds)])
    true, wrong = labels[tested], predictions != labels[tested]
    kinds, sizes = np.unique(np.stack([true[wrong], predictions[wrong]]), axis=1, return_counts=True)
    rows = unit(features)
    found = []
    for place in np.argsort(-sizes, kind="stable")[:count]:
        is_, said = kinds[:, place].tolist()
        mistaken = np.flatnonzero(wrong & (true == is_) & (predictions == said))
        pairs = [
            _nearest(rows, tested[one], np.flatnonzero(folds[fold[one]][0] & (labels == said))) for one in mistaken
        ]
        _, example, frame = max(pairs)
        found.append(Confusion(is_, said, int(sizes[place]), int((true == is_).sum()), frame, example))
    return found


def _nearest(rows: np.ndarray, frame: int, bank: np.ndarray) -> tuple[float, int, int]:
    """Similarity of a frame and the nearest of the bank, that one, and the frame."""
    similarity = rows[bank] @ rows[frame]
    best = int(similarity.argmax())
    return float(similarity[best]), int(bank[best]), int(frame)
