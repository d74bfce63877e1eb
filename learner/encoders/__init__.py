"""Encoders: images float32 [B, 3, H, W] in [-1, 1] to average-pooled features [B, F].

A new one is a file beside these and a line in `ENCODERS`.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from learner.encoders import timm
from learner.encoders.base import SMALLEST_IMAGE, Encoder, check_image_size, initialised_from
from learner.encoders.resnet import resnet18, resnet50
from learner.encoders.small import SmallEncoder
from sim.errors import InputError

ENCODERS: dict[str, Callable[[], Encoder]] = {"small": SmallEncoder, "resnet18": resnet18, "resnet50": resnet50}


def check_encoder(name: str) -> None:
    """Raise InputError for a name of which `build_encoder` makes nothing."""
    _maker(name)


def build_encoder(name: str, *, seed: int, image_size: int | None = None) -> Encoder:
    """The encoder of that name with weights drawn from `seed`, in channels-last memory, for images of `image_size`
    pixels a side (None: any, or what a model of timm was published for). Raises InputError for a name or a size that
    makes no encoder."""
    make = _maker(name)
    if image_size is not None:
        check_image_size(image_size)
    with initialised_from(seed):
        encoder = make(image_size)
    encoder.name, encoder.image_size = name, image_size
    return encoder.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def _maker(name: str) -> Callable[[int | None], Encoder]:
    if name.startswith(timm.PREFIX):
        return timm.maker(name)
    if name not in ENCODERS:
        known = ", ".join((*ENCODERS, f"{timm.PREFIX}NAME"))
        raise InputError(f"encoder={name}: one of {known} is needed, or there is no network to train")
    return lambda _: ENCODERS[name]()


__all__ = [
    "ENCODERS",
    "SMALLEST_IMAGE",
    "Encoder",
    "build_encoder",
    "check_encoder",
    "check_image_size",
    "initialised_from",
]
