"""What protocols are given, and what they give back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from sklearn.metrics import confusion_matrix

from learner.probes import Score, score
from sim.errors import InputError


class Embedded(NamedTuple):
    """N frames, as a frozen encoder sees them."""

    features: np.ndarray
    """float32 [N, F]."""
    labels: np.ndarray
    """int64 [N]: index of the category."""
    instances: np.ndarray
    """int64 [N]: frames of one object share one number."""

    def take(self, rows: np.ndarray) -> Embedded:
        """The frames at `rows`, int64 [n], or where it is true, bool [N]."""
        return Embedded(self.features[rows], self.labels[rows], self.instances[rows])


@dataclass(frozen=True, eq=False)
class Result:
    """The predictions of one protocol for N test frames, with all that is needed to repeat it."""

    protocol: str
    settings: Mapping[str, Any]
    """Every setting of the protocol, and how many frames and categories it was fitted on."""
    predictions: np.ndarray
    """int64 [N]."""
    labels: np.ndarray
    """int64 [N]."""
    instances: np.ndarray
    """int64 [N]."""

    def take(self, rows: np.ndarray) -> Result:
        """The predictions for the frames where `rows`, bool [N], is true."""
        return replace(
            self, predictions=self.predictions[rows], labels=self.labels[rows], instances=self.instances[rows]
        )

    @property
    def score(self) -> Score:
        """Accuracy over instances and per category. Raises InputError as `probes.score`."""
        return score(self.predictions, self.labels, self.instances)

    @property
    def by_instance(self) -> tuple[np.ndarray, np.ndarray]:
        """The test instances, int64 [I], ascending, and the share of each one's frames that are right, float64 [I]."""
        names, group = np.unique(self.instances, return_inverse=True)
        right = np.bincount(group, weights=self.predictions == self.labels)
        return names, right / np.bincount(group)

    @property
    def confusion(self) -> tuple[np.ndarray, np.ndarray]:
        """Categories that occur, int64 [C], ascending, and how many frames of row i were taken for column j, int64
        [C, C]."""
        classes = np.union1d(self.labels, self.predictions)
        return classes, confusion_matrix(self.labels, self.predictions, labels=classes)

    def summary(self) -> dict[str, Any]:
        """What a report keeps of it, of types that JSON knows."""
        found, (classes, counts) = self.score, self.confusion
        return {
            "protocol": self.protocol,
            "settings": dict(self.settings),
            "frames": len(self.labels),
            "instances": len(np.unique(self.instances)),
            "accuracy": found.accuracy,
            "chance": found.chance,
            "per_category": {str(label): accuracy for label, accuracy in found.per_category.items()},
            "confusion": {"categories": classes.tolist(), "counts": counts.tolist()},
        }


def result(protocol: str, settings: Mapping[str, Any], train: Embedded, test: Embedded, found: np.ndarray) -> Result:
    """The result of a protocol that was fitted on `train`."""
    fitted = {"train_frames": len(train.labels), "train_categories": len(np.unique(train.labels))}
    return Result(protocol, {**settings, **fitted}, found.astype(np.int64), test.labels, test.instances)


def check_embedded(train: Embedded, test: Embedded) -> None:
    """Raise InputError for features that nothing can be fitted on."""
    for what, (features, labels, _) in (("train", train), ("test", test)):
        if not len(labels):
            raise InputError(f"{what}=0 frames: at least 1 is needed, or there is no accuracy")
        if not np.isfinite(features).all():
            row = np.flatnonzero(~np.isfinite(features).all(axis=1))[0]
            raise InputError(f"{what}: features of frame {row} are not finite; the encoder has diverged")
