"""MVImgNet (arXiv 2303.06042) as published: folders of video frames, and COLMAP's model of each video.

`<root>/<category id>/<object>/images/*.jpg` and `<root>/<category id>/<object>/sparse/0/{cameras,images}.bin`.
What both layouts share is here too; the authors' packed one is in `mvimgnet_packed`.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np

from agent.dataset import held_out
from learner.data.base import ActionFormula, Frames, ImageData, check_split, read_whole
from learner.data.colmap import read_cameras, read_images
from sim import poses
from sim.cores import cores
from sim.errors import InputError
from sim.waiting import counted

MODEL = Path("sparse/0")
NAMES = "mvimgnet_category.txt"
"""The publishers' list of categories, without a header: id, name. Without it categories are called by their ids."""
FARTHEST = 50.0
"""Bound of each component of a translation difference, in units of COLMAP's model, as in AA-SSL's code."""
MEAN = (0.759, -0.000354, -0.00682, -0.00723, 0.00314, 0.00787, -0.0171, 0.0)
STD = (0.431, 0.048, 0.358, 0.328, 3.8, 1.25, 1.13, 1.0)


def relative_motion(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Action [B, 8] of pairs of motions [B, 8]: quaternion (w, x, y, z), translation, landscape.

    conj(q_a) q_b with the sign it comes out with, t_b - t_a clipped to +-50, and the landscape flag of the first frame,
    as AA-SSL's code does (arXiv 2407.06704). A motion is a world-to-camera pose, and 1 where its image is wider than
    high, else 0.
    """
    turn = poses.multiply(poses.conjugate(_scalar_last(first[:, :4])), _scalar_last(second[:, :4]))
    shift = np.clip(second[:, 4:7] - first[:, 4:7], -FARTHEST, FARTHEST)
    return np.concatenate([turn[:, 3:], turn[:, :3], shift, first[:, 7:]], axis=1)


ACTION = ActionFormula(8, relative_motion, np.array(MEAN), np.array(STD))


class Clip(NamedTuple):
    """The T posed frames of one object, in order."""

    names: list[str]
    times: np.ndarray
    """float64 [T]: numbers of the frames, with gaps where COLMAP could not place one."""
    motion: np.ndarray
    """float64 [T, 8]: as for `relative_motion`."""


class MVImgNet(ImageData):
    """The published layout. A tenth of the objects each are for validation and for test, by `agent.dataset.held_out`.

    Objects without COLMAP's model, and images that it does not place, are left out: nothing is known of their motion.
    """

    kind = "mvimgnet"
    image_size = 224
    action = ACTION

    def __init__(self, root: Path, *, objects: str = "") -> None:
        """`objects`: a file that lists those to use, as for `chosen_objects`; all by default."""
        super().__init__(root)
        folders = [folder for folder in root.iterdir() if folder.name.isdecimal() and folder.is_dir()]
        found = [
            f"{folder.name}/{item.name}"
            for folder in sorted(folders, key=lambda folder: int(folder.name))
            for item in sorted(folder.iterdir())
            if (item / MODEL / "images.bin").is_file()
        ]
        if not found:
            told = f"<category id>/<object>/{MODEL}/images.bin"
            raise InputError(f"{root}: no {told}, so it is not MVImgNet as published")
        self.instances = chosen_objects(found, objects)
        self.categories, self._category = category_names(root, {category_of(name) for name in self.instances})
        self._splits: dict[str, tuple[Frames, np.ndarray]] = {}

    def frames(self, split: str) -> Frames:
        """Reads all COLMAP models of the split the first time. The landscape flag is from the camera's size, which is
        that of its images, so no image is opened."""
        return self._read(split)[0]

    def encoded(self, split: str, rows: np.ndarray) -> list[bytes]:
        frames, names = self._read(split)
        return [
            _read_image(self.root / self.instances[frames.instance[row]] / "images" / str(names[row])) for row in rows
        ]

    def _read(self, split: str) -> tuple[Frames, np.ndarray]:
        """What is known of the frames, and their file names."""
        check_split(split)
        if split not in self._splits:
            wanted = [index for index, name in enumerate(self.instances) if held_out(object_of(name)) == split]
            with ThreadPoolExecutor(cores()) as threads:
                read = threads.map(read_clip, [self.root / self.instances[index] for index in wanted])
                clips = list(counted(read, len(wanted), title=f"COLMAP models, {split}", unit="objects"))
            lengths = [len(clip.names) for clip in clips]
            labels = [self._category[category_of(self.instances[index])] for index in wanted]
            frames = assemble(
                category=np.repeat(np.array(labels, np.int64), lengths),
                instance=np.repeat(np.array(wanted, np.int64), lengths),
                time=np.concatenate([np.empty(0), *(clip.times for clip in clips)]),
                motion=np.concatenate([np.empty((0, 8)), *(clip.motion for clip in clips)]),
            )
            check_ascending(frames, self.instances, self.root)
            self._splits[split] = frames, np.array([name for clip in clips for name in clip.names], np.str_)
        return self._splits[split]


def read_clip(folder: Path) -> Clip:
    """The posed frames of the object in `folder`. Raises InputError for a model that cannot be used."""
    path = folder / MODEL / "images.bin"
    cameras, images = read_cameras(folder / MODEL / "cameras.bin"), read_images(path)
    numbered = []
    for image in images:
        number = frame_number(image.name)
        if number is None:
            raise InputError(f"{path}: {image.name!r}: a file name with a number is needed, or its time is unknown")
        if image.camera not in cameras:
            raise InputError(f"{path}: {image.name!r} is by camera {image.camera}, which is not in cameras.bin")
        numbered.append((number, image))
    numbered.sort(key=lambda pair: pair[0])
    motion = np.empty((len(numbered), 8))
    for row, (_, image) in zip(motion, numbered, strict=True):
        width, height = cameras[image.camera]
        row[:] = *image.quaternion, *image.translation, width > height
    times = np.array([number for number, _ in numbered], dtype=np.float64)
    return Clip([image.name for _, image in numbered], times, motion)


def frame_number(name: str) -> int | None:
    """The number that the stem of a file name ends in; None where it does not, or where no frame has such a number."""
    match = re.search(r"(?<!\d)(\d{1,15})\.\w+$", name)
    return int(match[1]) if match else None


def assemble(*, category: np.ndarray, instance: np.ndarray, time: np.ndarray, motion: np.ndarray) -> Frames:
    """Frames whose clips are the objects, in order; from no known directions."""
    new = np.diff(instance, prepend=instance[:1]) != 0
    view = np.full((len(time), 2), np.nan)
    return Frames(category.astype(np.int64), instance.astype(np.int64), np.cumsum(new), time, view, motion)


def check_ascending(frames: Frames, instances: Sequence[str], root: Path) -> None:
    """Raise InputError where a clip has a frame twice: between the two nothing can be learned."""
    twice = np.flatnonzero((np.diff(frames.clip) == 0) & (np.diff(frames.time) <= 0))
    if len(twice):
        name, number = instances[frames.instance[twice[0]]], frames.time[twice[0]]
        raise InputError(f"{root}: {name} has frame {number:.0f} twice, and only one can be right")


def category_of(name: str) -> int:
    """Id of the category of an object called `category/object`."""
    return int(name.split("/")[0])


def category_names(root: Path, used: Collection[int]) -> tuple[tuple[str, ...], dict[int, int]]:
    """Names of the categories, and id -> index: those of the publishers' list in `root`, else ids that are used."""
    path = root / NAMES
    if not path.is_file():
        ids = sorted(used)
        return tuple(map(str, ids)), {number: index for index, number in enumerate(ids)}
    try:
        rows = [row for row in csv.reader(path.read_text(encoding="utf-8").splitlines()) if row]
        known = {int(row[0]): row[1].strip() for row in rows}
    except (OSError, ValueError, IndexError) as error:
        raise InputError(f"{path}: lines of id,name are needed ({error}), or categories have no names") from error
    missing = sorted(set(used) - set(known))
    if missing:
        raise InputError(f"{path}: category {missing[0]} is not in it, but there are objects of it")
    return tuple(known.values()), {number: index for index, number in enumerate(known)}


def object_of(name: str) -> str:
    """Name of an object called `category/object` within its category."""
    return name.split("/", 1)[1]


def chosen_objects(names: Sequence[str], listing: str) -> tuple[str, ...]:
    """Those of the objects `category/object` that the text file `listing` names, one a line, in the order of `names`;
    all of them without a file.

    A line may be a path of the object's folder or of a file in it. Raises InputError for one that names no object.
    """
    if not listing:
        return tuple(names)
    known, wanted = set(names), set()
    try:
        lines = Path(listing).read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise InputError(f"objects={listing}: a text file with an object a line is needed ({error})") from error
    for number, line in enumerate(lines, start=1):
        found = [name for name in map("/".join, pairwise(line.strip().split("/"))) if name in known]
        if found:
            wanted.add(found[0])
        elif line.strip():
            raise InputError(
                f"objects={listing}: line {number}, {line.strip()[:80]!r}, names no category/object there is"
            )
    if not wanted:
        raise InputError(f"objects={listing}: 0 objects: at least 1 is needed, or nothing is left")
    return tuple(name for name in names if name in wanted)


def _read_image(path: Path) -> bytes:
    try:
        return read_whole(str(path))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise InputError(f"{path}: cannot be read ({reason}), but COLMAP's model names it; restore it") from error


def _scalar_last(quaternions: np.ndarray) -> np.ndarray:
    return np.roll(quaternions, -1, axis=1)
