"""Textures: opened with care, and made no larger than they can be of use."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, UnidentifiedImageError

from sim.objects.convert.source import Refused

FORMATS = ("PNG", "JPEG", "BMP", "TGA", "WEBP", "GIF", "TIFF")
MAX_PIXELS = 8192 * 8192
BROKEN = (OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, TypeError)
"""What PIL raises for files that break their format."""
LARGEST = 2048
"""Pixels a side that are kept."""


def open_picture(data: bytes, name: str) -> Image.Image:
    """The picture in the bytes of a file, not yet unpacked. Raises Refused, with the name, where it is none."""
    try:
        return Image.open(io.BytesIO(data), formats=FORMATS)
    except UnidentifiedImageError:
        raise Refused(f"texture {name[:100]!r} cannot be read: it is none of {', '.join(FORMATS)}") from None
    except BROKEN as error:
        raise _unreadable(name, error) from None


def pixels_of(picture: Image.Image, name: str) -> np.ndarray:
    """A picture unpacked, uint8 [h, w, 3] RGB; what is transparent has the mean of the other colours.

    Raises Refused, with the name, where it cannot be read or claims more than MAX_PIXELS: those are not unpacked.
    """
    if picture.format not in FORMATS:  # others may start programs, as EPS does
        raise Refused(f"texture {name[:100]!r} cannot be read: it is none of {', '.join(FORMATS)}")
    width, height = picture.size
    if width * height > MAX_PIXELS:
        raise Refused(f"texture {name[:100]!r} claims {width} x {height} pixels: at most {MAX_PIXELS} are read")
    transparent = "A" in picture.getbands() or "transparency" in picture.info
    try:
        picture.draft("RGB", (LARGEST, LARGEST))
        if picture.mode.startswith("I"):  # 16 bits, which would be cut off
            pixels = np.repeat((np.asarray(picture) >> 8).astype(np.uint8)[..., None], 3, axis=2)
        else:
            pixels = np.asarray(picture.convert("RGBA" if transparent else "RGB"))
    except BROKEN as error:
        raise _unreadable(name, error) from None
    if pixels.shape[2] == 4:
        shown = pixels[..., 3] > 127
        mean = pixels[shown][:, :3].mean(axis=0) if shown.any() else 0
        pixels = np.where(shown[..., None], pixels[..., :3], np.round(mean).astype(np.uint8))
    factor = -(-max(pixels.shape) // LARGEST)
    return pixels if factor == 1 else shrink(pixels, factor)


def _unreadable(name: str, error: BaseException) -> Refused:
    return Refused(f"texture {name[:100]!r} cannot be read: {str(error)[:100] or type(error).__name__}")


def shrink(pixels: np.ndarray, factor: int) -> np.ndarray:
    """Means of squares of `factor` pixels a side, uint8."""
    return np.asarray(Image.fromarray(np.ascontiguousarray(pixels)).reduce(factor))
