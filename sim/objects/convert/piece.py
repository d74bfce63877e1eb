"""What every format is read into: triangles with colours, in the file's own frame and unit."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sim.objects.convert.source import Refused

GREY = 0.8
"""Display value of what has no colour."""


class Piece(NamedTuple):
    """Triangles that share a picture, or have none."""

    corners: np.ndarray
    """float64 [F, 3, 3]: positions, counterclockwise seen from outside where the file says so."""
    colors: np.ndarray
    """float32 [F, 3, 3] or [1, 1, 3]: linear light in [0, 1]; multiplies the picture."""
    uvs: np.ndarray | None
    """float64 [F, 3, 2]: OBJ convention, the picture's first row lies at v = 1; it repeats outside of [0, 1]."""
    picture: np.ndarray | None
    """uint8 [h, w, 3] RGB, display values."""


def linear(display: np.ndarray | float) -> np.ndarray:
    """From display values (sRGB) in [0, 1] to linear light, float32."""
    values = np.asarray(display, dtype=np.float32)
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4).astype(np.float32)


def display(light: np.ndarray) -> np.ndarray:
    """From linear light in [0, 1] to display values, uint8."""
    values = np.clip(light, 0.0, 1.0)
    return np.round(255 * np.where(values <= 0.0031308, values * 12.92, 1.055 * values ** (1 / 2.4) - 0.055)).astype(
        np.uint8
    )


def plain(color: tuple[float, float, float] | float = GREY) -> np.ndarray:
    """One colour for all triangles of a piece, from display values: float32 [1, 1, 3]."""
    return np.broadcast_to(linear(np.array(color)), (1, 1, 3))


def taken(values: np.ndarray, numbers: np.ndarray, what: str) -> np.ndarray:
    """`values[numbers]`. Raises Refused where a number is out of range, negative ones too."""
    if numbers.size and (numbers.min() < 0 or numbers.max() >= len(values)):
        wrong = numbers.max() if numbers.max() >= len(values) else numbers.min()
        raise Refused(f"a face names {what} {wrong} of {len(values)}, counted from 0")
    return values[numbers]
