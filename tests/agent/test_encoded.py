"""The size of an encoded image is what Pillow says it is, without decoding it."""

from __future__ import annotations

import io
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from PIL import Image

from agent.encoded import size_of

KINDS: dict[str, dict[str, Any]] = {
    "JPEG": {},
    "progressive": {"format": "JPEG", "progressive": True},
    "with a comment": {"format": "JPEG", "comment": b"\xff\xc0\x00\x11\x08\x00\x01\x00\x01", "quality": 20},
    "with a profile": {"format": "JPEG", "icc_profile": bytes(70_000)},
    "PNG": {},
    "WEBP": {},
    "BMP": {},
}


def written(kind: str, width: int, height: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (width, height), (9, 80, 200)).save(file, **{"format": kind, **KINDS[kind]})
    return file.getvalue()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [(1, 1), (300, 7), (5, 1000)])
def test_sizes_of_all_kinds(kind: str, size: tuple[int, int]) -> None:
    data = written(kind, *size)
    assert size_of(data) == size_of(np.frombuffer(data, np.uint8)) == size


@pytest.mark.parametrize("kind", ["JPEG", "progressive", "with a comment"])
def test_what_is_cut_short_has_its_size_or_none(kind: str) -> None:
    """None as long as the header is not whole."""
    whole, told = written(kind, 30, 20), []
    for cut in range(len(whole) + 1):
        with suppress(ValueError):
            told.append((cut, size_of(whole[:cut])))
    least = min(cut for cut, _ in told)
    assert 20 < least < 400
    assert told == [(cut, (30, 20)) for cut in range(least, len(whole) + 1)]
