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
    the same point at less than the crease angle. Points are compared by position, so texture seams do not show."""
    triangles = vertices[faces].astype(np.float64)
    weighted = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
    unit = weighted / np.maximum(np.linalg.norm(weighted, axis=1, keepdims=True), 1e-12)

    # Corners sorted by point; each corner is paired with each corner of the same point.
    _, point = np.unique(np.round(vertices, 5), axis=0, return_inverse=True)
    at = point.reshape(-1)[faces].reshape(-1)
    order = np.argsort(at, kind="stable")
    count = np.bincount(at)
    start = np.cumsum(count) - count
    repeats = count[at]
    first = np.repeat(np.arange(at.size), repeats)
    offset = np.arange(first.size) - np.repeat(np.cumsum(repeats) - repeats, repeats)
    second = order[start[at[first]] + offset]

    smooth = np.einsum("ij,ij->i", unit[first // 3], unit[second // 3]) > CREASE
    normals = np.zeros((at.size, 3))
    np.add.at(normals, first[smooth], weighted[second[smooth] // 3])
    length = np.linalg.norm(normals, axis=1, keepdims=True)
    return np.where(length > 1e-12, normals / np.maximum(length, 1e-12), [0.0, 0.0, 1.0]).reshape(-1, 3, 3)


def write_obj(toy: Toy, folder: Path, *, size: float) -> Path:
    """Write the toy, `size` metres long, as OBJ, MTL and PNG into `folder`, and return the path of the OBJ.

    The names carry the toy's, because PyBullet's file cache returns the old mesh for a path that was seen before.
    """
    if not size > 0:
        raise InputError(f"size={size}: metres above 0 are needed, or the object has no extent")
    name = toy.instance if toy.instance.startswith(toy.category) else f"{toy.category}_{toy.instance}"
    folder.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(folder / f"{name}.png"), cv2.cvtColor(toy.texture, cv2.COLOR_RGB2BGR))
    (folder / f"{name}.mtl").write_text(
        f"newmtl {name}\nKa 1 1 1\nKd 1 1 1\nKs 0.1 0.1 0.1\nNs 10\nmap_Kd {name}.png\n"
    )
    normals = corner_normals(toy.vertices, toy.faces).reshape(-1, 3)
    corners = toy.faces.reshape(-1)
    numbered = np.stack([corners + 1, np.arange(len(corners)) + 1], 1).reshape(-1, 3, 2)
    lines = [f"mtllib {name}.mtl"]
    lines += [f"v {x:.6f} {y:.6f} {z:.6f}" for x, y, z in (toy.vertices * size).tolist()]
    lines += [f"vt {u:.5f} {v:.5f}" for u, v in toy.uvs.tolist()]
    lines += [f"vn {x:.4f} {y:.4f} {z:.4f}" for x, y, z in normals.tolist()]
    lines += [f"usemtl {name}"]
    lines += [f"f {' '.join(f'{i}/{i}/{n}' for i, n in face)}" for face in numbered.tolist()]
    path = folder / f"{name}.obj"
    path.write_text("\n".join(lines) + "\n")
    return path
