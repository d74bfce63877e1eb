"""Closed surfaces that toys are composed of. Lengths in any one unit, angles in radians; z is up, x to the front."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

Point = Sequence[float] | np.ndarray
Points = Sequence[Point] | np.ndarray


@dataclass(frozen=True)
class Shape:
    """A closed surface. Transforms return a new one."""

    vertices: np.ndarray
    """float64 [V, 3]."""
    faces: np.ndarray
    """int64 [F, 3]: counterclockwise seen from outside."""
    uvs: np.ndarray
    """float64 [V, 2] in [0, 1]: of the whole surface pattern."""

    def move(self, x: float = 0.0, y: float = 0.0, z: float = 0.0) -> Shape:
        return replace(self, vertices=self.vertices + np.array([x, y, z]))

    def scale(self, x: float = 1.0, y: float = 1.0, z: float = 1.0) -> Shape:
        faces = self.faces if x * y * z > 0 else self.faces[:, ::-1]
        return replace(self, vertices=self.vertices * [x, y, z], faces=faces)

    def turn(self, axis: str, angle: float) -> Shape:
        """Rotate about the axis "x", "y" or "z" through the origin, right-handed."""
        k = "xyz".index(axis)
        i, j = (k + 1) % 3, (k + 2) % 3
        matrix = np.eye(3)
        matrix[i, i] = matrix[j, j] = np.cos(angle)
        matrix[j, i], matrix[i, j] = np.sin(angle), -np.sin(angle)
        return replace(self, vertices=self.vertices @ matrix.T)

    def both(self) -> list[Shape]:
        """This shape and its mirror image at y = 0."""
        return [self, self.scale(y=-1)]

    def around(self, count: int, *, start: float = 0.0) -> list[Shape]:
        """`count` copies at equal angles about the z axis."""
        return [self.turn("z", start + 2 * np.pi * i / count) for i in range(count)]

    @property
    def volume(self) -> float:
        """Signed: positive where the faces look outward."""
        return float(np.vdot(self.vertices[self.faces[:, 0]], _normals(self.vertices, self.faces)) / 6)


def _normals(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Outward normals [F, 3], each twice as long as its triangle is large."""
    a, b, c = vertices[faces.T]
    p, q = b - a, c - a
    return p[:, [1, 2, 0]] * q[:, [2, 0, 1]] - p[:, [2, 0, 1]] * q[:, [1, 2, 0]]


@lru_cache(maxsize=256)
def _grid(rows: int, columns: int) -> np.ndarray:
    """The triangles between rows x columns vertices, [2 (rows - 1) (columns - 1), 3]."""
    corner = (np.arange(rows - 1)[:, None] * columns + np.arange(columns - 1)).reshape(-1, 1)
    faces = np.concatenate([corner + np.array(step) for step in ((0, 1, columns + 1), (0, columns + 1, columns))])
    faces.flags.writeable = False
    return faces


@lru_cache(maxsize=256)
def _cap(width: int) -> tuple[np.ndarray, np.ndarray]:
    """A fan over a ring of `width` vertices, whose last repeats the first, and a centre after them: faces and uvs."""
    edge = np.arange(width - 1)
    fan = np.stack([edge, edge + 1, np.full(width - 1, width)], 1)
    angle = np.linspace(0, 2 * np.pi, width)
    uvs = np.concatenate([np.stack([0.5 + 0.5 * np.cos(angle), 0.5 + 0.5 * np.sin(angle)], 1), [[0.5, 0.5]]])
    return fan, uvs


def skin(rings: np.ndarray, *, loop: bool = False, caps: bool = True) -> Shape:
    """The surface over successive rings of points, [R, S, 3]. The ends are closed by fans, or meet if `loop`."""
    if loop:
        rings = np.concatenate([rings, rings[:1]])
    wrapped = np.concatenate([rings, rings[:, :1]], axis=1)  # the seam twice, for u = 0 and u = 1
    count, width = wrapped.shape[:2]
    along = np.sqrt((np.diff(rings, axis=0) ** 2).sum(axis=2)).mean(axis=1)
    v = np.concatenate([[0.0], np.cumsum(along)]) / max(along.sum(), 1e-12)
    uv = np.empty((count, width, 2))
    uv[:, :, 0], uv[:, :, 1] = np.linspace(0, 1, width), v[:, None]
    vertices, uvs = [wrapped.reshape(-1, 3)], [uv.reshape(-1, 2)]
    faces = [_grid(count, width)]
    for ring, flip in ((wrapped[0], True), (wrapped[-1], False)) if caps and not loop else ():
        if np.abs(ring - ring[0]).max() < 1e-9:
            continue
        fan, disc = _cap(width)
        faces.append((fan[:, ::-1] if flip else fan) + sum(map(len, vertices)))
        vertices += [ring, ring[:-1].mean(axis=0, keepdims=True)]
        uvs.append(disc)
    return _outward(np.concatenate(vertices), np.concatenate(faces), np.concatenate(uvs))


