"""Mesh files of each format become toys of the right form, colours and outer side."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from sim.objects.convert.conversion import Settings
from sim.objects.convert.making import convert
from sim.objects.convert.source import Refused, examine
from sim.objects.mesh import Toy
from tests.references import meshfiles as files
from tests.references.rays import colors_around, first_hit

GREY = (204, 204, 204)


def toy_of(root: Path, name: str, *, triangles: int = 2000, up: str = "auto") -> Toy:
    arrays = convert(examine(root, name), Settings(triangles, up))
    return Toy(*arrays, "box", "one")


def close(found: dict[str, tuple[int, int, int]], expected: dict[str, tuple[int, int, int]]) -> bool:
    return all(np.abs(np.subtract(found[side], expected[side])).max() <= 2 for side in expected)


def check_sound(toy: Toy, triangles: int = 2000) -> None:
    assert (toy.vertices.dtype, toy.faces.dtype, toy.uvs.dtype) == (np.float32, np.int32, np.float32)
    assert toy.texture.dtype == np.uint8
    assert toy.texture.shape[2] == 3
    assert max(toy.texture.shape) <= 512
    assert 0 < len(toy.faces) <= triangles
    assert toy.faces.min() >= 0
    assert toy.faces.max() < len(toy.vertices) == len(toy.uvs)
    assert np.ptp(toy.vertices, axis=0).max() == pytest.approx(1.0, abs=1e-6)
    assert toy.vertices.min(axis=0) + toy.vertices.max(axis=0) == pytest.approx(0, abs=1e-6)
    assert toy.uvs.min() >= 0
    assert toy.uvs.max() <= 1


def check_box(toy: Toy, colors: dict[str, tuple[int, int, int]] = files.COLORS) -> None:
    check_sound(toy)
    assert np.ptp(toy.vertices, axis=0) == pytest.approx(files.SIZE / files.SIZE.max(), abs=1e-6)
    found = colors_around(toy)
    assert close(found, colors), found


BOXES = {
    "box.obj": files.obj("box.mtl"),
    "ascii_face.ply": files.ply("ascii", "face"),
    "ascii_vertex.ply": files.ply("ascii", "vertex"),
    "little_face.ply": files.ply("binary_little_endian", "face"),
    "big_vertex.ply": files.ply("binary_big_endian", "vertex"),
    "box.glb": files.glb(*files.gltf()),
    "box.gltf": files.with_data_uri(*files.gltf()),
}


@pytest.mark.parametrize("name", BOXES)
def test_a_box_has_its_form_and_the_colours_of_its_sides(name: str, tmp_path: Path) -> None:
    files.put(tmp_path, "box/box.mtl", files.mtl())
    files.put(tmp_path, f"box/{name}", BOXES[name])
    check_box(toy_of(tmp_path, f"box/{name}"))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.off", files.off()),
        ("a.stl", files.stl(True)),
        ("a.STL", files.stl(False)),
        ("a.obj", files.obj()),
        ("a.obj", files.obj("no.mtl")),
    ],
)
def test_what_has_no_colour_is_light_grey(name: str, content: bytes | str, tmp_path: Path) -> None:
    files.put(tmp_path, f"box/one/{name}", content)
    check_box(toy_of(tmp_path, f"box/one/{name}"), dict.fromkeys(files.COLORS, GREY))


def test_several_textures_become_one(tmp_path: Path) -> None:
    library = ""
    for k, (side, color) in enumerate(files.COLORS.items()):
        files.put(tmp_path, f"box/one/maps/picture {k}.png", files.plain_png(color))
        library += f"newmtl {side}\nKd 0.1 0.2 0.3\nmap_Kd -s 1 1 1 -bm 0.5 maps\\picture {k}.png\n"
    files.put(tmp_path, "box/one/box.mtl", library)
    files.put(tmp_path, "box/one/box.obj", files.obj("box.mtl"))
    check_box(toy_of(tmp_path, "box/one/box.obj"))


def test_a_texture_elsewhere_in_the_instances_folder_is_found(tmp_path: Path) -> None:
    """As in Google Scanned Objects: meshes/model.obj, meshes/model.mtl, materials/textures/texture.png."""
    files.put(tmp_path, "box/one/materials/textures/texture.png", files.plain_png((10, 200, 30)))
    files.put(tmp_path, "box/one/meshes/model.mtl", "".join(f"newmtl {s}\nmap_Kd texture.png\n" for s in files.COLORS))
    files.put(tmp_path, "box/one/meshes/model.obj", files.obj("model.mtl"))
    check_box(toy_of(tmp_path, "box/one/meshes/model.obj"), dict.fromkeys(files.COLORS, (10, 200, 30)))


def test_an_obj_may_count_backwards_and_colour_vertices(tmp_path: Path) -> None:
    lines = []
    for side, quad in files.QUADS.items():
        for number in quad:
            shares = [f"{c / 255:.4f}" for c in files.COLORS[side]]
            lines.append("v {} {} {} ".format(*files.CORNERS[number]) + " ".join(shares))
        lines += ["vn 0 0 1", "f -4//-1 -3//-1 -2//-1 -1//-1"]
    files.put(tmp_path, "box/one.obj", "\r\n".join(lines))
    check_box(toy_of(tmp_path, "box/one.obj"))


@pytest.mark.parametrize("name", ["box.obj", "box.glb"])
def test_the_upward_axis_can_be_chosen(name: str, tmp_path: Path) -> None:
    files.put(tmp_path, "box/box.mtl", files.mtl())
    files.put(tmp_path, f"box/{name}", BOXES[name])
    files_own = toy_of(tmp_path, f"box/{name}", up="z")
    turned = toy_of(tmp_path, f"box/{name}", up="y")
    check_box(files_own if name == "box.obj" else turned)
    was, became = colors_around(files_own), colors_around(turned)
    assert all(became[f"{sign}{new}"] == was[f"{sign}{old}"] for new, old in ("xz", "yx", "zy") for sign in "+-")


def test_gltf_multiplies_factor_texture_and_vertex_colours_in_linear_light(tmp_path: Path) -> None:
    """All six sides share one texture, and vertices have colours."""
    tree, data = files.gltf()
    half = np.full((4, 4, 4), 255, np.uint8)
    half[:2, :, :3] = (188, 128, 64)  # above; below is white, and not used
    tree["images"] = [{"uri": "a%20map.png"}]
    tree["textures"] = [{"source": 0}]
    uvs, data = files.append(tree, data, np.array([[0, 0], [1, 0], [1, 0.3], [0, 0.3]], "<f4"), "VEC2")
    paint, data = files.append(tree, data, np.full((4, 4), 128, "u1"), "VEC4", normalized=True)
    for mesh, material in zip(tree["meshes"], tree["materials"], strict=True):
        mesh["primitives"][0]["attributes"] |= {"TEXCOORD_0": uvs, "COLOR_0": paint}
        material["pbrMetallicRoughness"] = {
            "baseColorFactor": [1.0, 0.5, 0.25, 1.0],
            "baseColorTexture": {"index": 0},
        }
    files.put(tmp_path, "box/one/a map.png", files.png(half))
    files.put(tmp_path, "box/one/box.glb", files.glb(tree, data))
    expected = []
    for value, factor in zip((188, 128, 64), (1.0, 0.5, 0.25), strict=True):
        light = files.to_linear(value / 255) * factor * 128 / 255
        expected.append(round(255 * (1.055 * light ** (1 / 2.4) - 0.055 if light > 0.0031308 else 12.92 * light)))
    check_box(toy_of(tmp_path, "box/one/box.glb"), dict.fromkeys(files.COLORS, tuple(expected)))


def test_gltf_turns_mirrored_nodes_right_side_out(tmp_path: Path) -> None:
    tree, data = files.gltf()
    tree["nodes"][0]["scale"] = [-3.0, 3.0, 3.0]
    files.put(tmp_path, "box/one.gltf", files.with_data_uri(tree, data))
    swapped = {**files.COLORS, "+y": files.COLORS["-y"], "-y": files.COLORS["+y"]}
    check_box(toy_of(tmp_path, "box/one.gltf"), swapped)


def test_texture_coordinates_lie_as_each_format_says(tmp_path: Path) -> None:
    """A square seen from above with a picture of four colours: OBJ counts from below, glTF from above."""
    picture = np.array([[[250, 0, 0], [0, 250, 0]], [[0, 0, 250], [250, 250, 0]]], np.uint8)
    files.put(tmp_path, "flat/a.png", files.png(picture.repeat(8, axis=0).repeat(8, axis=1)))
    files.put(tmp_path, "flat/a.mtl", "newmtl a\nmap_Kd a.png")
    corners = [(0, 0), (1, 0), (1, 1), (0, 1)]
    lines = [f"v {x} {y} 0\nvt {x} {y}" for x, y in corners]
    files.put(tmp_path, "flat/a.obj", "\n".join(["mtllib a.mtl", *lines, "usemtl a", "f 1/1 2/2 3/3 4/4"]))
    tree: dict = {"asset": {"version": "2.0"}, "nodes": [{"mesh": 0}], "scenes": [{"nodes": [0]}]}
    tree |= {"scene": 0, "accessors": [], "bufferViews": []}
    places = np.array([[x, y, 0] for x, y in corners], "<f4")
    position, data = files.append(tree, b"", places, "VEC3")
    uv, data = files.append(tree, data, np.array([(x, 1 - y) for x, y in corners], "<f4"), "VEC2")
    index, data = files.append(tree, data, np.array([[0], [1], [3], [2]], "<u2"), "SCALAR")
    primitive = {"attributes": {"POSITION": position, "TEXCOORD_0": uv}, "indices": index, "mode": 5, "material": 0}
    tree |= {"meshes": [{"primitives": [primitive]}], "images": [{"uri": "a.png"}], "textures": [{"source": 0}]}
    tree["materials"] = [{"pbrMetallicRoughness": {"baseColorTexture": {"index": 0}}}]
    files.put(tmp_path, "flat/b.glb", files.glb(tree, data))
    for name in ("flat/a.obj", "flat/b.glb"):
        toy = toy_of(tmp_path, name, up="z")
        for x in (-0.3, 0.3):
            for y in (-0.3, 0.3):
                hit = first_hit(toy, np.array([x, y, 1.0]), np.array([0.0, 0.0, -1.0]))
                assert hit is not None
                assert tuple(hit[1]) == tuple(picture[int(y < 0), int(x > 0)]), (name, x, y)


def test_other_versions_of_gltf_are_refused(tmp_path: Path) -> None:
    tree, _ = files.gltf()
    files.put(tmp_path, "box/a.gltf", json.dumps({**tree, "asset": {"version": "1.0"}}))
    with pytest.raises(Refused, match="only GLTF 2"):
        toy_of(tmp_path, "box/a.gltf")
