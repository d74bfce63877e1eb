"""What a file may be made for: to fill the memory, to hang a reader, to have it look elsewhere."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.fuzz.cases import CASES
from tests.fuzz.child import Child, check
from tests.fuzz.mutations import DEEP
from tests.references.imagefiles import picture
from tests.references.meshfiles import png

SIDE = 60_000
"""Pixels, of an image that would take 10 GB."""
JPEG = bytes.fromhex("ffd8ffe000104a46494600010100000100010000")


def vast_jpeg() -> bytes:
    """A header, and nothing after it."""
    return JPEG + bytes.fromhex("ffc0001108") + SIDE.to_bytes(2, "big") * 2 + bytes.fromhex("03012200021101031101")


def replaced(pattern: str, content: bytes) -> Callable[[Path], None]:
    """Every file of that name holds this."""

    def spoil(root: Path) -> None:
        for path in root.glob(pattern):
            path.write_bytes(content)

    return spoil


def with_pipe(root: Path) -> None:
    """An image that one could wait for."""
    path = next(root.glob("*/*/*.png"))
    path.unlink()
    os.mkfifo(path)


def with_hole(root: Path) -> None:
    """An image of a terabyte, none of which is on the disk."""
    os.truncate(next(root.glob("*/*/*.png")), 1 << 40)


def listed(path: str) -> Callable[[Path], None]:
    """The manifest names this image."""

    def spoil(root: Path) -> None:
        (root.parent / "secret.png").write_bytes(picture(1))
        table = root / "manifest.csv"
        table.write_text(table.read_text().replace("kind-0/thing-0/0.png", path.format(root.parent)))

    return spoil


def lying_elsewhere(root: Path) -> None:
    """HDF5 whose images are those of another file."""
    other = root.parent / "other.h5"
    (root / "data.h5").rename(other)
    with h5py.File(root / "data.h5", "w") as file:
        file["train"], file["test"] = h5py.ExternalLink(str(other), "train"), h5py.ExternalLink(str(other), "test")


def of_many(root: Path) -> None:
    """HDF5 that claims an entry of a terabyte, and stores none of it."""
    with h5py.File(root / "data.h5", "a") as file:
        del file["train"]
        file.create_dataset("train", (100, 1 << 40), np.uint8, chunks=(1, 1 << 20))


def of_many_images(root: Path) -> None:
    """HDF5 that claims a trillion images, and stores one."""
    with h5py.File(root / "data.h5", "a") as file:
        del file["train"]
        store = file.create_dataset("train", (1 << 40,), h5py.vlen_dtype(np.uint8), chunks=(64,))
        store[0] = np.frombuffer(picture(1), np.uint8)


def called(name: str) -> Callable[[Path], None]:
    """A folder beside the others whose name looks like a number."""
    return lambda root: (root / name).mkdir()


def told_in_latin(root: Path) -> None:
    """A table whose strings are no UTF-8."""
    path = root / "dataset_test2.parquet"
    table = pq.read_table(path)
    paths = pa.array([b"\xb1/a/images/000.jpg"] * len(table), pa.binary())
    strings = pa.Array.from_buffers(pa.string(), len(paths), paths.buffers())
    pq.write_table(table.set_column(table.column_names.index("path"), "path", strings), path)


def of_no_data(root: Path) -> None:
    """A grid whose data are not described."""
    path = root / "grid.json"
    stored = json.loads(path.read_text())
    path.write_text(json.dumps({**stored, "data": dict.fromkeys(stored["data"], "")}))


BOMB = gzip.compress(b"[" + b" " * (400 << 20) + b"]", compresslevel=1)
DEEP_GZIP = gzip.compress(DEEP.encode())
HOSTILE: dict[str, tuple[str, Callable[[Path], None], str]] = {
    "vast PNG": ("images", replaced("*/*/*.png", png(np.zeros((4, 4, 3)), (SIDE, SIDE))), "no image that can be read"),
    "vast JPEG": ("images", replaced("*/*/*.png", vast_jpeg()), "no image that can be read"),
    "vast JPEG of COLMAP": ("mvimgnet", replaced("*/*/images/*.jpg", vast_jpeg()), "no image that OpenCV can decode"),
    "pipe": ("images", with_pipe, "MiB at most"),
    "hole": ("images", with_hole, "MiB at most"),
    "above": ("images", listed("../secret.png"), "lies elsewhere"),
    "absolute": ("images", listed("{}/secret.png"), "lies elsewhere"),
    "bomb": ("co3d", replaced("*/frame_annotations.jgz", BOMB), "times as large"),
    "deep gzip": ("co3d", replaced("*/frame_annotations.jgz", DEEP_GZIP), "no JSON that can be read"),
    "another file": ("rt4k", lying_elsewhere, "lies in another file"),
    "vast entry": ("rt4k", of_many, "too large"),
    "many images": ("rt4k", of_many_images, "no image that OpenCV can decode"),
    "not UTF-8": ("mvimgnet-packed", told_in_latin, "column path holds bytes that are no UTF-8"),
    "grid of no data": ("grid", of_no_data, "no grid of armplay"),
    "superscript": ("mvimgnet", called("²"), ""),
    **{
        f"deep {name}": (name, replaced(file, DEEP.encode()), "nested")
        for name, file in (
            ("dataset", "dataset.json"),
            ("settings", "settings.json"),
            ("encoder", "config.json"),
            ("grid", "grid.json"),
            ("term", "term.json"),
        )
    },
}


@pytest.mark.parametrize("name", HOSTILE)
def test_it_is_refused(name: str, child: Child, tmp_path: Path) -> None:
    reader, spoil, told = HOSTILE[name]
    root = tmp_path / "folder"
    CASES[reader].write(root)
    spoil(root)
    answer = child.read(reader, root)
    check(answer, root)
    assert told in answer.told
    assert answer.outcome == ("refused" if told else "read")
