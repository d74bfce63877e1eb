"""All triangles of an object together, in the canonical frame."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from sim.objects.convert.piece import Piece
from sim.objects.convert.source import Refused

MAX_TRIANGLES = 3_000_000
THINNEST = 1e-12
"""Twice the area of the smallest triangle that is kept, for an object of length 1."""


class Soup(NamedTuple):
    """Triangles with their own colours; nothing is shared."""

    corners: np.ndarray
    """float64 [F, 3, 3]: longest side of the bounding box 1, its centre at 0, z up."""
    colors: np.ndarray
    """float32 [F, 3, 3]: linear light, multiplies the picture."""
    uvs: np.ndarray
    """float32 [F, 3, 2]."""
    picture: np.ndarray
    """int64 [F]: number of the picture, or -1."""
    pictures: list[np.ndarray]
    """uint8 [h, w, 3] each."""

    def flipped(self, chosen: np.ndarray) -> Soup:
        """With the chosen triangles, bool [F], looking the other way."""
        order = np.where(chosen[:, None], [0, 2, 1], [0, 1, 2])[..., None]
        return self._replace(
            corners=np.take_along_axis(self.corners, order, axis=1),
            colors=np.take_along_axis(self.colors, order, axis=1),
            uvs=np.take_along_axis(self.uvs, order, axis=1),
        )


def gather(pieces: Sequence[Piece], up: str) -> Soup:
    """Put the pieces together. "y": their y axis points up and z to the front, as in glTF; "z": z is up, x in front.

    Raises Refused where nothing is left that has an area, and where a number is not finite.
    """
    count = sum(len(piece.corners) for piece in pieces)
    if not count:
        raise Refused("has no face")
    if count > MAX_TRIANGLES:
        raise Refused(f"has {count} triangles: at most {MAX_TRIANGLES} are read")
    corners = np.concatenate([piece.corners for piece in pieces])
    if not np.isfinite(corners).all():
        raise Refused("has a vertex that is not finite")
    if up == "y":
        corners = corners[..., [2, 0, 1]]
    corners, _ = normalized(corners)
    solid = doubled_area(corners) > THINNEST
    if not solid.any():
        raise Refused("has no face with an area")
    pictures = list({id(piece.picture): piece.picture for piece in pieces if piece.picture is not None}.values())
    number = {id(picture): place for place, picture in enumerate(pictures)}
    sizes = [len(piece.corners) for piece in pieces]
    colors = [np.broadcast_to(piece.colors, piece.corners.shape) for piece in pieces]
    uvs = [np.zeros((*piece.corners.shape[:2], 2)) if piece.uvs is None else piece.uvs for piece in pieces]
    return Soup(
        corners=normalized(corners[solid])[0],
        colors=np.nan_to_num(np.concatenate(colors)[solid].astype(np.float32), nan=0.0, posinf=1.0, neginf=0.0),
        uvs=np.nan_to_num(np.concatenate(uvs)[solid], nan=0.0, posinf=0.0, neginf=0.0),
        picture=np.repeat([number.get(id(piece.picture), -1) for piece in pieces], sizes)[solid],
        pictures=pictures,
    )


def normalized(points: np.ndarray) -> tuple[np.ndarray, float]:
    """Points [..., 3] moved and scaled to the canonical frame, and their longest side before.

    Raises Refused where it is 0 or too large for a number.
    """
    flat = points.reshape(-1, 3)
    low, high = flat.min(axis=0), flat.max(axis=0)
    with np.errstate(over="ignore"):
        longest = float((high - low).max())
    if not 0 < longest < np.inf:
        raise Refused("has no extent" if longest == 0 else "is too large for its numbers")
    return (points - (low + (high - low) / 2)) / longest, longest


def doubled_area(corners: np.ndarray) -> np.ndarray:
    """Twice the area of triangles [F, 3, 3]."""
    return np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)


def spread(corners: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """About `count` points spread evenly over triangles [F, 3, 3], at least one on each, the same ones at every call.

    Returns the points [N, 3] and the numbers of their triangles, int64 [N].
    """
    area = doubled_area(corners)
    each = np.ceil(area * (count / area.sum())).astype(np.int64).clip(min=1)
    face = np.repeat(np.arange(len(corners)), each)
    step = np.arange(len(face)) - np.repeat(np.cumsum(each) - each, each)
    u, v = (
        ((0.5 + (step + 0.5) * 0.7548776662466927) % 1.0)[:, None],
        ((step + 0.5) * 0.5698402909980532 % 1.0)[:, None],
    )
    u, v = np.where(u + v > 1.0, 1 - u, u), np.where(u + v > 1.0, 1 - v, v)
    a, b, c = (corners[face, k] for k in range(3))
    return a + u * (b - a) + v * (c - a), face
