"""InfoNCE as it is written on paper: one anchor, one candidate at a time."""

from __future__ import annotations

import torch


def cosine(one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    return (one * other).sum() / (one.square().sum().sqrt() * other.square().sum().sqrt())


def info_nce_by_loops(first: torch.Tensor, second: torch.Tensor, *, temperature: float, negatives: str) -> torch.Tensor:
    """As `learner.losses.info_nce`."""
    n = len(first)
    losses = []
    for anchors, partners in ((first, second), (second, first)):
        for row in range(n):
            positive = cosine(anchors[row], partners[row]) / temperature
            candidates = [cosine(anchors[row], partners[other]) / temperature for other in range(n)]
            if negatives == "all":
                candidates += [cosine(anchors[row], anchors[other]) / temperature for other in range(n) if other != row]
            losses.append(-positive + torch.stack([candidate.exp() for candidate in candidates]).sum().log())
    return torch.stack(losses).mean()
