"""Frames of objects on disk: which there are, what is known of each, and how they are read."""

from __future__ import annotations

import os
import stat
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import cv2
import numpy as np

from agent.encoded import decode
from learner.data.views import orientations
from sim import poses
from sim.cores import cores
from sim.errors import InputError
from sim.objects.splits import SPLITS

CHUNK = 128
"""Frames that a thread reads and decodes at once, at most: neighbours lie beside each other on the disk."""

LARGEST = 1 << 28
"""Bytes of an encoded image."""

AT_ONCE = 1 << 16
"""Bytes of a file that are read before it is asked how many there are: most images have fewer."""


@dataclass(frozen=True, eq=False)
class Frames:
    """What is known of the N frames of a split. They are in the order of their clips; a clip is of one object."""

    category: np.ndarray
    """int64 [N]: index in `ImageData.categories`. Labels serve probes only."""
    instance: np.ndarray
    """int64 [N]: index in `ImageData.instances`; an object is in one split only."""
    clip: np.ndarray
    """int64 [N]: number of the clip, from 0, ascending."""
    time: np.ndarray
    """float64 [N]: seconds, or the number of the frame in its clip where no times are known; ascending in a clip."""
    view: np.ndarray
    """float64 [N, 2] degrees: polar angle (0 = from above, 90 = horizontal) and azimuth about the object's upright
    axis, from where it is seen; NaN where that is not known."""
    motion: np.ndarray
    """float64 [N, M]: what actions are computed from; M is 0 where nothing is known of the motion."""

    def __len__(self) -> int:
        return len(self.category)


@dataclass(frozen=True)
class ActionFormula:
    """How the action of a pair follows from what is known of its two frames."""

    size: int
    """Length A."""
    compute: Callable[[np.ndarray, np.ndarray], np.ndarray]
    """(motion at t, motion at t'), float64 [B, M] each -> float64 [B, A]."""
    mean: np.ndarray | None = None
    """float64 [A] by which the publishers standardise; None: it is measured when learning starts."""
    std: np.ndarray | None = None
    """float64 [A], as `mean`."""


