"""How an object appears to a camera whose angles about it are known."""

from __future__ import annotations

import numpy as np


def orientations(view: np.ndarray) -> np.ndarray:
    """Rotation matrices [..., 3, 3] from the object's frame (z up) to the camera's (OpenCV axes: x right, y down, z
    forward), for polar and azimuth angles [..., 2] in degrees of the camera as seen from the object.

    The camera looks at the object and is upright: its x axis is horizontal, its y axis points down, or, from above,
    where no axis does, towards the azimuth. A polar angle that is not known (NaN) counts as horizontal.
    """
    polar = np.radians(np.where(np.isnan(view[..., 0]), 90.0, view[..., 0]))
    azimuth = np.radians(view[..., 1])
    (up, out), (sine, cosine) = (np.cos(polar), np.sin(polar)), (np.sin(azimuth), np.cos(azimuth))
    right = [-sine, cosine, np.zeros_like(sine)]
    down = [up * cosine, up * sine, -out]
    forward = [-out * cosine, -out * sine, -up]
    return np.stack([np.stack(axis, axis=-1) for axis in (right, down, forward)], axis=-2)
