"""CO3D (Reizenstein et al., ICCV 2021), videos of objects: version 2, and version 1 as AA-SSL's authors packed it."""

from __future__ import annotations

import gzip
import io
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from learner.data.base import ActionFormula, read_file
from learner.data.hdf5 import Hdf5
from learner.data.indexed import IndexedData, carved
from learner.data.tables import Kind, read_columns
from sim import poses
from sim.errors import InputError

LISTS = {"test": "test", "train": "train", "val": "validation"}
"""Set lists -> splits; a sequence that several lists have is of the first of these."""
LARGER = 100
"""Times that annotations are larger than their gzipped file, at most; ten are usual."""
MEAN = np.array([0.0057, -0.0274, 0.168, 0.545, -1.16e6, 2.71e5, 4.83e5, -0.000415, -0.000257])
STD = np.array([0.0841, 0.404, 0.499, 0.505, 3.38e9, 7.88e8, 1.4e9, 9.26, 4.94])
"""Of the actions of version 1, as AA-SSL's authors have them."""


class _Shot(NamedTuple):
    """A frame, as its annotation has it."""

    category: str
    sequence: str
    split: str
    path: str
    time: float
    camera: list[float]


class Co3d(IndexedData):
    """Version 2 as published: `<category>/frame_annotations.jgz`, `<category>/set_lists/set_lists_<subset>.json` and
    the images that they name. A sequence is one object and one clip.

    Splits are the set lists of `subset`; `fewview_dev` is the one whose training and test sequences differ and whose
    test images are public (co3d issue 49). A sequence is in one split only: where lists share one, test goes before
    train, and train before validation, and the frames that another list gives it are left out. Where no validation
    sequence remains, it is a tenth of the training sequences, by a hash of their names.

    The action is AA-SSL's [9]: the quaternion x, y, z, w of R^T R', then the differences of T (3) and of the focal
    lengths (2), of X_camera = X_world R + T. It is standardised by what is measured: the published moments are of
    version 1, whose translations are a billion times as far spread.
    """

    kind = "co3d"
    image_size = 196

    def __init__(self, root: Path, *, subset: str = "fewview_dev") -> None:
        super().__init__(root)
        folders = sorted(path.parent for path in root.glob("*/frame_annotations.jgz"))
        if not folders:
            raise InputError(f"{root}: 0 categories: folders with a frame_annotations.jgz are expected")
        shots = [shot for folder in folders for shot in _shots(folder, subset)]
        sequences = [shot.sequence for shot in shots]
        split = np.array([shot.split for shot in shots])
        if "train" not in split:
            raise InputError(f"subset={subset}: no sequence of {root} is for training alone: take another subset")
        self._paths = [shot.path for shot in shots]
        self.action = ActionFormula(9, _motion)
        self.index(
            category=[shot.category for shot in shots],
            instance=[f"{shot.category}/{shot.sequence}" for shot in shots],
            split=split if "validation" in split else carved(split, sequences),
            time=np.array([shot.time for shot in shots]),
            motion=np.array([shot.camera for shot in shots]),
        )

    def read(self, rows: np.ndarray) -> list[bytes]:
        return [read_file(self.root, self._paths[row]) for row in rows]

    def turns(self, split: str) -> np.ndarray:
        return _orientations(self.frames(split).motion)


class Co3dPacked(IndexedData):
    """Version 1 as AA-SSL's authors packed it: `data.h5` `[category][object][index]`, `dataset.parquet` and
    `dataset_test.parquet` with the columns category, object, index and a1 to a14 (R row by row, T, focal lengths).

    Splits are the tables; a tenth of the training objects, by a hash of their names, is for validation. The action is
    that of `Co3d`, standardised as published.
    """

    kind = "co3d-packed"
    image_size = 196

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self._file = Hdf5(root / "data.h5")
        camera = [f"a{number}" for number in range(1, 15)]
        names: dict[str, Kind] = {"category": "text", "object": "text", "index": "whole"}
        names |= dict.fromkeys(camera, "real")
        files = {"train": "dataset.parquet", "test": "dataset_test.parquet"}
        tables = {split: read_columns(root / name, names) for split, name in files.items()}
        joined = {name: np.concatenate([table[name] for table in tables.values()]) for name in names}
        split = np.repeat(list(files), [len(table["index"]) for table in tables.values()])
        self._categories, self._objects, self._places = joined["category"], joined["object"], joined["index"]
        self.action = ActionFormula(9, _motion, mean=MEAN, std=STD)
        self.index(
            category=self._categories,
            instance=[f"{one}/{other}" for one, other in zip(self._categories, self._objects, strict=True)],
            split=carved(split, self._objects),
            time=self._places,
            motion=np.stack([joined[name] for name in camera], axis=1),
        )

    def read(self, rows: np.ndarray) -> list[bytes]:
        places: dict[tuple[str, str], list[int]] = {}
        for row in rows.tolist():
            places.setdefault((self._categories[row], self._objects[row]), []).append(row)
        found: dict[int, bytes] = {}
        for place, mine in places.items():
            found |= zip(mine, self._file.entries(place, self._places[mine]), strict=True)
        return [found[row] for row in rows.tolist()]

    def turns(self, split: str) -> np.ndarray:
        return _orientations(self.frames(split).motion)


