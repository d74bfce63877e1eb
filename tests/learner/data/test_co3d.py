"""CO3D as published, and as AA-SSL's authors packed it."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.spatial.transform import Rotation

from agent.dataset import held_out
from learner.data import ImageData, open_data
from learner.data.co3d import MEAN, STD, Co3d, Co3dPacked
from sim.errors import InputError
from sim.objects.splits import SPLITS
from tests.learner.data.contract import check
from tests.references.imagefiles import codes, write_co3d, write_packed_co3d


def listed(*sequences: str, frames: int = 3) -> list[tuple[str, int]]:
    return [(sequence, number) for sequence in sequences for number in range(frames)]


LISTS = {
    "apple": {"train": listed("1_1_1", "1_1_2"), "val": listed("1_1_3"), "test": listed("1_1_4")},
    "car": {"train": listed("2_1_1")[::-1], "val": [("2_1_2", 2), ("2_1_2", 0)], "test": listed("2_1_3")},
}


def action_of(first: list[float], second: list[float]) -> np.ndarray:
    """One pair's, by scipy: the quaternion of R1^T R2, then the differences of T and of the focal lengths."""
    before, after = (np.array(values[:9]).reshape(3, 3) for values in (first, second))
    quaternion = Rotation.from_matrix(before.T @ after).as_quat()
    if quaternion[np.abs(quaternion).argmax()] < 0:
        quaternion = -quaternion
    return np.concatenate([quaternion, np.array(second[9:]) - np.array(first[9:])])


def check_actions(data: ImageData, split: str, cameras: list[list[float]]) -> None:
    """All pairs of frames of a split."""
    motion = data.frames(split).motion
    here, there = (side.ravel() for side in np.indices((len(motion), len(motion))))
    assert data.action is not None
    found = data.action.compute(motion[here], motion[there])
    expected = [action_of(cameras[one], cameras[other]) for one, other in zip(here, there, strict=True)]
    np.testing.assert_allclose(found, expected, atol=1e-9)


def test_published_frames_are_what_the_annotations_say(tmp_path: Path) -> None:
    about = write_co3d(tmp_path, LISTS)
    data = open_data(f"co3d:{tmp_path}")
    check(data)
    assert data.image_size == 196
    assert data.action is not None
    assert data.action.mean is None
    for split, name in (("train", "train"), ("validation", "val"), ("test", "test")):
        frames = data.frames(split)
        expected = sorted((c, *entry) for c, sets in LISTS.items() for entry in sets[name])
        shots = [about[key] for key in expected]
        assert codes(data.images(split, np.arange(len(frames)), size=12)) == [shot["code"] for shot in shots]
        assert [data.instances[label] for label in frames.instance] == [f"{c}/{s}" for c, s, _ in expected]
        assert [data.categories[label] for label in frames.category] == [c for c, _, _ in expected]
        assert frames.time.tolist() == [shot["frame_timestamp"] for shot in shots]
        seen = [shot["viewpoint"] for shot in shots]
        check_actions(data, split, [[*np.ravel(one["R"]), *one["T"], *one["focal_length"]] for one in seen])
        world_to_camera = Rotation.from_quat(data.turns(split)).as_matrix()
        np.testing.assert_allclose(world_to_camera, [np.transpose(one["R"]) for one in seen], atol=1e-9)


def test_a_sequence_is_in_one_split_only(tmp_path: Path) -> None:
    """Frames of a test sequence under train are no training frames, and validation gives way to training."""
    lists = {"apple": {"train": listed("a", "b", "c"), "val": listed("b"), "test": [("c", 0), ("c", 2)]}}
    write_co3d(tmp_path, lists)
    data = Co3d(tmp_path)
    check(data)
    names = {split: [data.instances[label] for label in data.frames(split).instance] for split in SPLITS}
    assert names["test"] == ["apple/c"] * 2
    kept = {"apple/a", "apple/b"} - set(names["validation"])
    assert set(names["train"]) == kept
    assert sum(map(len, names.values())) == 8


def test_a_tenth_of_the_training_sequences_validates_where_the_lists_have_none(tmp_path: Path) -> None:
    sequences = [f"{number}_2_3" for number in range(40)]
    write_co3d(tmp_path, {"apple": {"train": listed(*sequences, frames=1), "test": listed("t")}})
    data = Co3d(tmp_path)
    check(data)
    for split in ("train", "validation"):
        expected = {
            f"apple/{name}" for name in sequences if (held_out(name) == "validation") == (split == "validation")
        }
        assert {data.instances[label] for label in data.frames(split).instance} == expected != set()


def test_another_subset_may_be_taken(tmp_path: Path) -> None:
    write_co3d(tmp_path, LISTS, subset="fewview_train")
    assert len(open_data(f"co3d:{tmp_path}?subset=fewview_train").frames("train")) == 9
    with pytest.raises(
        InputError, match=r"set_lists_fewview_dev.json: no such file: subset=fewview_dev is none of fewv"
    ):
        Co3d(tmp_path)
    with pytest.raises(InputError, match="option subsets is unknown, co3d has subset"):
        open_data(f"co3d:{tmp_path}?subsets=1")


def annotations(root: Path, change: Any) -> None:
    path = root / "apple" / "frame_annotations.jgz"
    path.write_bytes(gzip.compress(json.dumps(change(json.loads(gzip.decompress(path.read_bytes())))).encode()))


