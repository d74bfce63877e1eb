"""Makes views: draws for each sample, and applies what was drawn in one batched pass."""

from __future__ import annotations

import operator
from collections.abc import Callable

import torch

from learner.augment.draw import Draw, draw
from learner.augment.operations import JITTERS, gaussian_blur, lose_colour, resized_crop, resized_crop_of_bytes
from learner.augment.settings import AugmentSettings

CPU_BLOCK = 64
"""Images a CPU handles at once: intermediate planes stay in its cache, and each operation is worth sharing out."""


class Augment:
    """Makes a fresh random view of each frame; the same generator state gives the same views on every device.

    Generators are on the CPU, wherever the frames are: a device is sent what was drawn, and never waited for.
    """

    def __init__(self, settings: AugmentSettings, *, dtype: torch.dtype = torch.float32) -> None:
        """`dtype` is what views are rounded to once they are made: the format that their network takes."""
        self.settings, self.dtype = settings, dtype

    def __call__(self, images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """uint8 [B, 3, H, W] in any memory format to [B, 3, H, W] in [-1, 1], channels-last, on the same device."""
        return self.apply(images, self.draw(images.shape, generator))

    def pair(
        self, first: torch.Tensor, second: torch.Tensor, generator: torch.Generator
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Views of both frames of B pairs, and bool [B] on the CPU: the action between the two is to be mirrored.

        Frames and views as in a call. Where flips are "together", both views of a pair are mirrored, or none; elsewhere
        no action is to be mirrored, as "independent" flips leave none that would be true.
        """
        drawn, other = self.draw(first.shape, generator), self.draw(second.shape, generator)
        mirrored = torch.zeros_like(drawn.flip)
        if self.settings.flip == "together":
            mirrored, other = drawn.flip, other._replace(flip=drawn.flip)
        return self.apply(first, drawn), self.apply(second, other), mirrored

    def draw(self, shape: torch.Size, generator: torch.Generator) -> Draw:
        """Parameters for a batch of that shape [B, 3, H, W]; `generator` is on the CPU."""
        return draw(self.settings, shape, generator)

    def apply(self, images: torch.Tensor, drawn: Draw) -> torch.Tensor:
        """As a call, by parameters that were drawn before."""
        views = torch.empty(images.shape, dtype=self.dtype, device=images.device, memory_format=torch.channels_last)
        step = CPU_BLOCK if images.device.type == "cpu" else max(1, len(images))
        for start in range(0, len(images), step):
            block = slice(start, start + step)
            planes = self._planes(images[block], drawn.each(operator.itemgetter(block)))
            views[block] = planes.to(self.dtype)  # at once in another format and order it would take longer
        return views

    def _planes(self, images: torch.Tensor, drawn: Draw) -> torch.Tensor:
        cut = self.settings.crop_probability > 0 or self.settings.flip != "off"
        if cut and images.device.type == "cpu":
            planes = resized_crop_of_bytes(images, drawn.boxes, flip=drawn.flip)
        else:
            # Planes are made of the bytes: of floats it takes half as long again.
            planes = images.contiguous().to(torch.float32).mul_(1 / 255)
            if cut:
                planes = resized_crop(planes, _send(drawn.boxes, planes), flip=_send(drawn.flip, planes))
        factors = _send(drawn.factors, planes)
        for column in drawn.order:
            JITTERS[column](planes, factors[:, column, None, None, None])
        _change_rows(planes, drawn.grey, lose_colour)
        _change_rows(planes, drawn.sigma > 0, gaussian_blur, drawn.sigma)
        return planes.mul_(2).sub_(1).clamp_(-1, 1)


def _change_rows(
    planes: torch.Tensor, which: torch.Tensor, change: Callable[..., torch.Tensor], *parameters: torch.Tensor
) -> None:
    """Change the images where `which` [B] is true, in place, each by its own row of the parameters.

    `which` is on the CPU, so the number of rows is known without waiting for the device.
    """
    rows = which.nonzero()[:, 0]
    if len(rows) > 0:
        there = _send(rows, planes)
        changed = change(planes.index_select(0, there), *(_send(part[rows], planes) for part in parameters))
        planes.index_copy_(0, there, changed)


def _send(drawn: torch.Tensor, planes: torch.Tensor) -> torch.Tensor:
    """To the device of `planes`, without waiting for what it is doing: from unpinned memory a copy might."""
    if planes.device.type == "cuda":
        drawn = drawn.pin_memory()
    return drawn.to(planes.device, non_blocking=True)
