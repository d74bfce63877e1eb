"""A toy as arrays, and as the OBJ file that PyBullet reads."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from sim.errors import InputError

CREASE = np.cos(np.radians(40.0))
"""Edges sharper than 40 degrees stay hard; flatter ones are shaded smoothly."""


class Toy(NamedTuple):
    """One textured object in its canonical frame: z up, x to the front, origin in the centre of the bounding box.

    The longest side of the bounding box is 1.0; whoever shows the toy scales it to metres.
    """

    vertices: np.ndarray
    """float32 [V, 3]."""
    faces: np.ndarray
    """int32 [F, 3]: vertex numbers, counterclockwise seen from outside."""
    uvs: np.ndarray
    """float32 [V, 2] in [0, 1]: OBJ convention, the texture's first row lies at v = 1."""
    texture: np.ndarray
    """uint8 [h, w, 3], RGB."""
    category: str
    instance: str


def corner_normals(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Unit normals float64 [F, 3, 3], one per corner of each face: the area-weighted mean over the faces that meet in
    the same point at less than the crease angle. Points are compared by position, to 1e-5 of a toy's length, so that
    texture seams do not show.
    """
    triangles = vertices[faces].astype(np.float64)
    weighted = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
    unit = weighted / np.maximum(np.linalg.norm(weighted, axis=1, keepdims=True), 1e-12)

    # Corners sorted by point; each corner is paired with each corner of the same point.
    cell = np.round(vertices * 1e5).astype(np.int64)
    _, point = np.unique((cell[:, 0] << 40) + (cell[:, 1] << 20) + cell[:, 2], return_inverse=True)
    at = point[faces].reshape(-1)
    order = np.argsort(at, kind="stable")
    count = np.bincount(at)
    start = np.cumsum(count) - count
    repeats = count[at]
    first = np.repeat(np.arange(at.size), repeats)
    run = np.cumsum(repeats) - repeats
    second = order[np.arange(first.size) - np.repeat(run - start[at], repeats)]

    smooth = np.einsum("ij,ij->i", unit[first // 3], unit[second // 3]) > CREASE
    normals = np.add.reduceat(weighted[second // 3] * smooth[:, None], run)
    length = np.linalg.norm(normals, axis=1, keepdims=True)
    return np.where(length > 1e-12, normals / np.maximum(length, 1e-12), [0.0, 0.0, 1.0]).reshape(-1, 3, 3)


def write_obj(toy: Toy, folder: Path, *, size: float) -> Path:
    """Write the toy, `size` metres long, as OBJ, MTL and PNG into `folder`, and return the path of the OBJ.

    The names carry the toy's, because PyBullet's file cache returns the old mesh for a path that was seen before.
    """
    if not size > 0:
        raise InputError(f"size={size}: metres above 0 are needed, or the object has no extent")
    name = toy.instance if toy.instance.startswith(toy.category) else f"{toy.category}_{toy.instance}"
    name = name.replace(" ", "_")  # an MTL ends names at blanks
    folder.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(folder / f"{name}.png"), cv2.cvtColor(toy.texture, cv2.COLOR_RGB2BGR))
    (folder / f"{name}.mtl").write_text(
        f"newmtl {name}\nKa 1 1 1\nKd 1 1 1\nKs 0.1 0.1 0.1\nNs 10\nmap_Kd {name}.png\n"
    )
    normals = corner_normals(toy.vertices, toy.faces).reshape(-1, 3)
    corners = toy.faces.reshape(-1)
    numbered = np.stack([corners + 1, corners + 1, np.arange(len(corners)) + 1], 1)
    text = [
        f"mtllib {name}.mtl\n",
        _lines("v %.6f %.6f %.6f\n", toy.vertices * size),
        _lines("vt %.5f %.5f\n", toy.uvs),
        _lines("vn %.4f %.4f %.4f\n", normals),
        f"usemtl {name}\n",
        _lines("f %d/%d/%d %d/%d/%d %d/%d/%d\n", numbered.reshape(-1, 9)),
    ]
    path = folder / f"{name}.obj"
    path.write_text("".join(text))
    return path


def _lines(template: str, rows: np.ndarray) -> str:
    """The template filled with each row; one call for all is several times faster than one a row."""
    return (template * len(rows)) % tuple(rows.reshape(-1).tolist())
