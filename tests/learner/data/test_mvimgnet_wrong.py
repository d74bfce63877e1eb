"""What is wrong with files of MVImgNet, or hostile in those of COLMAP, is named and does no harm."""

from __future__ import annotations

import math

import h5py
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from learner.data.colmap import read_cameras, read_images
from learner.data.mvimgnet import MVImgNet
from learner.data.mvimgnet_packed import PackedMVImgNet
from sim.errors import InputError
from tests.learner.data.mvimgnet_objects import TURNED, named, packed, published
from tests.references.mvimgnet import (
    PINHOLE,
    Shot,
    write_cameras,
    write_images,
)


def test_colmap_files_are_read_as_they_were_written(tmp_path):
    write_cameras(tmp_path / "cameras.bin", {3: (PINHOLE, 640, 480), 9: (4, 2**33, 1)})
    assert read_cameras(tmp_path / "cameras.bin") == {3: (640, 480), 9: (2**33, 1)}
    shots = [Shot(2, TURNED, (1.0, -2.0, 0.25)), Shot(1)]
    write_images(tmp_path / "images.bin", shots, camera=9, points=5)
    for image, shot in zip(read_images(tmp_path / "images.bin"), shots, strict=True):
        assert (image.name, image.camera) == (f"{shot.number:03d}.jpg", 9)
        np.testing.assert_array_equal(image.quaternion, shot.quaternion)
        np.testing.assert_array_equal(image.translation, shot.translation)


@pytest.mark.parametrize(("file", "read"), [("cameras.bin", read_cameras), ("images.bin", read_images)])
def test_a_colmap_file_that_ends_early_is_refused_at_every_byte(tmp_path, file, read):
    path = tmp_path / file
    if read is read_cameras:
        write_cameras(path, {1: (PINHOLE, 8, 6), 2: (PINHOLE, 8, 6)})
    else:
        write_images(path, [Shot(1), Shot(2)], points=1)
    whole = path.read_bytes()
    for end in range(len(whole)):
        path.write_bytes(whole[:end])
        with pytest.raises(InputError, match=file):
            read(path)


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_no_false_byte_in_a_colmap_file_does_more_than_raise(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "images.bin"
    write_images(path, [Shot(1), Shot(2)], points=1)
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    found, said = [], ""
    try:
        found = read_images(path)
    except InputError as error:
        said = str(error)
    assert "\n" not in said
    assert len(found) <= 2
    assert all(np.isfinite(image.quaternion).all() for image in found)


def test_hostile_counts_names_poses_and_models_are_named(tmp_path):
    path = tmp_path / "images.bin"
    path.write_bytes((2**64 - 1).to_bytes(8, "little"))
    with pytest.raises(InputError, match=r"images.bin: ends after 8 bytes, within image 1 of 18446744073709551615"):
        read_images(path)
    write_images(path, [Shot(1, (0.0, 0.0, 0.0, 0.0))])
    with pytest.raises(InputError, match=r"images.bin: '001.jpg' has the pose .*: finite numbers and a rotation"):
        read_images(path)
    write_images(path, [Shot(1, translation=(math.nan, 0.0, 0.0))])
    with pytest.raises(InputError, match=r"images.bin: '001.jpg' has the pose"):
        read_images(path)
    write_images(path, [Shot(1)])
    path.write_bytes(path.read_bytes().replace(b"001.jpg", b"../1jpg"))
    with pytest.raises(InputError, match=r"image 1 of 1 has no name, or one that is no plain file name"):
        read_images(path)
    write_cameras(tmp_path / "cameras.bin", {1: (PINHOLE, 8, 6)})
    content = bytearray((tmp_path / "cameras.bin").read_bytes())
    content[12] = 11
    (tmp_path / "cameras.bin").write_bytes(content)
    with pytest.raises(InputError, match=r"cameras.bin: camera 1 has model 11: 0 to 10 are known"):
        read_cameras(tmp_path / "cameras.bin")


# What is missing or wrong


def test_what_is_wrong_with_the_published_layout_is_named(tmp_path):
    with pytest.raises(InputError, match=r"no such folder"):
        MVImgNet(tmp_path / "nowhere")
    with pytest.raises(InputError, match=r"no <category id>/<object>/sparse/0/images.bin"):
        MVImgNet(tmp_path)
    data = published(tmp_path)
    with pytest.raises(InputError, match=r"^split=dev: unknown"):
        data.frames("dev")
    folder = tmp_path / f"7/{named('test')}"
    (folder / "images" / "004.jpg").unlink()
    assert len(data.encoded("test", np.array([0]))) == 1
    with pytest.raises(InputError, match=r"004.jpg: cannot be read \(No such file"):
        data.encoded("test", np.array([1]))
    model = folder / "sparse" / "0"
    for shots, camera, said in (
        ([Shot(2), Shot(2)], 1, r"has frame 2 twice"),
        ([Shot(2)], 5, r"'002.jpg' is by camera 5, which is not in cameras.bin"),
    ):
        write_images(model / "images.bin", shots, camera=camera)
        with pytest.raises(InputError, match=said):
            MVImgNet(tmp_path).frames("test")
    (model / "images.bin").write_bytes((model / "images.bin").read_bytes().replace(b"002.jpg", b"one.jpg"))
    with pytest.raises(InputError, match=r"'one.jpg': a file name with a number is needed"):
        MVImgNet(tmp_path).frames("test")
    (model / "cameras.bin").unlink()
    with pytest.raises(InputError, match=r"cameras.bin: cannot be read"):
        MVImgNet(tmp_path).frames("test")
    (model / "images.bin").unlink()
    assert f"7/{named('test')}" not in MVImgNet(tmp_path).instances


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda table: table.drop(columns="q2"), r"column q2 is missing"),
        (lambda table: table.assign(category="hat"), r"column category holds .*string"),
        (lambda table: table.assign(q0="1"), r"column q0 holds .*string"),
        (lambda table: table.assign(object=None), r"column object "),
        (lambda table: table.assign(t1=math.inf), r"column t1 is not finite in row 0"),
        (lambda table: table.assign(frame=table["frame"] + 9), r"holds|no entry"),
        (lambda table: table.assign(category=8), r"8/\w+"),
        (lambda table: pd.concat([table, table]), r"has frame \d twice"),
    ],
)
def test_what_is_wrong_with_a_table_is_named(tmp_path, change, said):
    packed(tmp_path)
    path = tmp_path / "dataset_train2.parquet"
    change(pd.read_parquet(path)).to_parquet(path)
    with pytest.raises(InputError, match=said) as caught:
        PackedMVImgNet(tmp_path).frames("train")
    assert "\n" not in str(caught.value)


