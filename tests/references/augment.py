"""Augmentation of one image at a time, in float64, by kornia; its hues by the standard library too."""

from __future__ import annotations

import colorsys
import math

import numpy as np
import torch
from kornia.color import rgb_to_grayscale
from kornia.enhance import (
    adjust_brightness_accumulative,
    adjust_contrast_with_mean_subtraction,
    adjust_hue,
    adjust_saturation_with_gray_subtraction,
)
from kornia.filters import gaussian_blur2d
from kornia.geometry.transform import crop_by_indices, hflip

JITTERS = (
    adjust_brightness_accumulative,
    adjust_contrast_with_mean_subtraction,
    adjust_saturation_with_gray_subtraction,
    lambda image, turn: adjust_hue(image, 2 * math.pi * turn),
)
"""Brightness, contrast, saturation and hue of images [1, 3, H, W]; hue in turns of the colour circle."""


def augment_by_kornia(
    image: torch.Tensor,
    *,
    box: tuple[int, int, int, int],
    flip: bool,
    factors: tuple[float, float, float, float],
    order: tuple[int, ...],
    grey: bool,
    sigma: float,
    kernel: int,
) -> torch.Tensor:
    """uint8 [3, H, W] to float64 [3, H, W] in [-1, 1], by parameters as `learner.augment.Draw` has them."""
    top, left, tall, wide = box
    right, bottom = left + wide - 1, top + tall - 1
    corners = torch.tensor([[[left, top], [right, top], [right, bottom], [left, bottom]]])
    size = (image.shape[1], image.shape[2])
    view = crop_by_indices(image[None].double() / 255, corners, size, align_corners=False)
    if flip:
        view = hflip(view)
    for column in order:
        view = JITTERS[column](view, factors[column])
    if grey:
        view = rgb_to_grayscale(view).expand(-1, 3, -1, -1)
    if sigma > 0:
        view = gaussian_blur2d(view, kernel, (sigma, sigma))
    return (view[0] - 0.5) / 0.5


def hue(image: np.ndarray, turn: float) -> np.ndarray:
    """[H, W, 3] in [0, 1], its hues turned by a share of the colour circle."""
    out = np.empty_like(image)
    for place in np.ndindex(image.shape[:2]):
        h, s, v = colorsys.rgb_to_hsv(*image[place])
        out[place] = colorsys.hsv_to_rgb((h + turn) % 1, s, v)
    return out
