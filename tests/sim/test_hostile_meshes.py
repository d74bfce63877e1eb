"""Mesh files that are broken or mean harm are named and left out, and the rest goes on."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import struct
from pathlib import Path

import numpy as np
import pytest

from sim.errors import InputError
from sim.objects.convert import making, process
from sim.objects.convert.source import examine
from sim.objects.meshes import MeshFolder
from tests.references import meshfiles as files

START = process.START


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ARMPLAY_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with two good boxes in the category that the bad objects join, and with secrets outside of it."""
    for name in ("good_a", "good_b"):
        files.put(tmp_path, f"root/box/{name}/box.mtl", files.mtl())
        files.put(tmp_path, f"root/box/{name}/box.obj", files.obj("box.mtl"))
    files.put(tmp_path, "outside/secret.png", files.plain_png((1, 2, 3)))
    files.put(tmp_path, "outside/secret.obj", files.obj())
    return tmp_path / "root"


def check_skipped(root: Path, expected: dict[str, str]) -> MeshFolder:
    """That those are left out, for reasons that contain these words, and all others are usable."""
    folder = MeshFolder(root)
    summary = folder.prepare()
    skipped = folder.skipped
    assert {path: reason for path, reason in skipped.items() if expected.get(path, "?") not in reason} == {}
    assert skipped.keys() == expected.keys()
    assert all("\n" not in reason and len(reason) < 400 for reason in skipped.values())
    assert f"{len(expected)} left out" in summary
    usable = [name for split in ("train", "validation", "test") for name in folder.instances("box", split=split)]
    assert {"good_a", "good_b"} <= set(usable)
    return folder


def scene(**changes: object) -> dict:
    return {**files.gltf()[0], **changes}


def accessor(**changes: object) -> bytes:
    tree, data = files.gltf()
    tree["accessors"][0] |= changes
    return files.glb(tree, data)


def ply(header: str, body: bytes = b"") -> bytes:
    return f"ply\n{header}\nend_header\n".encode() + body


