"""Losses as pure functions of two sides of N matched rows; gathering across processes happens outside."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Literal, get_args

import torch
import torch.nn.functional as F

from sim.errors import InputError

Negatives = Literal["across", "all"]
VICREG_EPSILON = 1e-4
"""Added to variances before their root is taken, as its slope at 0 is infinite."""


def check_negatives(negatives: str) -> None:
    """Refuse a kind of negatives that does not exist."""
    if negatives not in get_args(Negatives):
        known = ", ".join(get_args(Negatives))
        raise InputError(f"negatives={negatives}: one of {known} is needed, or the loss has nothing to contrast with")


def info_nce(
    first: torch.Tensor,
    second: torch.Tensor,
    *,
    temperature: float = 0.1,
    negatives: Negatives = "all",
    own: slice = slice(None),
) -> torch.Tensor:
    """Symmetric InfoNCE on cosine similarity, in nats: row i of `first` [N, D] must pick row i of `second` [N, D].

    "all": each of the 2N rows against the 2N-1 others (NT-Xent of SimCLR, arXiv 2002.05709, equation 1; AA-SSL's form).
    "across": each row of one side against the N of the other, the mean of both ways (CLIP, arXiv 2103.00020, figure 3).
    `own` are the rows i that pick, all by default; the loss is their mean, and all N rows remain candidates.
    """
    check_negatives(negatives)
    # Under autocast the products would be taken in 16 bits, too few for similarities over a small temperature.
    with torch.autocast(first.device.type, enabled=False):
        left, right = (F.normalize(rows, dim=1) for rows in _precise(first, second))
        index = torch.arange(len(left), device=left.device)[own]
        if negatives == "across":
            there, back = (F.cross_entropy(logits, index) for logits in _across(left, right, temperature, own))
            return (there + back) / 2
        anchors, candidates = torch.cat([left[own], right[own]]), torch.cat([left, right])
        logits = anchors / temperature @ candidates.T
        logits.scatter_(1, torch.cat([index, index + len(left)])[:, None], -math.inf)
        return F.cross_entropy(logits, torch.cat([index + len(left), index]))


def log_chance(n: int, *, negatives: Negatives) -> float:
    """The loss of a learner to whom all candidates look alike, in nats: ln(2N-1) or ln(N)."""
    check_negatives(negatives)
    return math.log(n if negatives == "across" else 2 * n - 1)


def bounded_nce(
    first: torch.Tensor, second: torch.Tensor, *, temperature: float, exponent: float, own: slice = slice(None)
) -> torch.Tensor:
    """InfoNCE "across" that no wrong match can make large: the mean of (1 - p^q) / q, p the softmax of the match, q the
    `exponent` (generalised cross-entropy of labels, arXiv 1805.07836, of matches).

    Multiplied by N^q, which gives it InfoNCE's slope where all candidates look alike: 0 to N^q / q.
    """
    with torch.autocast(first.device.type, enabled=False):
        log_p = _matched_log_p(first, second, temperature, own)
        return len(first) ** exponent * -torch.expm1(exponent * log_p).mean() / exponent


def trusting_nce(
    first: torch.Tensor,
    second: torch.Tensor,
    *,
    temperature: float,
    trust: torch.Tensor,
    own: slice = slice(None),
) -> torch.Tensor:
    """InfoNCE "across" where a match is true with probability `trust` (a scalar in (0, 1)) and otherwise drawn among
    all N: the mean of -ln(trust p + (1 - trust) / N), in nats, p the softmax of the match.

    Its slope is InfoNCE's times the posterior that the match is true, trust p / (trust p + (1 - trust) / N): the pair's
    confidence, which `trust` learns from (a mixture, by maximum likelihood).
    """
    with torch.autocast(first.device.type, enabled=False):
        log_p = _matched_log_p(first, second, temperature, own)
        by_chance = (torch.log1p(-trust) - math.log(len(first))).expand_as(log_p)
        return -torch.logaddexp(torch.log(trust) + log_p, by_chance).mean()


def similar_nce(
    first: torch.Tensor,
    second: torch.Tensor,
    *,
    temperature: float,
    distance: torch.Tensor,
    own: slice = slice(None),
) -> torch.Tensor:
    """InfoNCE "across", in nats, that wants row i to pick each row j in proportion to exp(-distance_ij / 2), `distance`
    [n, N] of the rows `own` to all (y-Aware InfoNCE, arXiv 2106.08808, across two sides)."""
    with torch.autocast(first.device.type, enabled=False):
        left, right = (F.normalize(rows, dim=1) for rows in _precise(first, second))
        targets = torch.softmax(-distance.to(left.dtype) / 2, dim=1)
        there, back = (F.cross_entropy(logits, targets) for logits in _across(left, right, temperature, own))
        return (there + back) / 2


def _across(left: torch.Tensor, right: torch.Tensor, temperature: float, own: slice) -> Iterator[torch.Tensor]:
    """Logits [n, N] of unit rows `own`: of one side for all of the other, then the other way round."""
    yield left[own] / temperature @ right.T
    yield right[own] / temperature @ left.T


def _matched_log_p(first: torch.Tensor, second: torch.Tensor, temperature: float, own: slice) -> torch.Tensor:
    """Logarithm [2n] of the share that each row `own` gives to its match, both ways."""
    left, right = (F.normalize(rows, dim=1) for rows in _precise(first, second))
    index = torch.arange(len(left), device=left.device)[own]
    ways = _across(left, right, temperature, own)
    return -torch.cat([F.cross_entropy(logits, index, reduction="none") for logits in ways])


def byol(predicted: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """BYOL's loss of one side, from 0 to 4: 2 - 2 cosine similarity, the mean over rows (arXiv 2006.07733, equation 2).

    `predicted` [N, D] learns; no gradient reaches `target` [N, D].
    """
    predicted, target = _precise(predicted, target.detach())
    return (2 - 2 * F.cosine_similarity(predicted, target)).mean()


def vicreg(
    first: torch.Tensor,
    second: torch.Tensor,
    *,
    invariance: float = 25.0,
    variance: float = 25.0,
    covariance: float = 1.0,
) -> torch.Tensor:
    """VICReg of `first` and `second` [N, D] with these weights (arXiv 2105.04906, algorithm 1).

    Invariance is the mean square over rows and components, as in the algorithm, for which the weights were chosen;
    equation 5 sums over components. Raises InputError for a single row.
    """
    if len(first) < 2:
        raise InputError(f"batch={len(first)}: at least 2 rows are needed, or VICReg has no variance to keep up")
    with torch.autocast(first.device.type, enabled=False):
        left, right = _precise(first, second)
        distance = F.mse_loss(left, right)
        collapse = _collapse(left) + _collapse(right)
        redundancy = _redundancy(left) + _redundancy(right)
        return invariance * distance + variance * collapse + covariance * redundancy


def _collapse(rows: torch.Tensor) -> torch.Tensor:
    """How far the standard deviations of components lie below 1, on average."""
    return F.relu(1 - (rows.var(dim=0) + VICREG_EPSILON).sqrt()).mean()


def _redundancy(rows: torch.Tensor) -> torch.Tensor:
    """Sum of the squared covariances between different components, by their number D."""
    return 2 * torch.cov(rows.T).triu(1).square().sum() / rows.shape[1]


def _precise(first: torch.Tensor, second: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Both in their common precision, float32 at least."""
    precision = torch.promote_types(torch.promote_types(first.dtype, second.dtype), torch.float32)
    return first.to(precision), second.to(precision)
