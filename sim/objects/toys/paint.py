"""Colours and surface patterns. No function here knows the category: a toy's form must not be told by its colours."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

CELL = 64
"""Pixels a side of one paint. The textures are coarse because TinyRenderer does not filter them."""

# Plastic, painted wood and metal, RGB in [0, 1].
PALETTE = np.array(
    [
        (0.82, 0.16, 0.14),  # red
        (0.93, 0.48, 0.12),  # orange
        (0.95, 0.80, 0.18),  # yellow
        (0.55, 0.75, 0.20),  # lime
        (0.16, 0.55, 0.25),  # green
        (0.12, 0.60, 0.60),  # teal
        (0.35, 0.66, 0.90),  # sky
        (0.14, 0.30, 0.72),  # blue
        (0.45, 0.24, 0.65),  # violet
        (0.88, 0.42, 0.62),  # pink
        (0.50, 0.30, 0.16),  # brown
        (0.80, 0.66, 0.46),  # tan
        (0.93, 0.92, 0.88),  # white
        (0.60, 0.62, 0.65),  # grey
        (0.18, 0.18, 0.20),  # black
    ]
)

Pattern = Callable[[np.random.Generator], np.ndarray]
"""Draws the share of the second colour, float [CELL, CELL] in [0, 1]."""

_ROW, _COLUMN = np.mgrid[0:CELL, 0:CELL].astype(np.float32) / CELL


def _stripes(rng: np.random.Generator) -> np.ndarray:
    along = _ROW if rng.random() < 0.5 else _COLUMN
    return (along * rng.integers(3, 8)) % 1 < rng.uniform(0.25, 0.6)


def _checks(rng: np.random.Generator) -> np.ndarray:
    count = rng.integers(2, 5) * 2
    return (np.floor(_ROW * count) + np.floor(_COLUMN * count)) % 2


def _dots(rng: np.random.Generator) -> np.ndarray:
    count = rng.integers(3, 7)
    shifted = _COLUMN * count + 0.5 * (np.floor(_ROW * count) % 2)
    return np.hypot((_ROW * count) % 1 - 0.5, shifted % 1 - 0.5) < rng.uniform(0.22, 0.38)


def _gradient(rng: np.random.Generator) -> np.ndarray:
    along = _ROW if rng.random() < 0.7 else _COLUMN
    return along if rng.random() < 0.5 else 1 - along


def _noise(rng: np.random.Generator) -> np.ndarray:
    grid = rng.integers(4, 9)
    return cv2.resize(rng.random((grid, grid)), (CELL, CELL), interpolation=cv2.INTER_CUBIC).clip(0, 1)


def _wood(rng: np.random.Generator) -> np.ndarray:
    bend = cv2.resize(rng.random((4, 3)), (CELL, CELL), interpolation=cv2.INTER_CUBIC)
    return 0.5 + 0.5 * np.sin(2 * np.pi * (_COLUMN * rng.integers(3, 7) + 1.2 * bend))


PATTERNS: tuple[Pattern, ...] = (_stripes, _checks, _dots, _gradient, _noise, _wood)


def draw_colours(rng: np.random.Generator, count: int) -> np.ndarray:
    """`count` different colours of the palette, a little off, float [count, 3] in [0, 1].

    They differ widely in brightness, or the shading of a form, which is the category's, would show in the colours.
    """
    chosen = PALETTE[rng.choice(len(PALETTE), count, replace=False)]
    return (chosen * rng.uniform(0.55, 1.15, (count, 1)) + rng.uniform(-0.06, 0.06, (count, 3))).clip(0.05, 1.0)


def draw_paints(rng: np.random.Generator, count: int, *, patterned: float = 0.75) -> np.ndarray:
    """The texture atlas: `count` paints side by side, uint8 [CELL, count * CELL, 3]. A paint is plain or patterned."""
    cells = []
    colours = draw_colours(rng, 2 * count)
    for first, second in zip(colours[:count], colours[count:], strict=True):
        cell = np.empty((CELL, CELL, 3), np.float32)
        cell[:] = first
        if rng.random() < patterned:
            share = PATTERNS[rng.integers(len(PATTERNS))](rng).astype(np.float32) * rng.uniform(0.5, 1.0)
            cell += share[:, :, None] * (second - first)
        cells.append(cell)
    return (np.concatenate(cells, axis=1) * 255 + 0.5).astype(np.uint8)