XYZ = "property float x\nproperty float y\nproperty float z\n"
LIST = "property list uchar int vertex_indices"
PLY_3 = f"format ascii 1.0\nelement vertex 3\n{XYZ}element face 1\n{LIST}"
PLY_MANY = f"4000000000\n{XYZ}element face 4000000000\n{LIST}"
PLY_LONG = f"format binary_big_endian 1.0\nelement vertex 1\n{XYZ}element face 1\nproperty list uint int vertex_indices"
TRIANGLE = "v 0 0 0\nv 1 0 0\nv 0 1 0\n"
BROKEN: dict[str, tuple[bytes | str, str]] = {
    "empty.obj": ("", "is empty"),
    "garbage.obj": ("some words\nthat are no mesh\n", "no face"),
    "noise.obj": (np.random.default_rng(0).bytes(3000), "no face"),
    "noise.glb": (np.random.default_rng(1).bytes(3000), "cannot be read as GLB"),
    "noise.ply": (np.random.default_rng(2).bytes(3000), "cannot be read as PLY"),
    "noise.stl": (np.random.default_rng(3).bytes(3000), "no face"),
    "noise.off": (np.random.default_rng(4).bytes(3000), "cannot be read as OFF"),
    "noise.gltf": ("{]", "cannot be read as GLTF"),
    "list.gltf": ("[1, 2]", "cannot be read as GLTF"),
    "deep.gltf": ("[" * 200_000, "cannot be read as GLTF"),
    "word.obj": ("v 0 0 zero\nv 1 0 0\nv 0 1 0\nf 1 2 3", "cannot be read as OBJ"),
    "nan.obj": ("v 0 0 nan\nv 1 0 0\nv 0 1 0\nf 1 2 3", "not finite"),
    "infinite.obj": ("v 0 0 1e999\nv 1 0 0\nv 0 1 0\nf 1 2 3", "not finite"),
    "huge.obj": ("v 0 0 1e308\nv 1 0 -1e308\nv 0 1 0\nf 1 2 3", "too large"),
    "nan.ply": (ply(PLY_3, b"0 0 nan 1 0 0 0 1 0 3 0 1 2"), "no face"),
    "no_faces.obj": (TRIANGLE, "no face"),
    "no_faces.off": ("OFF\n3 0 0\n0 0 0\n1 0 0\n0 1 0", "no face"),
    "no_faces.stl": (b" " * 80 + struct.pack("<I", 0), "no face"),
    "cloud.ply": (ply(f"format ascii 1.0\nelement vertex 2\n{XYZ}", b"0 0 0 1 1 1"), "cannot be read as PLY"),
    "cloud.glb": (files.glb(scene(nodes=[{}]), b""), "cannot be read as GLB"),
    "flat.obj": ("v 0 0 0\nv 1 1 1\nv 2 2 2\nf 1 2 3", "no face with an area"),
    "point.obj": ("v 1 1 1\nv 1 1 1\nv 1 1 1\nf 1 2 3", "no extent"),
    "far.obj": (f"{TRIANGLE}f 1 2 4", "cannot be read as OBJ"),
    "zero.obj": (f"{TRIANGLE}f 0 1 2", "no face with an area"),
    "before.obj": (f"{TRIANGLE}f -4 -2 -1", "counts back"),
    "far.ply": (ply(PLY_3, b"0 0 0 1 0 0 0 1 0 3 0 1 9"), "no face"),
    "negative.ply": (ply(PLY_3, b"0 0 0 1 0 0 0 1 0 3 0 1 -1"), "no face"),
    "far.off": ("OFF\n3 1 0\n0 0 0\n1 0 0\n0 1 0\n3 0 1 7", "outside the range"),
    "far.glb": (accessor(count=2), "vertex"),
    "claims.ply": (ply(f"format binary_little_endian 1.0\nelement vertex {PLY_MANY}", b"\0" * 9), "be read as PLY"),
    "claims_text.ply": (ply(f"format ascii 1.0\nelement vertex {PLY_MANY}", b"0 0 0"), "no face"),
    "claims_list.ply": (ply(PLY_LONG, b"\xff" * 99), "cannot be read as PLY"),
    "claims.stl": (b"claims".ljust(80) + struct.pack("<I", 4_000_000_000) + b"\0" * 50, "no face"),
    "claims.off": ("OFF\n4000000000 4000000000 0\n0 0 0", "cannot be read as OFF"),
    "claims.glb": (accessor(count=4_000_000_000), "cannot be read as GLB"),
    "claims_none.glb": (accessor(count=4_000_000_000, bufferView=None), "cannot be read as GLB"),
    "chunk.glb": (b"glTF" + struct.pack("<III", 2, 4_000_000_000, 4_000_000_000) + b"JSON{}", "no face"),
    "circle.gltf": (files.with_data_uri(scene(nodes=[{"children": [0]}]), b""), "cannot be read as GLTF"),
    "pickle.obj": (pickle.dumps(os.getcwd), "no face"),
}  # fmt: skip


def test_broken_files_are_named_with_the_reason(root: Path) -> None:
    for name, (content, _) in BROKEN.items():
        files.put(root, f"box/bad_{name.replace('.', '_')}/{name}", content)
    expected = {f"box/bad_{name.replace('.', '_')}/{name}": reason for name, (_, reason) in BROKEN.items()}
    folder = check_skipped(root, expected)
    with pytest.raises(InputError, match=r"box/bad_far_off: cannot be shown, .*far.off .*outside the range"):
        folder.toy("box", "bad_far_off")


