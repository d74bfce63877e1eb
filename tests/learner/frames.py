"""Frames of random pixels for the tests of augmentation, and settings with every operation at work."""

from __future__ import annotations

import torch

from learner.augment import AugmentSettings

ALL = AugmentSettings(flip="independent", blur_probability=0.5)
"""Every operation at work."""
AWAY = {
    "crop": {"crop_probability": 0.0},
    "flip": {"flip": "off"},
    "brightness": {"brightness": 0.0},
    "contrast": {"contrast": 0.0},
    "saturation": {"saturation": 0.0},
    "hue": {"hue": 0.0},
    "grey": {"grey_probability": 0.0},
    "blur": {"blur_probability": 0.0},
}
"""How each operation is taken away."""


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def frames(count: int, height: int = 12, width: int = 12, seed: int = 0) -> torch.Tensor:
    """uint8 [count, 3, height, width], channels last; some pixels black, some white, some of a pure colour."""
    memory = torch.randint(0, 256, (count, height, width, 3), dtype=torch.uint8, generator=generator(seed))
    memory[:, :2, :2], memory[:, 2:4, :2] = 0, 255
    memory[:, 4:6, :2] = torch.tensor([0, 255, 90], dtype=torch.uint8)
    return memory.permute(0, 3, 1, 2)


def shape(count: int, height: int = 64, width: int = 64) -> torch.Size:
    return torch.Size((count, 3, height, width))
