"""What features say besides the category, one pair of frames at a time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np


def cosine(one: np.ndarray, other: np.ndarray) -> float:
    return float(one @ other) / math.sqrt(float(one @ one) * float(other @ other))


def between(one: Sequence[float], other: Sequence[float]) -> float:
    """Degrees between two directions given by polar angle and azimuth in degrees (spherical law of cosines)."""
    p, q = (math.radians(90.0 if math.isnan(view[0]) else view[0]) for view in (one, other))
    turn = math.radians(one[1] - other[1])
    value = math.cos(p) * math.cos(q) + math.sin(p) * math.sin(q) * math.cos(turn)
    return math.degrees(math.acos(max(-1.0, min(1.0, value))))


def alignment_by_loops(
    features: np.ndarray, labels: Sequence[int], instances: Sequence[int], view: np.ndarray, *, width: float
) -> tuple[list[float], float]:
    """Mean cosine of each bin, and that of the first over that of the others together."""
    bins: list[list[float]] = [[] for _ in range(round(180 / width))]
    for i in range(len(features)):
        for j in range(i):
            if labels[i] == labels[j] and instances[i] != instances[j]:
                place = int((between(view[i], view[j]) + 1e-5) / width)
                bins[min(place, len(bins) - 1)].append(cosine(features[i], features[j]))
    others = [value for found in bins[1:] for value in found]
    means = [sum(found) / len(found) if found else math.nan for found in bins]
    return means, means[0] / (sum(others) / len(others))


def ranks_by_loops(
    fits: Sequence[Sequence[float]], actions: Sequence[tuple[float, ...]], *, top: int
) -> tuple[list[float], list[float]]:
    """Of each pair, how well each row's action fits it: whether its own is among the best `top`, and its rank. Actions
    that fit as well, as equal ones do, come in every order equally often."""
    hits, ranks = [], []
    for index, values in enumerate(fits):
        own = next(value for value, action in zip(values, actions, strict=True) if action == actions[index])
        before = sum(value > own for value in values)
        alike = sum(value == own for value in values)
        places = range(before + 1, before + alike + 1)
        hits.append(sum(place <= top for place in places) / alike)
        ranks.append(sum(places) / alike)
    return hits, ranks


def coherence_by_loops(features: np.ndarray, clip: Sequence[int]) -> tuple[float, float, float]:
    """Mean cosines of neighbours and of any two of a clip, over clips, and of two of different clips."""
    frames = range(len(features))
    near, same = [], []
    for name in sorted(set(clip)):
        rows = [i for i in frames if clip[i] == name]
        if len(rows) > 1:
            steps = [cosine(features[i], features[j]) for i, j in pairwise(rows)]
            all_pairs = [cosine(features[i], features[j]) for i in rows for j in rows if i != j]
            near.append(sum(steps) / len(steps))
            same.append(sum(all_pairs) / len(all_pairs))
    apart = [cosine(features[i], features[j]) for i in frames for j in frames if clip[i] != clip[j]]
    return sum(near) / len(near), sum(same) / len(same), sum(apart) / len(apart)


def ridge_by_hand(features: np.ndarray, targets: np.ndarray, queries: np.ndarray, *, penalty: float) -> np.ndarray:
    """Ridge regression by its normal equations, on standardised features, with an intercept that is not penalised."""
    mean, deviation = features.mean(axis=0), features.std(axis=0)
    rows, asked = (features - mean) / deviation, (queries - mean) / deviation
    centre = targets.mean(axis=0)
    weights = np.linalg.solve(rows.T @ rows + penalty * np.eye(rows.shape[1]), rows.T @ (targets - centre))
    return asked @ weights + centre


def r2_by_hand(true: np.ndarray, told: np.ndarray) -> float:
    """Mean over columns of 1 - squared error by squared deviation."""
    return float(np.mean(1 - ((true - told) ** 2).sum(axis=0) / ((true - true.mean(axis=0)) ** 2).sum(axis=0)))
