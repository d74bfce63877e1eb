"""RT4K as its authors packed it, loose, and as we export it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.dataset import Dataset, held_out
from agent.export import EXPORTS
from learner.data import open_data
from learner.data.rt4k import TURN, Rt4k
from sim.errors import InputError
from sim.objects.splits import SPLITS
from tests.agent.sound import store
from tests.learner.data.contract import check
from tests.references.imagefiles import codes, picture, rt4k_name, write_rt4k

TRAIN = {f"{category}_{number:03d}": category for category in ("mug", "car") for number in range(20)}
TEST = {"mug_100": "mug", "tree_100": "tree"}
VIEWS = {"mug_003": [5, 7, 180], "car_002": [44]}


@pytest.fixture(params=["packed", "loose"])
def written(request: Any, tmp_path: Path) -> tuple[Path, dict[tuple[str, int], int]]:
    packed = request.param == "packed"
    return tmp_path, write_rt4k(tmp_path, {"train": TRAIN, "test": TEST}, views=VIEWS, packed=packed)


def test_every_frame_is_what_its_row_says(written: tuple[Path, dict[tuple[str, int], int]]) -> None:
    root, pictures = written
    data = open_data(f"rt4k:{root}")
    check(data)
    assert data.image_size == 128
    seen: dict[tuple[str, int], int] = {}
    for split in SPLITS:
        frames = data.frames(split)
        shown = codes(data.images(split, np.arange(len(frames)), size=12))
        for row, code in enumerate(shown):
            owner, view = data.instances[frames.instance[row]], int(frames.time[row])
            seen[owner, view] = code
            assert data.categories[frames.category[row]] == (TRAIN | TEST)[owner]
            assert frames.view[row, 1] == 2 * view % 360
            assert np.isnan(frames.view[row, 0])
            expected = "test" if owner in TEST else "validation" if held_out(owner) == "validation" else "train"
            assert split == expected
    assert seen == pictures
    assert len(data.frames("validation")) > 0


@given(st.integers(1, 180), st.integers(1, 180))
def test_the_action_is_the_shorter_turn(first: int, second: int) -> None:
    """The authors': the turn in views is brought to [-90, 90] by wrapping around, then doubled to degrees."""
    turn = second - first
    while turn > 90:
        turn -= 180
    while turn < -90:
        turn += 180
    expected = np.sin(np.pi * 2 * turn / 180), np.cos(np.pi * 2 * turn / 180)
    found = TURN.compute(np.array([[float(first)]]), np.array([[float(second)]]))
    np.testing.assert_allclose(found, [expected], atol=1e-12)


def test_our_own_export_loads(tmp_path: Path) -> None:
    store(tmp_path / "data", range(24), image_format="png")
    data = Dataset(tmp_path / "data")
    EXPORTS["rt4k"](data, tmp_path / "out", lambda *_: None)
    loaded = Rt4k(tmp_path / "out")
    check(loaded)
    names = {f"{category}_{instance}": instance for category, instance in data.objects().values()}
    for split in SPLITS:
        shown = {loaded.instances[instance] for instance in loaded.frames(split).instance}
        assert all((held_out(names[name]) == "test") == (split == "test") for name in shown)
        assert max(np.bincount(loaded.frames(split).clip), default=0) < 180
    shown_images = loaded.images("train", np.arange(4), size=32)
    stored = np.concatenate([episode.frames for episode in data.episodes()])
    assert all((stored == image).all(axis=(1, 2, 3)).any() for image in shown_images)


def test_our_own_export_is_seen_from_the_same_side(tmp_path: Path) -> None:
    """Each exported frame has the azimuth that our own dataset gives it, to the nearest view."""
    store(tmp_path / "data", range(24), image_format="png")
    EXPORTS["rt4k"](Dataset(tmp_path / "data"), tmp_path / "out", lambda *_: None)
    ours, theirs = open_data(f"armplay:{tmp_path / 'data'}"), open_data(f"rt4k:{tmp_path / 'out'}")
    azimuth = {}
    for split in SPLITS:
        images = ours.images(split, np.arange(len(ours.frames(split))))
        azimuth |= {image.tobytes(): view[1] for image, view in zip(images, ours.frames(split).view, strict=True)}
    seen = 0
    for split in SPLITS:
        images = theirs.images(split, np.arange(len(theirs.frames(split))), size=32)
        for image, view in zip(images, theirs.frames(split).view, strict=True):
            off = (azimuth[image.tobytes()] - view[1] + 180) % 360 - 180
            assert abs(off) <= 1 + 1e-9
            seen += 1
    assert seen > 40


