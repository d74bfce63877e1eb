"""The encoder for CPUs."""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import nn

from learner.encoders.base import Encoder, initialise


class SmallEncoder(Encoder):
    """Encoder for CPUs: a strided stem with pooling, and four plain 3x3 convolutions.

    25 million multiply-adds at 64x64 and 0.54 million parameters. Only dense convolutions: with depthwise ones instead,
    a seventh of the multiply-adds, a training step was no more than 1.8 times as fast.
    """

    features = 256

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(convolution(3, 32, stride=2), nn.MaxPool2d(2))
        self.stages = nn.Sequential(
            convolution(32, 64, stride=1),
            convolution(64, 128, stride=2),
            convolution(128, 128, stride=1),
            convolution(128, self.features, stride=2),
        )
        initialise(self)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """float [B, 3, H, W] to [B, 256]."""
        return self.stages(self.stem(images)).mean(dim=(2, 3))


def convolution(inputs: int, outputs: int, *, stride: int) -> nn.Sequential:
    """3x3 convolution, BatchNorm and ReLU."""
    return nn.Sequential(
        OrderedDict(
            conv=nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False),
            bn=nn.BatchNorm2d(outputs),
            relu=nn.ReLU(inplace=True),
        )
    )
