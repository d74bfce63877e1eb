"""Encoded images in HDF5."""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from learner.data.base import LARGEST
from learner.data.heap import Places, check_collections, places
from sim.errors import InputError


class Hdf5:
    """An HDF5 file to read encoded images from, in several threads and after a fork.

    Each thread of each process has a handle of its own: what one reads moves no other's place in the file.
    """

    def __init__(self, path: Path) -> None:
        """Raises InputError where h5py is not installed, and for what is no HDF5 file."""
        self.path, self._own = path, threading.local()
        self._places: dict[tuple[str, ...], Places | None] = {}
        if not path.is_file():
            raise InputError(f"{path}: no such file, where encoded images in HDF5 are expected")
        self._file()

    def entries(self, place: Sequence[str], indices: np.ndarray) -> list[bytes]:
        """The images with these numbers at a place in the file: entries of a dataset, or datasets named by number in a
        group. Raises InputError, which names what is missing or is no bytes."""
        try:
            node = self._node(place)
            if hasattr(node, "dtype"):
                return self._of_dataset(node, indices, tuple(place))
            return self._bytes([self._node([*place, str(index)])[()] for index in indices], node)
        except (OSError, RuntimeError, ValueError, TypeError) as error:
            raise InputError(f"{self.path}: cannot be read ({_line(error)}); restore it") from error

    def _of_dataset(self, node: Any, indices: np.ndarray, place: tuple[str, ...]) -> list[bytes]:
        if len(indices) and not 0 <= indices.min() <= indices.max() < len(node):
            wrong = indices[(indices < 0) | (indices >= len(node))][0]
            raise InputError(f"{self.path}: {node.name} has no entry {wrong}: it holds {len(node)}")
        shape, kind = node.shape, node.dtype  # to ask h5py for them costs as much as to read some images
        if math.prod(shape[1:]) * kind.itemsize > LARGEST:
            raise InputError(f"{self.path}: an entry of {node.name} is of {shape[1:]} {kind}: too large")
        if len(shape) == 1 and kind.metadata and "vlen" in kind.metadata:
            return self._of_heap(node, indices, place)
        breaks = np.flatnonzero(np.diff(indices) != 1) + 1
        runs = np.split(indices, breaks) if len(indices) else []
        return self._bytes([value for run in runs for value in node[run[0] : run[-1] + 1]], node)

    def _of_heap(self, node: Any, indices: np.ndarray, place: tuple[str, ...]) -> list[bytes]:
        """Entries of variable length: each by itself where that is possible, else by h5py."""
        known = self._known(node, place)
        if known is None:
            return self._bytes(_points(node, indices), node)
        file = self._file().id.get_vfd_handle()
        found = known.read(file, indices)
        left = [row for row, data in enumerate(found) if data is None]
        check_collections(file, known.collection[indices[left]])
        others = iter(self._bytes(_points(node, indices[left]), node) if left else ())
        return [next(others) if data is None else data for data in found]

    def _known(self, node: Any, place: tuple[str, ...]) -> Places | None:
        """Found once for all threads."""
        if place not in self._places:
            file = self._file()
            self._places[place] = places(node, file.id.get_vfd_handle()) if file.driver == "sec2" else None
        return self._places[place]

    def _bytes(self, values: Iterable[Any], node: Any) -> list[bytes]:
        found = []
        for value in values:
            if isinstance(value, bytes):
                found.append(value)
            elif isinstance(value, np.void) or (isinstance(value, np.ndarray) and value.dtype.char in "bB"):
                found.append(value.tobytes())
            else:
                kind = getattr(value, "dtype", type(value).__name__)
                raise InputError(f"{self.path}: {node.name} holds {kind}: the bytes of encoded images are expected")
        return found

    def _node(self, place: Sequence[str]) -> Any:
        """The one that this thread used last is at hand: to open it costs as much as to read many images."""
        node, key = self._file(), tuple(place)
        if self._own.last[0] == key:
            return self._own.last[1]
        for name in place:
            try:
                link = node.get(name, getlink=True)
                node = node[name] if type(link).__name__ != "ExternalLink" else None
            except (KeyError, ValueError, TypeError, AttributeError) as error:
                raise InputError(f"{self.path}: holds no {'/'.join(place)}, where images are expected") from error
            if node is None or getattr(node, "external", None) or getattr(node, "is_virtual", False):
                raise InputError(f"{self.path}: {'/'.join(place)} lies in another file, and this one alone is read")
        self._own.last = key, node
        return node

    def _file(self) -> Any:
        if getattr(self._own, "process", None) != os.getpid():
            try:
                import h5py
            except ImportError as error:
                raise InputError(
                    f"h5py is not installed, so {self.path} cannot be read: pip install -e .[data]"
                ) from error
            try:
                self._own.file, self._own.last = h5py.File(self.path, "r"), ((), None)
            except OSError as error:
                raise InputError(f"{self.path}: no HDF5 file that can be read ({_line(error)})") from error
            self._own.process = os.getpid()
        return self._own.file


def _points(node: Any, indices: np.ndarray) -> np.ndarray:
    """Entries of a dataset [N] of variable length, in one call: a seventh of the time of one by one."""
    from h5py import h5s, h5t

    found = np.empty(len(indices), dtype=node.dtype)
    if len(indices):
        place = node.id.get_space()
        place.select_elements(indices[:, None])
        node.id.read(h5s.create_simple((len(indices),)), place, found, h5t.py_create(node.dtype))
    return found


def _line(error: Exception) -> str:
    return " ".join(str(error).split())
