"""Where a replay buffer lies: in memory, in a file or on a GPU; how many bytes it takes, and whether they are free."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import weakref
from collections import deque
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import torch

from sim.errors import InputError

Storage = Literal["memory", "file", "cuda"]
SPARE = 4
"""Episodes that there is room for beside those that can be sampled: what is written next, and what is still read."""
_UNITS = {"": 1, **{prefix: 10 ** (3 * power) for power, prefix in enumerate("kMGT", start=1)}}
_BINARY_UNITS = {f"{prefix}i": 1024**power for power, prefix in enumerate("KMGT", start=1)}


class Layout(NamedTuple):
    """What is kept of one episode, and how many bytes that takes."""

    frames: int
    """Most frames of an episode."""
    image_size: int
    """Height and width of the frames in pixels."""
    joints: int
    """Joints D of the arm."""
    masks: bool
    """Object masks are kept too, a bit a pixel."""

    @property
    def pixel_bytes(self) -> int:
        """Bytes of one frame."""
        return 3 * self.image_size**2

    @property
    def mask_bytes(self) -> int:
        """Bytes of one mask; 0 where none are kept."""
        return -(-(self.image_size**2) // 8) if self.masks else 0

    @property
    def frame_facts(self) -> np.dtype:
        """What is known of a frame: the fields of `learner.actions.Moments` that others do not follow from.

        Float32 where the episode has no more; only what is summed up over time has float64.
        """
        joints = self.joints
        poses = [(name, np.float32, 7) for name in ("object_pose", "camera_pose", "grasp")]
        return np.dtype([("time", np.float64), ("turned", np.float64, joints), ("joints", np.float32, joints), *poses])

    @property
    def episode_facts(self) -> np.dtype:
        """What is known of an episode."""
        return np.dtype([(name, np.int64) for name in ("length", "category", "instance", "number")])

    def bytes_of(self, episodes: int) -> int:
        """Bytes of a buffer of that many episodes, all included."""
        return (episodes + SPARE) * self._slot + 8 * episodes

    def episodes_in(self, size: int) -> int:
        """Episodes of a buffer of `size` bytes."""
        return max(0, size - SPARE * self._slot) // (self._slot + 8)

    @property
    def _slot(self) -> int:
        frame = self.pixel_bytes + self.mask_bytes + self.frame_facts.itemsize
        return self.frames * frame + self.episode_facts.itemsize


class Rows:
    """Rows of bytes [N, width], in the memory of a device or, where a folder is given, in a file there.

    The file has no name, so nothing is left of it however the process ends.
    """

    def __init__(self, count: int, width: int, *, device: str = "cpu", folder: Path | None = None) -> None:
        """Memory of a CPU is claimed as it fills, all else at once. Raises InputError where there is no room."""
        self._rows = _empty(count, width, device) if folder is None else torch.from_numpy(_map(folder, count, width))
        self._idle: deque[np.ndarray] = deque(maxlen=2)
        """Memory of earlier batches that nobody looks at any more."""

    def write(self, start: int, values: np.ndarray) -> None:
        """Put rows [n, width] in place of those from `start` on."""
        self._rows[start : start + len(values)] = torch.from_numpy(values)

    def gather(self, rows: np.ndarray) -> torch.Tensor:
        """Copies of rows [B], uint8 [B, width], on the device: whole rows of memory, at memory speed.

        On a GPU, writing and gathering keep their order because both run on the device's default stream.
        """
        device = self._rows.device
        if device.type != "cpu":
            return torch.index_select(self._rows, 0, torch.from_numpy(rows).to(device))
        # numpy copies large rows a fifth faster than torch; "clip", as otherwise it would copy them twice.
        return torch.from_numpy(np.take(self._rows.numpy(), rows, axis=0, out=self._reused(len(rows)), mode="clip"))

    def _reused(self, count: int) -> np.ndarray:
        """Room for a batch: that of an earlier one that is gone, as claiming it anew may cost more than the copy."""
        shape = count, self._rows.shape[1]
        memory = self._idle.popleft() if self._idle else np.empty(shape, dtype=np.uint8)
        if memory.shape != shape:
            memory = np.empty(shape, dtype=np.uint8)
        held = memory[:]  # lives as long as any tensor that looks at it
        weakref.finalize(held, self._idle.append, memory).atexit = False
        return held

    @property
    def nbytes(self) -> int:
        return self._rows.numel()

    def close(self) -> None:
        """Give the room back."""
        self._rows = self._rows.new_empty((0, self._rows.shape[1]))
        self._idle.clear()


def _empty(count: int, width: int, device: torch.device | str) -> torch.Tensor:
    if torch.device(device).type != "cpu":
        return torch.empty((count, width), dtype=torch.uint8, device=device)
    # numpy asks Linux for huge pages, torch does not: they are claimed and looked up faster.
    return torch.from_numpy(np.empty((count, width), dtype=np.uint8))


def _map(folder: Path, count: int, width: int) -> np.ndarray:
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            if hasattr(os, "posix_fallocate"):  # a disk that fills up later must not end the program
                os.posix_fallocate(file.fileno(), 0, count * width)
            else:
                file.truncate(count * width)
            return np.memmap(file, dtype=np.uint8, mode="r+", shape=(count, width))
    except OSError as error:
        reason = f"{size_text(count * width)} for the replay buffer cannot be had there ({error.strerror or error})"
        raise InputError(f"{folder}: {reason}") from None


def check_room(size: int, *, device: str = "cpu", folder: Path | None = None) -> None:
    """Raise InputError where `size` bytes are not free in the folder or, without one, in the device's memory."""
    if folder is not None:
        there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
        free, where = shutil.disk_usage(there).free, f"on the disk of {folder}"
    elif torch.device(device).type == "cuda":
        free, where = torch.cuda.mem_get_info(device)[0], f"in the memory of {device}"
    else:
        free, where = free_memory(), "in memory"
    if size > free:
        raise InputError(f"buffer={size_text(size)}: {size_text(free)} are free {where}, so it would not fit")


def free_memory() -> int:
    """Bytes of memory that can be claimed without others being pushed out, and within a container's limit."""
    found = [os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")]
    for path, pattern, unit in (
        ("/proc/meminfo", r"MemAvailable:\s*(\d+) kB", 1024),
        ("/sys/fs/cgroup/memory.max", r"(\d+)", 1),
    ):
        try:
            match = re.search(pattern, Path(path).read_text())
        except OSError:
            continue
        if match:
            found.append(int(match[1]) * unit)
    return min(found)


def parse_size(text: str) -> int:
    """Bytes of a size such as 500MB, 2.5 GB or 2GiB. Raises InputError for anything else."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?) ?([A-Za-z]*?)B?", text.strip())
    units = _UNITS | _BINARY_UNITS
    if not match or match[2] not in units:
        raise InputError(f"buffer={text}: give a size such as 500MB, 2.5GB or 2GiB, or it is not known how much fits")
    return int(float(match[1]) * units[match[2]])


def size_text(size: int) -> str:
    """A size in words: 4.9 GB."""
    for prefix in "TGMk":
        if size >= _UNITS[prefix]:
            return f"{size / _UNITS[prefix]:.1f} {prefix}B"
    return f"{size} B"