def _outward(vertices: np.ndarray, faces: np.ndarray, uvs: np.ndarray) -> Shape:
    """Drop triangles without area (at poles) and let the rest look outward."""
    normals = _normals(vertices, faces)
    volume = np.vdot(vertices[faces[:, 0]], normals)
    size = np.ptp(vertices, axis=0).max()
    faces = faces[np.einsum("ij,ij->i", normals, normals) > (1e-7 * size * size) ** 2]
    return Shape(vertices, faces if volume > 0 else faces[:, ::-1], uvs)


def offset(point: Point, x: float = 0.0, y: float = 0.0, z: float = 0.0) -> np.ndarray:
    """A point [3] a step away."""
    return np.asarray(point) + np.array([x, y, z])


def smooth(points: Points, count: int) -> np.ndarray:
    """`count` points on the Catmull-Rom curve through `points` [N, K]."""
    p = np.asarray(points, dtype=np.float64)
    p = np.concatenate([2 * p[:1] - p[1:2], p, 2 * p[-1:] - p[-2:-1]])
    at = np.linspace(0, len(p) - 3 - 1e-9, count)
    i = at.astype(int)
    t = (at - i)[:, None]
    a, b, c, d = p[i], p[i + 1], p[i + 2], p[i + 3]
    return b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)))


