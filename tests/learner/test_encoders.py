"""Shapes, names and seeds of the encoders and heads."""

from __future__ import annotations

import sys

import pytest
import torch
from torch import nn

from learner.encoders import ENCODERS, build_encoder, check_encoder, check_image_size
from learner.heads import action_head, mlp, pair_head, projector
from sim.errors import InputError
from tests.learner.test_checkpoint import _one_thread  # noqa: F401
from tests.learner.timm_here import stand_in
from tests.references.resnet import expected_state, features_by_hand


@pytest.mark.parametrize(("name", "parameters"), [("resnet18", 11_176_512), ("resnet50", 23_508_032)])
def test_resnets_have_torchvisions_names_and_shapes(name, parameters):
    encoder = build_encoder(name, seed=0)
    found = {key: tuple(tensor.shape) for key, tensor in encoder.state_dict().items()}
    assert list(found.items()) == list(expected_state(name).items())
    assert sum(parameter.numel() for parameter in encoder.parameters()) == parameters


@pytest.mark.parametrize("name", ["resnet18", "resnet50"])
def test_resnets_compute_what_torchvisions_do(name):
    generator = torch.Generator().manual_seed(0)
    encoder = build_encoder(name, seed=0).eval()
    for module in encoder.modules():
        if isinstance(module, nn.BatchNorm2d):  # none of its numbers may be that of the start, or it could go unnoticed
            module.running_mean.normal_(0, 0.1, generator=generator)
            module.running_var.uniform_(0.5, 1.5, generator=generator)
            nn.init.uniform_(module.weight, 0.2, 0.6, generator=generator)
            nn.init.normal_(module.bias, 0, 0.1, generator=generator)
    images = torch.randn(2, 3, 72, 64, generator=generator)
    with torch.no_grad():
        torch.testing.assert_close(
            encoder(images), features_by_hand(encoder.state_dict(), images, name), rtol=1e-3, atol=1e-4
        )


def test_resnets_have_torchvisions_initialisation():
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
    for name in ("vit", "", "timm"):
        with pytest.raises(
            InputError, match=f"^encoder={name}: one of small, resnet18, resnet50, timm:NAME is needed, or there"
        ):
            check_encoder(name)
    check_image_size(32)
    message = r"^image_size=20: at least 32 is needed, or the encoder's last map is empty$"
    with pytest.raises(InputError, match=message):
        check_image_size(20)
    with pytest.raises(InputError, match=message):
        build_encoder("small", seed=0, image_size=20)


@pytest.mark.parametrize(("model", "features"), [("tiny_transformer", 12), ("tiny_convolution", 20)])
def test_timm_models_are_encoders(model, features, monkeypatch):
    stand_in(monkeypatch)
    name = f"timm:{model}"
    check_encoder(name)
    before = torch.get_rng_state()
    encoder, same, other = (build_encoder(name, seed=seed, image_size=48) for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), before)
    assert (encoder.features, encoder.image_size, encoder.training) == (features, 48, True)
    images = torch.randn(3, 3, 48, 48, generator=torch.Generator().manual_seed(0))
    found = encoder(images)
    assert found.shape == (3, features)
    assert torch.equal(found, same(images))
    assert not torch.equal(found, other(images))
    found.sum().backward()  # the trial left nothing behind that training cannot use
    assert all(parameter.grad is not None for parameter in encoder.parameters())


def test_timm_models_are_published_under_timms_names(monkeypatch):
    stand_in(monkeypatch)
    encoder = build_encoder("timm:tiny_convolution", seed=0)
    assert "conv_head.weight" in encoder.network.state_dict()
    assert not any(name.startswith("classifier") for name in encoder.network.state_dict())
    assert encoder.classifiers == ("classifier",)
    assert build_encoder("timm:tiny_transformer", seed=0).classifiers == ("head",)


def test_timm_models_of_any_size_take_any_and_others_the_one_they_were_made_for(monkeypatch):
    stand_in(monkeypatch)
    assert build_encoder("timm:tiny_convolution", seed=0)(torch.zeros(2, 3, 80, 80)).shape == (2, 20)
    assert build_encoder("timm:tiny_transformer", seed=0).network.img_size == 64  # what it was published for
    assert build_encoder("timm:tiny_transformer", seed=0, image_size=32).network.pos_embed.shape == (1, 5, 12)


def test_what_timm_cannot_make_is_refused_in_a_line(monkeypatch):
    stand_in(monkeypatch)
    for name, message in {
        "timm:unheard_of": r"^encoder=timm:unheard_of: timm 1\.0\.0 knows no such model, see timm\.list_models\(\)$",
        "timm:unpooled": r"^encoder=timm:unpooled: gives \[1, 8, 32, 32\] for an image, and no vector of features$",
    }.items():
        with pytest.raises(InputError, match=message):
            build_encoder(name, seed=0)
    # As timm does where the patches of an image do not fill a window.
    monkeypatch.setattr(sys.modules["timm"].TinyTransformer, "forward", lambda self, x: x.view(7, -1))
    with pytest.raises(InputError, match=r"^image_size=32: timm:tiny_transformer cannot be made for images") as told:
        build_encoder("timm:tiny_transformer", seed=0, image_size=32)
    assert "\n" not in str(told.value)


def test_without_timm_a_line_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "timm", None)  # importing it fails
    with pytest.raises(InputError, match=r"^encoder=timm:resnet18: needs timm, .*: pip install 'armplay\[timm\]'$"):
        check_encoder("timm:resnet18")


@pytest.mark.parametrize(("model", "features"), [("vit_tiny_patch16_224", 192), ("resnet18", 512)])
def test_models_of_the_real_timm(model, features):
    pytest.importorskip("timm")
    encoder = build_encoder(f"timm:{model}", seed=0, image_size=64)
    assert encoder.features == features
    assert encoder(torch.zeros(2, 3, 64, 64)).shape == (2, features)
    if model == "resnet18":
        shapes = {key: tuple(tensor.shape) for key, tensor in encoder.network.state_dict().items()}
        assert shapes == expected_state(model)


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
