"""Random crops and colours for a batch of frames, batched on the device the frames are on.

Semantics are torchvision's (RandomResizedCrop, ColorJitter, RandomGrayscale, RandomHorizontalFlip); each sample draws
its own parameters, the order of the four jitters is drawn once a batch.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F

from sim.errors import InputError

GREY = (0.2989, 0.587, 0.114)
"""Weights of red, green and blue in a grey value (ITU-R BT.601, as torchvision rounds them)."""
CROP_ATTEMPTS = 10
CPU_BLOCK = 32
"""Images a CPU handles at once: intermediate planes stay in its cache, a third faster than 256 images at once."""


@dataclass(frozen=True)
class AugmentSettings:
    """How strongly views of one object are made to differ; the defaults are those of AA-SSL (arXiv 2407.06704)."""

    crop_area: tuple[float, float] = (0.2, 1.0)
    """Smallest and largest share of the image's area that a crop keeps; 1 1 switches crops off."""
    crop_ratio: tuple[float, float] = (3 / 4, 4 / 3)
    """Smallest and largest width over height of a crop."""
    brightness: float = 0.8
    """Strength s of the brightness jitter: a factor from [max(0, 1-s), 1+s]."""
    contrast: float = 0.8
    """Strength of the contrast jitter, as for brightness."""
    saturation: float = 0.8
    """Strength of the saturation jitter, as for brightness."""
    hue: float = 0.2
    """Strength s of the hue jitter: a turn from [-s, s] of the colour circle; 0.5 at most."""
    jitter_probability: float = 0.8
    """Share of samples whose colours are jittered."""
    grey_probability: float = 0.2
    """Share of samples that lose their colour."""
    flip_probability: float = 0.0
    """Share of samples that are mirrored left to right; above 0 it falsifies the action of a pair."""

    def __post_init__(self) -> None:
        low, high = self.crop_area
        if not 0 < low <= high <= 1:
            raise InputError(f"crop_area={self.crop_area}: 0 < low <= high <= 1 is needed, or a crop leaves the image")
        low, high = self.crop_ratio
        if not 0 < low <= high < math.inf:
            raise InputError(f"crop_ratio={self.crop_ratio}: 0 < low <= high is needed, or no crop has that shape")
        for name in ("brightness", "contrast", "saturation"):
            if not 0 <= getattr(self, name) < math.inf:
                raise InputError(f"{name}={getattr(self, name)}: 0 or more is needed, or the range of factors is empty")
        if not 0 <= self.hue <= 0.5:
            raise InputError(f"hue={self.hue}: 0 to 0.5 is needed, as the colour circle closes at half a turn each way")
        for name in ("jitter_probability", "grey_probability", "flip_probability"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f"{name}={getattr(self, name)}: 0 to 1 is needed, as it is a share of the samples")


class Draw(NamedTuple):
    """What was drawn for a batch of B images."""

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

    def each(self, change: Callable[[torch.Tensor], torch.Tensor]) -> Draw:
        """The same draw with every tensor changed alike: moved to a device, or cut to some of its rows."""
        return Draw(change(self.boxes), change(self.flip), change(self.factors), self.order, change(self.grey))


