"""Contrastive losses as pure functions of two sides of N matched rows; gathering across processes happens outside."""

from __future__ import annotations

import math
from typing import Literal, get_args

import torch
import torch.nn.functional as F

from sim.errors import InputError

Negatives = Literal["across", "all"]


def check_negatives(negatives: str) -> None:
    """Refuse a kind of negatives that does not exist."""
    if negatives not in get_args(Negatives):
        known = ", ".join(get_args(Negatives))
        raise InputError(f"negatives={negatives}: one of {known} is needed, or the loss has nothing to contrast with")


def info_nce(
    first: torch.Tensor, second: torch.Tensor, *, temperature: float = 0.1, negatives: Negatives = "all"
) -> torch.Tensor:
    """Symmetric InfoNCE on cosine similarity, in nats: row i of `first` [N, D] must pick row i of `second` [N, D].

    "all": each of the 2N rows against the 2N-1 others (NT-Xent of SimCLR, arXiv 2002.05709, equation 1; AA-SSL's form).
    "across": each row of one side against the N of the other, the mean of both ways (CLIP, arXiv 2103.00020, figure 3).
    """
    check_negatives(negatives)
    precision = torch.promote_types(torch.promote_types(first.dtype, second.dtype), torch.float32)
    # Under autocast the products would be taken in 16 bits, too few for similarities over a small temperature.
    with torch.autocast(first.device.type, enabled=False):
        left = F.normalize(first.to(precision), dim=1)
        right = F.normalize(second.to(precision), dim=1)
        index = torch.arange(len(left), device=left.device)
        if negatives == "across":
            logits = left @ right.T / temperature
            return (F.cross_entropy(logits, index) + F.cross_entropy(logits.T, index)) / 2
        rows = torch.cat([left, right])
        logits = (rows @ rows.T / temperature).fill_diagonal_(-math.inf)
        return F.cross_entropy(logits, torch.cat([index + len(left), index]))


def log_chance(n: int, *, negatives: Negatives) -> float:
    """The loss of a learner to whom all candidates look alike, in nats: ln(2N-1) or ln(N)."""
    check_negatives(negatives)
    return math.log(n if negatives == "across" else 2 * n - 1)
