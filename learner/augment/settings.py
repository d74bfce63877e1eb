"""What may happen to a view, how often and how strongly; every operation can be taken away alone."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

from sim.errors import InputError

Flip = Literal["off", "independent", "together"]


@dataclass(frozen=True)
class AugmentSettings:
    """How strongly views of one object are made to differ; the defaults are those of AA-SSL (arXiv 2407.06704)."""

    crop_probability: float = 1.0
    """Share of samples that are cropped; 0 switches crops off."""
    crop_area: tuple[float, float] = (0.2, 1.0)
    """Smallest and largest share of the image's area that a crop keeps."""
    crop_ratio: tuple[float, float] = (3 / 4, 4 / 3)
    """Smallest and largest width over height of a crop."""
    flip: Flip = "off"
    """Mirror views left to right: off, independent (each on its own), together (both of a pair, and the action)."""
    flip_probability: float = 0.5
    """Share of samples that are mirrored, where flips are not off."""
    jitter_probability: float = 0.8
    """Share of samples whose colours are jittered; 0 switches all four jitters off."""
    brightness: float = 0.8
    """Strength s of the brightness jitter: a factor from [max(0, 1-s), 1+s]; 0 switches it off."""
    contrast: float = 0.8
    """Strength of the contrast jitter, as for brightness."""
    saturation: float = 0.8
    """Strength of the saturation jitter, as for brightness."""
    hue: float = 0.2
    """Strength s of the hue jitter: a turn from [-s, s] of the colour circle; 0.5 at most, 0 switches it off."""
    grey_probability: float = 0.2
    """Share of samples that lose their colour; 0 switches it off."""
    blur_probability: float = 0.0
    """Share of samples that are blurred; 0 switches it off."""
    blur_sigma: tuple[float, float] = (0.1, 2.0)
    """Smallest and largest standard deviation of the blur, in pixels."""

    def __post_init__(self) -> None:
        low, high = self.crop_area
        if not 0 < low <= high <= 1:
            raise InputError(f"crop_area={self.crop_area}: 0 < low <= high <= 1 is needed, or a crop leaves the image")
        low, high = self.crop_ratio
        if not 0 < low <= high < math.inf:
            raise InputError(f"crop_ratio={self.crop_ratio}: 0 < low <= high is needed, or no crop has that shape")
        low, high = self.blur_sigma
        if not 0 < low <= high < math.inf:
            raise InputError(f"blur_sigma={self.blur_sigma}: 0 < low <= high is needed, or there is no such Gaussian")
        if self.flip not in get_args(Flip):
            raise InputError(f"flip={self.flip}: unknown, known are {', '.join(get_args(Flip))}")
        for name in ("brightness", "contrast", "saturation"):
            if not 0 <= getattr(self, name) < math.inf:
                raise InputError(f"{name}={getattr(self, name)}: 0 or more is needed, or the range of factors is empty")
        if not 0 <= self.hue <= 0.5:
            raise InputError(f"hue={self.hue}: 0 to 0.5 is needed, as the colour circle closes at half a turn each way")
        for operation in ("crop", "flip", "jitter", "grey", "blur"):
            share = getattr(self, f"{operation}_probability")
            if not 0 <= share <= 1:
                raise InputError(f"{operation}_probability={share}: 0 to 1 is needed, as it is a share of the samples")
