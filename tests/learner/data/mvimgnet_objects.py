"""Objects of MVImgNet, made up, as files in both layouts."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from agent.dataset import held_out
from learner.data.mvimgnet import MVImgNet
from learner.data.mvimgnet_packed import PackedMVImgNet
from tests.references.mvimgnet import (
    Shot,
    write_packed,
    write_published,
)

HALF = math.sqrt(0.5)
TURNED = (HALF, 0.0, HALF, 0.0)
"""A quarter turn about y."""


def named(split: str, place: int = 0) -> str:
    """The `place`-th made-up object id that `held_out` gives to `split`."""
    return [name for name in (f"{number:08x}" for number in range(200)) if held_out(name) == split][place]


OBJECTS = {
    f"7/{named('train')}": [
        Shot(3, TURNED, (1.0, 2.0, 3.0)),
        Shot(1),
        Shot(9, (-1.0, 0.0, 0.0, 0.0), (99.0, 0.0, -99.0)),
    ],
    f"12/{named('train', 1)}": [Shot(5, translation=(0.5, 0.0, 0.0))],
    f"7/{named('test')}": [Shot(2), Shot(4, TURNED)],
    f"7/{named('validation')}": [Shot(1)],
}
SPLIT_OF = {name: held_out(name.split("/")[1]) for name in OBJECTS}


def motion_of(shot: Shot, *, landscape: bool) -> np.ndarray:
    return np.array([[*shot.quaternion, *shot.translation, landscape]])


def published(root: Path, **more) -> MVImgNet:
    write_published(root, OBJECTS, **more)
    return MVImgNet(root)


def packed(root: Path, *, validation: bool = False, **more) -> PackedMVImgNet:
    kept = {"train": "train", "validation": "val" if validation else "train", "test": "test"}
    write_packed(root, OBJECTS, {name: kept[split] for name, split in SPLIT_OF.items()}, **more)
    return PackedMVImgNet(root)
