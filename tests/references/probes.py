"""Nearest neighbours and scores, one query and one instance at a time."""

from __future__ import annotations

import math
from collections import defaultdict

import numpy as np


def knn_by_loops(bank: np.ndarray, labels: np.ndarray, query: np.ndarray, *, k: int, temperature: float) -> int:
    """Label of one query [F] by its k nearest rows of the bank [M, F], each voting with exp(cosine / temperature)."""
    near = []
    for row, label in zip(bank.astype(float), labels.tolist(), strict=True):
        cosine = float(row @ query) / math.sqrt(float(row @ row) * float(query @ query))
        near.append((cosine, label))
    near.sort(reverse=True)
    votes: dict[int, float] = defaultdict(float)
    for cosine, label in near[:k]:
        votes[label] += math.exp(cosine / temperature)
    return max(sorted(votes), key=lambda label: votes[label])


def score_by_loops(predictions: list[int], labels: list[int], instances: list[int]) -> tuple[float, float]:
    """Accuracy over instances and its standard error."""
    right: dict[int, list[bool]] = defaultdict(list)
    for guess, label, instance in zip(predictions, labels, instances, strict=True):
        right[instance].append(guess == label)
    shares = [sum(frames) / len(frames) for frames in right.values()]
    mean = sum(shares) / len(shares)
    variance = sum((share - mean) ** 2 for share in shares) / (len(shares) - 1)
    return mean, math.sqrt(variance / len(shares))
