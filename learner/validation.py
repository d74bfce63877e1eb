"""Accuracy on validation objects while a learner trains."""

from __future__ import annotations

import torch

from learner.encoders import Encoder
from learner.evaluation import NEIGHBOURS, Gallery
from learner.probes import OnlineLinearProbe, embed, knn_accuracy
from learner.training import Learner
from learner.training_data import TrainingData


class Validation:
    """Measures a learner; of a team, only the process that leads does."""

    def __init__(self, learner: Learner, data: TrainingData, *, episodes: int) -> None:
        """Asks for the frames at once: what plays is not yet busy."""
        self._learner, self._data = learner, data
        self._held_out = data.held_out("validation", episodes) if learner.team.leads else None

    def __call__(self) -> dict[str, float]:
        """Figures for the log."""
        if self._held_out is None:
            return {}
        learner = self._learner
        bank, device = self._data.bank(), str(learner.device)
        return validate(learner.encoder, learner.probe, bank, self._held_out, device=device)


def validate(
    encoder: Encoder, probe: OnlineLinearProbe, bank: Gallery, held_out: Gallery, *, device: str
) -> dict[str, float]:
    """Accuracy on held-out frames, while training: kNN among the bank's, and the linear probe that learns online."""
    known, asked = embed(encoder, bank.images, device=device), embed(encoder, held_out.images, device=device)
    linear = probe.predict(torch.from_numpy(asked).to(device)).cpu().numpy()
    return {
        "probe/knn_validation": knn_accuracy(known, bank.labels, asked, held_out.labels, k=NEIGHBOURS),
        "probe/linear_online": float((linear == held_out.labels).mean()),
    }
