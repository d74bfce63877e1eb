"""Augmentation: random views of a batch of frames, drawn on the CPU and made on the device the frames are on.

Semantics are torchvision's (RandomResizedCrop, RandomHorizontalFlip, ColorJitter, RandomGrayscale, GaussianBlur), in
this order, which is SimCLR's (arXiv 2002.05709, appendix A). Each sample draws its own parameters; the order of the
four jitters is drawn once a batch.
"""

from __future__ import annotations

from learner.augment.draw import Draw
from learner.augment.operations import plain
from learner.augment.settings import AugmentSettings, Flip
from learner.augment.views import Augment

__all__ = ["Augment", "AugmentSettings", "Draw", "Flip", "plain"]
