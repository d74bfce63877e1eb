"""Pairs whose turns are drawn, and how a method sees them."""

from __future__ import annotations

import numpy as np
import torch

from sim import poses


def turned(rng: np.random.Generator, count: int) -> torch.Tensor:
    """Actions [N, 7] as `efference` has them."""
    axes = rng.standard_normal((count, 3))
    axes /= np.linalg.norm(axes, axis=1, keepdims=True)
    turns = poses.from_axis_angle(axes, rng.uniform(0, np.pi, count))
    return torch.from_numpy(np.concatenate([rng.standard_normal((count, 3)), turns], axis=1)).float()


def batch_of(rank: int) -> tuple[tuple[torch.Tensor, torch.Tensor], torch.Tensor]:
    """What a process of a team matched, float [20, 6] each, and the actions of its pairs."""
    rng = np.random.default_rng(rank)
    actions, pairs = (torch.from_numpy(rng.standard_normal((20, 6))) for _ in range(2))
    return (actions, pairs), turned(rng, 20)
