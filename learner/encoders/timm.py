"""Any model of timm (github.com/huggingface/pytorch-image-models) as an encoder; needs the extra `timm`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import nn

from learner.encoders.base import Encoder
from sim.errors import InputError

PREFIX = "timm:"
USUAL_IMAGE = 224
"""Pixels a side where timm does not say what a model was published for."""


class TimmEncoder(Encoder):
    """A model of timm without classifier, with the pooling that it was published with."""

    def __init__(self, model: nn.Module, *, features: int) -> None:
        super().__init__()
        self.model = model
        self.features = features
        published = getattr(model, "pretrained_cfg", {}).get("classifier") or ()
        self.classifiers = (published,) if isinstance(published, str) else tuple(published)

    @property
    def network(self) -> nn.Module:
        return self.model

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """float [B, 3, H, W] to [B, features]."""
        return self.model(images)


def maker(name: str) -> Callable[[int | None], TimmEncoder]:
    """The function of an image size that makes the encoder `timm:NAME`. Raises InputError where there is none."""
    try:
        import timm
    except ImportError:
        raise InputError(f"encoder={name}: needs timm, which is not installed: pip install 'armplay[timm]'") from None
    if not timm.is_model(name.removeprefix(PREFIX)):
        raise InputError(f"encoder={name}: timm {timm.__version__} knows no such model, see timm.list_models()")
    return partial(make, name)


def make(name: str, image_size: int | None) -> TimmEncoder:
    """The encoder `timm:NAME`, weights drawn from the global random state, for images of `image_size` pixels a side
    (None: the size it was published for). Raises InputError for a size that the model cannot take."""
    import timm

    model_name = name.removeprefix(PREFIX)
    published = timm.get_pretrained_cfg(model_name)
    # Only models that fix their size when they are made, most transformers, have a parameter for it.
    fixed = image_size is not None and getattr(published, "fixed_input_size", False)
    size = image_size or (published.input_size[-1] if published else USUAL_IMAGE)
    try:
        model = timm.create_model(model_name, num_classes=0, **({"img_size": image_size} if fixed else {}))
        # A trial tells what timm's attributes do not tell for all models: the width after pooling, and bad sizes.
        with torch.no_grad():
            found = model.eval()(torch.zeros(1, 3, size, size))
    except (RuntimeError, ValueError, TypeError, AssertionError) as error:
        told = " ".join(str(error).split())
        raise InputError(f"image_size={size}: {name} cannot be made for images of that size ({told})") from None
    if found.ndim != 2:
        raise InputError(f"encoder={name}: gives {list(found.shape)} for an image, and no vector of features")
    return TimmEncoder(model.train(), features=found.shape[1])
