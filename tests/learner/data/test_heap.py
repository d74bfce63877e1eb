"""Images of variable length in HDF5, however they are laid out, are those that h5py reads; most are read without it."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from learner.data.hdf5 import Hdf5
from learner.data.heap import REFERENCE, Places, check_collections, places
from sim.errors import InputError

COUNT = 300
BYTES = h5py.vlen_dtype(np.uint8)
Write = Callable[[h5py.File, list[np.ndarray]], None]


def contents(seed: int) -> list[np.ndarray]:
    """Most are small, some tiny, and three larger than a collection is by default."""
    rng = np.random.default_rng(seed)
    sizes = np.where(rng.random(COUNT) < 0.2, rng.integers(1, 9, size=COUNT), rng.integers(40, 300, size=COUNT))
    sizes[[5, 150, 299]] = 5000, 70_000, 1_000_003
    return [rng.integers(256, size=size, dtype=np.uint8) for size in sizes]


def one_by_one(file: h5py.File, images: list[np.ndarray], **layout: Any) -> h5py.Dataset:
    store = file.create_dataset("train", (len(images),), dtype=BYTES, **layout)
    for row, image in enumerate(images):
        store[row] = image
    return store


def laid(**layout: Any) -> Write:
    return lambda file, images: one_by_one(file, images, **layout) and None


def at_once(file: h5py.File, images: list[np.ndarray]) -> None:
    """In one call."""
    file.create_dataset("train", data=np.array([*images, None], dtype=object)[:-1], dtype=BYTES)


def growing(file: h5py.File, images: list[np.ndarray]) -> None:
    """As our own export writes it."""
    store = file.create_dataset("train", (0,), maxshape=(None,), dtype=BYTES)
    for row, image in enumerate(images):
        store.resize((row + 1,))
        store[row] = image


def in_any_order(file: h5py.File, images: list[np.ndarray]) -> None:
    store = file.create_dataset("train", (len(images),), dtype=BYTES)
    for row in np.random.default_rng(1).permutation(len(images)):
        store[row] = images[row]


def after_another(file: h5py.File, images: list[np.ndarray]) -> None:
    """The last collection of the other is the first of this one."""
    file.create_dataset("test", (1,), dtype=BYTES)[0] = images[0]
    one_by_one(file, images)


def among_others(file: h5py.File, images: list[np.ndarray]) -> None:
    store, other = (file.create_dataset(name, (len(images),), dtype=BYTES) for name in ("train", "test"))
    for row, image in enumerate(images):
        other[row], store[row] = image[::-1], image


def rewritten(file: h5py.File, images: list[np.ndarray]) -> None:
    """Objects are taken out of collections, and those after them move up."""
    store = one_by_one(file, images[::-1])
    for row in np.random.default_rng(2).permutation(len(images)):
        store[row] = images[row]


def signed(file: h5py.File, images: list[np.ndarray]) -> None:
    store = file.create_dataset("train", (len(images),), dtype=h5py.vlen_dtype(np.int8))
    for row, image in enumerate(images):
        store[row] = image.view(np.int8)


def texts(file: h5py.File, images: list[np.ndarray]) -> None:
    store = file.create_dataset("train", (len(images),), dtype=h5py.string_dtype("ascii"))
    for row, image in enumerate(images):
        store[row] = image.tobytes().hex()


def some(file: h5py.File, images: list[np.ndarray]) -> None:
    """Every third is written, and some are empty."""
    store = file.create_dataset("train", (len(images),), dtype=BYTES)
    for row in range(0, len(images), 3):
        store[row] = images[row][: len(images[row]) * (row % 2)]


def with_holes(file: h5py.File, images: list[np.ndarray]) -> None:
    """Chunks that were never written."""
    store = file.create_dataset("train", (len(images),), dtype=BYTES, chunks=(32,))
    for row in range(64, 128):
        store[row] = images[row]


LAYOUTS: dict[str, tuple[Write, dict[str, Any], float]] = {
    "contiguous": (laid(), {}, 1),
    "latest": (laid(), {"libver": "latest"}, 1),
    "at once": (at_once, {}, 1),
    "any order": (in_any_order, {}, 1),
    "chunked": (laid(chunks=(32,)), {}, 1),
    "chunked, latest": (laid(chunks=(77,)), {"libver": "latest"}, 1),
    "one large chunk": (laid(chunks=(1000,), maxshape=(None,)), {}, 1),
    "growing": (growing, {}, 1),
    "growing, latest": (growing, {"libver": "latest"}, 1),
    "after another": (after_another, {}, 0.3),
    "among others": (among_others, {}, 0),
    "rewritten": (rewritten, {}, 0),
    "some": (some, {}, 0.1),
    "holes": (with_holes, {}, 0.1),
    "compressed": (laid(chunks=(32,), compression="gzip"), {}, 0),
    "shuffled": (laid(chunks=(32,), shuffle=True), {}, 0),
    "behind others": (laid(), {"userblock_size": 1024}, 0),
    "signed": (signed, {}, 0),
    "texts": (texts, {}, 0),
}
"""How it is written, into what file, and what share at least is read without h5py."""


def plainly(path: Path) -> list[bytes]:
    """By h5py, one by one."""
    with h5py.File(path, "r") as file:
        return [value if isinstance(value, bytes) else value.tobytes() for value in file["train"]]


@pytest.mark.parametrize("name", LAYOUTS)
def test_entries_are_those_of_h5py(name: str, tmp_path: Path) -> None:
    write, how, share = LAYOUTS[name]
    path = tmp_path / "data.h5"
    with h5py.File(path, "w", **how) as file:
        write(file, contents(0))
    expected = plainly(path)
    rng = np.random.default_rng(3)
    rows = np.concatenate([rng.permutation(COUNT), rng.integers(COUNT, size=40)])
    assert Hdf5(path).entries(["train"], rows) == [expected[row] for row in rows]
    with h5py.File(path, "r") as file:
        known = places(file["train"], file.id.get_vfd_handle())
        found = known.read(file.id.get_vfd_handle(), np.arange(COUNT)) if known else [None] * COUNT
    assert all(data in (None, expected[row]) for row, data in enumerate(found))
    assert sum(data is not None for data in found) >= share * COUNT


def collection(objects: list[tuple[int, bytes]]) -> bytes:
    """One of the global heap, as the specification has it."""
    body = b"".join(
        struct.pack("<HHIQ", number, 1, 0, len(data)) + data.ljust(-(-len(data) // 8) * 8, b"\0")
        for number, data in objects
    )
    return struct.pack("<4sB3xQ", b"GCOL", 1, 16 + len(body)) + body


def test_only_what_its_header_names_is_read(tmp_path: Path) -> None:
    data = b"before.." + collection([(1, b"first"), (3, b"third one"), (4, b"")])
    (tmp_path / "heap").write_bytes(data)
    headers = [24, 48, 48, 48, 24, len(data) - 16, len(data), 1 << 62]
    lengths = [5, 9, 8, 9, 0, 1, 9, 9]
    numbers = [1, 3, 3, 1, 1, 4, 3, 3]
    known = Places(np.array(headers), np.array(lengths), np.array(numbers, np.uint32), np.zeros(8, np.uint64))
    with (tmp_path / "heap").open("rb") as file:
        found = known.read(file.fileno(), np.array([1, *range(len(headers)), 0]))
    assert found == [b"third one", b"first", b"third one", *[None] * 6, b"first"]


@pytest.mark.parametrize(
    ("number", "length", "fine"),
    [(2, 9, True), (0, 32, True), (0, 0, False), (0, 8, False), (2, 40, False), (2, 2**64 - 1, False)],
)
def test_what_hdf5_would_turn_in_for_ever_is_not_given_to_it(
    number: int, length: int, fine: bool, tmp_path: Path
) -> None:
    data = bytearray(b"before.." + collection([(1, b"first"), (2, b"second one"), (3, b"")]))
    data[48:64] = struct.pack("<HHIQ", number, 1, 0, length)
    (tmp_path / "heap").write_bytes(data)
    with (tmp_path / "heap").open("rb") as file:
        check_collections(file.fileno(), np.array([0, 1, len(data) - 4, len(data), 2**64 - 1], np.uint64))
        offsets = np.array([8, 8, 0], np.uint64)
        if fine:
            check_collections(file.fileno(), offsets)
        else:
            with pytest.raises(ValueError, match=f"byte 8 holds an object of {length} bytes at 40 of 88"):
                check_collections(file.fileno(), offsets)


@pytest.mark.parametrize("count", [3, COUNT])
def test_a_damaged_collection_is_told(count: int, tmp_path: Path) -> None:
    path = tmp_path / "data.h5"
    with h5py.File(path, "w") as file:
        among_others(file, contents(0)[:count])
    content = bytearray(path.read_bytes())
    at = content.index(b"GCOL") + 16
    content[at : at + 16] = bytes(16)
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"data\.h5: .* collection at byte \d+ holds an object of 0 bytes"):
        Hdf5(path).entries(["train"], np.arange(count))


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, int, list[bytes]]:
    """A file, the offset of its references, and its images."""
    path = tmp_path_factory.mktemp("heap") / "data.h5"
    with h5py.File(path, "w") as file:
        images = [image[:200] for image in contents(0)]
        offset = one_by_one(file, images).id.get_offset()
    return path.read_bytes(), offset, [image.tobytes() for image in images]


LIMITS = {"length": 2**32 - 1, "collection": 2**64 - 1, "number": 2**32 - 1}
WILD = (0, 1, 7, 255, 2**16, 2**31, 2**32 - 1, 2**32, 2**63 - 1, 2**63, 2**64 - 17, 2**64 - 1)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_wrong_references_lead_nowhere_else(
    sound: tuple[bytes, int, list[bytes]], tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """What is right is itself or is left to h5py; what is wrong is another image as a whole, or left to it too."""
    content, offset, images = sound
    references = np.frombuffer(content, REFERENCE, COUNT, offset).copy()
    wrong = data.draw(st.sets(st.integers(0, COUNT - 1), min_size=1, max_size=20))
    for row in wrong:
        name = data.draw(st.sampled_from(sorted(LIMITS)))
        references[name][row] = min(data.draw(st.sampled_from(WILD) | st.integers(0, 2**20)), LIMITS[name])
    path = tmp_path_factory.mktemp("wrong") / "data.h5"
    path.write_bytes(content[:offset] + references.tobytes() + content[offset + references.nbytes :])
    with h5py.File(path, "r") as file:
        known = places(file["train"], file.id.get_vfd_handle())
        assert known is not None
        found = known.read(file.id.get_vfd_handle(), np.arange(COUNT))
    original = np.frombuffer(content, REFERENCE, COUNT, offset)
    for row, entry in enumerate(found):
        same = references[row] == original[row]
        assert entry is None or (entry == images[row] if same else entry in images)


def test_a_file_that_shrinks_is_left_to_h5py(sound: tuple[bytes, int, list[bytes]], tmp_path: Path) -> None:
    path = tmp_path / "data.h5"
    path.write_bytes(sound[0])
    with h5py.File(path, "r") as file:
        known = places(file["train"], file.id.get_vfd_handle())
        assert known is not None
        path.write_bytes(sound[0][: len(sound[0]) // 2])
        found = known.read(file.id.get_vfd_handle(), np.arange(COUNT))
    assert found[0] == sound[2][0]
    assert found[-1] is None