def without(entry: dict[str, Any], *names: str) -> dict[str, Any]:
    """The annotation, without a value that lies deep in it."""
    if len(names) == 1:
        return {name: value for name, value in entry.items() if name != names[0]}
    return {**entry, names[0]: without(entry[names[0]], *names[1:])}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda frames: [without(f, "viewpoint", "R") for f in frames],
            r"frame 0 of sequence a: image.path, frame_time",
        ),
        (lambda frames: [{**f, "viewpoint": None} for f in frames], r"frame 0 of sequence a: .*\.R \[3, 3\], T \[3\]"),
        (lambda frames: [without(f, "image", "path") for f in frames], r"frame 0 of sequence a: image.path"),
        (
            lambda frames: [{**f, "frame_timestamp": "now"} for f in frames],
            "frame 0 of sequence a: image.path, frame_ti",
        ),
        (
            lambda frames: [{**f, "frame_timestamp": float("nan")} for f in frames],
            "its viewpoint or time is not finite",
        ),
        (lambda frames: [f for f in frames if f["frame_number"] != 1], "frame 1 of sequence a has no annotation in"),
        (
            lambda frames: [without(f, "sequence_name") for f in frames],
            "with sequence_name and frame_number is expected",
        ),
        (lambda frames: 7, r"frame_annotations.jgz: a list of annotations with sequence_name"),
    ],
)
def test_annotations_that_cannot_be_used(tmp_path: Path, change: Any, said: str) -> None:
    write_co3d(tmp_path, {"apple": {"train": listed("a"), "val": [], "test": []}})
    annotations(tmp_path, change)
    with pytest.raises(InputError, match=said) as raised:
        Co3d(tmp_path)
    assert "\n" not in str(raised.value)


def test_what_is_missing_or_damaged_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"0 categories: folders with a frame_annotations.jgz are expected"):
        Co3d(tmp_path)
    about = write_co3d(tmp_path, {"apple": {"train": listed("a"), "val": [], "test": []}})
    path = about["apple", "a", 1]["image"]["path"]
    (tmp_path / path).unlink()
    with pytest.raises(InputError, match=f"{path}: an image is expected there"):
        Co3d(tmp_path).images("train", np.arange(3))
    lists = tmp_path / "apple" / "set_lists" / "set_lists_fewview_dev.json"
    for content in ("[]", '{"train": [["a"]]}', '{"train": 3}', '{"train": [["a", "first", "x"]]}'):
        lists.write_text(content)
        with pytest.raises(InputError, match=r"lists train, val and test of \[sequence, frame number, path\] are exp"):
            Co3d(tmp_path)
    lists.write_text(json.dumps({"train": listed("a"), "test": listed("a")}))
    with pytest.raises(InputError, match=r"subset=fewview_dev: no sequence of .* is for training alone: take another"):
        Co3d(tmp_path)
    lists.write_text("{")
    with pytest.raises(InputError, match=r"set_lists_fewview_dev.json: no JSON that can be read"):
        Co3d(tmp_path)
    whole = (tmp_path / "apple" / "frame_annotations.jgz").read_bytes()
    for damaged in (whole[:-20], whole[:30] + b"\0" * 40 + whole[70:], b"plain"):
        (tmp_path / "apple" / "frame_annotations.jgz").write_bytes(damaged)
        with pytest.raises(InputError, match=r"frame_annotations.jgz: no JSON that can be read"):
            Co3d(tmp_path)


PACKED = {
    "train": [("apple", f"1_1_{number}") for number in range(20)] + [("car", "2_1_1")],
    "test": [("apple", "9_9_9"), ("zebra", "9_9_8")],
}


@pytest.mark.parametrize("grouped", [False, True])
def test_packed_frames_are_what_their_rows_say(tmp_path: Path, grouped: bool) -> None:
    about = write_packed_co3d(tmp_path, PACKED, grouped=grouped)
    data = open_data(f"co3d-packed:{tmp_path}")
    check(data)
    assert data.action is not None
    assert data.action.mean is MEAN
    assert data.action.std is STD
    assert len(MEAN) == len(STD) == data.action.size == 9
    seen = {}
    for split in SPLITS:
        frames = data.frames(split)
        cameras = []
        for row, code in enumerate(codes(data.images(split, np.arange(len(frames)), size=12))):
            category, name = data.instances[frames.instance[row]].split("/")
            key = category, name, int(frames.time[row])
            assert data.categories[frames.category[row]] == category
            assert about[key][0] == code
            cameras.append(about[key][1])
            carved = held_out(name) == "validation" and (category, name) in PACKED["train"]
            assert split == ("test" if (category, name) in PACKED["test"] else "validation" if carved else "train")
            seen[key] = code
        check_actions(data, split, cameras)
    assert len(seen) == len(about)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda table: table.drop(columns="a14"),
            "dataset_test.parquet: column a14 is missing: it has category, object",
        ),
        (lambda table: table.assign(a3="x"), r"column a3 holds .*: numbers are expected"),
        (lambda table: table.assign(a3=np.nan), "column a3 has 6 empty cells of 6"),
        (lambda table: table.assign(a3=np.inf), "column a3 is not finite in row 0"),
        (lambda table: table.assign(index=0.5), "column index holds double: whole numbers are expected"),
        (lambda table: table.assign(index=table["index"] + 1), "has no entry 3: it holds 3"),
        (lambda table: table.assign(category="pear"), "holds no pear/9_9_., where images are expected"),
        (lambda table: table.assign(object="0"), "holds no (apple|zebra)/0, where images are expected"),
    ],
)
def test_packed_tables_that_cannot_be_used(tmp_path: Path, change: Any, said: str) -> None:
    write_packed_co3d(tmp_path, PACKED)
    change(pd.read_parquet(tmp_path / "dataset_test.parquet")).to_parquet(tmp_path / "dataset_test.parquet")

    def use() -> None:
        data = Co3dPacked(tmp_path)
        data.images("test", np.arange(len(data.frames("test"))))

    with pytest.raises(InputError, match=said):
        use()
