"""Datasets of images by kind: a new one is a file beside these and a line in `KINDS`."""

from __future__ import annotations

from collections.abc import Callable
from inspect import signature
from pathlib import Path

from learner.data.armplay import Armplay
from learner.data.base import ActionFormula, Frames, ImageData
from learner.data.co3d import Co3d, Co3dPacked
from learner.data.images import ImageFolder
from learner.data.mvimgnet import MVImgNet
from learner.data.mvimgnet_packed import PackedMVImgNet, mvimgnet_f
from learner.data.pairs import PairSet
from learner.data.rt4k import Rt4k
from learner.data.simulated import Simulated
from sim.errors import InputError

KINDS: dict[str, Callable[..., ImageData]] = {
    "armplay": Armplay,
    "rt4k": Rt4k,
    "images": ImageFolder,
    "co3d": Co3d,
    "co3d-packed": Co3dPacked,
    "mvimgnet": MVImgNet,
    "mvimgnet-packed": PackedMVImgNet,
    "mvimgnet-f": mvimgnet_f,
    "sim": Simulated,
}


def open_data(text: str) -> ImageData:
    """The dataset that KIND:ROOT names, or KIND:ROOT?OPTION=VALUE where the kind has options. Raises InputError for an
    unknown kind or option, or a folder that holds none."""
    kind, colon, rest = text.partition(":")
    root, _, asked = rest.partition("?")
    if kind not in KINDS or not colon or not root:
        raise InputError(f"data={text}: KIND:ROOT is needed, with one of {', '.join(KINDS)} before the colon")
    options = dict(part.partition("=")[::2] for part in asked.split("&")) if asked else {}
    known = [name for name, given in signature(KINDS[kind]).parameters.items() if given.kind == given.KEYWORD_ONLY]
    for name in options:
        if name not in known:
            raise InputError(f"data={text}: option {name} is unknown, {kind} has {', '.join(known) or 'none'}")
    return KINDS[kind](Path(root), **options)


__all__ = ["KINDS", "ActionFormula", "Frames", "ImageData", "PairSet", "Simulated", "open_data"]
