"""Parquet tables of what images show, as others wrote them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from sim.errors import InputError

Kind = Literal["text", "whole", "real"]


def read_columns(path: Path, columns: Mapping[str, Kind]) -> dict[str, np.ndarray]:
    """The columns [N] of these names, of strings (whole numbers are written out), int64 or float64.

    Raises InputError, which names the file and the column, for what is missing, empty, of another type or infinite.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file, where a table with the columns {', '.join(columns)} is expected")
    try:
        with pq.ParquetFile(path) as file:
            names = file.schema_arrow.names
            for name in columns:
                if name not in names:
                    raise InputError(f"{path}: column {name} is missing: it has {', '.join(names)}")
            table = file.read(columns=list(columns))
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"{path}: no Parquet table that can be read ({' '.join(str(error).split())})") from error
    return {name: _column(table[name], kind, f"{path}: column {name}") for name, kind in columns.items()}


def _column(cells: pa.ChunkedArray, kind: Kind, what: str) -> np.ndarray:
    if pa.types.is_dictionary(cells.type):
        cells = cells.cast(cells.type.value_type)
    if not _fits(cells.type, kind):
        raise InputError(f"{what} holds {cells.type}: {_SAID[kind]} are expected")
    if cells.null_count:
        raise InputError(f"{what} has {cells.null_count} empty cells of {len(cells)}: none may be")
    if kind == "text":
        try:
            return np.array(cells.cast(pa.string()).to_pylist(), dtype=object)
        except UnicodeDecodeError as error:
            raise InputError(f"{what} holds bytes that are no UTF-8 ({error}): strings are expected") from None
    values = cells.to_numpy().astype(np.int64 if kind == "whole" else np.float64)
    if not np.isfinite(values).all():
        raise InputError(f"{what} is not finite in row {int(np.argmin(np.isfinite(values)))}: numbers are expected")
    return values


_SAID = {"text": "strings", "whole": "whole numbers", "real": "numbers"}


def _fits(kind: pa.DataType, wanted: Kind) -> bool:
    whole = pa.types.is_integer(kind)
    if wanted == "text":
        return whole or pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    return whole or (wanted == "real" and pa.types.is_floating(kind))
