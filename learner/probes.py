"""Probes of frozen features: the only place in the learner where category labels are used."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from learner.augment import plain
from learner.encoders import Encoder, initialised_from
from sim.errors import InputError

Embed = Callable[[np.ndarray], np.ndarray]
"""Frames uint8 [N, H, W, 3] -> features float32 [N, F]."""
SIMILARITIES_AT_ONCE = 1 << 24
"""Bound on the block of similarities that kNN holds: 64 MiB of float32."""


def embed(encoder: Encoder, images: np.ndarray, *, batch: int = 256, device: torch.device | str = "cpu") -> np.ndarray:
    """Features float32 [N, F] of frames uint8 [N, H, W, 3], by an encoder that is on `device`, without augmentation.

    The encoder runs in evaluation mode, so that a frame's features do not depend on its batch; its mode is restored.
    """
    modes = [(module, module.training) for module in encoder.modules()]
    encoder.eval()
    features = np.empty((len(images), encoder.features), np.float32)
    try:
        with torch.inference_mode():
            for start in range(0, len(images), batch):
                frames = torch.from_numpy(np.ascontiguousarray(images[start : start + batch])).to(device)
                features[start : start + batch] = encoder(plain(frames.permute(0, 3, 1, 2))).float().cpu().numpy()
    finally:
        for module, training in modes:
            module.training = training
    return features


def knn_predict(bank: Any, bank_labels: Any, queries: Any, *, k: int = 20, temperature: float = 0.07) -> np.ndarray:
    """Labels [Q] of queries [Q, F] by their k nearest rows of the bank [M, F] with labels int [M]; arrays or tensors.

    Nearest by cosine similarity s, each voting with exp(s / temperature) (Wu et al. 2018, arXiv 1805.01978, section
    3.4); of equal votes the smallest label wins.
    """
    if not len(bank):
        raise InputError("bank=0 rows: at least 1 is needed, or a query has no neighbour")
    known, classes = np.unique(_to_numpy(bank_labels), return_inverse=True)
    votes_for = torch.from_numpy(classes)
    rows = F.normalize(torch.as_tensor(bank).detach().cpu().float(), dim=1)
    asked = F.normalize(torch.as_tensor(queries).detach().cpu().float(), dim=1)
    found = []
    for block in asked.split(max(1, SIMILARITIES_AT_ONCE // len(rows))):
        similarity, nearest = (block @ rows.T).topk(min(k, len(rows)), dim=1)
        # Relative to the nearest, which changes no ranking: exp(1 / temperature) overflows below 0.012.
        weights = torch.exp((similarity - similarity[:, :1]) / temperature)
        votes = torch.zeros(len(block), len(known)).scatter_add_(1, votes_for[nearest], weights)
        found.append(votes.argmax(dim=1))
    return known[torch.cat(found).numpy()]


def knn_accuracy(
    bank: Any, bank_labels: Any, queries: Any, labels: Any, *, k: int = 20, temperature: float = 0.07
) -> float:
    """Share of queries [Q, F] whose label int [Q] `knn_predict` finds."""
    return float(np.mean(knn_predict(bank, bank_labels, queries, k=k, temperature=temperature) == _to_numpy(labels)))


def linear_probe(features: Any, labels: Any, queries: Any, *, inverse_penalty: float = 1.0) -> np.ndarray:
    """Labels [Q] of queries [Q, F] by multinomial logistic regression on features [M, F] with labels int [M].

    Full-batch L-BFGS on standardised features; `inverse_penalty` is scikit-learn's C.
    """
    from sklearn.linear_model import LogisticRegression  # slow to load, and no training needs it
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit(_to_numpy(features))
    model = LogisticRegression(C=inverse_penalty, max_iter=2000)
    model.fit(scaler.transform(_to_numpy(features)), _to_numpy(labels))
    return model.predict(scaler.transform(_to_numpy(queries)))


class OnlineLinearProbe(nn.Module):
    """A linear layer that learns beside the encoder, from detached features and with an optimiser of its own.

    The optimiser's state is not in `state_dict`: a checkpoint saves `optimizer.state_dict()` too.
    """

    def __init__(self, features: int, categories: int, *, seed: int, learning_rate: float = 1e-3) -> None:
        super().__init__()
        with initialised_from(seed):
            self.linear = nn.Linear(features, categories)
        self.optimizer = torch.optim.AdamW(self.linear.parameters(), lr=learning_rate, weight_decay=1e-6, fused=True)

    def step(self, features: torch.Tensor, labels: torch.Tensor) -> dict[str, torch.Tensor]:
        """One update on features [N, F] and labels int64 [N]; loss in nats and accuracy before it, detached scalars."""
        logits = self.linear(features.detach().float())
        loss = F.cross_entropy(logits, labels)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        return {"loss": loss.detach(), "accuracy": (logits.detach().argmax(dim=1) == labels).float().mean()}

    @torch.no_grad()
    def predict(self, features: torch.Tensor) -> torch.Tensor:
        """Labels int64 [N] of features [N, F]."""
        return self.linear(features.float()).argmax(dim=1)


def color_histogram(images: Any, *, bins: int = 4) -> np.ndarray:
    """Baseline features float32 [N, bins^3]: square roots of RGB histograms of uint8 [N, H, W, 3] or [N, 3, H, W].

    The roots have length 1, so their cosine similarity is the Bhattacharyya coefficient of two histograms.
    """
    frames = _channels_last(images)
    cell = frames.astype(np.int32) * bins // 256
    index = (cell[..., 0] * bins + cell[..., 1]) * bins + cell[..., 2]
    counts = np.stack([np.bincount(frame.ravel(), minlength=bins**3) for frame in index])
    return np.sqrt(counts / index[0].size).astype(np.float32)


def raw_pixels(images: Any, *, size: int = 32) -> np.ndarray:
    """Baseline features float32 [N, 3 size^2]: area-averaged uint8 [N, H, W, 3] or [N, 3, H, W], each frame centred.

    A frame's own mean is taken away, so cosine similarity is the correlation of two frames.
    """
    frames = torch.from_numpy(_channels_last(images)).permute(0, 3, 1, 2)
    blocks = [F.interpolate(block.float() / 255, (size, size), mode="area").flatten(1) for block in frames.split(256)]
    pixels = torch.cat(blocks)
    return (pixels - pixels.mean(dim=1, keepdim=True)).numpy()


@dataclass(frozen=True)
class Score:
    """How well predictions fit, over instances: frames of one instance are not independent."""

    accuracy: float
    """Mean over instances of the share of an instance's frames that are right."""
    standard_error: float
    """Standard deviation over instances by the root of their number; nan where there is but one."""
    chance: float
    """Accuracy of always naming the largest category."""
    per_category: dict[int, float]
    """Label to accuracy, over the instances of that category."""


