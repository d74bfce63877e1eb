"""Ways in which a file may differ from what our own code wrote: damaged, foreign, or meant to do harm."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

from hypothesis import strategies as st

PARTS = (b"", b"\0", b"\xff" * 8, b"\0" * 64, b"\xff\xff\xff\x7f", b"\n", b"[" * 5000, b"-", b"9" * 400, b"NaN", b"../")
"""Bytes that readers stumble over."""
DEPTH = 20_000
"""Of a nest of lists: far beyond what Python calls into."""
DEEP = "[" * DEPTH + "]" * DEPTH
VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 2, 7, 1e9, -(2**63), 2**63, 2**200, 10**400, 0.5, 1e308),
    *(float("nan"), float("inf"), float("-inf"), "", "x", "1", "NaN", "../../../etc/passwd", "/etc/passwd", "\0"),
    *("a\nb", "\x1b[2J", "\ud800", "x" * 100_000, "²", "9" * 5000, [], [[]], [None], {}, {"a": {}}, [1e308] * 9),
)
"""Where another is expected."""


@st.composite
def damaged(draw: st.DrawFn, data: bytes) -> bytes:
    """The bytes with up to four places flipped, cut, doubled or written over."""
    for _ in range(draw(st.integers(1, 4))):
        size = len(data)
        start = draw(st.integers(0, size))
        end = min(size, start + draw(st.sampled_from((1, 1, 4, 8, 64, size))))
        how = draw(st.sampled_from(("flip", "write", "insert", "cut", "double", "end")))
        if how == "flip" and start < size:
            data = data[:start] + bytes([data[start] ^ draw(st.integers(1, 255))]) + data[start + 1 :]
        elif how == "write":
            part = draw(st.sampled_from(PARTS) | st.binary(max_size=8))
            data = data[:start] + part + data[start + len(part) :]
        elif how == "insert":
            data = data[:start] + draw(st.sampled_from(PARTS)) + data[start:]
        elif how == "cut":
            data = data[:start] + data[end:]
        elif how == "double":
            data = data[:end] + data[start:]
        elif how == "end":
            data = data[:start]
    return data


@st.composite
def retold(draw: st.DrawFn, value: Any) -> Any:
    """The JSON value with up to three of its values dropped, renamed or replaced by those of another kind."""
    value = json.loads(json.dumps(value))
    for _ in range(draw(st.integers(1, 3))):
        value = _changed(draw, value)
    return value


def _changed(draw: st.DrawFn, value: Any) -> Any:
    """One place of it is another; deeper places are as likely as those above them."""
    keys = list(value) if isinstance(value, dict) else list(range(len(value))) if isinstance(value, list) else []
    if not keys or draw(st.integers(0, 5)) == 0:
        return deepcopy(draw(st.sampled_from(VALUES) | st.integers() | st.floats()))
    key = draw(st.sampled_from(keys))
    how = draw(st.sampled_from(("in", "in", "in", "drop", "double", "rename")))
    if how == "in":
        value[key] = _changed(draw, value[key])
    elif how == "drop":
        del value[key]
    elif isinstance(value, list):
        value.append(value[key])
    else:
        value[draw(st.sampled_from(("", "extra", "a\nb")))] = value[key] if how == "double" else value.pop(key)
    return value


def as_json(value: Any) -> bytes:
    """As a hostile hand writes it: with what Python's reader takes beyond the standard."""
    return json.dumps(value).encode()
