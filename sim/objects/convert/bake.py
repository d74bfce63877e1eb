"""One texture for an object of many: every triangle gets its own piece of it, painted as the original is there."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from sim.objects.convert.atlas import PATCH, Tiles, pack, tiles
from sim.objects.convert.pictures import shrink
from sim.objects.convert.piece import display, linear
from sim.objects.convert.soup import Soup, doubled_area, spread

DENSITY = 128.0
"""Texels per length of the object. Renderers do not filter textures, so more would sparkle rather than be seen."""
SAMPLES = 200_000
"""Points on the original that are searched for the nearest one."""
CANDIDATES = 16
"""Nearest points looked at: the nearest one often lies on the other side of a wall, or under a thin layer."""
ALIKE = 6
"""Levels out of 255 by which the texels of one colour may differ."""


def bake(triangles: np.ndarray, soup: Soup) -> tuple[np.ndarray, np.ndarray]:
    """Texture coordinates float32 [G, 3, 2] for triangles [G, 3, 3] and the texture, uint8 [h, w, 3].

    Triangles that are those of the soup take their own colours, others the colours of the nearest ones that face the
    same way. Those of one colour share a patch of it.
    """
    paint = _Paint(triangles, soup)
    density = DENSITY
    chosen = np.arange(len(triangles))
    flat = np.zeros(len(triangles), dtype=bool)
    colors = np.zeros((len(triangles), 3), dtype=np.uint8)
    while True:
        layout = tiles(triangles[chosen], density)
        face, where, weights = _texels(layout)
        painted = paint(chosen[face], weights)
        if density == DENSITY:
            starts = np.searchsorted(face, chosen)
            lowest, highest = (extreme.reduceat(painted, starts) for extreme in (np.minimum, np.maximum))
            flat = (highest.astype(int) - lowest).max(axis=1) <= ALIKE
            colors = ((lowest.astype(int) + highest) // 2).astype(np.uint8)
            chosen = np.flatnonzero(~flat)
            keep = ~flat[face]
            face, where, painted = (np.cumsum(~flat) - 1)[face[keep]], where[keep], painted[keep]
            layout = Tiles(*(field[chosen] for field in layout))
        patches, patch = np.unique(colors[flat], axis=0, return_inverse=True)
        sides = np.full(len(patches), PATCH)
        packed = pack(np.concatenate([layout.width, sides]), np.concatenate([layout.height, sides]))
        if packed is not None:
            break
        density *= 0.85
    places, (width, height) = packed
    texture = np.full((height, width, 3), 128, dtype=np.uint8)  # its first row is the lowest until the end
    column, row = (places[face] + where).T
    texture[row, column] = painted
    uvs = np.empty((len(triangles), 3, 2))
    uvs[chosen] = places[: len(chosen), None] + layout.corners
    corner = places[len(chosen) :]
    for offset in np.ndindex(PATCH, PATCH):
        texture[corner[:, 1] + offset[0], corner[:, 0] + offset[1]] = patches
    uvs[flat] = corner[patch.reshape(-1), None] + PATCH / 2
    return (uvs / [width, height]).astype(np.float32), np.ascontiguousarray(texture[::-1])


def _texels(layout: Tiles) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The texels in or near the triangles of the tiles: number of the tile [N], place in it [N, 2] (column, row from
    below), and the weights of the triangle's corners [N, 3]; beside the triangle those of a point on its edge."""
    sizes = layout.width * layout.height
    tile = np.repeat(np.arange(len(sizes)), sizes)
    local = np.arange(len(tile)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    where = np.stack([local % layout.width[tile], local // layout.width[tile]], axis=1)
    a, b, c = (layout.corners[:, k] for k in range(3))
    frames = np.linalg.inv(np.stack([b - a, c - a], axis=2))
    inner = np.einsum("nij,nj->ni", frames[tile], where + 0.5 - a[tile])
    weights = np.concatenate([1 - inner.sum(axis=1, keepdims=True), inner], axis=1)
    slopes = np.abs(np.concatenate([frames, frames.sum(axis=1, keepdims=True)], axis=1)).sum(axis=2).max(axis=1)
    near = weights.min(axis=1) > -1.5 * slopes[tile]
    weights = weights[near].clip(min=0.0)
    return tile[near], where[near], weights / weights.sum(axis=1, keepdims=True)


class _Paint:
    """The colours of points on simplified triangles."""

    def __init__(self, triangles: np.ndarray, soup: Soup) -> None:
        self._triangles, self._soup = triangles, soup
        one_color = not soup.pictures and np.ptp(soup.colors, axis=(0, 1)).max() == 0
        self._same = triangles is soup.corners or one_color
        self._pictures = [_shrunk(soup, number) for number in range(len(soup.pictures))]
        if not self._same:
            self._points, self._face_of_point = spread(soup.corners, SAMPLES)
            self._spacing = np.sqrt(doubled_area(soup.corners).sum() / 2 / SAMPLES)
            self._tree = cKDTree(self._points)
            self._normals = [_normals(triangles), _normals(soup.corners)]
            sides = np.stack([soup.corners[:, 1] - soup.corners[:, 0], soup.corners[:, 2] - soup.corners[:, 0]], axis=2)
            self._frames = np.linalg.pinv(sides)  # from a place to the weights of the second and the third corner
            gradients = np.concatenate([-self._frames.sum(axis=1, keepdims=True), self._frames], axis=1)
            self._altitudes = 1 / np.linalg.norm(gradients, axis=2)

    def __call__(self, face: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Display colours uint8 [N, 3] at the points with these weights [N, 3] of the corners of faces [N]."""
        soup = self._soup
        if not self._same:
            face, weights = self._nearest(face, weights)
        light = np.einsum("nk,nkc->nc", weights, soup.colors[face])
        uv = np.einsum("nk,nkc->nc", weights, soup.uvs[face])
        picture = soup.picture[face]
        for number, pixels in enumerate(self._pictures):
            here = picture == number
            height, width = pixels.shape[:2]
            row, column = height - 1 - _texel(uv[here, 1], height), _texel(uv[here, 0], width)
            light[here] *= linear(pixels[row, column] / np.float32(255))
        return display(light)

    def _nearest(self, face: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Faces of the soup and weights of their corners, for points as in `__call__`.

        Of the faces near a point that face the same way and lie right above or below it, the outermost is taken.
        """
        points = np.einsum("nk,nkc->nc", weights, self._triangles[face])
        distance, found = self._tree.query(points, k=CANDIDATES)
        candidates = self._face_of_point[found]
        normals = self._normals[1][candidates]
        agree = np.einsum("nc,nkc->nk", self._normals[0][face], normals) > 0
        offset = points[:, None] - self._soup.corners[candidates, 0]
        height = -np.einsum("nkc,nkc->nk", normals, offset)
        inner = np.einsum("nkic,nkc->nki", self._frames[candidates], offset)
        inner = np.concatenate([1 - inner.sum(axis=2, keepdims=True), inner], axis=2)
        beside = np.maximum(-(inner * self._altitudes[candidates]).min(axis=2), 0.0)
        nearest = beside.min(axis=1, initial=1.0, where=agree)[:, None]
        rank = np.where(agree & (beside <= nearest + self._spacing / 4), height, np.where(agree, -2.0, -4.0) - distance)
        chosen = np.arange(len(face)), rank.argmax(axis=1)
        inside = inner[chosen].clip(0.0, 1.0)
        return candidates[chosen], inside / inside.sum(axis=1, keepdims=True)


def _normals(corners: np.ndarray) -> np.ndarray:
    """Unit normals of triangles [F, 3, 3]."""
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    return normals / np.linalg.norm(normals, axis=1, keepdims=True)


def _texel(value: np.ndarray, count: int) -> np.ndarray:
    """Row from below, or column, of texture coordinates that repeat. At 1 ends the picture, the next does not begin."""
    part = value - np.floor(value)
    edge = (part < 1e-6) & (value > 0.5)
    return np.where(edge, count - 1, (part * count).astype(np.int64)).clip(0, count - 1)


def _shrunk(soup: Soup, number: int) -> np.ndarray:
    """A picture with no more pixels than the texture will have, so that each texel is a mean of what it covers."""
    pixels = soup.pictures[number]
    height, width = pixels.shape[:2]
    here = soup.picture == number
    uv = soup.uvs[here] * [width, height]
    side, other = uv[:, 1] - uv[:, 0], uv[:, 2] - uv[:, 0]
    covered = np.abs(side[:, 0] * other[:, 1] - side[:, 1] * other[:, 0]).sum()
    factor = int(np.sqrt(covered / doubled_area(soup.corners[here]).sum()) / DENSITY)
    return pixels if factor < 2 else shrink(pixels, min(factor, max(1, min(height, width) // 4)))
