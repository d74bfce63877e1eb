"""The columns of a shard, and what the rows of an episode must be before anything is made of them."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

FRAMES = 100_000
"""Of an episode, at most."""
AT_END = ("clean", "recorded", "executed", "limited")
"""Columns that are null in the last row of an episode: no frame follows it."""
NUMBERS = 64
"""In a vector of a frame, at most."""
CODECS = ("SNAPPY", "UNCOMPRESSED")
"""How columns may be compressed: those of our own, and none that makes much of little."""

_IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
_VECTOR = pa.list_(pa.float32())
COLUMNS: dict[str, pa.DataType] = {
    "episode": pa.int64(),
    "frame": pa.int32(),
    "time": pa.float64(),
    "image": _IMAGE,
    "mask": _IMAGE,
    "category": pa.string(),
    "instance": pa.string(),
    "seed": pa.int64(),
    "clean": _VECTOR,
    "recorded": _VECTOR,
    "executed": _VECTOR,
    "limited": pa.bool_(),
    "joints": _VECTOR,
    "object_pose": _VECTOR,
    "camera_pose": _VECTOR,
    "intrinsics": _VECTOR,
    "grasp": _VECTOR,
    "visible": pa.float32(),
}


def _feature(kind: pa.DataType) -> dict[str, Any]:
    """The Hugging Face description of a column; `Sequence` is the spelling that `datasets` 3 to 5 all read."""
    if kind == _IMAGE:
        return {"_type": "Image"}
    if kind == _VECTOR:
        return {"feature": {"dtype": "float32", "_type": "Value"}, "_type": "Sequence"}
    return {"dtype": {"double": "float64", "float": "float32"}.get(str(kind), str(kind)), "_type": "Value"}


SCHEMA = pa.schema(
    list(COLUMNS.items()),
    metadata={"huggingface": json.dumps({"info": {"features": {k: _feature(v) for k, v in COLUMNS.items()}}})},
)


def check_size(group: pq.RowGroupMetaData) -> None:
    """Raises ValueError for rows that would take far more memory than the file has bytes."""
    columns = [group.column(place) for place in range(group.num_columns)]
    if not 1 <= group.num_rows <= FRAMES or any(each.num_values > NUMBERS * group.num_rows for each in columns):
        raise ValueError(f"an episode of {group.num_rows} frames: 1 to {FRAMES} are read, of {NUMBERS} numbers each")
    if not {each.compression for each in columns} <= {*CODECS}:
        raise ValueError(f"compressed by other means than {' and '.join(CODECS)}")


def check_whole(table: pa.Table) -> None:
    """Raises ValueError where something is null that no episode of ours lacks."""
    for name in table.column_names:
        column = table[name].combine_chunks()
        lacking = column.null_count
        if name == "image":
            lacking += column.field("bytes").null_count
        elif COLUMNS[name] == _VECTOR:
            lacking += column.flatten().null_count
        if lacking > (len(table) if name == "mask" else name in AT_END):
            raise ValueError(f"{lacking} of {len(table)} cells of {name} are empty")
