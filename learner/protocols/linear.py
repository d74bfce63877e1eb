"""The paper's linear probe: one linear layer, trained on frozen features by mini-batches."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F

from learner.protocols.result import Embedded, Result, check_embedded, result
from sim.errors import InputError


def linear(
    train: Embedded,
    test: Embedded,
    *,
    generator: torch.Generator,
    epochs: int = 50,
    batch: int = 256,
    learning_rate: float = 5e-4,
    weight_decay: float = 1e-6,
    device: torch.device | str = "cpu",
    anew: Callable[[np.ndarray], np.ndarray] | None = None,
) -> Result:
    """A linear layer trained by AdamW with AA-SSL's settings: half as many epochs as the encoder, no schedule.

    `anew` gives the features [n, F] of training frames, by their places int64 [n], of which views are drawn anew each
    time: AA-SSL augments them in each epoch. Without it each frame keeps its one vector of features. Weights, then
    biases, then the order of each epoch are drawn from `generator`, which is on the CPU. Raises InputError for settings
    that train nothing, no frames, or features not finite.
    """
    check_embedded(train, test)
    for name, value in (("epochs", epochs), ("batch", batch)):
        if value < 1:
            raise InputError(f"{name}={value}: at least 1 is needed, or the probe learns nothing")
    known, classes = np.unique(train.labels, return_inverse=True)
    features = torch.from_numpy(train.features).float().to(device)
    labels = torch.from_numpy(classes).to(device)
    bound = features.shape[1] ** -0.5
    # As nn.Linear begins.
    weight = torch.empty(len(known), features.shape[1]).uniform_(-bound, bound, generator=generator)
    bias = torch.empty(len(known)).uniform_(-bound, bound, generator=generator)
    parameters = [tensor.to(device).requires_grad_() for tensor in (weight, bias)]
    optimizer = torch.optim.AdamW(parameters, lr=learning_rate, weight_decay=weight_decay)
    for _ in range(epochs):
        for rows in torch.randperm(len(labels), generator=generator).to(device).split(batch):
            seen = features[rows] if anew is None else torch.from_numpy(anew(rows.cpu().numpy())).float().to(device)
            loss = F.cross_entropy(F.linear(seen, *parameters), labels[rows])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
    with torch.no_grad():
        asked = torch.from_numpy(test.features).float().to(device)
        found = F.linear(asked, *parameters).argmax(dim=1).cpu().numpy()
    settings = {"epochs": epochs, "batch": batch, "learning_rate": learning_rate, "weight_decay": weight_decay}
    settings["augmented"] = anew is not None
    return result("linear", settings, train, test, known[found])
