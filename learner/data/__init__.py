"""Datasets of images by kind: a new one is a file beside these and a line in `KINDS`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from learner.data.base import ActionFormula, Frames, ImageData
from sim.errors import InputError

KINDS: dict[str, Callable[[Path], ImageData]] = {}


def open_data(text: str) -> ImageData:
    """The dataset that KIND:ROOT names. Raises InputError for an unknown kind, or a folder that holds none."""
    kind, colon, root = text.partition(":")
    if kind not in KINDS or not colon or not root:
        raise InputError(f"data={text}: KIND:ROOT is needed, with one of {', '.join(KINDS)} before the colon")
    return KINDS[kind](Path(root))


__all__ = ["KINDS", "ActionFormula", "Frames", "ImageData", "open_data"]