def score(predictions: Any, labels: Any, instances: Any) -> Score:
    """Compare predictions int [N] with labels int [N], for frames of instances int [N]."""
    right = (_to_numpy(predictions) == _to_numpy(labels)).astype(np.float64)
    truth = _to_numpy(labels)
    if not len(truth):
        raise InputError("frames=0: at least 1 is needed, or there is no accuracy")
    names, first, group = np.unique(_to_numpy(instances), return_index=True, return_inverse=True)
    category = truth[first]
    mixed = np.flatnonzero(category[group] != truth)
    if len(mixed):
        name = names[group[mixed[0]]]
        raise InputError(f"instance={name}: one label is needed, or two objects count as one in the standard error")
    accuracy = np.bincount(group, weights=right) / np.bincount(group)
    spread = float(np.std(accuracy, ddof=1)) if len(names) > 1 else float("nan")
    kinds, sizes = np.unique(category, return_counts=True)
    return Score(
        accuracy=float(accuracy.mean()),
        standard_error=spread / len(names) ** 0.5,
        chance=float(sizes.max() / len(names)),
        per_category={int(kind): float(accuracy[category == kind].mean()) for kind in kinds},
    )


def _to_numpy(values: Any) -> np.ndarray:
    return values.detach().cpu().numpy() if isinstance(values, torch.Tensor) else np.asarray(values)


def _channels_last(images: Any) -> np.ndarray:
    frames = _to_numpy(images)
    if frames.ndim == 4 and frames.shape[3] == 3:
        return np.ascontiguousarray(frames)
    if frames.ndim == 4 and frames.shape[1] == 3:
        return np.ascontiguousarray(frames.transpose(0, 2, 3, 1))
    raise InputError(f"images={frames.shape}: [N, H, W, 3] or [N, 3, H, W] is needed, or no axis holds the colours")
