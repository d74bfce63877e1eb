"""RT4K (Zenodo record 12774929), the dataset of AA-SSL: 180 views of rendered toys, 2 degrees apart."""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType

import numpy as np

from learner.data.base import ActionFormula, read_file
from learner.data.hdf5 import Hdf5
from learner.data.indexed import IndexedData, carved
from learner.data.tables import Kind, read_columns
from sim.errors import InputError

VIEWS = 180
STEP = 360.0 / VIEWS
"""Degrees between two views."""
SINGLE_VIEWS = {"side": 180, "face": 135, "quarter": 157}
"""The single views that AA-SSL reports (arXiv 2407.06704), by their numbers."""
TABLES = {"train": "dataset.parquet", "test": "dataset_test.parquet"}


def _turn(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Sine and cosine [B, 2] of the turn from view to view [B, 1]; it wraps around."""
    angle = np.radians(STEP * (second[:, 0] - first[:, 0]))
    return np.stack([np.sin(angle), np.cos(angle)], axis=1)


TURN = ActionFormula(2, _turn, mean=np.zeros(2), std=np.ones(2))
"""The authors do not standardise it."""


class Rt4k(IndexedData):
    """`data.h5` with the tables beside it, or the tables and `<object>/<file name>`. Objects may have fewer views.

    A tenth of the published training objects, by a hash of their names, is for validation. A view's azimuth is 2
    degrees times its number; in which sense the camera goes round, and how high it stands, was not published.
    """

    kind = "rt4k"
    single_views = MappingProxyType({name: STEP * view % 360.0 for name, view in SINGLE_VIEWS.items()})
    image_size = 128

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self._file = Hdf5(root / "data.h5") if (root / "data.h5").exists() else None
        columns: dict[str, Kind] = {"0": "text", "2": "text", "5": "text"}
        if self._file is not None:
            columns["h5_index"] = "whole"
        tables = {split: read_columns(root / name, columns) for split, name in TABLES.items()}
        joined = {name: np.concatenate([table[name] for table in tables.values()]) for name in columns}
        self._stored = np.repeat(list(TABLES), [len(table["0"]) for table in tables.values()])
        self._names, self._objects, self._places = joined["0"], joined["2"], joined.get("h5_index")
        if both := set(tables["train"]["2"]) & set(tables["test"]["2"]):
            raise InputError(f"{root}: object {min(both)} is in {' and '.join(TABLES.values())}: it may be in one only")
        views = np.array([_view(name, root) for name in self._names], dtype=np.float64)
        self.action = TURN
        self.index(
            category=joined["5"],
            instance=self._objects,
            split=carved(self._stored, self._objects),
            time=views,
            view=np.stack([np.full(len(views), np.nan), STEP * views % 360.0], axis=1),
            motion=views[:, None],
        )

    def read(self, rows: np.ndarray) -> list[bytes]:
        if self._file is None or self._places is None:
            return [read_file(self.root, f"{self._objects[row]}/{self._names[row]}") for row in rows]
        found: dict[int, bytes] = {}
        for stored in TABLES:
            mine = rows[self._stored[rows] == stored]
            if len(mine):
                found |= zip(mine.tolist(), self._file.entries([stored], self._places[mine]), strict=True)
        return [found[row] for row in rows.tolist()]


def _view(name: str, root: Path) -> int:
    """The view's number: the third field from the right of a file name."""
    fields = name.split("_")
    if len(fields) < 3 or not fields[-3].isdecimal() or len(fields[-3]) > 9 or not 1 <= int(fields[-3]) <= VIEWS:
        raise InputError(f"{root}: file name {name[:200]}: its third field from the right is no view of 1 to {VIEWS}")
    return int(fields[-3])