@lru_cache(maxsize=64)
def _circle(sides: int, start: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Cosine and sine of `sides` equal angles, each [sides]."""
    angle = np.linspace(0, 2 * np.pi, sides, endpoint=False) + start
    return np.cos(angle), np.sin(angle)


def lathe(profile: Points, *, sides: int = 20, loop: bool = False) -> Shape:
    """A profile of (radius, z) turned about z. Ends that lie off the axis are closed flat; a `loop` makes a ring."""
    radius, z = np.asarray(profile, dtype=np.float64).T
    cosine, sine = _circle(sides)
    rings = np.empty((len(z), sides, 3))
    rings[:, :, 0] = radius[:, None] * cosine
    rings[:, :, 1] = radius[:, None] * sine
    rings[:, :, 2] = z[:, None]
    return skin(rings, loop=loop)


def cylinder(radius: float, height: float, *, top: float | None = None, sides: int = 14) -> Shape:
    """Upright on z = 0; `top` is the upper radius of a cone or a tapered one."""
    return lathe([(radius, 0.0), (radius if top is None else top, height)], sides=sides)


def ellipsoid(x: float, y: float, z: float, *, sides: int = 14, rings: int = 9) -> Shape:
    """Half axes x, y, z about the origin."""
    angle = np.linspace(-np.pi / 2, np.pi / 2, rings)
    radius = np.cos(angle)
    radius[[0, -1]] = 0.0
    return lathe(np.stack([radius, np.sin(angle)], 1), sides=sides).scale(x, y, z)


def torus(radius: float, thickness: float, *, sides: int = 20, around: int = 8) -> Shape:
    """A ring about z; `thickness` is the radius of its tube."""
    angle = np.linspace(0, 2 * np.pi, around, endpoint=False)
    return lathe(np.stack([radius + thickness * np.cos(angle), thickness * np.sin(angle)], 1), sides=sides, loop=True)


def box(x: float, y: float, z: float, *, top: tuple[float, float] = (1.0, 1.0), shift: float = 0.0) -> Shape:
    """Upright on z = 0 and centred in x and y; `top` scales the upper face in x and y, `shift` moves it along x."""
    ring = np.array([(-x / 2, -y / 2, 0.0), (x / 2, -y / 2, 0.0), (x / 2, y / 2, 0.0), (-x / 2, y / 2, 0.0)])
    return skin(np.stack([ring, ring * [*top, 1.0] + [shift, 0.0, z]]))


def tube(path: Points, radius: float | Points | Sequence[float], *, sides: int = 10) -> Shape:
    """A tube along a path [N, 3] that lies nearly in a plane. `radius`: one, [N], or [N, 2] (in the plane, across)."""
    p = np.asarray(path, dtype=np.float64)
    r = np.asarray(radius, dtype=np.float64)
    if r.ndim < 2:
        r = np.broadcast_to(np.broadcast_to(r, len(p))[:, None], (len(p), 2))
    tangent = np.gradient(p, axis=0)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
    across = _plane(p)
    inside = np.cross(across, tangent)
    inside /= np.linalg.norm(inside, axis=1, keepdims=True)
    cosine, sine = (c[None, :, None] for c in _circle(sides))
    return skin(p[:, None] + cosine * (inside * r[:, :1])[:, None] + sine * (across * r[:, 1:])[:, None])


def _plane(path: np.ndarray) -> np.ndarray:
    """Unit normal of the plane of a path [N, 3]; of any plane through it, if it is straight."""
    steps = np.diff(path, axis=0)
    normals = np.cross(steps[:-1], steps[1:])
    normal = normals[np.argmax((normals**2).sum(axis=1))] if len(normals) else np.zeros(3)
    if normal @ normal < 1e-16:
        normal = np.cross(steps[0], np.eye(3)[np.argmin(np.abs(steps[0]))])
    return normal / np.linalg.norm(normal) * np.sign(normal[np.argmax(np.abs(normal))])


def loft(stations: Points, *, sides: int = 16, exponent: float = 2.0) -> Shape:
    """Sections along x: stations [N, 4] of x, z of the centre, half width in y, half height in z.

    A section is a superellipse: 2 is round, 4 and above nearly a box.
    """
    s = np.asarray(stations, dtype=np.float64)[:, :, None]
    y, z = (np.sign(c) * np.abs(c) ** (2 / exponent) for c in _circle(sides, np.pi / sides))
    return skin(np.stack([np.broadcast_to(s[:, 0], (len(s), sides)), s[:, 2] * y, s[:, 1] + s[:, 3] * z], 2))


def extrude(outline: Points, width: float) -> Shape:
    """A polygon [N, 2] of (x, z), without crossings, made `width` thick along y and centred there."""
    p = np.asarray(outline, dtype=np.float64)
    if np.sum(p[:, 0] * np.roll(p[:, 1], -1) - p[:, 1] * np.roll(p[:, 0], -1)) < 0:
        p = p[::-1]
    front = np.stack([p[:, 0], np.full(len(p), -width / 2), p[:, 1]], 1)
    back = front + np.array([0.0, width, 0.0])
    side = skin(np.stack([front, back]), caps=False)
    cap = _ears(p)
    uv = (p - p.min(axis=0)) / np.maximum(np.ptp(p, axis=0).max(), 1e-12)
    start = len(side.vertices)
    return _outward(
        np.concatenate([side.vertices, front, back]),
        np.concatenate([side.faces, cap + start, cap[:, ::-1] + start + len(p)]),
        np.concatenate([side.uvs, uv, uv]),
    )


def plate(outline: Points, thickness: float) -> Shape:
    """A polygon [N, 2] of (x, y), without crossings, lying flat and centred in z."""
    return extrude(outline, thickness).turn("x", -np.pi / 2)


def _ears(polygon: np.ndarray) -> np.ndarray:
    """Triangulate a counterclockwise polygon [N, 2] by cutting off one convex empty corner after another: [N-2, 3]."""
    p = polygon.tolist()
    left = list(range(len(p)))
    triangles = []

    def turn(a: int, b: int, c: int) -> float:
        return (p[b][0] - p[a][0]) * (p[c][1] - p[a][1]) - (p[b][1] - p[a][1]) * (p[c][0] - p[a][0])

    while len(left) > 3:
        for k in range(len(left)):
            a, b, c = left[k - 1], left[k], left[(k + 1) % len(left)]
            if turn(a, b, c) > 0 and not any(
                turn(a, b, q) >= 0 and turn(b, c, q) >= 0 and turn(c, a, q) >= 0 for q in left if q not in (a, b, c)
            ):
                break
        triangles.append((a, b, c))
        left.remove(b)
    return np.array([*triangles, tuple(left)])
