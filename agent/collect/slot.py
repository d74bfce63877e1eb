"""Memory that a process and its worker both see. It has no name, so it goes with the last of them, however they end."""

from __future__ import annotations

import mmap
import os
import tempfile
import weakref
from collections.abc import Iterable, Sequence

ALIGNMENT = 64


class Slot:
    """Bytes in memory, shared by file descriptor, that grow as needed. One side writes and tells the other the lengths
    of what it wrote; the other has read them before the one writes again."""

    def __init__(self, descriptor: int | None = None) -> None:
        """`descriptor`: of the slot that another process made."""
        self.descriptor = _anonymous_file() if descriptor is None else descriptor
        weakref.finalize(self, os.close, self.descriptor)
        self._memory: mmap.mmap | None = None

    def write(self, buffers: Sequence[memoryview]) -> list[int]:
        """Copies in `buffers`, each contiguous and of bytes; their lengths. Raises OSError where memory is full."""
        lengths = [len(buffer) for buffer in buffers]
        memory = self._mapped(lengths, grow=True)
        for buffer, start in zip(buffers, _starts(lengths), strict=True):
            memory[start : start + len(buffer)] = buffer
        return lengths

    def read(self, lengths: Sequence[int]) -> list[bytearray]:
        """Copies of what was written, writable as any array is."""
        with memoryview(self._mapped(lengths)) as memory:
            return [bytearray(memory[s : s + n]) for s, n in zip(_starts(lengths), lengths, strict=True)]

    def _mapped(self, lengths: Sequence[int], *, grow: bool = False) -> mmap.mmap:
        size = max(mmap.PAGESIZE, sum(map(_padded, lengths)))
        if self._memory is None or len(self._memory) < size:
            if grow:
                _reserve(self.descriptor, size)
            self._memory = mmap.mmap(self.descriptor, size)
        return self._memory


def _starts(lengths: Iterable[int]) -> list[int]:
    starts, end = [], 0
    for length in lengths:
        starts.append(end)
        end += _padded(length)
    return starts


def _padded(length: int) -> int:
    return -(-length // ALIGNMENT) * ALIGNMENT


def _anonymous_file() -> int:
    """Memory where the system can (Linux), else a file in the folder for temporary ones that no folder lists."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("armplay-episode")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def _reserve(descriptor: int, size: int) -> None:
    """Makes the file this large. Memory that is only promised would end the process when it is touched."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, 0, size)
    else:
        os.ftruncate(descriptor, size)
