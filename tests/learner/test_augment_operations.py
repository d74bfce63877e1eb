"""What augmentation does to a batch against kornia, one image at a time, and colorsys."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from learner.augment import Augment
from learner.augment.operations import (
    JITTERS,
    adjust_hue,
    gaussian_blur,
    kernel_size,
    resized_crop,
    resized_crop_of_bytes,
)
from learner.augment.views import CPU_BLOCK
from tests.learner.frames import ALL, AWAY, frames, generator
from tests.references import augment as reference


@pytest.mark.parametrize(("size", "kernel"), [((12, 12), 3), ((40, 56), 5)])
@pytest.mark.parametrize("away", [None, "crop", "flip", "hue", "blur"])
@pytest.mark.parametrize("seed", range(3))
def test_every_sample_equals_the_slow_twin(size, kernel, away, seed):
    images = frames(CPU_BLOCK + 3, *size, seed=seed)
    augment = Augment(replace(ALL, **AWAY[away]) if away else ALL)
    drawn = augment.draw(images.shape, generator(seed))
    views = augment.apply(images, drawn)
    for row in [*range(8), CPU_BLOCK, CPU_BLOCK + 2]:
        expected = reference.augment_by_kornia(
            images[row],
            box=tuple(int(side) for side in drawn.boxes[row]),
            flip=bool(drawn.flip[row]),
            factors=tuple(drawn.factors[row].tolist()),
            order=drawn.order,
            grey=bool(drawn.grey[row]),
            sigma=float(drawn.sigma[row]),
            kernel=kernel,
        )
        torch.testing.assert_close(views[row].double(), expected, rtol=0, atol=2e-5)


@pytest.mark.parametrize("size", [(12, 12), (40, 56)])
@pytest.mark.parametrize("channels_last", [False, True])
def test_a_crop_is_the_same_wherever_it_is_made(size: tuple[int, int], channels_last: bool) -> None:
    """The twin above is of what a CPU does; this is what a GPU does, of the same crops."""
    images = frames(40, *size)
    drawn = Augment(ALL).draw(images.shape, generator(0))
    assert drawn.flip.any()
    if channels_last:
        images = images.contiguous(memory_format=torch.channels_last)
    of_planes = resized_crop(images.contiguous().float() / 255, drawn.boxes, flip=drawn.flip)
    of_bytes = resized_crop_of_bytes(images, drawn.boxes, flip=drawn.flip)
    torch.testing.assert_close(of_bytes, of_planes, rtol=0, atol=1e-5)


@pytest.mark.parametrize("column", range(4))
def test_each_jitter_equals_kornias(column):
    images = frames(9).float() / 255
    factors = torch.linspace(-0.5, 0.5, 9) if column == 3 else torch.linspace(0, 2.5, 9)
    planes = images.contiguous()
    JITTERS[column](planes, factors[:, None, None, None])
    for row, factor in enumerate(factors.tolist()):
        expected = reference.JITTERS[column](images[row, None].double(), factor)[0]
        torch.testing.assert_close(planes[row].double(), expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("turn", [-0.5, -0.2, 0.0, 0.13, 1 / 3, 0.5])
def test_hue_equals_colorsys_for_every_kind_of_colour(turn):
    colours = torch.tensor(list(itertools.product([0.0, 0.2, 0.5, 0.7, 1.0], repeat=3)))
    planes = colours.T.reshape(1, 3, 5, 25).clone()
    adjust_hue(planes, torch.full((1, 1, 1, 1), turn))
    expected = reference.hue(colours.T.reshape(3, 5, 25).permute(1, 2, 0).double().numpy(), turn)
    np.testing.assert_allclose(planes[0].permute(1, 2, 0).numpy(), expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("size", [(12, 12), (64, 64), (128, 96)])
def test_each_image_is_blurred_by_its_own_gaussian(size):
    planes = frames(6, *size).float().div(255).contiguous()
    sigma = torch.tensor([0.1, 0.5, 1.0, 1.7, 2.0, 30.0])
    kernel = kernel_size(*size)
    expected = reference.gaussian_blur2d(planes.double(), kernel, sigma.double()[:, None].expand(-1, 2))
    torch.testing.assert_close(gaussian_blur(planes, sigma).double(), expected, rtol=0, atol=1e-6)
    even = torch.full_like(planes, 0.3)
    torch.testing.assert_close(gaussian_blur(even, sigma), even)


@given(height=st.integers(2, 600), width=st.integers(2, 600))
def test_a_blur_reaches_over_a_tenth_of_the_shorter_side(height, width):
    size = kernel_size(height, width)
    assert size % 2 == 1
    assert size == 3 or abs(size - min(height, width) / 10) <= 1
    assert size // 2 < min(height, width)  # or there is nothing to reflect
