"""Stands in for timm 1.0 where it is not installed: the functions that armplay calls, with timm's names, arguments and
errors, and three models: of a fixed image size, of any, and one that does not pool."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import torch
from torch import nn

__version__ = "1.0.0"


@dataclass
class PretrainedCfg:
    classifier: str | tuple[str, ...]
    input_size: tuple[int, int, int] = (3, 64, 64)
    fixed_input_size: bool = False


class TinyTransformer(nn.Module):
    """Patches of 16 pixels, learned positions of a fixed grid, the class token as features."""

    def __init__(self, num_classes: int = 1000, img_size: int = 64) -> None:
        super().__init__()
        self.img_size = img_size
        self.cls_token = nn.Parameter(torch.zeros(1, 1, 12))
        self.pos_embed = nn.Parameter(torch.randn(1, 1 + (img_size // 16) ** 2, 12))
        self.patch_embed = nn.Conv2d(3, 12, 16, stride=16)
        self.block = nn.TransformerEncoderLayer(12, 3, 24, dropout=0.0, batch_first=True)
        self.head = nn.Linear(12, num_classes) if num_classes else nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        assert x.shape[-1] == self.img_size, f"Input width ({x.shape[-1]}) doesn't match model ({self.img_size})."
        tokens = self.patch_embed(x).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.cls_token.expand(len(x), -1, -1), tokens], dim=1) + self.pos_embed
        return self.head(self.block(tokens)[:, 0])


class TinyConvolution(nn.Module):
    """Wider after pooling than before, as timm's MobileNetV3: `num_features` is not the width of its features."""

    num_features = 8

    def __init__(self, num_classes: int = 1000, pool: bool = True) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 8, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU())
        self.conv_head = nn.Conv2d(8, 20, 1)
        self.classifier = nn.Linear(20, num_classes) if num_classes else nn.Identity()
        self.pool = pool

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        maps = self.features(x)
        return self.classifier(self.conv_head(maps.mean(dim=(2, 3), keepdim=True)).flatten(1)) if self.pool else maps


class Unpooled(TinyConvolution):
    def __init__(self, num_classes: int = 1000) -> None:
        super().__init__(num_classes, pool=False)


MODELS = {
    "tiny_transformer": (TinyTransformer, PretrainedCfg("head", fixed_input_size=True)),
    "tiny_convolution": (TinyConvolution, PretrainedCfg(("classifier",))),
    "unpooled": (Unpooled, PretrainedCfg("classifier")),
}


def is_model(model_name: str) -> bool:
    return model_name.split(".")[0] in MODELS


def get_pretrained_cfg(model_name: str, allow_unregistered: bool = True) -> PretrainedCfg | None:
    return MODELS[model_name][1]


def create_model(model_name: str, pretrained: bool = False, **kwargs: object) -> nn.Module:
    if not is_model(model_name):
        raise RuntimeError(f"Unknown model ({model_name})")
    kind, config = MODELS[model_name]
    model = kind(**{name: value for name, value in kwargs.items() if value is not None})
    model.pretrained_cfg = asdict(config)
    return model
