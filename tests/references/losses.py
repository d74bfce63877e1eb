"""The losses as they are written on paper: one row, one candidate, one component at a time."""

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


def match_shares_by_loops(first: torch.Tensor, second: torch.Tensor, *, temperature: float) -> torch.Tensor:
    """Share [2, N, N] that each row gives to each row of the other side, one way and the other."""
    ways = []
    for anchors, partners in ((first, second), (second, first)):
        shares = []
        for anchor in anchors:
            likes = torch.stack([(cosine(anchor, partner) / temperature).exp() for partner in partners])
            shares.append(likes / likes.sum())
        ways.append(torch.stack(shares))
    return torch.stack(ways)


def byol_by_loops(predicted: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """As `learner.losses.byol`: the squared distance of unit vectors."""
    losses = []
    for one, other in zip(predicted, target.detach(), strict=True):
        apart = one / one.square().sum().sqrt() - other / other.square().sum().sqrt()
        losses.append(apart.square().sum())
    return torch.stack(losses).mean()


def vicreg_by_loops(
    first: torch.Tensor, second: torch.Tensor, *, invariance: float, variance: float, covariance: float
) -> torch.Tensor:
    """As `learner.losses.vicreg`."""
    n, width = first.shape
    total = invariance * sum((first[row] - second[row]).square().sum() for row in range(n)) / (n * width)
    for side in (first, second):
        centred = [side[:, k] - side[:, k].sum() / n for k in range(width)]
        for k in range(width):
            deviation = (centred[k].square().sum() / (n - 1) + 1e-4).sqrt()
            total = total + variance * torch.relu(1 - deviation) / width
            for other in range(width):
                if other != k:
                    product = (centred[k] * centred[other]).sum() / (n - 1)
                    total = total + covariance * product.square() / width
    return total
