"""ResNets (He et al. 2016, arXiv 1512.03385) without classifier, with torchvision's names: its state dicts load here,
and ours there and in timm."""

from __future__ import annotations

import torch
from torch import nn

from learner.encoders.base import Encoder, initialise


class ResNet(Encoder):
    """A strided stem with pooling, four layers of residual blocks, and the average over the last map."""

    def __init__(self, block: type[BasicBlock] | type[Bottleneck], depths: tuple[int, int, int, int]) -> None:
        """`depths` are the numbers of blocks of the four layers."""
        super().__init__()
        self.features = 512 * block.expansion
        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        self.layer1 = layer(block, 64, 64, depth=depths[0])
        self.layer2 = layer(block, 64 * block.expansion, 128, depth=depths[1], stride=2)
        self.layer3 = layer(block, 128 * block.expansion, 256, depth=depths[2], stride=2)
        self.layer4 = layer(block, 256 * block.expansion, 512, depth=depths[3], stride=2)
        initialise(self)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """float [B, 3, H, W] to [B, 512] of ResNet-18 or [B, 2048] of ResNet-50."""
        maps = self.maxpool(self.relu(self.bn1(self.conv1(images))))
        return self.layer4(self.layer3(self.layer2(self.layer1(maps)))).mean(dim=(2, 3))


class BasicBlock(nn.Module):
    """Two 3x3 convolutions around a shortcut, as in ResNet-18 and -34."""

    expansion = 1

    def __init__(self, inputs: int, width: int, *, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, width, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.downsample = shortcut(inputs, width, stride=stride)

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        identity = maps if self.downsample is None else self.downsample(maps)
        return self.relu(self.bn2(self.conv2(self.relu(self.bn1(self.conv1(maps))))) + identity)


class Bottleneck(nn.Module):
    """1x1, 3x3 and 1x1 convolutions around a shortcut, as in ResNet-50.

    The 3x3 has the stride, as in torchvision (v1.5; Goyal et al. 2017, arXiv 1706.02677); the paper's first 1x1 has it.
    """

    expansion = 4

    def __init__(self, inputs: int, width: int, *, stride: int = 1) -> None:
        super().__init__()
        outputs = width * self.expansion
        self.conv1 = nn.Conv2d(inputs, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride=stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, outputs, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = shortcut(inputs, outputs, stride=stride)

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        identity = maps if self.downsample is None else self.downsample(maps)
        maps = self.relu(self.bn1(self.conv1(maps)))
        maps = self.relu(self.bn2(self.conv2(maps)))
        return self.relu(self.bn3(self.conv3(maps)) + identity)


def layer(
    block: type[BasicBlock] | type[Bottleneck], inputs: int, width: int, *, depth: int, stride: int = 1
) -> nn.Sequential:
    """`depth` blocks, of which the first has the stride and changes the number of channels."""
    first = block(inputs, width, stride=stride)
    return nn.Sequential(first, *(block(width * block.expansion, width) for _ in range(depth - 1)))


def shortcut(inputs: int, outputs: int, *, stride: int) -> nn.Sequential | None:
    """What makes a block's input as its output is, where it is not so already."""
    if stride == 1 and inputs == outputs:
        return None
    return nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride=stride, bias=False), nn.BatchNorm2d(outputs))


def resnet18() -> ResNet:
    """ResNet-18: 11.2 million parameters, 512 features."""
    return ResNet(BasicBlock, (2, 2, 2, 2))


def resnet50() -> ResNet:
    """ResNet-50: 23.5 million parameters, 2048 features."""
    return ResNet(Bottleneck, (3, 4, 6, 3))
