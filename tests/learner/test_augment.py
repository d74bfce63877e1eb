"""Augmentation against one image at a time, and the ranges of what is drawn."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from learner.augment import CPU_BLOCK, Augment, AugmentSettings, adjust_hue, plain
from sim.errors import InputError
from tests.references.augment import augment_by_hand, hue

OFF = {"brightness": 0.0, "contrast": 0.0, "saturation": 0.0, "hue": 0.0, "grey_probability": 0.0}


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def frames(count: int, height: int = 12, width: int = 12, seed: int = 0) -> torch.Tensor:
    memory = torch.randint(0, 256, (count, height, width, 3), dtype=torch.uint8, generator=generator(seed))
    memory[:, :2, :2] = torch.tensor([0, 255, 90], dtype=torch.uint8)[:, None].expand(3, 3)[0]
    memory[:, 2:4, :2] = 255
    return memory.permute(0, 3, 1, 2)


@pytest.mark.parametrize("size", [(12, 12), (10, 15)])
@pytest.mark.parametrize("flip_probability", [0.0, 0.5])
@pytest.mark.parametrize("seed", range(4))
def test_every_sample_equals_the_slow_twin(size, flip_probability, seed):
    images = frames(CPU_BLOCK + 3, *size, seed=seed)
    augment = Augment(AugmentSettings(flip_probability=flip_probability))
    drawn = augment.draw(images.shape, generator(seed))
    views = augment.apply(images, drawn)
    for row in [0, 1, 2, 3, 4, 5, CPU_BLOCK, CPU_BLOCK + 2]:
        expected = augment_by_hand(
            images[row].permute(1, 2, 0).numpy(),
            box=tuple(int(side) for side in drawn.boxes[row]),
            flip=bool(drawn.flip[row]),
            factors=tuple(drawn.factors[row].tolist()),
            order=drawn.order,
            grey=bool(drawn.grey[row]),
        )
        np.testing.assert_allclose(views[row].numpy(), expected, rtol=0, atol=2e-4)


@pytest.mark.parametrize("turn", [-0.5, -0.2, 0.0, 0.13, 1 / 3, 0.5])
def test_hue_equals_colorsys_for_every_kind_of_colour(turn):
    colours = torch.tensor(list(itertools.product([0.0, 0.2, 0.5, 0.7, 1.0], repeat=3)))
    planes = colours.T.reshape(1, 3, 5, 25).clone()
    adjust_hue(planes, torch.full((1, 1, 1, 1), turn))
    expected = hue(colours.T.reshape(3, 5, 25).permute(1, 2, 0).double().numpy(), turn)
    np.testing.assert_allclose(planes[0].permute(1, 2, 0).numpy(), expected, rtol=0, atol=1e-5)


def test_contract_of_the_output():
    images = frames(5)
    before = images.clone()
    views = Augment(AugmentSettings())(images, generator())
    assert views.shape == images.shape
    assert views.dtype == torch.float32
    assert views.is_contiguous()
    assert -1 <= views.min() < views.max() <= 1.00001
    assert torch.equal(images, before)


def test_same_generator_state_same_views_and_the_global_state_is_untouched():
    images, augment = frames(6), Augment(AugmentSettings())
    before = torch.get_rng_state()
    one, same, other = augment(images, generator(1)), augment(images, generator(1)), augment(images, generator(2))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
    assert torch.equal(torch.get_rng_state(), before)


def test_consecutive_views_of_one_generator_differ():
    images, augment, source = frames(6), Augment(AugmentSettings()), generator()
    assert not torch.equal(augment(images, source), augment(images, source))


def test_memory_format_does_not_matter():
    images, augment = frames(6), Augment(AugmentSettings())
    assert torch.equal(augment(images, generator()), augment(images.contiguous(), generator()))


def test_everything_switched_off_is_plain():
    images = frames(6)
    off = Augment(AugmentSettings(crop_area=(1.0, 1.0), **OFF))
    torch.testing.assert_close(off(images, generator()), plain(images), rtol=0, atol=1e-6)
    never = Augment(AugmentSettings(crop_area=(1.0, 1.0), jitter_probability=0.0, grey_probability=0.0))
    torch.testing.assert_close(never(images, generator()), plain(images), rtol=0, atol=1e-6)


def test_plain_is_mean_and_deviation_one_half():
    images = torch.tensor([0, 51, 255], dtype=torch.uint8).reshape(1, 3, 1, 1)
    torch.testing.assert_close(plain(images).flatten(), torch.tensor([-1.0, -0.6, 1.0]))


@pytest.mark.parametrize("size", [(64, 64), (48, 64), (64, 40)])
def test_crops_lie_inside_and_have_the_asked_area_and_shape(size):
    settings = AugmentSettings(crop_area=(0.3, 0.8), crop_ratio=(0.8, 1.5))
    boxes = Augment(settings).draw(torch.Size((4000, 3, *size)), generator()).boxes
    top, left, tall, wide = boxes.unbind(1)
    assert torch.equal(boxes, boxes.round())
    assert top.min() == 0
    assert left.min() == 0
    assert (top + tall).max() == size[0]
    assert (left + wide).max() == size[1]
    area, ratio = tall * wide / (size[0] * size[1]), wide / tall
    assert 0.28 < area.min() < 0.33
    assert 0.74 < area.max() < 0.83
    assert 0.77 < ratio.min() < 0.83
    assert 1.35 < ratio.max() < 1.56
    if size[0] == size[1]:  # elsewhere large crops of some shapes do not fit and are drawn again
        assert area.mean().item() == pytest.approx(0.55, abs=0.01)


def test_a_crop_that_never_fits_falls_back_to_the_widest_centred_one():
    settings = AugmentSettings(crop_area=(1.0, 1.0), crop_ratio=(0.5, 0.5))
    boxes = Augment(settings).draw(torch.Size((3, 3, 64, 64)), generator()).boxes
    assert boxes.tolist() == [[0, 16, 64, 32]] * 3
    settings = AugmentSettings(crop_area=(1.0, 1.0), crop_ratio=(2.0, 2.0))
    boxes = Augment(settings).draw(torch.Size((3, 3, 64, 64)), generator()).boxes
    assert boxes.tolist() == [[16, 0, 32, 64]] * 3


def test_colours_are_drawn_in_their_ranges_at_their_rates():
    drawn = Augment(AugmentSettings(flip_probability=0.3)).draw(torch.Size((20000, 3, 64, 64)), generator())
    neutral = (drawn.factors == torch.tensor([1.0, 1.0, 1.0, 0.0])).all(dim=1)
    assert neutral.float().mean().item() == pytest.approx(0.2, abs=0.01)
    assert drawn.grey.float().mean().item() == pytest.approx(0.2, abs=0.01)
    assert drawn.flip.float().mean().item() == pytest.approx(0.3, abs=0.015)
    low, high = drawn.factors.min(dim=0).values, drawn.factors.max(dim=0).values
    torch.testing.assert_close(low, torch.tensor([0.2, 0.2, 0.2, -0.2]), rtol=0, atol=0.01)
    torch.testing.assert_close(high, torch.tensor([1.8, 1.8, 1.8, 0.2]), rtol=0, atol=0.01)
    assert sorted(drawn.order) == [0, 1, 2, 3]
    assert Augment(AugmentSettings(**OFF)).draw(torch.Size((2, 3, 64, 64)), generator()).order == ()


def test_order_of_the_jitters_varies_between_batches():
    augment, source = Augment(AugmentSettings()), generator()
    assert len({augment.draw(torch.Size((1, 3, 8, 8)), source).order for _ in range(200)}) == 24


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("crop_area", (0.0, 1.0)),
        ("crop_area", (0.5, 1.1)),
        ("crop_area", (0.8, 0.2)),
        ("crop_ratio", (2.0, 1.0)),
        ("brightness", -0.1),
        ("contrast", float("nan")),
        ("hue", 0.6),
        ("jitter_probability", 1.1),
        ("flip_probability", -0.1),
    ],
)
def test_unusable_settings_are_refused_in_one_line(field, value):
    with pytest.raises(InputError, match=f"^{field}=") as error:
        AugmentSettings(**{field: value})
    assert "\n" not in str(error.value)
