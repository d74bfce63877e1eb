"""Accuracy on validation objects while a learner trains."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from agent.watch import Watch
from learner.encoders import Encoder
from learner.evaluation import NEIGHBOURS, Gallery
from learner.probes import OnlineLinearProbe, embed, knn_accuracy
from learner.training import Learner
from learner.training_data import TrainingData


class Validation:
    """Measures a learner; of a team, only the process that leads does."""

    def __init__(self, learner: Learner, data: TrainingData, *, episodes: int, watches: Sequence[Watch] = ()) -> None:
        """Asks for the frames at once: what plays is not yet busy. Each of `watches` is shown their features."""
        self._learner, self._data, self._watches = learner, data, watches
        self._held_out = data.held_out("validation", episodes) if learner.team.leads else None

    def __call__(self) -> dict[str, float]:
        """Figures for the log."""
        if self._held_out is None:
            return {}
        learner, held_out = self._learner, self._held_out
        features = embed(learner.encoder, held_out.images, device=learner.device)
        for watch in self._watches:
            watch.features(learner.steps, features, held_out.images, held_out.labels)
        return validate(learner.encoder, learner.probe, self._data.bank(), features, held_out.labels)


def validate(
    encoder: Encoder, probe: OnlineLinearProbe, bank: Gallery, features: np.ndarray, labels: np.ndarray
) -> dict[str, float]:
    """Accuracy on the features float32 [N, F] of held-out frames with labels int64 [N], while training: kNN among the
    bank's, and the linear probe that learns online."""
    device = probe.linear.weight.device
    known = embed(encoder, bank.images, device=device)
    linear = probe.predict(torch.from_numpy(features).to(device)).cpu().numpy()
    return {
        "probe/knn_validation": knn_accuracy(known, bank.labels, features, labels, k=NEIGHBOURS),
        "probe/linear_online": float((linear == labels).mean()),
    }
