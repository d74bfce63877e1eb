"""Protocols without a learning rate: nearest neighbours, logistic regression, least squares."""

from __future__ import annotations

import numpy as np

from learner.probes import knn_predict, linear_probe
from learner.protocols.result import Embedded, Result, check_embedded, result


def knn(train: Embedded, test: Embedded, *, k: int = 20, temperature: float = 0.07) -> Result:
    """Weighted nearest neighbours: `probes.knn_predict`. Raises InputError for no frames, or features not finite."""
    check_embedded(train, test)
    found = knn_predict(train.features, train.labels, test.features, k=k, temperature=temperature)
    return result("knn", {"k": k, "temperature": temperature}, train, test, found)


def logistic(train: Embedded, test: Embedded, *, inverse_penalty: float = 1.0) -> Result:
    """Full-batch multinomial logistic regression on standardised features: `probes.linear_probe`.

    Raises InputError for no frames, or features not finite.
    """
    check_embedded(train, test)
    found = linear_probe(train.features, train.labels, test.features, inverse_penalty=inverse_penalty)
    return result("logistic", {"inverse_penalty": inverse_penalty}, train, test, found)


def least_squares(train: Embedded, test: Embedded) -> Result:
    """Regression of one-hot labels on features, without an intercept; the largest output is the label.

    As AA-SSL's code probes RT4K, there on one random frame of each training object (`select.one_per_instance`); of many
    solutions the shortest. Raises InputError for no frames, or features not finite.
    """
    check_embedded(train, test)
    known, classes = np.unique(train.labels, return_inverse=True)
    weights = np.linalg.lstsq(train.features.astype(np.float64), np.eye(len(known))[classes], rcond=None)[0]
    return result("least squares", {}, train, test, known[(test.features @ weights).argmax(axis=1)])
