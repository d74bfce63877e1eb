"""What an encoder is, and how its weights begin."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from sim.errors import InputError

SMALLEST_IMAGE = 32


class Encoder(nn.Module):
    """What methods and probes need to know of a network: [B, 3, H, W] to [B, features]."""

    features: int
    name: str
    """As `build_encoder` knows it."""
    image_size: int | None = None
    """Pixels a side of the images that it was made for; None where nobody said."""
    classifiers: tuple[str, ...] = ("fc",)
    """Layers that published weights of this network may have and an encoder has not."""

    @property
    def network(self) -> nn.Module:
        """The module whose state dict has the names under which weights of this network are published."""
        return self


def initialise(network: nn.Module) -> None:
    """Kaiming-normal convolutions by fan-out, as torchvision's ResNets; BatchNorm starts as the identity by default."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")


@contextmanager
def initialised_from(seed: int) -> Iterator[None]:
    """Networks made inside draw their CPU weights from `seed`; the global random state is as before afterwards."""
    with torch.random.fork_rng(devices=[]):
        # Not torch.manual_seed: that would also reseed every accelerator, whose states are not forked here.
        torch.default_generator.manual_seed(seed)
        yield


def check_image_size(size: int) -> None:
    """Refuse images [size, size] that shrink to nothing inside an encoder."""
    if size < SMALLEST_IMAGE:
        raise InputError(f"image_size={size}: at least {SMALLEST_IMAGE} is needed, or the encoder's last map is empty")