class Augment:
    """Makes a fresh random view of each frame; the same generator state gives the same views."""

    def __init__(self, settings: AugmentSettings) -> None:
        self.settings = settings

    def __call__(self, images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """uint8 [B, 3, H, W] in any memory format to float32 [B, 3, H, W] planes in [-1, 1], on the same device."""
        return self.apply(images, self.draw(images.shape, generator))

    def draw(self, shape: torch.Size, generator: torch.Generator) -> Draw:
        """Parameters for a batch of that shape [B, 3, H, W], on the generator's device."""
        settings, count, device = self.settings, shape[0], generator.device

        def uniform(*size: int) -> torch.Tensor:
            return torch.rand(*size, generator=generator, device=device)

        strengths = (settings.brightness, settings.contrast, settings.saturation, settings.hue)
        low = torch.tensor([max(0.0, 1 - strength) for strength in strengths[:3]] + [-settings.hue], device=device)
        high = torch.tensor([1 + strength for strength in strengths[:3]] + [settings.hue], device=device)
        neutral = torch.tensor([1.0, 1.0, 1.0, 0.0], device=device)
        jittered = uniform(count, 1) < settings.jitter_probability
        order = torch.randperm(4, generator=generator, device=device).tolist()
        return Draw(
            boxes=self._draw_boxes(shape, uniform(4, count, CROP_ATTEMPTS)),
            flip=uniform(count) < settings.flip_probability,
            factors=torch.where(jittered, low + (high - low) * uniform(count, 4), neutral),
            order=tuple(column for column in order if strengths[column] > 0 and settings.jitter_probability > 0),
            grey=uniform(count) < settings.grey_probability,
        )

    def _draw_boxes(self, shape: torch.Size, uniform: torch.Tensor) -> torch.Tensor:
        """Boxes [B, 4] from uniform numbers [4, B, attempts]: the first that fits, else the widest centred box."""
        (height, width), settings = shape[-2:], self.settings
        area = height * width * (settings.crop_area[0] + (settings.crop_area[1] - settings.crop_area[0]) * uniform[0])
        log_low, log_high = (math.log(ratio) for ratio in settings.crop_ratio)
        ratio = torch.exp(log_low + (log_high - log_low) * uniform[1])
        wide, tall = torch.round(torch.sqrt(area * ratio)), torch.round(torch.sqrt(area / ratio))
        fits = (wide >= 1) & (wide <= width) & (tall >= 1) & (tall <= height)
        top, left = torch.floor(uniform[2] * (height - tall + 1)), torch.floor(uniform[3] * (width - wide + 1))
        attempts = torch.stack([top, left, tall, wide], dim=-1)
        chosen = attempts[torch.arange(len(fits), device=fits.device), fits.int().argmax(dim=1)]
        ratio_kept = min(max(width / height, settings.crop_ratio[0]), settings.crop_ratio[1])
        fallback_wide, fallback_tall = min(width, round(height * ratio_kept)), min(height, round(width / ratio_kept))
        centred = ((height - fallback_tall) // 2, (width - fallback_wide) // 2, fallback_tall, fallback_wide)
        fallback = torch.tensor(centred, dtype=chosen.dtype, device=chosen.device)
        return torch.where(fits.any(dim=1, keepdim=True), chosen, fallback)

    def apply(self, images: torch.Tensor, drawn: Draw) -> torch.Tensor:
        """uint8 [B, 3, H, W] to float32 [B, 3, H, W] in [-1, 1], by parameters that were drawn before."""
        drawn = drawn.each(lambda part: part.to(images.device))
        if images.device.type != "cpu":
            return self._apply_block(images, drawn)
        views = torch.empty(images.shape)
        for start in range(0, len(images), CPU_BLOCK):
            block = slice(start, start + CPU_BLOCK)
            views[block] = self._apply_block(images[block], drawn.each(operator.itemgetter(block)))
        return views

    def _apply_block(self, images: torch.Tensor, drawn: Draw) -> torch.Tensor:
        planes = images.to(torch.float32, memory_format=torch.contiguous_format).mul_(1 / 255)
        if self.settings.crop_area != (1.0, 1.0) or self.settings.flip_probability > 0:
            planes = resized_crop(planes, drawn.boxes, flip=drawn.flip)
        for column in drawn.order:
            JITTERS[column](planes, drawn.factors[:, column, None, None, None])
        if self.settings.grey_probability > 0:
            planes = torch.where(drawn.grey[:, None, None, None], grey_of(planes), planes)
        return planes.mul_(2).sub_(1)


def plain(images: torch.Tensor) -> torch.Tensor:
    """uint8 [B, 3, H, W] to float32 [B, 3, H, W] in [-1, 1] and nothing else: mean 0.5 and standard deviation 0.5."""
    return images.to(torch.float32, memory_format=torch.contiguous_format).mul_(2 / 255).sub_(1)


def resized_crop(planes: torch.Tensor, boxes: torch.Tensor, *, flip: torch.Tensor) -> torch.Tensor:
    """Cut boxes [B, 4] (top, left, height, width) out of float32 [B, 3, H, W] and enlarge them to H x W, bilinearly.

    As `interpolate(crop, align_corners=False)`: a crop's own edge is repeated, what lies beyond it is never seen.
    """
    top, left, tall, wide = boxes.unsqueeze(-1).unbind(1)
    grid = planes.new_empty(len(planes), *planes.shape[-2:], 2)
    for axis, (start, length, size) in enumerate(((left, wide, planes.shape[3]), (top, tall, planes.shape[2]))):
        steps = (torch.arange(size, device=planes.device) + 0.5) / size
        if axis == 0:
            steps = torch.where(flip[:, None], 1 - steps, steps)
        pixels = start + torch.minimum((steps * length - 0.5).clamp_(min=0), length - 1)
        position = (2 * pixels + 1) / size - 1
        grid[..., axis] = position[:, None, :] if axis == 0 else position[:, :, None]
    return F.grid_sample(planes, grid, mode="bilinear", padding_mode="border", align_corners=False)


def grey_of(planes: torch.Tensor) -> torch.Tensor:
    """Grey values [B, 1, H, W] of [B, 3, H, W]."""
    red, green, blue = planes.split(1, dim=1)
    return (red * GREY[0]).add_(green, alpha=GREY[1]).add_(blue, alpha=GREY[2])


def adjust_brightness(planes: torch.Tensor, factor: torch.Tensor) -> None:
    """Towards black, in place; `factor` [B, 1, 1, 1] as in the three below."""
    planes.mul_(factor).clamp_(0, 1)


def adjust_contrast(planes: torch.Tensor, factor: torch.Tensor) -> None:
    """Towards or away from the image's mean grey, in place."""
    means = planes.mean(dim=(2, 3), keepdim=True)
    planes.mul_(factor).add_((1 - factor) * grey_of(means)).clamp_(0, 1)


def adjust_saturation(planes: torch.Tensor, factor: torch.Tensor) -> None:
    """Towards or away from each pixel's grey, in place."""
    grey = grey_of(planes).mul_(1 - factor)
    planes.mul_(factor).add_(grey).clamp_(0, 1)


def adjust_hue(planes: torch.Tensor, turn: torch.Tensor) -> None:
    """Turn the hue by a share of the colour circle, in place, at unchanged HSV saturation and value.

    With v the largest channel, c its distance to the smallest and h the hue in sixths, the channels are the usual
    v - c + c clamp(|h - 3| - 1), v - c + c clamp(2 - |h - 2|) and v - c + c clamp(2 - |h - 4|), clamped to [0, 1].
    """
    red, green, blue = planes.unbind(1)
    value = torch.maximum(torch.maximum(red, green), blue)
    least = torch.minimum(torch.minimum(red, green), blue)
    chroma = value - least
    # Masks of 0.0 and 1.0 with lerp are exact, and on a CPU several times faster than bool masks with where.
    mask = torch.eq(green, value, out=torch.empty_like(value))
    sixths = (red - green).add_(chroma, alpha=4).lerp_((blue - red).add_(chroma, alpha=2), mask)
    sixths.lerp_(green - blue, torch.eq(red, value, out=mask))
    # Grey pixels have chroma and numerator 0: the bound only keeps 0 / 0 away.
    sixths.div_(chroma.clamp(min=1e-12)).add_(turn.squeeze(1), alpha=6)
    sixths.sub_(torch.div(sixths, 6).floor_(), alpha=6)
    torch.addcmul(least, chroma, (sixths - 3).abs_().sub_(1).clamp_(0, 1), out=red)
    torch.addcmul(least, chroma, (sixths - 2).abs_().neg_().add_(2).clamp_(0, 1), out=green)
    torch.addcmul(least, chroma, (sixths - 4).abs_().neg_().add_(2).clamp_(0, 1), out=blue)


JITTERS = (adjust_brightness, adjust_contrast, adjust_saturation, adjust_hue)
