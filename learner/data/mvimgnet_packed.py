"""MVImgNet as AA-SSL's authors packed it: encoded images in HDF5, and Parquet tables that say what they show."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import numpy as np

from agent.dataset import held_out
from agent.encoded import size_of
from learner.data.base import Frames, ImageData, check_split
from learner.data.hdf5 import Hdf5
from learner.data.mvimgnet import (
    ACTION,
    MVImgNet,
    assemble,
    category_names,
    category_of,
    check_ascending,
    chosen_objects,
    frame_number,
    object_of,
)
from learner.data.tables import Kind, read_columns
from sim.errors import InputError
from sim.objects.splits import SPLITS

POSE = ("q0", "q1", "q2", "q3", "t0", "t1", "t2")
NAME: dict[str, Kind] = {"category": "whole", "object": "text"}
COLUMNS: dict[str, Kind] = {**NAME, "frame": "whole", "path": "text", **dict.fromkeys(POSE, "real")}


class Packing(NamedTuple):
    """One of the two ways in which they packed it."""

    images: str
    """`[category][object][frame]`, or the same below `[partition]`."""
    table: str
    """Name of the table of a split."""
    columns: dict[str, Kind]


WHOLE = Packing("data2.h5", "dataset_{}2.parquet", COLUMNS)
PARTITIONED = Packing("data_all.h5", "dataset_{}_all3.parquet", {**COLUMNS, "partition": "text"})


class _Split(NamedTuple):
    """What is known of a split."""

    frames: Frames
    stored: np.ndarray
    """int64 [N]: places of the frames in the arrays of their objects."""
    partition: dict[int, str]
    """Of each instance, where there are partitions."""


class PackedMVImgNet(ImageData):
    """The packed layout, partitioned or not: which of the two is seen from the files that are there.

    Test objects are those of the test table. The authors' script also writes a table for validation; where there is
    none, a tenth of the training objects are for validation, by `agent.dataset.held_out`, so that train and validation
    are the published training objects. The landscape flag is that of an object's first image, whose header alone is
    decoded.
    """

    kind = "mvimgnet-packed"
    image_size = 224
    action = ACTION

    def __init__(self, root: Path, *, objects: str = "") -> None:
        """`objects`: a file that lists those to use, as for `mvimgnet.chosen_objects`; all by default."""
        super().__init__(root)
        packing = packing_of(root)
        if packing is None:
            told = f"neither {WHOLE.images} nor {PARTITIONED.images}"
            raise InputError(f"{root}: {told}, so it is not MVImgNet as the authors packed it")
        self._columns, self._file = packing.columns, Hdf5(root / packing.images)
        self._tables = {
            split: root / packing.table.format(short)
            for split, short in zip(SPLITS, ("train", "val", "test"), strict=True)
        }
        self._split_of = _splits(self._tables)
        if not self._tables["validation"].is_file():
            self._tables["validation"] = self._tables["train"]
        names = sorted(self._split_of, key=lambda name: (category_of(name), name))
        self.instances = chosen_objects(names, objects)
        self.categories, self._category = category_names(root, {category_of(name) for name in self.instances})
        self._splits: dict[str, _Split] = {}

    def frames(self, split: str) -> Frames:
        """Reads the table of the split, and the header of one image of each object, the first time."""
        return self._split(split).frames

    def encoded(self, split: str, rows: np.ndarray) -> list[bytes]:
        known = self._split(split)
        found: list[bytes] = []
        # Neighbours are of one object as a rule, which is then looked up once.
        for instance, group in groupby(rows.tolist(), lambda row: int(known.frames.instance[row])):
            found += self._file.entries(self._place(instance, known.partition), known.stored[list(group)])
        return found

    def _split(self, split: str) -> _Split:
        check_split(split)
        if split not in self._splits:
            self._splits[split] = self._read(split)
        return self._splits[split]

    def _read(self, split: str) -> _Split:
        path = self._tables[split]
        table = read_columns(path, self._columns)
        index = {name: number for number, name in enumerate(self.instances) if self._split_of[name] == split}
        instance = np.array([index.get(name, -1) for name in _names(table)], np.int64)
        time = _times(table)
        order = np.lexsort((time, instance))[np.count_nonzero(instance < 0) :]
        instance, time, stored = instance[order], time[order], table["frame"][order]
        first = np.flatnonzero(np.diff(instance, prepend=-1))
        partition = (
            dict(zip(instance[first].tolist(), table["partition"][order[first]], strict=True))
            if "partition" in table
            else {}
        )
        flags = [self._landscape(int(instance[row]), stored[row : row + 1], partition) for row in first]
        landscape = np.repeat(np.array(flags, np.float64), np.diff(first, append=len(instance)))
        motion = np.stack([*(table[name][order] for name in POSE), landscape], axis=1)
        labels = np.array([self._category[category_of(name)] for name in self.instances], np.int64)
        frames = assemble(category=labels[instance], instance=instance, time=time, motion=motion)
        check_ascending(frames, self.instances, path)
        return _Split(frames, stored, partition)

    def _landscape(self, instance: int, stored: np.ndarray, partition: dict[int, str]) -> bool:
        """Whether one image of an instance is wider than high."""
        place = self._place(instance, partition)
        (data,) = self._file.entries(place, stored)
        try:
            width, height = size_of(data)
        except ValueError as error:
            raise InputError(f"{self._file.path}: {'/'.join(place)}, frame {stored[0]}: no image ({error})") from error
        return width > height

    def _place(self, instance: int, partition: dict[int, str]) -> list[str]:
        """Where the images of an instance are in the file."""
        name = self.instances[instance]
        return [*([partition[instance]] if partition else []), str(category_of(name)), object_of(name)]


def mvimgnet_f(root: Path, *, objects: str = "") -> ImageData:
    """MVImgNet-F: the objects that a text file lists, of either layout. The authors published no such list.

    Raises InputError where no file is given, or `mvimgnet.chosen_objects` does.
    """
    if not objects:
        raise InputError(f"data=mvimgnet-f:{root}: mvimgnet-f:{root}?objects=LIST is needed, as no list was published")
    return (PackedMVImgNet if packing_of(root) else MVImgNet)(root, objects=objects)


def packing_of(root: Path) -> Packing | None:
    """How the authors packed what is in `root`; None where they did not."""
    return next((packing for packing in (PARTITIONED, WHOLE) if (root / packing.images).is_file()), None)


def _splits(tables: dict[str, Path]) -> dict[str, str]:
    """The split of each object `category/object`. Raises InputError for one that has two."""
    found: dict[str, str] = {}
    own = tables["validation"].is_file()
    for split in SPLITS if own else ("train", "test"):
        for name in dict.fromkeys(_names(read_columns(tables[split], NAME))):
            if name in found:
                raise InputError(f"{tables[split]}: {name} is for {found[name]} too, and an object has one split")
            to_validate = not own and split == "train" and held_out(object_of(name)) == "validation"
            found[name] = "validation" if to_validate else split
    return found


def _names(table: dict[str, np.ndarray]) -> list[str]:
    return [f"{category}/{name}" for category, name in zip(table["category"].tolist(), table["object"], strict=True)]


def _times(table: dict[str, np.ndarray]) -> np.ndarray:
    """float64 [N]: numbers of the frames by their file names, which show gaps; else their places among the stored."""
    numbers = [frame_number(path) for path in table["path"]]
    return np.array(table["frame"] if None in numbers else numbers, np.float64)
