"""What is behind the arm: one plain background always, or one drawn by seed."""

from __future__ import annotations

from typing import Literal, get_args

import cv2
import numpy as np

from sim.errors import InputError

Background = Literal["fixed", "frame", "episode"]
"""`fixed`: the same plain one always, as in one laboratory. `frame`: drawn anew for each frame. `episode`: drawn once
an episode, a shortcut that ruins contrastive learning and is kept to show it."""

PLAIN = (226, 228, 230)


def check_background(background: str) -> None:
    """Raise InputError unless `background` is one of the three kinds."""
    if background not in get_args(Background):
        raise InputError(f"background={background}: unknown, known are {', '.join(get_args(Background))}")


def plain_background(size: int) -> np.ndarray:
    """The laboratory's wall, uint8 [size, size, 3]."""
    return np.full((size, size, 3), PLAIN, dtype=np.uint8)


def draw_background(rng: np.random.Generator, size: int) -> np.ndarray:
    """A soft, coloured, uneven background, uint8 [size, size, 3]: a gradient with blotches."""
    corners = rng.uniform(40, 235, (2, 2, 3)).astype(np.float32)
    blotches = rng.normal(0, 25, (5, 5, 3)).astype(np.float32)
    gradient = cv2.resize(corners, (size, size), interpolation=cv2.INTER_LINEAR)
    image = gradient + cv2.resize(blotches, (size, size), interpolation=cv2.INTER_CUBIC)
    return np.clip(image, 0, 255).astype(np.uint8)
