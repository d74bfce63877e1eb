"""Few labels: the nearest class mean of a handful of objects."""

from __future__ import annotations

import numpy as np

from learner.protocols.result import Embedded, Result, check_embedded, result
from sim.errors import InputError


def few_shot(train: Embedded, test: Embedded, *, shots: int, draws: int, rng: np.random.Generator) -> list[Result]:
    """`draws` results, each by the nearest mean of all frames of `shots` random training instances of each category.

    Nearest class mean after centring and L2 normalisation (CL2N of SimpleShot, arXiv 1911.04623, section 3), which has
    no setting that a handful of labels would have to choose. Features are centred by the mean of all training frames,
    which needs no labels; a drawn instance counts as much as another, however many frames it has. Raises InputError for
    a category with fewer instances, no frames, or features not finite.
    """
    check_embedded(train, test)
    for name, value in (("shots", shots), ("draws", draws)):
        if value < 1:
            raise InputError(f"{name}={value}: at least 1 is needed, or no class has a mean")
    centre = train.features.mean(axis=0, dtype=np.float64)
    known, queries = train._replace(features=unit(train.features - centre)), unit(test.features - centre)
    results = []
    for draw in range(draws):
        support = known.take(drawn(train, shots, rng))
        found = nearest_mean(support, queries)
        results.append(result("few shot", {"shots": shots, "draw": draw, "draws": draws}, support, test, found))
    return results


def drawn(train: Embedded, shots: int, rng: np.random.Generator) -> np.ndarray:
    """Whether each frame, bool [N], is of one of `shots` instances drawn of its category without replacement."""
    chosen = []
    for label in np.unique(train.labels):
        of_label = np.unique(train.instances[train.labels == label])
        if len(of_label) < shots:
            raise InputError(f"shots={shots}: category {label} has {len(of_label)} training instances, too few")
        chosen.append(rng.choice(of_label, shots, replace=False))
    return np.isin(train.instances, np.concatenate(chosen))


def nearest_mean(support: Embedded, queries: np.ndarray) -> np.ndarray:
    """Labels int64 [Q] of queries [Q, F] by the Euclidean nearest class mean, of equally weighted instances."""
    _, first, group = np.unique(support.instances, return_index=True, return_inverse=True)
    centres = _means(support.features, group)
    known, classes = np.unique(support.labels[first], return_inverse=True)
    means = _means(centres, classes)
    # |q - m|^2 without |q|^2, which is the same for all means.
    return known[(np.square(means).sum(axis=1) - 2 * queries @ means.T).argmin(axis=1)]


def unit(rows: np.ndarray) -> np.ndarray:
    """Rows [N, F] at length 1; a row of zeros stays."""
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), np.finfo(np.float32).tiny)


def _means(rows: np.ndarray, group: np.ndarray) -> np.ndarray:
    """Means [G, F] of rows by group, int [N], numbered from 0 without gaps."""
    sums = np.zeros((group.max() + 1, rows.shape[1]))
    np.add.at(sums, group, rows)
    return sums / np.bincount(group)[:, None]
