"""A tiny encoder, and methods and batches for it, in float64."""

from __future__ import annotations

import torch
from torch import nn

from learner.encoders import Encoder
from learner.methods import Method, MethodOutput, MethodSettings, build_method

ACTION_DIM = 7
CATEGORIES = 3
Batch = tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]


class Flat(Encoder):
    """A linear encoder with a BatchNorm, to see whose statistics it keeps."""

    features = 6

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(3 * 4 * 4, 6), nn.BatchNorm1d(6))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.layers(images)


def batch(n: int, seed: int = 0, action_dim: int = ACTION_DIM) -> Batch:
    """n pairs: both views, action, category."""
    generator = torch.Generator().manual_seed(seed)
    first, second = torch.randn(2, n, 3, 4, 4, dtype=torch.float64, generator=generator).unbind()
    action = torch.randn(n, action_dim, dtype=torch.float64, generator=generator)
    return first, second, action, torch.randint(CATEGORIES, (n,), generator=generator)


def build(name: str, *, seed: int = 0, action_dim: int = ACTION_DIM, **settings) -> Method:
    torch.manual_seed(0)
    made = build_method(
        name, Flat(), action_dim=action_dim, categories=CATEGORIES, settings=MethodSettings(**settings), seed=seed
    )
    return made.double()


def train(method: Method, data: Batch, *, steps: int) -> MethodOutput:
    """The last output."""
    optimizer = torch.optim.AdamW(method.parameters(), lr=3e-3)
    for _ in range(steps):
        optimizer.zero_grad()
        output = method(*data)
        output.loss.backward()
        optimizer.step()
        method.after_update()
    return method(*data)