def test_what_is_wrong_with_the_packed_files_is_named(tmp_path):
    with pytest.raises(InputError, match=r"neither data2.h5 nor data_all.h5"):
        PackedMVImgNet(tmp_path)
    packed(tmp_path)
    test = tmp_path / "dataset_test2.parquet"
    whole = test.read_bytes()
    test.write_bytes((tmp_path / "dataset_train2.parquet").read_bytes())
    with pytest.raises(InputError, match=r"dataset_test2.parquet: 7/\w+ is for \w+ too"):
        PackedMVImgNet(tmp_path)
    for content in (whole[:-9], b""):
        test.write_bytes(content)
        with pytest.raises(InputError, match=r"dataset_test2.parquet: no Parquet table"):
            PackedMVImgNet(tmp_path)
    test.unlink()
    with pytest.raises(InputError, match=r"dataset_test2.parquet: no such file"):
        PackedMVImgNet(tmp_path)
    test.write_bytes(whole)
    with h5py.File(tmp_path / "data2.h5", "a") as file:
        file[f"7/{named('test')}"][0] = np.frombuffer(b"no image", np.uint8)
    with pytest.raises(InputError, match=rf"data2.h5: 7/{named('test')}, frame 0: no image"):
        PackedMVImgNet(tmp_path).frames("test")
    (tmp_path / "data2.h5").write_bytes(b"no hdf5")
    with pytest.raises(InputError, match=r"data2.h5: no HDF5 file"):
        PackedMVImgNet(tmp_path)
