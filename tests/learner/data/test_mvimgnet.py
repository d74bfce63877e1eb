"""MVImgNet, published and packed, against files written by hand; its 8-D action against cases worked out by hand."""

from __future__ import annotations

import multiprocessing

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from agent.dataset import held_out
from learner.data import open_data
from learner.data.mvimgnet import ACTION, MVImgNet, relative_motion
from learner.data.mvimgnet_packed import PackedMVImgNet
from sim.errors import InputError
from sim.objects.splits import SPLITS
from tests.learner.data.mvimgnet_objects import HALF, OBJECTS, SPLIT_OF, TURNED, motion_of, named, packed, published
from tests.references.mvimgnet import (
    Shot,
    action_by_hand,
    jpeg,
    write_packed,
)


@pytest.fixture(params=["published", "whole", "partitioned", "with validation"])
def both(request, tmp_path):
    """The same objects in each layout."""
    if request.param == "published":
        return published(tmp_path, unplaced=(6,))
    return packed(tmp_path, partitioned=request.param == "partitioned", validation=request.param == "with validation")


def test_every_layout_holds_the_same_frames_in_the_order_of_their_numbers(both):
    assert both.categories == ("7", "12")
    assert sorted(both.instances) == sorted(OBJECTS)
    for split in SPLITS:
        frames = both.frames(split)
        expected = sorted(
            (both.instances.index(name), shot.number)
            for name, shots in OBJECTS.items()
            for shot in shots
            if SPLIT_OF[name] == split
        )
        assert list(zip(frames.instance.tolist(), frames.time.tolist(), strict=True)) == expected
        assert [both.categories[label] for label in frames.category] == [
            both.instances[instance].split("/")[0] for instance in frames.instance
        ]
        assert frames.clip.tolist() == np.unique(frames.instance, return_inverse=True)[1].tolist()
        assert np.isnan(frames.view).all()
        pixels = both.images(split, np.arange(len(frames)), size=6)
        np.testing.assert_allclose(pixels.mean(axis=(1, 2, 3)), frames.time, atol=1)


def test_motion_is_that_of_each_frame_and_actions_those_of_hand(both):
    frames = both.frames("train")
    rows = np.flatnonzero(frames.category == 0)
    shots = sorted(OBJECTS[f"7/{named('train')}"])
    for row, shot in zip(rows, shots, strict=True):
        np.testing.assert_allclose(frames.motion[row], [*shot.quaternion, *shot.translation, 1.0], rtol=1e-6)
    for here, first in zip(rows, shots, strict=True):
        for there, second in zip(rows, shots, strict=True):
            found = both.action.compute(frames.motion[[here]], frames.motion[[there]])[0]
            np.testing.assert_allclose(found, action_by_hand(first, second, landscape=True), atol=1e-6)


@pytest.mark.parametrize(("size", "landscape"), [((8, 6), 1.0), ((6, 8), 0.0), ((6, 6), 0.0)])
def test_landscape_is_wider_than_high(tmp_path, size, landscape):
    for make, folder in ((published, "published"), (packed, "packed")):
        (tmp_path / folder).mkdir()
        data = make(tmp_path / folder, size=size)
        assert (data.frames("train").motion[:, 7] == landscape).all()
        assert data.images("train", np.array([0]), size=4).shape == (1, 4, 4, 3)


def test_action_of_a_quarter_turn_keeps_the_sign_it_comes_out_with():
    identity, quarter, minus = Shot(0), Shot(1, TURNED, (1, 2, 3)), Shot(2, (-1.0, 0, 0, 0))
    landscape = {"landscape": True}

    def action(first: Shot, second: Shot) -> list[float]:
        return relative_motion(motion_of(first, **landscape), motion_of(second, **landscape))[0].tolist()

    assert action(identity, quarter) == pytest.approx([HALF, 0, HALF, 0, 1, 2, 3, 1])
    assert action(quarter, identity) == pytest.approx([HALF, 0, -HALF, 0, -1, -2, -3, 1])
    assert action(quarter, quarter) == pytest.approx([1, 0, 0, 0, 0, 0, 0, 1])
    assert action(minus, quarter) == pytest.approx([-HALF, 0, -HALF, 0, 1, 2, 3, 1])
    far = relative_motion(
        motion_of(Shot(0), landscape=False), motion_of(Shot(1, translation=(51, -9e6, 50)), landscape=True)
    )
    assert far[0].tolist() == [1, 0, 0, 0, 50, -50, 50, 0]


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**31))
def test_action_is_the_rotation_between_the_frames(seed):
    rng = np.random.default_rng(seed)
    turns = Rotation.random(2, rng=rng)
    w_first = np.roll(turns.as_quat(), 1, axis=1)
    motion = np.concatenate([w_first, rng.normal(size=(2, 3)), np.ones((2, 1))], axis=1)
    found = relative_motion(motion[:1], motion[1:])[0]
    expected = turns[0].inv() * turns[1]
    assert (Rotation.from_quat(np.roll(found[:4], -1)) * expected.inv()).magnitude() < 1e-7
    shots = [Shot(0, tuple(row[:4].tolist()), tuple(row[4:7].tolist())) for row in motion]
    np.testing.assert_allclose(found, action_by_hand(*shots, landscape=True), atol=1e-12)


