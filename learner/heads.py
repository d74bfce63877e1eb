"""The small networks between the encoder and the losses; widths as in AA-SSL (arXiv 2407.06704)."""

from __future__ import annotations

from torch import nn

EMBEDDING = 128
"""Width in which a loss compares."""


def mlp(inputs: int, outputs: int, *, hidden: int) -> nn.Sequential:
    """Linear, BatchNorm, ReLU, Linear: [N, inputs] to [N, outputs]."""
    return nn.Sequential(
        nn.Linear(inputs, hidden),
        nn.BatchNorm1d(hidden),
        nn.ReLU(inplace=True),
        nn.Linear(hidden, outputs),
    )


def projector(features: int) -> nn.Sequential:
    """Features of one view [N, F] to the embedding [N, 128] that views of one object share."""
    return mlp(features, EMBEDDING, hidden=256)


def predictor() -> nn.Sequential:
    """Embedding [N, 128] to a guess [N, 128] of what BYOL's target network says; shaped as the projector."""
    return mlp(EMBEDDING, EMBEDDING, hidden=256)


def pair_head(features: int, *, norm: bool = False) -> nn.Sequential:
    """Concatenated features of both views [N, 2F] to the embedding [N, 128] that is compared with the action's.

    `norm` ends it in a BatchNorm without affine, as the action head does.
    """
    head = mlp(2 * features, EMBEDDING, hidden=1024)
    return nn.Sequential(*head, nn.BatchNorm1d(EMBEDDING, affine=False)) if norm else head


def action_head(action_dim: int) -> nn.Sequential:
    """Standardised action [N, A] to [N, 128]; the last BatchNorm is without affine, as in the authors' code."""
    return nn.Sequential(*mlp(action_dim, EMBEDDING, hidden=256), nn.BatchNorm1d(EMBEDDING, affine=False))
