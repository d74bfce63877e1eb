"""The size of an encoded image is what Pillow says it is, without decoding it."""

from __future__ import annotations

import io
from contextlib import suppress
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from agent.encoded import decode, size_of

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


@pytest.mark.parametrize("extra", [b"", b"what follows the end"])
def test_a_png_that_claims_more_than_it_holds_is_not_decoded(extra: bytes) -> None:
    """OpenCV would take the memory first."""
    pixels = np.random.default_rng(0).integers(0, 256, (9, 13, 3), np.uint8)
    whole = cv2.imencode(".png", pixels)[1].tobytes() + extra
    assert np.array_equal(decode(whole, cv2.IMREAD_COLOR), pixels)
    assert np.array_equal(decode(np.frombuffer(whole, np.uint8), cv2.IMREAD_COLOR), pixels)
    at = whole.index(b"IDAT")
    for claimed in (len(whole), 318_767_118, 2**32 - 1):
        damaged = whole[: at - 4] + claimed.to_bytes(4, "big") + whole[at:]
        with pytest.raises(ValueError, match=f"a part of {claimed} bytes in a file of {len(whole)}"):
            decode(damaged, cv2.IMREAD_COLOR)
