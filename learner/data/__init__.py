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
from sim.options import check_options, with_options

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
    root, options = with_options(rest)
    if kind not in KINDS or not colon or not root:
        raise InputError(f"data={text}: KIND:ROOT is needed, with one of {', '.join(KINDS)} before the colon")
    known = [name for name, given in signature(KINDS[kind]).parameters.items() if given.kind == given.KEYWORD_ONLY]
    check_options(options, known, given=f"data={text}", kind=kind)
    return KINDS[kind](Path(root), **options)


__all__ = ["KINDS", "ActionFormula", "Frames", "ImageData", "PairSet", "Simulated", "open_data"]
