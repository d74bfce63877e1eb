"""Reading in parallel, decoding, HDF5 across threads and forks, and names of datasets."""

from __future__ import annotations

import io
import multiprocessing
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from learner.data import KINDS, open_data
from learner.data.base import AT_ONCE, CHUNK, LARGEST, ImageData, decode_into, read_whole
from learner.data.hdf5 import Hdf5
from learner.data.rt4k import Rt4k
from sim.errors import InputError
from tests.references.imagefiles import codes, picture, write_rt4k


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> tuple[ImageData, list[int]]:
    """200 frames, more than a chunk for each of a few threads, and their codes."""
    root = tmp_path_factory.mktemp("rt4k")
    views = {"mug_000": list(range(1, 181))}
    pictures = write_rt4k(root, {"train": {"mug_000": "mug"}, "test": {"mug_001": "mug"}}, views=views)
    return Rt4k(root), [pictures["mug_000", view] for view in views["mug_000"]]


@pytest.mark.parametrize("count", [0, 1, 5, CHUNK, 4 * CHUNK + 1])
def test_images_come_in_the_order_of_rows(data: tuple[ImageData, list[int]], count: int) -> None:
    loaded, expected = data
    rows = np.random.default_rng(count).integers(180, size=count)
    images = loaded.images("train", rows, size=12)
    assert images.shape == (count, 12, 12, 3)
    assert codes(images) == [expected[row] for row in rows]
    batches = list(loaded.batches("train", rows, size=12, batch=50))
    assert [len(batch) for batch in batches] == [50] * (count // 50) + ([count % 50] if count % 50 else [])
    assert [code for images in batches for code in codes(images)] == [expected[row] for row in rows]


def test_threads_may_read_at_once(data: tuple[ImageData, list[int]]) -> None:
    loaded, expected = data

    def use(seed: int) -> bool:
        rows = np.random.default_rng(seed).integers(180, size=40)
        return codes(loaded.images("train", rows, size=12)) == [expected[row] for row in rows]

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(use, range(40)))


def read_in_child(loaded: ImageData, seed: int, out: multiprocessing.Queue[list[int]]) -> None:
    for turn in range(10):
        rows = np.random.default_rng((seed, turn)).integers(180, size=40)
        out.put(codes(loaded.images("train", rows, size=12)))


@pytest.mark.skipif(sys.platform == "win32", reason="no fork there")
def test_forked_processes_read_on(data: tuple[ImageData, list[int]]) -> None:
    """While the parent reads too, from the same open file."""
    loaded, expected = data
    loaded.images("train", np.arange(180))  # threads and handles are there before the fork
    fork = multiprocessing.get_context("fork")
    queues = [fork.Queue() for _ in range(2)]
    children = [fork.Process(target=read_in_child, args=(loaded, seed, queue)) for seed, queue in enumerate(queues)]
    for child in children:
        child.start()
    for _ in range(10):
        assert codes(loaded.images("train", np.arange(180), size=12)) == expected
    for seed, queue in enumerate(queues):
        for turn in range(10):
            rows = np.random.default_rng((seed, turn)).integers(180, size=40)
            assert queue.get(timeout=60) == [expected[row] for row in rows]
    for child in children:
        child.join(60)
        assert child.exitcode == 0


def test_splits_that_do_not_exist_are_refused(data: tuple[ImageData, list[int]]) -> None:
    with pytest.raises(InputError, match="split=all: unknown, known are train, validation, test"):
        data[0].frames("all")
    with pytest.raises(InputError, match="split=all: unknown"):
        data[0].images("all", np.arange(1))


def decode(data: bytes, size: int) -> np.ndarray:
    found = np.full((size, size, 3), 77, dtype=np.uint8)
    assert decode_into(found, data)
    return found