def break_table(root: Path, name: str, change: Any) -> None:
    change(pd.read_parquet(root / name)).to_parquet(root / name)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda table: table.drop(columns="5"), "dataset.parquet: column 5 is missing: it has 0, 2, 3, h5_index"),
        (lambda table: table.assign(h5_index="x"), r"dataset.parquet: column h5_index holds .*: whole numbers are exp"),
        (lambda table: table.assign(**{"2": 0.5}), r"dataset.parquet: column 2 holds double: strings are expected"),
        (
            lambda table: table.assign(**{"5": table["5"].where(table["5"] == "mug")}),
            r"column 5 has 77 empty cells of 156",
        ),
        (lambda table: table.assign(**{"2": None}), r"dataset.parquet: column 2 holds null: strings are expected"),
        (
            lambda table: table.assign(**{"0": "a_181_b_c.png"}),
            "file name a_181_b_c.png: its third field from the right",
        ),
        (lambda table: table.assign(**{"0": "a_x_b_c.png"}), "file name a_x_b_c.png: its third field"),
        (lambda table: table.assign(**{"0": "a.png"}), "file name a.png: its third field"),
        (
            lambda table: table.assign(**{"2": "mug_100"}),
            "object mug_100 is in dataset.parquet and dataset_test.parquet: it may be in one only",
        ),
        (lambda table: table.assign(**{"2": "one"}), "object one is listed as mug and as car"),
    ],
)
def test_tables_that_are_not_rt4ks_are_refused(tmp_path: Path, change: Any, said: str) -> None:
    write_rt4k(tmp_path, {"train": TRAIN, "test": TEST}, views=VIEWS)
    break_table(tmp_path, "dataset.parquet", change)
    with pytest.raises(InputError, match=said) as raised:
        Rt4k(tmp_path)
    assert "\n" not in str(raised.value)


def test_what_is_missing_or_damaged_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere: no such folder, so there are no images"):
        open_data(f"rt4k:{tmp_path / 'nowhere'}")
    with pytest.raises(InputError, match=r"dataset.parquet: no such file, where a table with the columns 0, 2, 5 is"):
        Rt4k(tmp_path)
    write_rt4k(tmp_path, {"train": {"mug_000": "mug"}, "test": TEST})
    break_table(tmp_path, "dataset.parquet", lambda table: table.assign(h5_index=[0, 1, 2, 9]))
    with pytest.raises(InputError, match=r"data.h5: /train has no entry 9: it holds 4"):
        Rt4k(tmp_path).images("train", np.arange(4))
    (tmp_path / "dataset.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(InputError, match=r"dataset.parquet: no Parquet table that can be read"):
        Rt4k(tmp_path)
    (tmp_path / "data.h5").write_bytes(b"no HDF5")
    with pytest.raises(InputError, match=r"data.h5: no HDF5 file that can be read"):
        Rt4k(tmp_path)


def test_a_loose_image_that_is_missing_empty_or_elsewhere_is_named(tmp_path: Path) -> None:
    write_rt4k(tmp_path, {"train": {"mug_000": "mug"}, "test": TEST}, packed=False)
    path = tmp_path / "mug_000" / rt4k_name("mug_000", 2)
    path.write_bytes(picture(1)[:20])
    with pytest.raises(InputError, match=r"frame 1 of train is no image that OpenCV can decode \(20 bytes\)"):
        Rt4k(tmp_path).images("train", np.arange(4))
    path.unlink()
    with pytest.raises(InputError, match=rf"{path.name}: an image is expected there \(No such file or directory\)"):
        Rt4k(tmp_path).images("train", np.arange(4))
    break_table(tmp_path, "dataset.parquet", lambda table: table.assign(**{"2": "../elsewhere"}))
    with pytest.raises(InputError, match="lies elsewhere: a path below the folder is expected"):
        Rt4k(tmp_path).images("train", np.arange(4))
