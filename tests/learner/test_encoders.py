"""Shapes, names and seeds of the encoders and heads."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from learner.encoders import ENCODERS, build_encoder, check_image_size
from learner.heads import action_head, mlp, pair_head, projector
from sim.errors import InputError


def torchvision_names() -> set[str]:
    """Names of torchvision's resnet18 state, without fc."""
    norm = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
    names = {"conv1.weight"} | {f"bn1.{part}" for part in norm}
    for layer in (1, 2, 3, 4):
        for block in (0, 1):
            for half in (1, 2):
                names.add(f"layer{layer}.{block}.conv{half}.weight")
                names |= {f"layer{layer}.{block}.bn{half}.{part}" for part in norm}
        if layer > 1:
            names.add(f"layer{layer}.0.downsample.0.weight")
            names |= {f"layer{layer}.0.downsample.1.{part}" for part in norm}
    return names


def test_resnet18_has_torchvisions_parameters():
    encoder = build_encoder("resnet18", seed=0)
    assert set(encoder.state_dict()) == torchvision_names()
    assert sum(parameter.numel() for parameter in encoder.parameters()) == 11_176_512
    assert encoder.state_dict()["layer3.0.downsample.0.weight"].shape == (256, 128, 1, 1)


def test_resnet18_has_torchvisions_initialisation():
    weight = build_encoder("resnet18", seed=0).state_dict()["layer4.1.conv2.weight"]
    assert weight.std().item() == pytest.approx((2 / (512 * 9)) ** 0.5, rel=0.01)


@pytest.mark.parametrize("name", ENCODERS)
@pytest.mark.parametrize("size", [32, 64, 96])
def test_features_have_the_announced_width(name, size):
    encoder = build_encoder(name, seed=0)
    features = encoder(torch.randn(2, 3, size, size))
    assert features.shape == (2, encoder.features)
    assert features.isfinite().all()


@pytest.mark.parametrize("name", ENCODERS)
def test_features_do_not_depend_on_the_memory_format_or_the_rest_of_the_batch(name):
    encoder = build_encoder(name, seed=0).eval()
    images = torch.randn(4, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    features = encoder(images)
    torch.testing.assert_close(encoder(images.contiguous(memory_format=torch.channels_last)), features)
    torch.testing.assert_close(encoder(images[:1]), features[:1], rtol=1e-4, atol=1e-5)


def test_small_encoder_is_small():
    encoder = build_encoder("small", seed=0)
    counted = []

    def count(layer: nn.Conv2d, _, output: torch.Tensor) -> None:
        counted.append(output[0].numel() * layer.in_channels * layer.kernel_size[0] * layer.kernel_size[1])

    for layer in encoder.modules():
        if isinstance(layer, nn.Conv2d):
            layer.register_forward_hook(count)
    encoder(torch.zeros(2, 3, 64, 64))
    assert sum(counted) <= 35e6


@pytest.mark.parametrize("name", ENCODERS)
def test_weights_come_from_the_seed_alone(name):
    before = torch.get_rng_state()
    one, same, other = (build_encoder(name, seed=seed).state_dict() for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(one[key], same[key]) for key in one)
    assert not all(torch.equal(one[key], other[key]) for key in one)


def test_unknown_encoder_and_small_images_are_refused():
    with pytest.raises(InputError, match="encoder=vit: one of small, resnet18 is needed"):
        build_encoder("vit", seed=0)
    check_image_size(32)
    with pytest.raises(InputError, match=r"^image_size=20: at least 32 is needed, or the encoder's last map is empty$"):
        check_image_size(20)


def test_heads_have_the_papers_widths():
    def widths(head: nn.Sequential) -> list[tuple[int, int]]:
        return [(layer.in_features, layer.out_features) for layer in head if isinstance(layer, nn.Linear)]

    assert widths(mlp(3, 5, hidden=4)) == [(3, 4), (4, 5)]
    assert widths(projector(512)) == [(512, 256), (256, 128)]
    assert widths(pair_head(512)) == [(1024, 1024), (1024, 128)]
    assert widths(action_head(7)) == [(7, 256), (256, 128)]
    last = action_head(7)[-1]
    assert isinstance(last, nn.BatchNorm1d)
    assert not last.affine
