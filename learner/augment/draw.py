"""What is drawn for a batch of views, from one generator on the CPU, whatever device the frames are on."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import torch

from learner.augment.settings import AugmentSettings

CROP_ATTEMPTS = 10


class Draw(NamedTuple):
    """What was drawn for a batch of B images, on the CPU."""

    boxes: torch.Tensor
    """float32 [B, 4] pixels: top, left, height, width of the crop; whole numbers."""
    flip: torch.Tensor
    """bool [B]."""
    factors: torch.Tensor
    """float32 [B, 4]: factors of brightness, contrast and saturation, and turns of the hue circle."""
    order: tuple[int, ...]
    """Columns of `factors` in the order in which they are applied; jitters of no strength are left out."""
    grey: torch.Tensor
    """bool [B]."""
    sigma: torch.Tensor
    """float32 [B] pixels: standard deviation of the blur; 0 where there is none."""

    def each(self, change: Callable[[torch.Tensor], torch.Tensor]) -> Draw:
        """The same draw with every tensor changed alike: cut to some of its rows, say."""
        boxes, flip, factors, order, grey, sigma = self
        return Draw(change(boxes), change(flip), change(factors), order, change(grey), change(sigma))


def draw(settings: AugmentSettings, shape: torch.Size, generator: torch.Generator) -> Draw:
    """Parameters for a batch of that shape [B, 3, H, W]; `generator` is on the CPU.

    As many numbers are drawn whatever the settings are: with one operation taken away, the others stay as they were.
    """
    count = shape[0]

    def uniform(*size: int) -> torch.Tensor:
        return torch.rand(*size, generator=generator)

    def happens(probability: float) -> torch.Tensor:
        return uniform(count) < probability

    strengths = (settings.brightness, settings.contrast, settings.saturation, settings.hue)
    low = torch.tensor([max(0.0, 1 - strength) for strength in strengths[:3]] + [-settings.hue])
    high = torch.tensor([1 + strength for strength in strengths[:3]] + [settings.hue])
    factors = torch.where(
        happens(settings.jitter_probability)[:, None],
        low + (high - low) * uniform(count, 4),
        torch.tensor([1.0, 1.0, 1.0, 0.0]),
    )
    order = torch.randperm(4, generator=generator).tolist()
    whole = torch.tensor([0.0, 0.0, *shape[-2:]])
    sigma_low, sigma_high = settings.blur_sigma
    return Draw(
        boxes=torch.where(
            happens(settings.crop_probability)[:, None],
            draw_boxes(settings, shape, uniform(4, count, CROP_ATTEMPTS)),
            whole,
        ),
        flip=happens(settings.flip_probability if settings.flip != "off" else 0.0),
        factors=factors,
        order=tuple(column for column in order if strengths[column] > 0 and settings.jitter_probability > 0),
        grey=happens(settings.grey_probability),
        sigma=happens(settings.blur_probability) * (sigma_low + (sigma_high - sigma_low) * uniform(count)),
    )


def draw_boxes(settings: AugmentSettings, shape: torch.Size, uniform: torch.Tensor) -> torch.Tensor:
    """Boxes [B, 4] from uniform numbers [4, B, attempts]: the first that fits, else the widest centred box."""
    height, width = shape[-2:]
    area = height * width * (settings.crop_area[0] + (settings.crop_area[1] - settings.crop_area[0]) * uniform[0])
    log_low, log_high = (math.log(ratio) for ratio in settings.crop_ratio)
    ratio = torch.exp(log_low + (log_high - log_low) * uniform[1])
    wide, tall = torch.round(torch.sqrt(area * ratio)), torch.round(torch.sqrt(area / ratio))
    fits = (wide >= 1) & (wide <= width) & (tall >= 1) & (tall <= height)
    top, left = torch.floor(uniform[2] * (height - tall + 1)), torch.floor(uniform[3] * (width - wide + 1))
    attempts = torch.stack([top, left, tall, wide], dim=-1)
    chosen = attempts[torch.arange(len(fits)), fits.int().argmax(dim=1)]
    ratio_kept = min(max(width / height, settings.crop_ratio[0]), settings.crop_ratio[1])
    fallback_wide, fallback_tall = min(width, round(height * ratio_kept)), min(height, round(width / ratio_kept))
    centred = ((height - fallback_tall) // 2, (width - fallback_wide) // 2, fallback_tall, fallback_wide)
    fallback = torch.tensor(centred, dtype=chosen.dtype)
    return torch.where(fits.any(dim=1, keepdim=True), chosen, fallback)
