"""COLMAP's binary models: the sizes of cameras, and the pose of each image. Points are passed over, never read.

The layout is that of colmap/colmap, scripts/python/read_write_model.py (`read_cameras_binary`, `read_images_binary`):
little endian, without padding.
"""

from __future__ import annotations

import mmap
import struct
from pathlib import Path
from typing import NamedTuple

import numpy as np

from sim.errors import InputError

PARAMETERS = (3, 4, 4, 5, 8, 8, 12, 5, 4, 5, 12)
"""How many numbers a camera model has, by its id, from SIMPLE_PINHOLE to THIN_PRISM_FISHEYE."""
COUNT = struct.Struct("<Q")
CAMERA = struct.Struct("<IiQQ")
"""Id, model, width, height; the parameters follow."""
IMAGE = struct.Struct("<I7dI")
"""Id, quaternion (w, x, y, z), translation, id of the camera; the name follows."""
POINT = 24
"""Bytes of a point of an image: x, y, id."""
LONGEST_NAME = 4096


class PosedImage(NamedTuple):
    """An image that COLMAP could place."""

    name: str
    """File name; names of files elsewhere are refused."""
    camera: int
    quaternion: np.ndarray
    """float64 [4]: rotation from the world to the camera, (w, x, y, z)."""
    translation: np.ndarray
    """float64 [3]: of the world's origin in the camera frame, in units of the model."""


def read_cameras(path: Path) -> dict[int, tuple[int, int]]:
    """(width, height) in pixels by the camera's id, from `cameras.bin`.

    Raises InputError for a file that is missing, ends early, or has a camera of an unknown model.
    """
    with _Reader(path) as reader:
        cameras = {}
        (count,) = reader.take(COUNT, "the number of cameras")
        for index in range(count):
            number, model, width, height = reader.take(CAMERA, f"camera {index + 1} of {count}")
            if not 0 <= model < len(PARAMETERS):
                raise InputError(f"{path}: camera {number} has model {model}: 0 to {len(PARAMETERS) - 1} are known")
            reader.skip(8 * PARAMETERS[model], f"camera {index + 1} of {count}")
            cameras[number] = width, height
        return cameras


def read_images(path: Path) -> list[PosedImage]:
    """The images of `images.bin`, in its order.

    Raises InputError for a file that is missing, ends early, or has an image with an unusable name or pose.
    """
    with _Reader(path) as reader:
        found = []
        (count,) = reader.take(COUNT, "the number of images")
        # A false count allocates nothing: the file ends first.
        for index in range(count):
            what = f"image {index + 1} of {count}"
            _, *pose, camera = reader.take(IMAGE, what)
            name = reader.name(what)
            (points,) = reader.take(COUNT, what)
            reader.skip(POINT * points, what)
            quaternion, translation = np.array(pose[:4]), np.array(pose[4:])
            if not np.isfinite(pose).all() or not quaternion.any():
                raise InputError(f"{path}: {name!r} has the pose {pose}: finite numbers and a rotation are needed")
            found.append(PosedImage(name, camera, quaternion, translation))
        return found


class _Reader:
    """Takes one thing after the other from a file, and never beyond its end. Only what is looked at is read: the points
    are most of the file."""

    def __init__(self, path: Path) -> None:
        self._path, self._at = path, 0
        try:
            with path.open("rb") as file:
                self._data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except ValueError:
            raise InputError(f"{path}: an empty file; restore it") from None
        except OSError as error:
            raise InputError(f"{path}: cannot be read ({error.strerror}); COLMAP's model is needed") from error

    def __enter__(self) -> _Reader:
        return self

    def __exit__(self, *exception: object) -> None:
        self._data.close()

    def take(self, layout: struct.Struct, what: str) -> tuple:
        start = self._at
        self.skip(layout.size, what)
        return layout.unpack_from(self._data, start)

    def skip(self, size: int, what: str) -> None:
        if size > len(self._data) - self._at:
            raise InputError(f"{self._path}: ends after {len(self._data)} bytes, within {what}; restore it")
        self._at += size

    def name(self, what: str) -> str:
        """Text up to a zero byte."""
        end = self._data.find(b"\0", self._at, self._at + LONGEST_NAME)
        try:
            name = self._data[self._at : end].decode() if end >= 0 else ""
        except UnicodeDecodeError:
            name = ""
        if not name or Path(name).name != name:
            raise InputError(f"{self._path}: {what} has no name, or one that is no plain file name; restore it")
        self._at = end + 1
        return name
