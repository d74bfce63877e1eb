"""Catalogues of objects: names, splits, descriptions, errors."""

from __future__ import annotations

import json
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest

from sim.errors import InputError
from sim.objects import SOURCES, SPLITS, Catalogue, MeshFolder, ProceduralToys, catalogue_of, split_of, splits_table
from tests.references import meshfiles as files
from tests.references.boxes import add, boxes, color_of
from tests.references.rays import colors_around

TOYS = Path(__file__).parents[3] / "shared" / "toys"


@pytest.fixture(scope="module")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def _cache(warm: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Results are kept by content, so tests may share them."""
    monkeypatch.setenv("ARMPLAY_CACHE", str(warm))


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache."""
    monkeypatch.setenv("ARMPLAY_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return boxes(tmp_path / "root")


def test_instances_and_draws_follow_the_splits(root: Path) -> None:
    folder = MeshFolder(root, ["mug"])
    folder.prepare()
    instances = {split: folder.instances("mug", split=split) for split in SPLITS}
    assert sorted(sum(instances.values(), ())) == sorted(f"m{number}" for number in range(12))
    for split, names in instances.items():
        assert names == tuple(sorted(names))
        assert {split_of("mug", name) for name in names} <= {split}
        drawn = {folder.draw("mug", np.random.default_rng(seed), split=split) for seed in range(60) if names}
        assert drawn == set(names)


def test_draws_do_not_depend_on_what_was_converted_before(root: Path, cache: Path) -> None:
    for number in range(0, 12, 3):
        files.put(root, f"mug/m{number}/a.obj", "broken")
    lazy = [MeshFolder(root).draw("mug", np.random.default_rng(seed)) for seed in range(2)]
    assert len(list(cache.rglob("toy.npz"))) < 4
    ready = MeshFolder(root)
    ready.prepare()
    assert [ready.draw("mug", np.random.default_rng(seed)) for seed in range(2)] == lazy


def test_splits_stay_when_objects_are_added(root: Path) -> None:
    before = MeshFolder(root)
    before.prepare()
    first = {split: before.instances("mug", split=split) for split in SPLITS}
    for number in range(12, 16):
        add(root, "mug", f"m{number}")
    after = MeshFolder(root)
    after.prepare()
    then = {split: after.instances("mug", split=split) for split in SPLITS}
    assert all(set(first[split]) <= set(then[split]) for split in SPLITS)
    assert sum(map(len, then.values())) == 16


def test_a_toy_repeats_and_is_what_its_file_says(root: Path) -> None:
    toy = MeshFolder(root).toy("mug", "m3")
    assert toy[4:] == ("mug", "m3")
    assert np.abs(np.subtract(colors_around(toy)["+x"], color_of("mug", "m3"))).max() <= 1
    again = pickle.loads(pickle.dumps(MeshFolder(root))).toy("mug", "m3")
    assert all(np.array_equal(a, b) for a, b in zip(toy[:4], again[:4], strict=True))


def test_the_description_is_json_and_the_same_elsewhere(root: Path, tmp_path: Path) -> None:
    described = MeshFolder(root, ["lone", "cup"]).describe()
    assert json.loads(json.dumps(described)) == described
    assert described["source"] == "folder"
    assert described["categories"] == ["lone", "cup"]
    assert described["objects"] == 4
    shutil.copytree(root, tmp_path / "moved")
    moved = MeshFolder(tmp_path / "moved", ["lone", "cup"]).describe()
    assert {**moved, "root": described["root"]} == described
    assert ProceduralToys(["mug"]).describe() == {"source": "toys", "categories": ["mug"]}


def test_errors_name_the_value_and_what_is_known(root: Path, tmp_path: Path) -> None:
    files.put(tmp_path, "empty/readme/notes.txt", "no mesh here")
    folder = MeshFolder(root)
    rng = np.random.default_rng(0)
    for match, call in {
        r"/nowhere: neither toys nor a folder": lambda: catalogue_of(str(tmp_path / "nowhere")),
        r"/nowhere: No such file": lambda: MeshFolder(tmp_path / "nowhere"),
        r"empty: no mesh file": lambda: catalogue_of(str(tmp_path / "empty")),
        r"'spoon': unknown; known are cup, lone, mug": lambda: catalogue_of(str(root), ["mug", "spoon"]),
        r"at most once": lambda: MeshFolder(root, ["mug", "mug"]),
        r"'spoon': unknown": lambda: folder.toy("spoon", "s1"),
        r"instance='m99': not among the 12 of mug": lambda: folder.toy("mug", "m99"),
        r"split='holdout'": lambda: folder.draw("mug", rng, split="holdout"),
        r"category='lone': of 1 objects none that can be shown is for test": lambda: folder.draw(
            "lone", rng, split="test"
        ),
        r"triangles=5: between 20 and 20000": lambda: MeshFolder(root, triangles=5),
        r"up='x': known are auto, y, z": lambda: MeshFolder(root, up="x"),  # type: ignore[arg-type]
    }.items():
        with pytest.raises(InputError, match=match) as error:
            call()
        assert "\n" not in str(error.value)


def test_the_table_of_splits_counts_what_can_be_shown(root: Path) -> None:
    files.put(root, "lone/other/a.obj", "broken")
    header, cup, lone, mug, *names = splits_table(MeshFolder(root), names=True).splitlines()
    assert header.split() == ["category", *SPLITS]
    assert (sum(map(int, cup.split()[1:])), sum(map(int, mug.split()[1:]))) == (3, 12)
    assert lone.split() == ["lone", "1", "0", "0"]
    assert any(line.startswith("mug train: m") for line in names)
    endless = splits_table(ProceduralToys(["mug"])).splitlines()[1]
    assert endless.split() == ["mug", "endless", "80%", "endless", "10%", "endless", "10%"]


def test_sources_are_named_by_one_word() -> None:
    toys: Catalogue = catalogue_of("toys", ["mug", "car"])
    assert toys.categories == ("mug", "car")
    assert toys.instances("mug", split="test") is None
    assert set(SOURCES) == {"toys"}


@pytest.mark.long
@pytest.mark.skipif(not TOYS.is_dir(), reason="the shared toys are not here")
def test_all_shared_toys_look_as_they_are() -> None:
    """Against PyBullet's own drawing of the originals, of which five cars are inside out and right here only."""
    pytest.importorskip("pybullet")
    from sim.objects import portrait as drawing

    folder = MeshFolder(TOYS)
    assert folder.prepare() == "339 objects in 39 categories"
    toys = [
        folder.toy(category, name)
        for category in folder.categories
        for split in SPLITS
        for name in folder.instances(category, split=split)
    ]
    assert max(len(toy.faces) for toy in toys) <= 2000
    assert max(max(toy.texture.shape) for toy in toys) <= 512
    shown = drawing.portrait(toys, image_size=48).astype(int)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            drawing, "write_obj", lambda toy, *_, **__: TOYS / toy.category / toy.instance / f"{toy.instance}.obj"
        )
        original = drawing.portrait(toys, image_size=48).astype(int)
    difference = np.abs(shown - original).mean(axis=(1, 2, 3))
    inside_out = {"q_basiccar", "q_copcar", "q_simplecarhigh", "q_simplecarshort", "q_taxi"}
    assert {toy.instance for toy, much in zip(toys, difference, strict=True) if much > 7} == inside_out
    assert np.median(difference) < 1.5
