"""torchvision's ResNets as its source has them (torchvision/models/resnet.py): names and shapes by rule, and the
forward pass from a state dict, one call at a time."""

from __future__ import annotations

import torch
import torch.nn.functional as F

DEPTHS = {"resnet18": (2, 2, 2, 2), "resnet50": (3, 4, 6, 3)}


def expected_state(name: str) -> dict[str, tuple[int, ...]]:
    """Names and shapes of torchvision's state dict without fc, in its order."""
    found: dict[str, tuple[int, ...]] = {}

    def convolution(where: str, outputs: int, inputs: int, kernel: int) -> None:
        found[f"{where}.weight"] = (outputs, inputs, kernel, kernel)

    def norm(where: str, width: int) -> None:
        for part in ("weight", "bias", "running_mean", "running_var"):
            found[f"{where}.{part}"] = (width,)
        found[f"{where}.num_batches_tracked"] = ()

    convolution("conv1", 64, 3, 7)
    norm("bn1", 64)
    inputs = 64
    for number, (width, depth) in enumerate(zip((64, 128, 256, 512), DEPTHS[name], strict=True), start=1):
        outputs, kernels = (width, (3, 3)) if name == "resnet18" else (4 * width, (1, 3, 1))
        for block in range(depth):
            here, last = f"layer{number}.{block}", inputs
            for place, kernel in enumerate(kernels, start=1):
                following = outputs if place == len(kernels) else width
                convolution(f"{here}.conv{place}", following, last, kernel)
                norm(f"{here}.bn{place}", following)
                last = following
            if block == 0 and (number > 1 or inputs != outputs):
                convolution(f"{here}.downsample.0", outputs, inputs, 1)
                norm(f"{here}.downsample.1", outputs)
            inputs = outputs
    return found


def features_by_hand(state: dict[str, torch.Tensor], images: torch.Tensor, name: str) -> torch.Tensor:
    """Features [B, F] of images [B, 3, H, W] in evaluation mode; a block's stride is in its first 3x3 convolution."""

    def convolved(maps: torch.Tensor, convolution: str, norm: str, *, stride: int = 1, padding: int = 0):
        maps = F.conv2d(maps, state[f"{convolution}.weight"], stride=stride, padding=padding)
        return F.batch_norm(
            maps, *(state[f"{norm}.{part}"] for part in ("running_mean", "running_var", "weight", "bias"))
        )

    maps = F.max_pool2d(convolved(images, "conv1", "bn1", stride=2, padding=3).relu(), 3, stride=2, padding=1)
    for number, depth in enumerate(DEPTHS[name], start=1):
        for block in range(depth):
            here, stride = f"layer{number}.{block}", 2 if number > 1 and block == 0 else 1
            if name == "resnet18":
                inside = convolved(maps, f"{here}.conv1", f"{here}.bn1", stride=stride, padding=1).relu()
                inside = convolved(inside, f"{here}.conv2", f"{here}.bn2", padding=1)
            else:
                inside = convolved(maps, f"{here}.conv1", f"{here}.bn1").relu()
                inside = convolved(inside, f"{here}.conv2", f"{here}.bn2", stride=stride, padding=1).relu()
                inside = convolved(inside, f"{here}.conv3", f"{here}.bn3")
            if f"{here}.downsample.0.weight" in state:
                maps = convolved(maps, f"{here}.downsample.0", f"{here}.downsample.1", stride=stride)
            maps = (inside + maps).relu()
    return F.adaptive_avg_pool2d(maps, (1, 1)).flatten(1)
