"""Features of a stored dataset's frames, a batch at a time, and files that hold them with their labels."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator
from itertools import islice
from typing import BinaryIO, NamedTuple

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from agent.dataset import Dataset, held_out
from learner.encoders import Encoder
from learner.probes import embed
from sim.errors import InputError

LABELS: dict[str, pa.DataType] = {
    "category": pa.string(),
    "instance": pa.string(),
    "episode": pa.int64(),
    "frame": pa.int32(),
    "split": pa.string(),
}


class Chosen(NamedTuple):
    """The frames of an episode that are to be embedded."""

    episode: int
    frames: list[int]
    category: str
    instance: str
    split: str


class Embedded(NamedTuple):
    """Features of N frames."""

    features: np.ndarray
    """float32 [N, F]."""
    labels: dict[str, list]
    """The columns of `LABELS`, N long."""


def choose(dataset: Dataset, *, frames: int = 0, split: str = "all") -> list[Chosen]:
    """Frames of a dataset: `frames` an episode, evenly spaced in it (0: all, as where it has no more), of the episodes
    whose object `agent.dataset.held_out` puts into `split`. Raises InputError where there are none."""
    counts, found = dataset.frame_counts, []
    for number, (category, instance) in dataset.objects().items():
        part = held_out(instance)
        if split in ("all", part):
            count = counts[number]
            indices = np.linspace(0, count - 1, min(frames or count, count)).round().astype(int).tolist()
            found.append(Chosen(number, indices, category, instance, part))
    if not found:
        raise InputError(f"split={split}: none of the {len(dataset)} episodes in {dataset.root}, so nothing to embed")
    return found


def check_images(encoder: Encoder, dataset: Dataset) -> None:
    """Raise InputError where a dataset's images have another size than those that the encoder was trained on."""
    width, height = dataset.image_size
    if encoder.image_size is not None and (width, height) != (encoder.image_size, encoder.image_size):
        raise InputError(
            f"data={dataset.root}: images of {width}x{height}, the encoder was trained on {encoder.image_size}x"
            f"{encoder.image_size} and sees other sizes otherwise; pass --resize to scale them"
        )


def embed_dataset(
    encoder: Encoder, dataset: Dataset, chosen: list[Chosen], *, batch: int = 256, device: str = "cpu"
) -> Iterator[Embedded]:
    """Features of the chosen frames in their order, `batch` at a time, by an encoder that is on `device`. Frames of
    another size than `encoder.image_size` are scaled to it."""

    def pictures() -> Iterator[tuple[np.ndarray, tuple]]:
        for episode, indices, category, instance, split in chosen:
            for frame, index in zip(dataset.frames(episode, indices), indices, strict=True):
                yield scaled(frame, encoder.image_size), (category, instance, episode, index, split)

    waiting = pictures()
    while found := list(islice(waiting, batch)):
        images, rows = zip(*found, strict=True)
        columns = dict(zip(LABELS, map(list, zip(*rows, strict=True)), strict=True))
        yield Embedded(embed(encoder, np.stack(images), batch=batch, device=device), columns)


def scaled(frame: np.ndarray, size: int | None) -> np.ndarray:
    """uint8 [H, W, 3] to [size, size, 3]: by areas where it shrinks, so that nothing aliases; bilinearly otherwise."""
    if size is None or frame.shape[:2] == (size, size):
        return frame
    smooth = cv2.INTER_AREA if min(frame.shape[:2]) > size else cv2.INTER_LINEAR
    return cv2.resize(frame, (size, size), interpolation=smooth)


def write_parquet(file: BinaryIO, found: Iterator[Embedded], *, rows: int, width: int) -> None:
    """A row a frame: `features`, a list of `width` float32, and the labels; a row group a batch."""
    schema = pa.schema([("features", pa.list_(pa.float32(), width)), *LABELS.items()])
    with pq.ParquetWriter(file, schema, use_dictionary=["category", "instance", "split"]) as writer:
        for features, labels in found:
            vectors = pa.FixedSizeListArray.from_arrays(pa.array(features.ravel()), width)
            writer.write_table(pa.table([vectors, *labels.values()], schema=schema))


def write_npz(file: BinaryIO, found: Iterator[Embedded], *, rows: int, width: int) -> None:
    """For `numpy.load`: `features` float32 [rows, width], and the labels, each [rows]; nothing in it is pickled."""
    labels: dict[str, list] = {name: [] for name in LABELS}
    with zipfile.ZipFile(file, "w") as archive:
        with archive.open(zipfile.ZipInfo("features.npy"), "w", force_zip64=True) as member:
            # Not numpy.savez: it needs all features in memory.
            head = {"descr": "<f4", "fortran_order": False, "shape": (rows, width)}
            np.lib.format.write_array_header_1_0(member, head)
            for features, columns in found:
                member.write(features.astype("<f4", copy=False).tobytes())
                for name, column in columns.items():
                    labels[name] += column
        for name, column in labels.items():
            with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w") as member:
                kind = None if LABELS[name] == pa.string() else LABELS[name].to_pandas_dtype()
                np.lib.format.write_array(member, np.array(column, dtype=kind), allow_pickle=False)


WRITERS: dict[str, Callable[..., None]] = {".parquet": write_parquet, ".npz": write_npz}
"""By the ending of the file."""
