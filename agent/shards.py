"""A shard: one Parquet file that holds a fixed number of episodes, one row a frame and one row group an episode.

Nothing in the file depends on when or in which order the episodes came, so the same episodes give the same bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from agent.encoded import decode as decode_image
from agent.encoding import encode as encode_pictures
from agent.episode import Episode
from agent.files import write_whole
from agent.schema import COLUMNS, SCHEMA, check_size, check_whole
from sim.errors import InputError

UNREADABLE = (OSError, ValueError, TypeError, LookupError, AttributeError, OverflowError, pa.ArrowException, cv2.error)
"""What reading a damaged file may raise."""

MOST = 1 << 30
"""Bytes of the frames of an episode."""


def encode(episode: Episode, image_format: str) -> pa.Table:
    """The rows [T] of an episode, its images encoded. Commands are null in the last row: no frame follows it."""
    count = len(episode.frames)
    if count == 0:
        raise ValueError(f"episode {episode.number} has no frames: at least 1 is needed")
    encoded = encode_pictures(episode, image_format)
    images = [{"bytes": data, "path": None} for data in encoded.frames]
    masks: list[dict[str, Any] | None] = [None] * count
    if encoded.masks is not None:
        masks = [{"bytes": data, "path": None} for data in encoded.masks]
    columns = {
        "episode": [episode.number] * count,
        "frame": range(count),
        "time": episode.times,
        "image": images,
        "mask": masks,
        "category": [episode.category] * count,
        "instance": [episode.instance] * count,
        "seed": [episode.seed] * count,
        "clean": [*episode.clean, None],
        "recorded": [*episode.recorded, None],
        "executed": [*episode.executed, None],
        "limited": [*episode.limited.tolist(), None],
        "joints": list(episode.joints),
        "object_pose": list(episode.object_poses),
        "camera_pose": list(episode.camera_poses),
        "intrinsics": [episode.intrinsics.ravel()] * count,
        "grasp": [episode.grasp] * count,
        "visible": episode.visible,
    }
    return pa.table({name: pa.array(columns[name], kind) for name, kind in COLUMNS.items()}, schema=SCHEMA)


def decode(table: pa.Table) -> Episode:
    """The episode whose rows [T] these are. Raises ValueError where they do not make an episode."""
    frames = _pictures(_encoded(table, "image"))
    masks = None
    if table["mask"].null_count == 0:
        masks = np.stack([_decode_image(cell, cv2.IMREAD_GRAYSCALE) for cell in _encoded(table, "mask")]) > 0
    count = len(frames)
    joints = _vectors(table, "joints").reshape(count, -1)
    clean, recorded, executed = (
        _vectors(table, name).reshape(count - 1, joints.shape[1]) for name in ("clean", "recorded", "executed")
    )
    return Episode(
        frames=frames,
        clean=clean,
        recorded=recorded,
        executed=executed,
        limited=np.array(table["limited"].to_pylist()[:-1], bool),
        joints=joints,
        object_poses=_vectors(table, "object_pose").reshape(count, 7),
        camera_poses=_vectors(table, "camera_pose").reshape(count, 7),
        intrinsics=_vectors(table, "intrinsics")[:9].reshape(3, 3),
        grasp=_vectors(table, "grasp")[:7],
        visible=table["visible"].to_numpy().copy(),
        times=table["time"].to_numpy().copy(),
        category=table["category"][0].as_py(),
        instance=table["instance"][0].as_py(),
        number=table["episode"][0].as_py(),
        seed=table["seed"][0].as_py(),
        masks=masks,
    )


def _encoded(table: pa.Table, name: str) -> pa.BinaryArray:
    """The bytes [T] of a column of images."""
    return table[name].chunk(0).field("bytes")


def _pictures(cells: pa.BinaryArray | Sequence[pa.BinaryScalar]) -> np.ndarray:
    """uint8 [N, H, W, 3], RGB."""
    frames = np.empty(0, np.uint8)
    for index, cell in enumerate(cells):
        image = _decode_image(cell, cv2.IMREAD_COLOR)
        if index == 0:
            if len(cells) * image.size > MOST:
                raise ValueError(f"{len(cells)} images of shape {image.shape} in one episode")
            frames = np.empty((len(cells), *image.shape), np.uint8)
        if image.shape != frames.shape[1:]:
            raise ValueError(f"images of shapes {frames.shape[1:]} and {image.shape} in one episode")
        cv2.cvtColor(image, cv2.COLOR_BGR2RGB, dst=frames[index])
    return frames


def _decode_image(cell: pa.BinaryScalar, flags: int) -> np.ndarray:
    return decode_image(cell.as_buffer(), flags)


def _vectors(table: pa.Table, name: str) -> np.ndarray:
    """All numbers of a list column in one row, nulls left out; a copy, so that it can be written to."""
    return table[name].chunk(0).flatten().to_numpy().copy()


def name_of(index: int) -> str:
    """The path of a shard within its dataset."""
    return f"data/shard-{index:06d}.parquet"


def path_of(root: Path, index: int) -> Path:
    return root / name_of(index)


def index_of(path: Path) -> int | None:
    """The index of the shard with this file name; None for any other file."""
    match = re.fullmatch(r"shard-(\d{6,})\.parquet", path.name)
    return int(match[1]) if match is not None and path.name == Path(name_of(int(match[1]))).name else None


def scan(root: Path, *, episodes_per_shard: int) -> dict[int, int]:
    """Shard index -> number of episodes in it. Reads the footers only, which a shard that was cut short lacks."""
    counts: dict[int, int] = {}
    for path in sorted((root / "data").glob("shard-*.parquet")):
        index = index_of(path)
        if index is not None:
            counts[index] = len(frame_counts(path, index, episodes_per_shard=episodes_per_shard))
    return counts


def frame_counts(path: Path, index: int, *, episodes_per_shard: int) -> list[int]:
    """The number of frames of each episode in a shard, from its footer."""
    try:
        with pq.ParquetFile(path) as file:
            footer = file.metadata
            if not file.schema_arrow.equals(SCHEMA):
                raise ValueError("its columns are not those of armplay episodes")
            groups = [footer.row_group(i) for i in range(footer.num_row_groups)]
            spans = [group.column(0).statistics for group in groups]
    except UNREADABLE as error:
        raise damaged(path, error) from error
    if not 1 <= len(groups) <= episodes_per_shard:
        raise damaged(path, f"{len(groups)} episodes, 1 to {episodes_per_shard} expected")
    for number, span in enumerate(spans, index * episodes_per_shard):
        if span is None or (span.min, span.max) != (number, number):
            raise damaged(path, f"episode {number} is not where it belongs")
    return [group.num_rows for group in groups]


def read(
    path: Path, positions: Iterable[int], *, columns: list[str] | None = None, whole: bool = True
) -> Iterator[pa.Table]:
    """The rows of the episodes at these positions of a shard, page checksums verified; by default, all columns. Those
    that lack what each episode has are damaged, unless they need not be `whole`."""
    try:
        file = pq.ParquetFile(path, page_checksum_verification=True)
    except UNREADABLE as error:
        raise damaged(path, error) from error
    with file:
        for position in positions:
            try:
                check_size(file.metadata.row_group(position))
                table = file.read_row_group(position, columns=columns, use_threads=False)
                if whole:
                    check_whole(table)
            except UNREADABLE as error:
                raise damaged(path, error) from error
            yield table.combine_chunks()


def read_episodes(path: Path, positions: Iterable[int]) -> Iterator[Episode]:
    """The episodes at these positions of a shard."""
    for table in read(path, positions):
        try:
            episode = decode(table)
        except UNREADABLE as error:
            raise damaged(path, error) from error
        yield episode


def read_frames(path: Path, position: int, indices: Sequence[int]) -> np.ndarray:
    """The frames uint8 [N, H, W, 3] with these N >= 1 indices of the episode at this position of a shard. The images
    of that episode are read, and nothing else; those asked for are decoded."""
    images = _encoded(next(read(path, [position], columns=["image.bytes"])), "image")
    for index in indices:
        if not 0 <= index < len(images):
            raise InputError(f"{path}: frame {index} is not among the {len(images)} of the episode at {position}")
    try:
        return _pictures([images[index] for index in indices])
    except UNREADABLE as error:
        raise damaged(path, error) from error


def read_vectors(path: Path, position: int, name: str) -> np.ndarray:
    """A column of vectors of an episode, float32 [T, N], or [T-1, N] where its last is null; reads nothing else."""
    column = next(read(path, [position], columns=[name]))[name]
    try:
        return column.drop_null().combine_chunks().flatten().to_numpy().reshape(len(column) - column.null_count, -1)
    except UNREADABLE as error:
        raise damaged(path, error) from error


def objects(path: Path) -> dict[int, tuple[str, str]]:
    """Episode number -> (category, instance) of a shard."""
    names = ("episode", "category", "instance")
    try:
        table = pq.read_table(path, columns=list(names), use_threads=False)
        check_whole(table)
    except UNREADABLE as error:
        raise damaged(path, error) from error
    episodes, *pairs = (table[name].to_pylist() for name in names)
    return dict(zip(episodes, zip(*pairs, strict=True), strict=True))


def renumbered(table: pa.Table, number: int) -> pa.Table:
    """The rows of an episode, with another episode number."""
    return table.set_column(0, SCHEMA.field(0), pa.array([number] * len(table), pa.int64()))


def damaged(path: Path, reason: object) -> InputError:
    line = " ".join(str(reason).split()) or type(reason).__name__
    return InputError(f"{path}: damaged shard ({line}); restore it, or delete it and collect again with --resume")


def write(path: Path, tables: Iterable[pa.Table]) -> None:
    """Writes a shard: one row group for each table, in the order given."""

    def fill(file: BinaryIO) -> None:
        # Images do not compress, and a dictionary of them would only be a second copy in memory.
        with pq.ParquetWriter(
            file, SCHEMA, use_dictionary=False, write_statistics=["episode"], write_page_checksum=True
        ) as writer:
            for table in tables:
                writer.write_table(table, row_group_size=table.num_rows)

    write_whole(path, fill)


def leftovers(root: Path) -> list[Path]:
    """What an interrupted `write_whole` left in a dataset's folders."""
    patterns = (".dataset.json.tmp", ".README.md.tmp", ".checksums.txt.tmp", "data/.shard-*.parquet.tmp")
    return [path for pattern in patterns for path in root.glob(pattern)]
