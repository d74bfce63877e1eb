"""Figures of the learner's health as they are written on paper: one row, one pair, one dimension at a time."""

from __future__ import annotations

import math

import numpy as np


def unit(row: np.ndarray) -> np.ndarray:
    return row / math.sqrt(sum(value * value for value in row))


def alignment_by_loops(first: np.ndarray, second: np.ndarray) -> float:
    """As `learner.health.alignment`."""
    distances = []
    for one, other in zip(first, second, strict=True):
        distances.append(sum((a - b) ** 2 for a, b in zip(unit(one), unit(other), strict=True)))
    return sum(distances) / len(distances)


def uniformity_by_loops(rows: np.ndarray, *, t: float) -> float:
    """As `learner.health.uniformity`."""
    potentials = []
    for index, one in enumerate(rows):
        for other in rows[:index]:
            potentials.append(math.exp(-t * sum((unit(one) - unit(other)) ** 2)))
    return math.log(sum(potentials) / len(potentials))


def std_by_loops(rows: np.ndarray) -> float:
    """As `learner.health.embedding_std`."""
    units = [unit(row) for row in rows]
    deviations = []
    for column in range(rows.shape[1]):
        values = [row[column] for row in units]
        mean = sum(values) / len(values)
        deviations.append(math.sqrt(sum((value - mean) ** 2 for value in values) / len(values)))
    return math.sqrt(rows.shape[1]) * sum(deviations) / len(deviations)


def rank_by_numpy(rows: np.ndarray) -> float:
    """As `learner.health.effective_rank`."""
    values = np.linalg.svd(rows, compute_uv=False)
    entropy = 0.0
    for value in values:
        share = value / sum(values) + 1e-7
        entropy -= share * math.log(share)
    return math.exp(entropy)


def retrieval_by_loops(actions: np.ndarray, pairs: np.ndarray) -> float:
    """As `learner.health.retrieval_top1`."""
    found = 0.0
    for index, action in enumerate(actions):
        cosines = [float(unit(action) @ unit(pair)) for pair in pairs]
        if max(cosines) == cosines[index]:
            found += 1 / cosines.count(cosines[index])
    return found / len(actions)


def false_negatives_by_loops(instances: list[int]) -> float:
    """As `learner.health.false_negatives`."""
    negatives = [(a, b) for a in range(len(instances)) for b in range(len(instances)) if a != b]
    return sum(instances[a] == instances[b] for a, b in negatives) / max(1, len(negatives))