def png(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def test_decoding_keeps_colours_and_the_middle() -> None:
    rng = np.random.default_rng(0)
    pixels = rng.integers(256, size=(20, 20, 3), dtype=np.uint8)
    np.testing.assert_array_equal(decode(png(pixels), 20), pixels)
    for wide in (pixels[4:16], pixels[:, 4:16]):
        middle = wide[:, 4:16] if wide.shape[1] == 20 else wide[4:16]
        np.testing.assert_array_equal(decode(png(wide), 12), middle)
    grey = decode(png(pixels[:, :, 0]), 20)
    np.testing.assert_array_equal(grey, np.repeat(pixels[:, :, :1], 3, axis=2))


@pytest.mark.parametrize("shape", [(20, 20), (20, 40), (40, 20), (41, 20), (7, 5), (1, 1), (1, 30)])
def test_other_sizes_are_scaled(shape: tuple[int, int]) -> None:
    """A mean over areas where the size halves; any shape gives a square."""
    rng = np.random.default_rng(1)
    pixels = rng.integers(256, size=(*shape, 3), dtype=np.uint8)
    found = decode(png(pixels), 10)
    assert found.shape == (10, 10, 3)
    if shape == (20, 20):
        means = pixels.reshape(10, 2, 10, 2, 3).mean(axis=(1, 3))
        assert np.abs(found - means).max() <= 1


@pytest.mark.parametrize("content", [b"", b"no image", picture(1)[:30]])
def test_what_is_no_image_is_not_decoded(content: bytes) -> None:
    assert not decode_into(np.empty((8, 8, 3), dtype=np.uint8), content)


def test_hdf5_entries_of_other_types(tmp_path: Path) -> None:
    """Bytes of fixed length, opaque ones, and numbers, which are no images."""
    h5py = pytest.importorskip("h5py")
    images = [picture(code) for code in (1, 2, 3)]
    longest = max(map(len, images))
    with h5py.File(tmp_path / "data.h5", "w") as file:
        file["strings"] = np.array(images, dtype=f"S{longest}")
        file["opaque"] = np.array(images, dtype=f"V{longest}")
        file.create_dataset("texts", data=[image.hex() for image in images])
        file["rows"] = np.stack([np.frombuffer(image.ljust(longest, b"\0"), np.uint8) for image in images])
        file["numbers"] = np.arange(3.0)
        file["deep/er"] = np.arange(3)
    store = Hdf5(tmp_path / "data.h5")
    for name in ("strings", "opaque", "rows"):
        found = store.entries([name], np.array([2, 0, 1, 2]))
        assert codes(np.stack([decode(data, 12) for data in found])) == [3, 1, 2, 3]
    with pytest.raises(InputError, match="/numbers holds float64: the bytes of encoded images are expected"):
        store.entries(["numbers"], np.arange(2))
    for place in (["absent"], ["deep", "absent"], ["numbers", "0"]):
        with pytest.raises(InputError, match=f"data.h5: holds no {'/'.join(place)}, where images are expected"):
            store.entries(place, np.arange(2))
    for wrong in (-1, 3):
        with pytest.raises(InputError, match=f"/strings has no entry {wrong}: it holds 3"):
            store.entries(["strings"], np.array([0, wrong]))


def test_hdf5_that_was_cut_short_is_refused(tmp_path: Path) -> None:
    write_rt4k(tmp_path, {"train": {"mug_000": "mug"}, "test": {"mug_001": "mug"}})
    whole = (tmp_path / "data.h5").read_bytes()
    (tmp_path / "data.h5").write_bytes(whole[:-500])
    with pytest.raises(InputError, match=r"data.h5: no HDF5 file that can be read"):
        Rt4k(tmp_path)


def test_without_h5py_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_rt4k(tmp_path, {"train": {"mug_000": "mug"}, "test": {"mug_001": "mug"}})
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(
        InputError, match=r"h5py is not installed, so .*data.h5 cannot be read: pip install -e .\[data\]"
    ):
        Rt4k(tmp_path)


@pytest.mark.parametrize("text", ["rt4k", "rt4k:", ":x", "nowhere:x", "", "RT4K:x"])
def test_names_of_datasets(text: str) -> None:
    with pytest.raises(InputError, match=f"data={text}: KIND:ROOT is needed, with one of .*rt4k") as raised:
        open_data(text)
    assert all(kind in str(raised.value) for kind in KINDS)


@pytest.mark.parametrize("size", [1, AT_ONCE - 1, AT_ONCE, AT_ONCE + 1, 3 * AT_ONCE])
def test_a_file_of_any_size_is_read_whole(tmp_path, size):
    content = np.random.default_rng(size).bytes(size)
    (tmp_path / "image.jpg").write_bytes(content)
    assert read_whole(str(tmp_path / "image.jpg")) == content


def test_what_is_no_file_or_too_large_is_refused(tmp_path):
    (tmp_path / "empty.jpg").touch()
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "large.jpg").touch()
    os.truncate(tmp_path / "large.jpg", LARGEST + 1)
    for name in ("pipe.jpg", "large.jpg"):
        with pytest.raises(ValueError, match="256 MiB at most"):
            read_whole(str(tmp_path / name))
    assert read_whole(str(tmp_path / "empty.jpg")) == b""
    with pytest.raises(IsADirectoryError):
        read_whole(str(tmp_path))
