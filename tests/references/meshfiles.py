"""Mesh files written by hand, as their formats' descriptions say: a box with sides of six colours."""

from __future__ import annotations

import base64
import json
import struct
import zlib
from pathlib import Path

import numpy as np

COLORS = {
    "+x": (255, 0, 0),
    "-x": (0, 255, 255),
    "+y": (0, 255, 0),
    "-y": (255, 0, 255),
    "+z": (0, 0, 255),
    "-z": (200, 120, 40),
}
SIZE = np.array([4.0, 2.0, 1.0])
"""Of the box along x, y and z."""
CORNERS = (np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)]) - 0.5) * SIZE
QUADS = {
    "+x": (4, 6, 7, 5),
    "-x": (0, 1, 3, 2),
    "+y": (2, 3, 7, 6),
    "-y": (0, 4, 5, 1),
    "+z": (1, 5, 7, 3),
    "-z": (0, 2, 6, 4),
}
"""Corner numbers of the sides, counterclockwise seen from outside."""


def put(root: Path, path: str, content: bytes | str) -> Path:
    """Write a file below `root`, and the folders that it needs."""
    target = root / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content.encode() if isinstance(content, str) else content)
    return target


def png(pixels: np.ndarray, claimed: tuple[int, int] | None = None) -> bytes:
    """uint8 [h, w, 3 or 4] as a PNG, which may claim another height and width."""
    height, width, channels = pixels.shape if claimed is None else (*claimed, pixels.shape[2])
    rows = b"".join(b"\0" + row.tobytes() for row in pixels.astype(np.uint8))
    header = struct.pack(">IIBBBBB", width, height, 8, 2 if channels == 3 else 6, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )


def plain_png(color: tuple[int, int, int], side: int = 4) -> bytes:
    """A picture of one colour."""
    return png(np.full((side, side, 3), color, np.uint8))


def obj(library: str = "") -> str:
    """Quads with a material for each side, named as the side."""
    lines = [f"mtllib {library}"] if library else []
    lines += ["v {} {} {}".format(*corner) for corner in CORNERS]
    lines += ["vt 0 0", "vt 1 0", "vt 1 1", "vt 0 1"]
    for side, quad in QUADS.items():
        lines += [f"usemtl {side}", "f " + " ".join(f"{number + 1}/{k + 1}" for k, number in enumerate(quad))]
    return "\n".join(lines)


def mtl() -> str:
    """The materials of `obj` as plain colours."""
    return "\n".join(
        f"newmtl {side}\nKd {r / 255:.4f} {g / 255:.4f} {b / 255:.4f}" for side, (r, g, b) in COLORS.items()
    )


