"""Pictures as a dataset stores them."""

from __future__ import annotations

import cv2
import numpy as np

from agent.episode import Encoded, Episode
from sim.errors import InputError

JPEG_QUALITY = 95
IMAGE_FORMATS: dict[str, tuple[str, list[int]]] = {
    "jpeg": (".jpg", [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]),
    "png": (".png", []),
}
"""Name of an image format -> what OpenCV's encoder is told. PNG is exact, JPEG about a fifth of its size."""
BILEVEL = [cv2.IMWRITE_PNG_BILEVEL, 1]


def check_format(image_format: str) -> None:
    """Raises InputError for a format that is not known."""
    if image_format not in IMAGE_FORMATS:
        known = " and ".join(IMAGE_FORMATS)
        raise InputError(f"image_format={image_format!r}: {known} are known, others cannot be encoded")


def encode(episode: Episode, image_format: str) -> Encoded:
    """The pictures of an episode as files, or those that it has already."""
    if episode.encoded is not None and episode.encoded.image_format == image_format:
        return episode.encoded
    suffix, options = IMAGE_FORMATS[image_format]
    frames = tuple(_file(suffix, cv2.cvtColor(frame, cv2.COLOR_RGB2BGR), options) for frame in episode.frames)
    masks = None
    if episode.masks is not None:
        masks = tuple(_file(".png", mask.astype(np.uint8) * 255, BILEVEL) for mask in episode.masks)
    return Encoded(image_format, frames, masks)


def _file(suffix: str, image: np.ndarray, options: list[int]) -> bytes:
    encoded, data = cv2.imencode(suffix, image, options)
    if not encoded:
        raise ValueError(f"OpenCV cannot encode an image of shape {image.shape} as {suffix}")
    return data.tobytes()
