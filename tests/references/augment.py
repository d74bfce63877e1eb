"""Augmentation of one image at a time, in float64, with colours by the standard library."""

from __future__ import annotations

import colorsys

import numpy as np


def augment_by_hand(
    image: np.ndarray,
    *,
    box: tuple[int, int, int, int],
    flip: bool,
    factors: tuple[float, float, float, float],
    order: tuple[int, ...],
    grey: bool,
) -> np.ndarray:
    """uint8 [H, W, 3] to float64 [3, H, W] in [-1, 1], by parameters as `learner.augment.Draw` has them."""
    height, width = image.shape[:2]
    top, left, tall, wide = box
    view = enlarge(image[top : top + tall, left : left + wide] / 255, height, width)
    if flip:
        view = view[:, ::-1]
    for column in order:
        view = (brightness, contrast, saturation, hue)[column](view, factors[column])
    if grey:
        view = np.repeat(luma(view)[..., None], 3, axis=2)
    return (view.transpose(2, 0, 1) - 0.5) / 0.5


def enlarge(crop: np.ndarray, height: int, width: int) -> np.ndarray:
    """Bilinear, pixel centres at half-integers, edges repeated: [h, w, 3] to [height, width, 3]."""
    out = np.empty((height, width, 3))
    for y in range(height):
        for x in range(width):
            down, right = (y + 0.5) * len(crop) / height - 0.5, (x + 0.5) * crop.shape[1] / width - 0.5
            down, right = max(down, 0.0), max(right, 0.0)
            row, column = int(down), int(right)
            below, beside = min(row + 1, len(crop) - 1), min(column + 1, crop.shape[1] - 1)
            down, right = down - row, right - column
            upper = (1 - right) * crop[row, column] + right * crop[row, beside]
            lower = (1 - right) * crop[below, column] + right * crop[below, beside]
            out[y, x] = (1 - down) * upper + down * lower
    return out


def luma(image: np.ndarray) -> np.ndarray:
    return 0.2989 * image[..., 0] + 0.587 * image[..., 1] + 0.114 * image[..., 2]


def blend(image: np.ndarray, other: np.ndarray | float, factor: float) -> np.ndarray:
    return np.clip(factor * image + (1 - factor) * other, 0, 1)


def brightness(image: np.ndarray, factor: float) -> np.ndarray:
    return blend(image, 0.0, factor)


def contrast(image: np.ndarray, factor: float) -> np.ndarray:
    return blend(image, luma(image).mean(), factor)


def saturation(image: np.ndarray, factor: float) -> np.ndarray:
    return blend(image, luma(image)[..., None], factor)


def hue(image: np.ndarray, turn: float) -> np.ndarray:
    out = np.empty_like(image)
    for place in np.ndindex(image.shape[:2]):
        h, s, v = colorsys.rgb_to_hsv(*image[place])
        out[place] = colorsys.hsv_to_rgb((h + turn) % 1, s, v)
    return out