def ply(kind: str, colors: str) -> bytes:
    """`kind` is ascii, binary_little_endian or binary_big_endian; `colors` of "face" or "vertex", then unshared."""
    of_faces = colors == "face"
    points = CORNERS if of_faces else np.concatenate([CORNERS[list(quad)] for quad in QUADS.values()])
    paints = [color for color in COLORS.values() for _ in range(4)]
    quads = list(QUADS.values()) if of_faces else [tuple(range(4 * k, 4 * k + 4)) for k in range(6)]
    if of_faces:
        quads = [(quad[0], quad[k], quad[k + 1]) for quad in quads for k in (1, 2)]
    rgb = [f"property uchar {name}" for name in ("red", "green", "blue")]
    header = ["ply", f"format {kind} 1.0", "comment by hand", f"element vertex {len(points)}"]
    header += [f"property float {axis}" for axis in "xyz"] + ([] if of_faces else rgb)
    header += [f"element face {len(quads)}", "property list uchar int vertex_indices"] + (rgb if of_faces else [])
    body = b""
    for k, point in enumerate(points):
        body += _numbers(kind, [("f", value) for value in point] + [("B", c) for c in ([] if of_faces else paints[k])])
    for k, quad in enumerate(quads):
        color = list(COLORS.values())[k * 6 // len(quads)]
        row = [("B", len(quad)), *(("i", number) for number in quad), *(("B", c) for c in (color if of_faces else ()))]
        body += _numbers(kind, row)
    return "\n".join([*header, "end_header\n"]).encode() + body


def _numbers(kind: str, row: list[tuple[str, float]]) -> bytes:
    if kind == "ascii":
        return (" ".join(str(value) for _, value in row) + "\n").encode()
    order = "<" if kind == "binary_little_endian" else ">"
    return b"".join(struct.pack(order + code, value) for code, value in row)


def triangles() -> list[np.ndarray]:
    """The box as twelve triangles [3, 3]."""
    return [CORNERS[[quad[0], quad[k], quad[k + 1]]] for quad in QUADS.values() for k in (1, 2)]


def stl(binary: bool) -> bytes:
    if binary:
        rows = b"".join(struct.pack("<12fH", *([0.0] * 3), *triangle.reshape(-1), 0) for triangle in triangles())
        return b"by hand".ljust(80) + struct.pack("<I", 12) + rows
    loops = [
        "facet normal 0 0 0\n outer loop\n"
        + "".join("  vertex {} {} {}\n".format(*corner) for corner in triangle)
        + " endloop\nendfacet\n"
        for triangle in triangles()
    ]
    return ("solid box\n" + "".join(loops) + "endsolid box\n").encode()


def off() -> str:
    """Quads without colours."""
    points = ["{} {} {}".format(*corner) for corner in CORNERS]
    faces = [f"4 {' '.join(map(str, quad))}" for quad in QUADS.values()]
    return "\n".join(["OFF", "# by hand", f"{len(points)} {len(faces)} 0", *points, *faces])


def to_linear(value: float) -> float:
    """From a display value in [0, 1] to linear light, which glTF's factors are."""
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4


def gltf() -> tuple[dict, bytes]:
    """JSON and buffer: a node for each side, whose material has the colour as factor; in glTF's frame, y up.

    A node above them turns the box from z up, x in front, and another one moves and scales it.
    """
    order, data = [0, 1, 2, 0, 2, 3], b""
    tree: dict = {
        "asset": {"version": "2.0"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [
            {"scale": [3.0, 3.0, 3.0], "translation": [7.0, 8.0, 9.0], "children": [1]},
            # Columns: where the box's x, y and z go: to z, x and y.
            {"matrix": [0, 0, 1, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1], "children": list(range(2, 8))},
        ],
        **{key: [] for key in ("meshes", "materials", "accessors", "bufferViews")},
    }
    for k, (side, quad) in enumerate(QUADS.items()):
        points = CORNERS[list(quad)].astype("<f4").tobytes()
        indices = np.array(order, "<u2").tobytes()
        for blob, kind, count, shape in ((points, 5126, 4, "VEC3"), (indices, 5123, 6, "SCALAR")):
            tree["bufferViews"].append({"buffer": 0, "byteOffset": len(data), "byteLength": len(blob)})
            view = len(tree["bufferViews"]) - 1
            tree["accessors"].append({"bufferView": view, "componentType": kind, "count": count, "type": shape})
            data += blob
        factor = [to_linear(c / 255) for c in COLORS[side]]
        tree["materials"].append({"pbrMetallicRoughness": {"baseColorFactor": [*factor, 1.0]}})
        primitive = {"attributes": {"POSITION": 2 * k}, "indices": 2 * k + 1, "material": k}
        tree["meshes"].append({"primitives": [primitive]})
        tree["nodes"].append({"mesh": k})
    tree["buffers"] = [{"byteLength": len(data)}]
    return tree, data


def with_data_uri(tree: dict, data: bytes) -> str:
    """A glTF that holds its buffer itself."""
    buffer = {"byteLength": len(data), "uri": "data:application/octet-stream;base64," + base64.b64encode(data).decode()}
    return json.dumps({**tree, "buffers": [buffer]})


def glb(tree: dict, data: bytes) -> bytes:
    text = json.dumps(tree).encode()
    text += b" " * (-len(text) % 4)
    data += b"\0" * (-len(data) % 4)
    chunks = struct.pack("<I4s", len(text), b"JSON") + text + struct.pack("<I4s", len(data), b"BIN\0") + data
    return b"glTF" + struct.pack("<II", 2, 12 + len(chunks)) + chunks


def append(tree: dict, data: bytes, values: np.ndarray, shape: str, **fields: object) -> tuple[int, bytes]:
    """Add an accessor for values [N, width] to a glTF: its number, and the buffer with it."""
    kinds = {"float32": 5126, "uint8": 5121, "uint16": 5123}
    data += b"\0" * (-len(data) % 4)
    tree["bufferViews"].append({"buffer": 0, "byteOffset": len(data), "byteLength": values.nbytes})
    view = len(tree["bufferViews"]) - 1
    tree["accessors"].append(
        {"bufferView": view, "componentType": kinds[values.dtype.name], "count": len(values), "type": shape, **fields}
    )
    data += values.tobytes()
    tree["buffers"] = [{"byteLength": len(data)}]
    return len(tree["accessors"]) - 1, data
