"""Encoders: images float32 [B, 3, H, W] in [-1, 1] to average-pooled features [B, F]."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import nn

from sim.errors import InputError

SMALLEST_IMAGE = 32


class Encoder(nn.Module):
    """What methods and probes need to know of a network: [B, 3, H, W] to [B, features]."""

    features: int


class SmallEncoder(Encoder):
    """Encoder for CPUs: a strided stem with pooling, and four plain 3x3 convolutions.

    25 million multiply-adds at 64x64 and 0.54 million parameters. Only dense convolutions: with depthwise ones instead,
    a seventh of the multiply-adds, a training step was no more than 1.8 times as fast.
    """

    features = 256

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(convolution(3, 32, stride=2), nn.MaxPool2d(2))
        self.stages = nn.Sequential(
            convolution(32, 64, stride=1),
            convolution(64, 128, stride=2),
            convolution(128, 128, stride=1),
            convolution(128, self.features, stride=2),
        )
        initialise(self)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """float [B, 3, H, W] to [B, 256]."""
        return self.stages(self.stem(images)).mean(dim=(2, 3))


class ResNet18(Encoder):
    """ResNet-18 (arXiv 1512.03385) without its classifier; torchvision's parameter names, so its weights load."""

    features = 512

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        self.layer1 = nn.Sequential(BasicBlock(64, 64), BasicBlock(64, 64))
        self.layer2 = nn.Sequential(BasicBlock(64, 128, stride=2), BasicBlock(128, 128))
        self.layer3 = nn.Sequential(BasicBlock(128, 256, stride=2), BasicBlock(256, 256))
        self.layer4 = nn.Sequential(BasicBlock(256, 512, stride=2), BasicBlock(512, 512))
        initialise(self)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """float [B, 3, H, W] to [B, 512]."""
        maps = self.maxpool(self.relu(self.bn1(self.conv1(images))))
        return self.layer4(self.layer3(self.layer2(self.layer1(maps)))).mean(dim=(2, 3))


class BasicBlock(nn.Module):
    """Two 3x3 convolutions around a shortcut, as in ResNet-18 and -34."""

    def __init__(self, inputs: int, outputs: int, *, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample: nn.Module | None = None
        if stride != 1 or inputs != outputs:
            shortcut = nn.Conv2d(inputs, outputs, 1, stride=stride, bias=False)
            self.downsample = nn.Sequential(shortcut, nn.BatchNorm2d(outputs))

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        shortcut = maps if self.downsample is None else self.downsample(maps)
        return self.relu(self.bn2(self.conv2(self.relu(self.bn1(self.conv1(maps))))) + shortcut)


def convolution(inputs: int, outputs: int, *, stride: int) -> nn.Sequential:
    """3x3 convolution, BatchNorm and ReLU."""
    return nn.Sequential(
        OrderedDict(
            conv=nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False),
            bn=nn.BatchNorm2d(outputs),
            relu=nn.ReLU(inplace=True),
        )
    )


def initialise(network: nn.Module) -> None:
    """Kaiming-normal convolutions by fan-out, as torchvision's ResNets; BatchNorm starts as the identity by default."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")


ENCODERS: dict[str, Callable[[], Encoder]] = {"small": SmallEncoder, "resnet18": ResNet18}


def build_encoder(name: str, *, seed: int) -> Encoder:
    """The encoder of that name with weights drawn from `seed`, in channels-last memory."""
    if name not in ENCODERS:
        raise InputError(f"encoder={name}: one of {', '.join(ENCODERS)} is needed, or there is no network to train")
    with initialised_from(seed):
        encoder = ENCODERS[name]()
    return encoder.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


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