def test_action_is_standardised_as_published():
    assert ACTION.size == 8
    np.testing.assert_array_equal(ACTION.mean, [0.759, -0.000354, -0.00682, -0.00723, 0.00314, 0.00787, -0.0171, 0])
    np.testing.assert_array_equal(ACTION.std, [0.431, 0.048, 0.358, 0.328, 3.8, 1.25, 1.13, 1])


def test_training_objects_of_the_table_are_those_of_train_and_validation(tmp_path):
    objects = {f"3/{number:08x}": [Shot(1)] for number in range(40)}
    write_packed(tmp_path, objects, dict.fromkeys(list(objects)[:39], "train") | {list(objects)[39]: "test"})
    data = PackedMVImgNet(tmp_path)
    found = {split: {data.instances[row] for row in data.frames(split).instance} for split in SPLITS}
    assert found["validation"] == {name for name in list(objects)[:39] if held_out(name.split("/")[1]) == "validation"}
    assert found["validation"]
    assert found["train"] == set(list(objects)[:39]) - found["validation"]
    assert found["test"] == {list(objects)[39]}


def test_frames_are_in_the_order_of_their_places_where_paths_have_no_numbers(tmp_path):
    packed(tmp_path)
    for path in tmp_path.glob("*.parquet"):
        table = pd.read_parquet(path)
        table.assign(path="somewhere").sample(frac=1, random_state=0).to_parquet(path)
    data = PackedMVImgNet(tmp_path)
    assert data.frames("train").time.tolist() == [0, 1, 2, 0]
    assert data.encoded("train", np.array([1, 0])) == [jpeg(1), jpeg(3)]


@pytest.mark.parametrize("make", [published, packed])
def test_names_of_categories_come_from_the_publishers_list(tmp_path, make):
    (tmp_path / "mvimgnet_category.txt").write_text("12,book\n0,bag\n7,hat\n")
    data = make(tmp_path)
    assert data.categories == ("book", "bag", "hat")
    assert set(data.frames("test").category.tolist()) == {2}
    (tmp_path / "mvimgnet_category.txt").write_text("12,book\n")
    with pytest.raises(InputError, match=r"category.txt: category 7 is not in it"):
        type(data)(tmp_path)
    (tmp_path / "mvimgnet_category.txt").write_text("book,12\n")
    with pytest.raises(InputError, match=r"category.txt: lines of id,name are needed"):
        type(data)(tmp_path)


@pytest.mark.parametrize("make", [published, packed])
def test_a_list_of_objects_chooses_among_them(tmp_path, make):
    root = tmp_path / "data"
    root.mkdir()
    make(root)
    chosen = f"7/{named('train')}"
    listing = tmp_path / "list.txt"
    listing.write_text(f"{chosen}/images/001.jpg\n\n/elsewhere/7/{named('test')}\n")
    data = open_data(f"mvimgnet-f:{root}?objects={listing}")
    assert isinstance(data, MVImgNet if make is published else PackedMVImgNet)
    assert set(data.instances) == {chosen, f"7/{named('test')}"}
    assert data.categories == ("7",)
    assert [len(data.frames(split)) for split in SPLITS] == [3, 0, 2]
    assert len(data.encoded("test", np.array([1, 0]))) == 2
    for text, said in (
        ("7/none\n", r"line 1, '7/none', names no category"),
        ("\n", r"0 objects: at least 1 is needed"),
    ):
        listing.write_text(text)
        with pytest.raises(InputError, match=said):
            type(data)(root, objects=str(listing))
    with pytest.raises(InputError, match=r"nowhere: a text file with an object a line is needed"):
        type(data)(root, objects="nowhere")
    with pytest.raises(InputError, match=r"\?objects=LIST is needed"):
        open_data(f"mvimgnet-f:{root}")


def _send_first(connection, data) -> None:
    connection.send(data.encoded("train", np.array([0])))


def test_packed_images_are_read_in_a_process_that_was_forked_later(tmp_path):
    data = packed(tmp_path)
    expected = data.encoded("train", np.array([0]))
    here, there = multiprocessing.Pipe()
    child = multiprocessing.get_context("fork").Process(target=_send_first, args=(there, data))
    child.start()
    assert here.poll(30)
    assert here.recv() == expected
    child.join()


# COLMAP's files