def _orientations(camera: np.ndarray) -> np.ndarray:
    """Quaternions [N, 4] from the world to the camera: R acts from the right."""
    return poses.from_matrix(camera[:, :9].reshape(-1, 3, 3).swapaxes(1, 2))


def _motion(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """The action [B, 9] of cameras [B, 14]. Of a quaternion's two signs, the one that makes its largest component
    positive: scipy's, which the authors used."""
    turn = first[:, :9].reshape(-1, 3, 3).swapaxes(1, 2) @ second[:, :9].reshape(-1, 3, 3)
    quaternions = poses.from_matrix(turn)
    largest = np.take_along_axis(quaternions, np.abs(quaternions).argmax(axis=1)[:, None], axis=1)
    return np.concatenate([np.where(largest < 0, -quaternions, quaternions), second[:, 9:] - first[:, 9:]], axis=1)


def _shots(folder: Path, subset: str) -> Iterator[_Shot]:
    """The frames of a category that the set lists have, each once."""
    path = folder / "set_lists" / f"set_lists_{subset}.json"
    if not path.is_file():
        there = sorted(file.stem.removeprefix("set_lists_") for file in path.parent.glob("set_lists_*.json"))
        raise InputError(f"{path}: no such file: subset={subset} is none of {', '.join(there) or '0 set lists'}")
    annotated = _annotated(folder / "frame_annotations.jgz")
    lists = _parsed(path)
    try:
        frames = {name: [(str(entry[0]), int(entry[1])) for entry in lists.get(name, ())] for name in LISTS}
    except (AttributeError, TypeError, ValueError, LookupError) as error:
        raise InputError(f"{path}: lists train, val and test of [sequence, frame number, path] are expected") from error
    taken: set[str] = set()
    for name, split in LISTS.items():
        mine = {sequence for sequence, _ in frames[name]} - taken
        taken |= mine
        for sequence, number in dict.fromkeys(frames[name]):
            if sequence in mine:
                if (sequence, number) not in annotated:
                    raise InputError(f"{path}: frame {number} of sequence {sequence} has no annotation in {folder}")
                yield _shot(annotated[sequence, number], folder, split)


def _annotated(path: Path) -> dict[tuple[str, int], dict[str, Any]]:
    """(sequence, frame number) -> its annotation."""
    try:
        return {(str(entry["sequence_name"]), int(entry["frame_number"])): entry for entry in _parsed(path)}
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path}: a list of annotations with sequence_name and frame_number is expected") from error


def _shot(entry: dict[str, Any], folder: Path, split: str) -> _Shot:
    sequence, number = str(entry["sequence_name"]), entry["frame_number"]
    what = f"{folder / 'frame_annotations.jgz'}: frame {number} of sequence {sequence}"
    try:
        seen, path = entry["viewpoint"], entry["image"]["path"]
        parts = {"R": (3, 3), "T": (3,), "focal_length": (2,)}
        camera = [np.asarray(seen[name], dtype=np.float64).reshape(shape) for name, shape in parts.items()]
        time = float(entry["frame_timestamp"])
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{what}: image.path, frame_timestamp, and viewpoint.R [3, 3], T [3], focal_length [2] are expected"
        ) from error
    values = np.concatenate([part.ravel() for part in camera]).tolist()
    if not np.isfinite([*values, time]).all():
        raise InputError(f"{what}: its viewpoint or time is not finite: numbers are expected")
    return _Shot(folder.name, sequence, split, str(path), time, values)


def _parsed(path: Path) -> Any:
    """JSON, gzipped where the name says so."""
    try:
        data = path.read_bytes()
        return json.loads(_unpacked(data) if path.suffix == ".jgz" else data)
    except (OSError, EOFError, ValueError, RecursionError, zlib.error) as error:
        raise InputError(f"{path}: no JSON that can be read ({error})") from error


def _unpacked(data: bytes) -> bytes:
    """What was gzipped. Raises ValueError for what is far larger than annotations become, and would fill the memory."""
    most = LARGER * max(len(data), 1 << 16)
    with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
        found = file.read(most + 1)
    if len(found) > most:
        raise ValueError(f"more than {LARGER} times as large unpacked")
    return found
