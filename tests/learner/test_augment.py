"""Properties of views and of pairs of views, and the ranges of what is drawn."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from learner.augment import Augment, AugmentSettings, plain
from learner.augment.views import CPU_BLOCK
from sim.errors import InputError
from tests.learner.frames import ALL, AWAY, frames, generator, shape


def shares() -> st.SearchStrategy[float]:
    return st.sampled_from([0.0, 0.5, 1.0])


some_settings = st.builds(
    AugmentSettings,
    crop_probability=shares(),
    flip=st.sampled_from(["off", "independent", "together"]),
    flip_probability=shares(),
    jitter_probability=shares(),
    brightness=shares(),
    hue=st.sampled_from([0.0, 0.5]),
    grey_probability=shares(),
    blur_probability=shares(),
)


@given(chosen=some_settings, count=st.integers(1, CPU_BLOCK + 2), seed=st.integers(0, 2**32))
@settings(max_examples=40, deadline=None)
def test_views_are_a_function_of_frames_and_generator_alone(chosen, count, seed):
    images, augment = frames(count, seed=seed), Augment(chosen)
    before, state = images.clone(), torch.get_rng_state()
    views = augment(images, generator(seed))
    assert views.shape == images.shape
    assert views.dtype == torch.float32
    assert views.is_contiguous(memory_format=torch.channels_last)
    assert -1 <= views.min() <= views.max() <= 1
    assert torch.equal(augment(images.contiguous(), generator(seed)), views)
    assert torch.equal(augment(images.flip(0).flip(0).to(memory_format=torch.channels_last), generator(seed)), views)
    assert torch.equal(images, before)
    assert torch.equal(torch.get_rng_state(), state)


@given(chosen=some_settings, count=st.integers(1, CPU_BLOCK + 2), data=st.data())
@settings(max_examples=30, deadline=None)
def test_a_view_does_not_depend_on_the_rest_of_its_batch(chosen, count, data):
    images, augment = frames(count), Augment(chosen)
    drawn = augment.draw(images.shape, generator())
    rows = data.draw(st.lists(st.integers(0, count - 1), min_size=1, max_size=4))
    alone = augment.apply(images[rows], drawn.each(lambda part: part[rows]))
    torch.testing.assert_close(alone, augment.apply(images, drawn)[rows], rtol=0, atol=2e-6)


def test_consecutive_views_of_one_generator_differ():
    images, augment, source = frames(6), Augment(AugmentSettings()), generator()
    assert not torch.equal(augment(images, source), augment(images, source))


def test_views_of_another_format_are_rounded_once():
    images = frames(5)
    exact = Augment(ALL)(images, generator(1))
    assert torch.equal(Augment(ALL, dtype=torch.bfloat16)(images, generator(1)), exact.to(torch.bfloat16))


def test_nothing_is_read_back_from_the_device():
    """A meta tensor has no values: whatever waited for one, to choose rows or to print, would fail."""
    augment, drawn = Augment(ALL), Augment(ALL).draw(shape(40), generator())
    assert drawn.grey.any()
    assert (drawn.sigma > 0).any()
    views = augment.apply(torch.empty(40, 3, 64, 64, dtype=torch.uint8, device="meta"), drawn)
    assert (views.shape, views.dtype, views.device.type) == ((40, 3, 64, 64), torch.float32, "meta")


@pytest.mark.parametrize("operation", AWAY)
def test_each_operation_can_be_taken_away_alone(operation):
    """It is gone, and the draws of all others are what they were."""
    whole = Augment(ALL).draw(shape(50), generator(3))
    drawn = Augment(replace(ALL, **AWAY[operation])).draw(shape(50), generator(3))
    gone = {
        "crop": (drawn.boxes == torch.tensor([0.0, 0.0, 64.0, 64.0])).all(),
        "flip": not drawn.flip.any(),
        "grey": not drawn.grey.any(),
        "blur": not drawn.sigma.any(),
        **{
            name: column not in drawn.order
            for column, name in enumerate(("brightness", "contrast", "saturation", "hue"))
        },
    }
    assert {name for name, missing in gone.items() if missing} == {operation}
    for name, before, after in zip(whole._fields, whole, drawn, strict=True):
        if name == "order":
            assert tuple(column for column in before if column in after) == after
        elif name == "factors":
            assert torch.equal(after[:, list(drawn.order)], before[:, list(drawn.order)])
        elif name != {"crop": "boxes", "blur": "sigma"}.get(operation, operation):
            assert torch.equal(before, after)


def test_everything_switched_off_is_plain():
    images, everything = frames(6), {name: value for change in AWAY.values() for name, value in change.items()}
    assert torch.equal(Augment(AugmentSettings(**everything))(images, generator()), plain(images))
    never = AugmentSettings(crop_probability=0.0, jitter_probability=0.0, grey_probability=0.0)
    assert torch.equal(Augment(never)(images, generator()), plain(images))


def test_plain_is_mean_and_deviation_one_half():
    images = torch.tensor([0, 51, 255], dtype=torch.uint8).reshape(1, 3, 1, 1)
    torch.testing.assert_close(plain(images).flatten(), torch.tensor([-1.0, -0.6, 1.0]))


@pytest.mark.parametrize("size", [(64, 64), (48, 64), (64, 40)])
def test_crops_lie_inside_and_have_the_asked_area_and_shape(size):
    settings = AugmentSettings(crop_area=(0.3, 0.8), crop_ratio=(0.8, 1.5))
    boxes = Augment(settings).draw(shape(4000, *size), generator()).boxes
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
    boxes = Augment(settings).draw(shape(3), generator()).boxes
    assert boxes.tolist() == [[0, 16, 64, 32]] * 3
    settings = AugmentSettings(crop_area=(1.0, 1.0), crop_ratio=(2.0, 2.0))
    boxes = Augment(settings).draw(shape(3), generator()).boxes
    assert boxes.tolist() == [[16, 0, 32, 64]] * 3


def test_colours_are_drawn_in_their_ranges_at_their_rates():
    chosen = replace(ALL, crop_probability=0.6, flip_probability=0.3, blur_probability=0.4)
    drawn = Augment(chosen).draw(shape(20000), generator())
    neutral = (drawn.factors == torch.tensor([1.0, 1.0, 1.0, 0.0])).all(dim=1)
    assert neutral.float().mean().item() == pytest.approx(0.2, abs=0.01)
    assert drawn.grey.float().mean().item() == pytest.approx(0.2, abs=0.01)
    assert drawn.flip.float().mean().item() == pytest.approx(0.3, abs=0.015)
    low, high = drawn.factors.min(dim=0).values, drawn.factors.max(dim=0).values
    torch.testing.assert_close(low, torch.tensor([0.2, 0.2, 0.2, -0.2]), rtol=0, atol=0.01)
    torch.testing.assert_close(high, torch.tensor([1.8, 1.8, 1.8, 0.2]), rtol=0, atol=0.01)
    assert sorted(drawn.order) == [0, 1, 2, 3]
    cropped = (drawn.boxes[:, 2:] < 64).any(dim=1)
    assert cropped.float().mean().item() == pytest.approx(0.6, abs=0.015)
    blurred = drawn.sigma[drawn.sigma > 0]
    assert len(blurred) / 20000 == pytest.approx(0.4, abs=0.015)
    assert 0.1 <= blurred.min() < 0.11
    assert 1.99 < blurred.max() <= 2.0
    assert blurred.mean().item() == pytest.approx(1.05, abs=0.02)


def test_order_of_the_jitters_varies_between_batches():
    augment, source = Augment(AugmentSettings()), generator()
    assert len({augment.draw(shape(1), source).order for _ in range(200)}) == 24


def test_operations_happen_independently_of_each_other():
    drawn = Augment(replace(ALL, crop_probability=0.5)).draw(shape(20000), generator())
    jittered = drawn.factors[:, 3] != 0
    happened = torch.stack([drawn.boxes[:, 2] < 64, drawn.flip, jittered, drawn.grey, drawn.sigma > 0]).double()
    torch.testing.assert_close(torch.corrcoef(happened), torch.eye(5).double(), rtol=0, atol=0.03)


# Pairs


@pytest.mark.parametrize("probability", [0.0, 0.5, 1.0])
def test_both_views_of_a_pair_are_mirrored_or_none(probability):
    first, second = frames(40), frames(40, seed=1)
    plainly = Augment(replace(ALL, flip="off")).pair(first, second, generator(2))
    together = replace(ALL, flip="together", flip_probability=probability)
    *views, mirrored = Augment(together).pair(first, second, generator(2))
    assert mirrored.dtype == torch.bool
    assert mirrored.float().mean() == pytest.approx(probability, abs=0.2 * (probability == 0.5))
    assert not plainly[2].any()
    for view, unflipped in zip(views, plainly, strict=False):
        expected = torch.where(mirrored[:, None, None, None], unflipped.flip(-1), unflipped)
        torch.testing.assert_close(view, expected, rtol=0, atol=2e-5)


def test_views_that_are_flipped_independently_mirror_no_action():
    augment, source = Augment(ALL), generator(2)
    first, second = frames(64), frames(64, seed=1)
    flips = [augment.draw(shape(64, 12, 12), source).flip for _ in range(2)]
    assert 0 < (flips[0] != flips[1]).float().mean() < 1
    *views, mirrored = augment.pair(first, second, generator(2))
    assert not mirrored.any()
    unflipped = Augment(replace(ALL, flip="off")).pair(first, second, generator(2))
    for view, flip, straight in zip(views, flips, unflipped, strict=False):
        expected = torch.where(flip[:, None, None, None], straight.flip(-1), straight)
        torch.testing.assert_close(view, expected, rtol=0, atol=2e-5)


def test_views_of_a_pair_that_threads_share_are_those_of_one():
    first, second, augment = frames(CPU_BLOCK + 3), frames(CPU_BLOCK + 3, seed=1), Augment(ALL)
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        alone = augment.pair(first, second, generator())
        torch.set_num_threads(3)
        shared = augment.pair(first, second, generator())
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)
    for one, other in zip(alone, shared, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-6)


def test_the_views_of_a_pair_are_drawn_apart():
    images = frames(8)
    first, second, _ = Augment(AugmentSettings()).pair(images, images, generator())
    assert ((first - second).abs().amax(dim=(1, 2, 3)) > 0.01).all()


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
        ("crop_probability", float("nan")),
        ("flip_probability", -0.1),
        ("blur_probability", 2),
        ("blur_sigma", (0.0, 1.0)),
        ("blur_sigma", (2.0, 1.0)),
        ("flip", "sometimes"),
    ],
)
def test_unusable_settings_are_refused_in_one_line(field, value):
    with pytest.raises(InputError, match=f"^{field}=") as error:
        AugmentSettings(**{field: value})
    assert "\n" not in str(error.value)
