"""Mesh files of all formats, read by trimesh from memory, with nothing at hand but the files that were examined."""

from __future__ import annotations

import io
import re
from typing import Any

import numpy as np
from PIL import Image
from trimesh import Scene, Trimesh, load_scene
from trimesh.resolvers import Resolver
from trimesh.visual import ColorVisuals, TextureVisuals
from trimesh.visual.material import PBRMaterial, SimpleMaterial

from sim.objects.convert.mtl import file_name
from sim.objects.convert.pictures import open_picture, pixels_of
from sim.objects.convert.piece import Piece, linear, plain, taken
from sim.objects.convert.source import Refused, Source

RELATIVE = re.compile(rb"^[ \t]*f[ \t].*-", re.MULTILINE)


class Memory(Resolver):
    """Gives trimesh the files that an object was examined with, and no other."""

    def __init__(self, references: dict[str, bytes]) -> None:
        self._references = references

    def get(self, name: str) -> bytes:
        return self._references[file_name(name)]

    def write(self, name: str, data: bytes) -> None:
        raise PermissionError("files are only read")

    def keys(self) -> list[str]:
        return list(self._references)

    def namespaced(self, namespace: str) -> Memory:
        return Memory({f"{namespace}/{name}": data for name, data in self._references.items()})


def read(source: Source) -> list[Piece]:
    """A piece for each mesh of the file, where the file's scene has it.

    A picture is shown as it is, times a glTF material's factor and colours of vertices; without one, colours of faces
    or vertices count, then the material's. Raises Refused, or whatever trimesh does where a file breaks its format.
    """
    Image.MAX_IMAGE_PIXELS = None  # sizes are checked before anything is unpacked
    for name, data in source.references.items():  # trimesh passes over what it cannot read
        if not _is_no_picture(name):
            pixels_of(open_picture(data, name), name)
    data = absolute(source.data) if source.suffix == ".obj" else source.data
    scene = load_scene(io.BytesIO(data), file_type=source.suffix[1:], resolver=Memory(source.references), process=False)
    # An OBJ without pictures gets one of trimesh's own where it has texture coordinates.
    pictured = source.suffix in (".glb", ".gltf") or not all(map(_is_no_picture, source.references))
    pieces = [piece for matrix, mesh in _placed(scene) for piece in _pieces(mesh, matrix, pictured)]
    if not pieces:
        raise Refused("has no face")
    if b'"baseColorTexture"' in source.data and all(piece.picture is None for piece in pieces):
        raise Refused("has textures, none of which can be read")
    return pieces


def absolute(data: bytes) -> bytes:
    """An OBJ whose faces count vertices from the start: trimesh misplaces those that count back from the latest."""
    if not RELATIVE.search(data):
        return data
    counts = dict.fromkeys((b"v", b"vt", b"vn"), 0)
    lines = data.splitlines()
    for at, line in enumerate(lines):
        key, *rest = line.split() or [b""]
        if key in counts:
            counts[key] += 1
        elif key == b"f":
            corners = [corner.split(b"/") for corner in rest]
            for corner in corners:
                for place, (number, key) in enumerate(zip(corner, counts, strict=False)):
                    if number.startswith(b"-"):
                        if (there := counts[key] + 1 + int(number)) < 1:
                            raise Refused(f"a face counts back {number.decode()} from {counts[key]}")
                        corner[place] = b"%d" % there
            lines[at] = b"f " + b" ".join(map(b"/".join, corners))
    return b"\n".join(lines)


def _is_no_picture(name: str) -> bool:
    return name.lower().endswith((".mtl", ".bin", ".glb", ".gltf"))


def _placed(scene: Scene) -> list[tuple[np.ndarray, Trimesh]]:
    """Meshes, and where they are in the scene [4, 4]."""
    found = []
    for node in scene.graph.nodes_geometry:
        matrix, name = scene.graph[node]
        mesh = scene.geometry[name]
        if isinstance(mesh, Trimesh) and len(mesh.faces):
            found.append((matrix, mesh))
    return found


def _pieces(mesh: Trimesh, matrix: np.ndarray, pictured: bool) -> list[Piece]:
    faces = np.asarray(mesh.faces, dtype=np.int64)
    vertices = np.asarray(mesh.vertices, dtype=np.float64) @ matrix[:3, :3].T + matrix[:3, 3]
    if np.linalg.det(matrix[:3, :3]) < 0:
        faces = faces[:, [0, 2, 1]]  # mirrored: what was outside would be inside
    corners = taken(vertices, faces, "vertex")
    visual = mesh.visual
    if not isinstance(visual, TextureVisuals):
        painted_faces = _painted(visual, faces) if isinstance(visual, ColorVisuals) else plain()
        return [Piece(corners, painted_faces, None, None)]
    factor, picture = _material(visual.material, pictured)
    painted = visual.vertex_attributes.get("color")
    if painted is not None and len(painted) == len(vertices):
        factor = factor * _shares(painted, exact=True)[faces]
    uv = visual.uv
    if picture is None or uv is None or len(uv) != len(vertices):
        return [Piece(corners, factor, None, None)]
    return [Piece(corners, factor, np.asarray(uv, dtype=np.float64)[faces][..., :2], picture)]


def _material(material: Any, pictured: bool) -> tuple[np.ndarray, np.ndarray | None]:
    """Linear colour [1, 1, 3], which multiplies the picture, and the picture, if there is one."""
    if isinstance(material, PBRMaterial):
        picture, color = material.baseColorTexture, material.baseColorFactor
        factor = plain(1.0) if color is None else _shares(np.asarray(color)[None], exact=True)[None]
    elif isinstance(material, SimpleMaterial):
        picture = material.image if pictured else None
        has_color = "kd" in material.kwargs
        factor = plain(1.0) if picture is not None else plain()
        if picture is None and has_color:
            factor = _shares(np.asarray(material.diffuse)[None], exact=False)[None]
    else:
        return plain(), None
    if picture is None:
        return factor, None
    return factor, pixels_of(picture, "of a material")


def _painted(visual: ColorVisuals, faces: np.ndarray) -> np.ndarray:
    """Linear colours [F, 3, 3] of faces or vertices, or one for all where there are none."""
    if visual.kind == "face" and len(visual.face_colors) != len(faces):  # of polygons, which trimesh has cut
        return _shares(visual.face_colors, exact=False).mean(axis=0)[None, None]
    if visual.kind == "face":
        return np.repeat(_shares(visual.face_colors, exact=False)[:, None], 3, axis=1)
    if visual.kind == "vertex":
        return _shares(visual.vertex_colors, exact=False)[faces]
    return plain()


def _shares(colors: np.ndarray, *, exact: bool) -> np.ndarray:
    """Colours [N, 3 or 4] as linear light, float32 [N, 3]; `exact` where numbers are linear light already."""
    values = np.asarray(colors)[:, :3]
    shares = values.astype(np.float32) / (np.iinfo(values.dtype).max if values.dtype.kind in "iu" else 1.0)
    return shares.clip(0.0, 1.0) if exact else linear(shares.clip(0.0, 1.0))