def test_what_is_named_must_lie_within_the_category(root: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    names = {
        "up": "../../../outside/secret.png",
        "far_up": "../../../../../../../../etc/passwd",
        "beside": "../../other/map.png",
        "absolute": str(outside / "secret.png"),
        "windows": "C:\\textures\\map.png",
        "share": "\\\\host\\share\\map.png",
        "network": "http://localhost:1/map.png",
        "file": f"file://{outside}/secret.png",
        "encoded": "%2e%2e/%2e%2e/%2e%2e/outside/secret.png",
    }
    files.put(root, "other/map.png", files.plain_png((5, 5, 5)))
    expected = {}
    for name, path in names.items():
        for key, where in (("map_Kd", "map"), ("bump -bm 1", "bump")):
            files.put(root, f"box/{name}_{where}/a.mtl", f"newmtl +x\nKd 1 1 1\n{key} {path}")
            files.put(root, f"box/{name}_{where}/a.obj", files.obj("a.mtl"))
            expected[f"box/{name}_{where}/a.obj"] = "refers to"
        files.put(root, f"box/{name}_library/a.obj", files.obj(path))
        expected[f"box/{name}_library/a.obj"] = "refers to"
        tree = scene(images=[{"uri": path}])
        files.put(root, f"box/{name}_image/a.glb", files.glb(tree, files.gltf()[1]))
        files.put(root, f"box/{name}_buffer/a.gltf", json.dumps(scene(buffers=[{"byteLength": 9, "uri": path}])))
        expected |= {f"box/{name}_image/a.glb": "refers to", f"box/{name}_buffer/a.gltf": "refers to"}
    tree, data = files.gltf()
    tree |= {"images": [{"uri": "x"}], "textures": [{"source": 0}]}
    tree["meshes"][0]["primitives"][0]["attributes"]["TEXCOORD_0"] = 0
    tree["materials"][0]["pbrMetallicRoughness"]["baseColorTexture"] = {"index": 0}
    escaped = files.with_data_uri(tree, data).replace('"x"', '"\\u002e\\u002e/\\u002e./../outside/secret.png"')
    files.put(root, "box/escaped/a.gltf", escaped)
    header = "format ascii 1.0\ncomment TextureFile ../../../outside/secret.png\nelement vertex 0"
    files.put(root, "box/texture/a.ply", ply(header))
    expected |= {
        "box/escaped/a.gltf": "refers to",
        "box/texture/a.ply": "refers to",
    }
    check_skipped(root, expected)


def test_links_are_followed_within_the_root_only(root: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    for name, target in (("texture", "secret.png"), ("missing", "nothing.png")):
        files.put(root, f"box/{name}/a.mtl", "newmtl +x\nmap_Kd map.png")
        files.put(root, f"box/{name}/a.obj", files.obj("a.mtl"))
        (root / f"box/{name}/map.png").symlink_to(outside / target)
    (root / "box/mesh").mkdir()
    (root / "box/mesh/a.obj").symlink_to(outside / "secret.obj")
    (root / "box/direct.obj").symlink_to(outside / "secret.obj")
    (root / "box/folder").symlink_to(outside)
    (root / "stolen").symlink_to(outside)
    (root / "box/loop").symlink_to(root / "box")
    (root / "turn").symlink_to(root)
    (root / "box/good_a/inner").symlink_to(root)
    (root / "box/also_good_a").symlink_to(root / "box/good_a")
    os.mkfifo(root / "box/pipe.obj")
    folder = check_skipped(
        root,
        {
            "box/texture/a.obj": "leads out",
            "box/missing/a.obj": "leads out",
            "box/mesh/a.obj": "leads out",
            "box/direct.obj": "leads out",
            "box/folder": "leads out",
            "stolen": "leads out",
            "box/loop": "lies in",
            "turn": "lies in",
            "box/pipe.obj": "not a file",
        },
    )
    assert len(folder.toy("box", "also_good_a").faces) == 12


def test_textures_are_opened_with_care(root: Path) -> None:
    textures = {
        "bomb": (files.png(np.zeros((9, 9, 3)), (60_000, 60_000)), "60000 x 60000"),
        "cut": (files.png(np.random.default_rng(0).integers(0, 256, (64, 64, 3)))[:3000], "cannot be read"),
        "text": (b"no picture", "cannot be read"),
        "script": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(ran) print\n", "cannot be read"),
        "none": (b"", "is empty"),
    }
    expected = {}
    for name, (content, reason) in textures.items():
        files.put(root, f"box/{name}_obj/map.png", content)
        files.put(root, f"box/{name}_obj/a.mtl", "newmtl +x\nmap_Kd map.png")
        files.put(root, f"box/{name}_obj/a.obj", files.obj("a.mtl"))
        expected[f"box/{name}_obj/a.obj"] = reason
        if content:
            tree, data = files.gltf()
            tree["bufferViews"].append({"buffer": 0, "byteOffset": len(data), "byteLength": len(content)})
            tree |= {"images": [{"bufferView": len(tree["bufferViews"]) - 1}], "textures": [{"source": 0}]}
            tree["meshes"][0]["primitives"][0]["attributes"]["TEXCOORD_0"] = 0
            tree["materials"][0]["pbrMetallicRoughness"]["baseColorTexture"] = {"index": 0}
            files.put(root, f"box/{name}_glb/a.glb", files.glb(tree, data + content))
            expected[f"box/{name}_glb/a.glb"] = "none of which can be read" if name == "text" else reason
    check_skipped(root, expected)


def test_names_that_cannot_be_file_names_are_left_out(root: Path) -> None:
    for name in ("two\nlines", "x" * 150, "\udcff"):
        files.put(root, f"box/{name}/a.obj", files.obj())
    files.put(root, "bell\a/a/a.obj", files.obj())
    (root / "box/hollow").mkdir()
    folder = MeshFolder(root)
    assert folder.prepare().startswith("2 objects in 1 categories, 5 left out")
    assert all(path.isprintable() and path.isascii() for path in folder.skipped)
    assert "holds no mesh file" in folder.skipped["box/hollow"]


def test_a_reader_that_falls_is_replaced_and_its_object_remembered(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Crash, endless loop, endless memory, and an end from outside, which says nothing of the object."""
    patch = """
import os, resource, signal
from sim.objects.convert import making, worker
def endless(source):
    while True: pass
def hungry(source):
    return bytearray(1 << 33)
worker.SECONDS = 4
readers = {".stl": lambda source: os.abort(), ".off": endless, ".ply": hungry}
readers[".gltf"] = lambda source: os.kill(os.getpid(), signal.SIGKILL)
usual = making.read
making.read = lambda source: readers.get(source.suffix, usual)(source)
worker.main()
"""
    monkeypatch.setattr(process, "START", f"{START.partition('from')[0]} exec({patch!r})")
    monkeypatch.setattr(process, "cores", lambda: 1)
    for ending in ("stl", "off", "ply", "gltf"):
        files.put(root, f"box/{ending}/a.{ending}", b"whatever")
    fallen = {
        "box/stl/a.stl": "SIGABRT",
        "box/off/a.off": "too much time",
        "box/ply/a.ply": "more memory",
        "box/gltf/a.gltf": "from outside",
    }
    check_skipped(root, fallen)
    monkeypatch.setattr(process, "START", START)
    folder = check_skipped(root, {**fallen, "box/gltf/a.gltf": "cannot be read as GLTF"})
    assert folder.describe()["objects"] == 2


def test_refusals_are_kept_by_content(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("far.obj", "claims.ply", "noise.glb"):
        files.put(root, f"box/{name.replace('.', '_')}/{name}", BROKEN[name][0])
    first = MeshFolder(root)
    first.prepare()
    shutil.copytree(root, tmp_path / "copy")

    def fail(*_: object) -> None:
        raise AssertionError("converted again")

    monkeypatch.setattr(making, "convert", fail)
    for path, reason in first.skipped.items():
        assert making.convert_file(tmp_path / "copy", path, first.settings).refusal == reason
    assert examine(root, "box/good_a/box.obj").digest == examine(tmp_path / "copy", "box/good_a/box.obj").digest


def test_a_folder_of_nothing_but_broken_files_is_an_input_error(tmp_path: Path) -> None:
    files.put(tmp_path, "bad/box/a/a.obj", "")
    files.put(tmp_path, "bad/box/b/b.obj", TRIANGLE)
    folder = MeshFolder(tmp_path / "bad")
    with pytest.raises(InputError, match=r"none of 2 mesh files can be shown: .*is empty") as error:
        folder.prepare()
    assert "\n" not in str(error.value)
    with pytest.raises(InputError, match="none that can be shown is for train"):
        folder.draw("box", np.random.default_rng(0))
