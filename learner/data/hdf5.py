"""Encoded images in HDF5."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sim.errors import InputError


class Hdf5:
    """An HDF5 file to read encoded images from, in several threads and after a fork.

    Each thread of each process has a handle of its own: what one reads moves no other's place in the file.
    """

    def __init__(self, path: Path) -> None:
        """Raises InputError where h5py is not installed, and for what is no HDF5 file."""
        self.path, self._own = path, threading.local()
        if not path.is_file():
            raise InputError(f"{path}: no such file, where encoded images in HDF5 are expected")
        self._file()

    def entries(self, place: Sequence[str], indices: np.ndarray) -> list[bytes]:
        """The images with these numbers at a place in the file: entries of a dataset, or datasets named by number in a
        group. Raises InputError, which names what is missing or is no bytes."""
        try:
            node = self._node(place)
            if hasattr(node, "dtype"):
                return self._of_dataset(node, indices)
            return [self._bytes(self._node([*place, str(index)])[()], node.name) for index in indices]
        except (OSError, RuntimeError) as error:
            raise InputError(f"{self.path}: cannot be read ({_line(error)}); restore it") from error

    def _of_dataset(self, node: Any, indices: np.ndarray) -> list[bytes]:
        """Runs of numbers are read at once."""
        if len(indices) and not 0 <= indices.min() <= indices.max() < len(node):
            wrong = indices[(indices < 0) | (indices >= len(node))][0]
            raise InputError(f"{self.path}: {node.name} has no entry {wrong}: it holds {len(node)}")
        breaks = np.flatnonzero(np.diff(indices) != 1) + 1
        found: list[bytes] = []
        for run in np.split(indices, breaks) if len(indices) else []:
            found.extend(self._bytes(value, node.name) for value in node[run[0] : run[-1] + 1])
        return found

    def _bytes(self, value: Any, name: str) -> bytes:
        if isinstance(value, bytes):
            return value
        if isinstance(value, np.void) or (isinstance(value, np.ndarray) and value.dtype in (np.uint8, np.int8)):
            return value.tobytes()
        kind = getattr(value, "dtype", type(value).__name__)
        raise InputError(f"{self.path}: {name} holds {kind}: the bytes of encoded images are expected")

    def _node(self, place: Sequence[str]) -> Any:
        node = self._file()
        for name in place:
            try:
                node = node[name]
            except (KeyError, ValueError, TypeError) as error:
                raise InputError(f"{self.path}: holds no {'/'.join(place)}, where images are expected") from error
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
                self._own.file, self._own.process = h5py.File(self.path, "r"), os.getpid()
            except OSError as error:
                raise InputError(f"{self.path}: no HDF5 file that can be read ({_line(error)})") from error
        return self._own.file


def _line(error: Exception) -> str:
    return " ".join(str(error).split())
