"""Protocols of evaluation, one frame, one object and one number at a time."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence

import numpy as np


def adamw_by_loops(
    features: np.ndarray,
    classes: np.ndarray,
    weight: np.ndarray,
    bias: np.ndarray,
    orders: Sequence[Sequence[int]],
    *,
    batch: int,
    learning_rate: float,
    weight_decay: float,
) -> tuple[np.ndarray, np.ndarray]:
    """A linear layer [C, F] and [C] after AdamW (arXiv 1711.05101, algorithm 2) on cross-entropy, in float64."""
    theta = np.concatenate([weight, bias[:, None]], axis=1).astype(float)
    first, second, step = np.zeros_like(theta), np.zeros_like(theta), 0
    for order in orders:
        for start in range(0, len(order), batch):
            rows = order[start : start + batch]
            gradient = np.zeros_like(theta)
            for row in rows:
                seen = np.append(features[row].astype(float), 1.0)
                scores = np.exp(theta @ seen)
                shares = scores / scores.sum()
                shares[classes[row]] -= 1
                gradient += np.outer(shares, seen) / len(rows)
            step += 1
            theta *= 1 - learning_rate * weight_decay
            first = 0.9 * first + 0.1 * gradient
            second = 0.999 * second + 0.001 * gradient**2
            there = first / (1 - 0.9**step)
            theta -= learning_rate * there / (np.sqrt(second / (1 - 0.999**step)) + 1e-8)
    return theta[:, :-1], theta[:, -1]


def nearest_mean_by_loops(
    features: np.ndarray, labels: Sequence[int], instances: Sequence[int], query: np.ndarray
) -> int:
    """The label whose mean of means of instances is nearest to the query; of equally near ones the smallest."""
    frames: dict[int, dict[int, list[np.ndarray]]] = defaultdict(lambda: defaultdict(list))
    for row, label, instance in zip(features, labels, instances, strict=True):
        frames[label][instance].append(row)
    best, nearest = -1, math.inf
    for label in sorted(frames):
        means = [sum(rows) / len(rows) for rows in frames[label].values()]
        distance = float(np.linalg.norm(query - sum(means) / len(means)))
        if distance < nearest:
            best, nearest = label, distance
    return best


def bootstrap_by_loops(values: np.ndarray, *, rng: np.random.Generator, draws: int) -> list[float]:
    """Means of seeds and instances that are drawn one at a time, each with replacement."""
    seeds, instances = values.shape
    means = []
    for _ in range(draws):
        some = [int(rng.integers(seeds)) for _ in range(seeds)]
        others = [int(rng.integers(instances)) for _ in range(instances)]
        means.append(sum(float(values[s, i]) for s in some for i in others) / (seeds * instances))
    return means
