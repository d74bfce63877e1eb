"""Encoded images: how large they say they are, and their pixels, within a bound."""

from __future__ import annotations

import io
import struct

import cv2
import numpy as np
from PIL import Image

LARGEST = 1 << 26
"""Pixels of an image: a file of a few bytes may claim to hold many more."""
PNG = b"\x89PNG\r\n\x1a\n"
JPEG = b"\xff\xd8"
SIZES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
"""Markers of a JPEG after which its size stands (ITU T.81, table B.1)."""
SEGMENT, SIDES = struct.Struct(">BBH").unpack_from, struct.Struct(">HH").unpack_from
CHUNK = struct.Struct(">I4s").unpack_from
Bytes = bytes | memoryview


def decode(data: bytes | np.ndarray, flags: int) -> np.ndarray:
    """The pixels uint8 [H, W, 3], BGR, or [H, W], as `cv2.imdecode` has them for these flags.

    Raises ValueError for what is no image, or too large a one.
    """
    size_of(data)
    _check_chunks(data if isinstance(data, bytes) else memoryview(data))  # type: ignore[arg-type]
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error as error:
        raise ValueError(f"an image cannot be decoded ({error.err})") from None
    if image is None:
        raise ValueError("an image cannot be decoded")
    return image


def size_of(data: bytes | np.ndarray) -> tuple[int, int]:
    """(width, height) in pixels; nothing is decoded. Raises ValueError as `decode`."""
    view = data if isinstance(data, bytes) else memoryview(data)  # type: ignore[arg-type]
    width, height = _of_png(view) or _of_jpeg(view) or _of_others(view)
    if not 0 < width * height <= LARGEST:
        raise ValueError(f"an image of {width}x{height} pixels: at most {LARGEST} are decoded")
    return width, height


def _check_chunks(view: Bytes) -> None:
    """That no part of a PNG is longer than the file, as OpenCV takes the memory for it before it reads."""
    if view[:8] != PNG:
        return
    at, kind = 8, b""
    while at + 8 <= len(view) and kind != b"IEND":
        length, kind = CHUNK(view, at)
        at += 12 + length
        if at > len(view):
            raise ValueError(f"an image cannot be decoded (a part of {length} bytes in a file of {len(view)})")


def _of_png(view: Bytes) -> tuple[int, int] | None:
    if view[:8] != PNG or view[12:16] != b"IHDR":
        return None
    return int.from_bytes(view[16:20], "big"), int.from_bytes(view[20:24], "big")


def _of_jpeg(view: Bytes) -> tuple[int, int] | None:
    """Follows the segments; a twentieth of the time that Pillow takes, which is not little beside that of decoding."""
    if view[:2] != JPEG:
        return None
    at = 2
    while at + 9 <= len(view):
        first, marker, length = SEGMENT(view, at)
        if first != 0xFF or marker == 0xFF:
            return None
        if marker in SIZES:
            height, width = SIDES(view, at + 5)
            return width, height
        at += 2 + length
    return None


def _of_others(view: Bytes) -> tuple[int, int]:
    try:
        with Image.open(io.BytesIO(view)) as image:
            return image.size
    except Exception as error:  # what a foreign file makes it raise is not documented
        raise ValueError(f"an image cannot be decoded ({type(error).__name__})") from None