class ImageData(ABC):
    """A dataset of images of objects, to learn from and to probe with. May be used from several threads."""

    kind: str
    """The word before the colon in `--data KIND:ROOT`."""
    categories: tuple[str, ...]
    """Names, sorted."""
    instances: tuple[str, ...]
    """Names of the objects of all splits."""
    image_size: int
    """Height and width in pixels in which the publishers use the images."""
    action: ActionFormula | None
    """None where nothing is known of the motion between frames."""
    single_views: Mapping[str, float] = MappingProxyType({})
    """Azimuths in degrees that the publishers report accuracy at, by their names."""
    on_disk = True
    """Whether `root` is a folder that must be there."""

    def __init__(self, root: Path) -> None:
        """Raises InputError for a folder that does not hold such a dataset: what is missing, and what was expected."""
        if self.on_disk and not root.is_dir():
            raise InputError(f"{root}: no such folder, so there are no images")
        self.root = root
        self._pool: tuple[int, ThreadPoolExecutor] | None = None

    @abstractmethod
    def frames(self, split: str) -> Frames:
        """What is known of the frames of `split`: train, validation or test; of none where there is no such split."""

    @abstractmethod
    def encoded(self, split: str, rows: np.ndarray) -> list[bytes]:
        """The encoded images of frames of a split, int64 [n] into `frames(split)`. Raises InputError for one that
        cannot be read. Called from several threads at once."""

    def turns(self, split: str) -> np.ndarray:
        """How the object is turned in the camera frame, quaternions float64 [N, 4] x, y, z, w: from the view angles,
        where nothing better is known. Raises InputError where nothing is."""
        view = self.frames(split).view
        if np.isnan(view[:, 1]).any():
            raise InputError(f"{self.kind}:{self.root}: no view angles, so it is not known how far objects turn")
        return poses.from_matrix(orientations(view))

    def images(self, split: str, rows: np.ndarray, *, size: int = 0) -> np.ndarray:
        """Frames uint8 [n, size, size, 3], RGB; read in their order on the disk and decoded, by chunks in parallel.

        An image that is not square keeps its middle; 0 is `image_size`. Raises InputError for what is no image.
        """
        size = size or self.image_size
        found = np.empty((len(rows), size, size, 3), dtype=np.uint8)
        order = np.argsort(rows, kind="stable")
        share = min(CHUNK, max(1, -(-len(rows) // cores())))

        def load(start: int) -> None:
            places = order[start : start + share]
            for place, data in zip(places, self.encoded(split, rows[places]), strict=True):
                if not decode_into(found[place], data):
                    what = f"{self.kind}:{self.root}: frame {rows[place]} of {split}"
                    raise InputError(f"{what} is no image that OpenCV can decode ({len(data)} bytes); restore it")

        list(self._threads().map(load, range(0, len(rows), share)))
        return found

    def batches(self, split: str, rows: np.ndarray, *, size: int = 0, batch: int = 256) -> Iterator[np.ndarray]:
        """The frames of `rows`, `batch` at a time."""
        for start in range(0, len(rows), batch):
            yield self.images(split, rows[start : start + batch], size=size)

    def _threads(self) -> ThreadPoolExecutor:
        """Those of this process: a fork has none of its parent's."""
        if self._pool is None or self._pool[0] != os.getpid():
            self._pool = os.getpid(), ThreadPoolExecutor(cores(), thread_name_prefix="images")
        return self._pool[1]


def decode_into(found: np.ndarray, data: bytes) -> bool:
    """Fill uint8 [size, size, 3], RGB, with an encoded image: its shorter side is scaled to `size`, and the middle is
    kept. False for bytes that are no image."""
    try:
        pixels = decode(data, cv2.IMREAD_COLOR)
    except ValueError:
        return False
    if pixels.shape != found.shape:
        pixels = _square(pixels, len(found))
    cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB, dst=found)
    return True


def _square(pixels: np.ndarray, size: int) -> np.ndarray:
    """The middle [size, size, 3] of an image whose shorter side is scaled to `size`."""
    height, width = pixels.shape[:2]
    scale = size / min(height, width)
    shape = max(size, round(width * scale)), max(size, round(height * scale))
    pixels = cv2.resize(pixels, shape, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    top, left = (shape[1] - size) // 2, (shape[0] - size) // 2
    return pixels[top : top + size, left : left + size]


def check_split(split: str) -> None:
    """Raise InputError for a split that does not exist."""
    if split not in SPLITS:
        raise InputError(f"split={split}: unknown, known are {', '.join(SPLITS)}")


def read_file(root: Path, name: str) -> bytes:
    """The content of the file `name` below `root`. Raises InputError where it cannot be read, or lies elsewhere."""
    if os.path.isabs(name) or ".." in name.split("/"):
        raise InputError(f"{root}: the image {name[:200]!r} lies elsewhere: a path below the folder is expected")
    try:
        return read_whole(f"{root}/{name}")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise InputError(f"{root / name}: an image is expected there ({reason})") from error


def read_whole(path: str) -> bytes:
    """The content of a file. Raises OSError, and ValueError for what is no file, or larger than an image may be.

    The system is asked as little as can be, which takes long beside decoding a small image: what gives a few bytes is
    taken for a file, so a pipe that someone has written an image to is read as one.
    """
    file = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # a pipe that nobody writes to must not hold us up
    try:
        data = os.read(file, AT_ONCE)
        if 0 < len(data) < AT_ONCE:
            return data
        about = os.fstat(file)
        if not stat.S_ISREG(about.st_mode) or about.st_size > LARGEST:
            raise ValueError(f"a file of {LARGEST >> 20} MiB at most is read")
        return data + os.read(file, max(0, about.st_size - len(data)))
    finally:
        os.close(file)
