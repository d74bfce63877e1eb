"""Images of variable length in HDF5, each read by itself.

HDF5 keeps them in collections of some 64 KB, and h5py reads a whole one for each image. The objects of a collection lie
in the order of their numbers, so the references to all images tell where each should lie. It may lie elsewhere, where
objects of other datasets are among them: so the header before each is read too, and what has another is left to h5py.
Layout: HDF5 File Format Specification 3.0, III.E, "Disk Format: Level 1E - Global Heap".
"""

from __future__ import annotations

import os
import struct
from typing import Any, NamedTuple

import numpy as np

REFERENCE = np.dtype([("length", "<u4"), ("collection", "<u8"), ("number", "<u4")])
"""What a dataset holds of an entry."""
HEADER = struct.Struct("<H6xQ")
"""Of an object: its number, and its bytes, which follow and are filled up to a multiple of 8. That of a collection is
as long."""
COLLECTION = struct.Struct("<4s4xQ")
"""The head of a collection: signature, and its bytes with this head."""
MOST = 1 << 22
"""References of a dataset that are held in memory: ten times those of RT4K."""


class Places(NamedTuple):
    """Where the N entries of a dataset should lie in its file."""

    header: np.ndarray
    """int64 [N]: offset of the header."""
    length: np.ndarray
    """int64 [N]: bytes after it; 0 where there are none, or not in the file."""
    number: np.ndarray
    """uint32 [N]: in the collection."""
    collection: np.ndarray
    """uint64 [N]: offset of the collection."""

    def read(self, file: int, rows: np.ndarray) -> list[bytes | None]:
        """The entries of these rows from the open file; None for those that do not lie there."""
        wanted = zip(self.header[rows].tolist(), self.length[rows].tolist(), self.number[rows].tolist(), strict=True)
        return [_entry(file, *one) for one in wanted]


def places(node: Any, file: int) -> Places | None:
    """Where the entries of an h5py dataset [N] of bytes should lie in the open file; None where this is not known of
    any, as its references are compressed, or of another kind."""
    references = _references(node, file)
    if references is None:
        return None
    order = np.lexsort((references["number"], references["collection"]))
    collection = references["collection"][order]
    length = references["length"].astype(np.int64)
    ends = np.cumsum(HEADER.size + (length[order] + 7) // 8 * 8)
    starts = np.concatenate([[0], ends[:-1]])
    first = np.searchsorted(collection, collection)
    header = np.empty(len(order), np.int64)
    header[order] = collection.astype(np.int64) + HEADER.size + starts - starts[first]
    size = os.fstat(file).st_size
    inside = (references["collection"] < size) & (header + HEADER.size + length <= size)
    return Places(header, np.where(inside, length, 0), references["number"], references["collection"])


def check_collections(file: int, offsets: np.ndarray) -> None:
    """That what lies there in the open file can be given to HDF5, which turns for ever in a collection with an object
    of no size. Raises ValueError."""
    size = os.fstat(file).st_size
    for start in np.unique(offsets[(offsets > 0) & (offsets < size)]).tolist():
        data = os.pread(file, COLLECTION.size, start)
        if len(data) < COLLECTION.size:
            continue  # HDF5 says so
        signature, whole = COLLECTION.unpack(data)
        if signature != b"GCOL" or start + whole > size:
            continue  # the same
        data, at = os.pread(file, whole, start), COLLECTION.size
        while at + HEADER.size <= whole:
            number, length = HEADER.unpack_from(data, at)
            step = HEADER.size + (length + 7) // 8 * 8 if number else length  # free space counts its header
            if step < HEADER.size or at + step > whole:
                raise ValueError(f"the collection at byte {start} holds an object of {length} bytes at {at} of {whole}")
            at += step


def _entry(file: int, header: int, length: int, number: int) -> bytes | None:
    if not length:
        return None
    data = os.pread(file, HEADER.size + length, header)
    if len(data) != HEADER.size + length or HEADER.unpack_from(data) != (number, length):
        return None
    return data[HEADER.size :]


def _references(node: Any, file: int) -> np.ndarray | None:
    """[N] as stored; zeros where none are."""
    from h5py import h5t

    kind, count, size = node.id.get_type(), len(node), os.fstat(file).st_size
    plain = isinstance(kind, h5t.TypeVlenID) and kind.get_super() == h5t.STD_U8LE
    if not plain or node.id.get_create_plist().get_nfilters():
        return None
    if count > MOST or count * REFERENCE.itemsize > size:  # what is only claimed takes no memory
        return None
    pieces: list[tuple[int, int | None, int]] = []
    if node.chunks is None:
        pieces.append((0, node.id.get_offset(), count))
    else:
        node.id.chunk_iter(lambda one: pieces.append((one.chunk_offset[0], one.byte_offset, node.chunks[0])))
    found = np.zeros(count, REFERENCE)
    for start, offset, most in pieces:
        part = found[start : start + most]
        if offset is None or offset + part.nbytes > size:
            return None
        part[:] = np.frombuffer(os.pread(file, part.nbytes, offset), REFERENCE)
    return found
