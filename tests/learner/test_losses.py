"""The contrastive losses against a loop, and what must hold for any rows."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from learner.losses import info_nce, log_chance
from sim.errors import InputError
from tests.references.losses import info_nce_by_loops

KINDS = ("all", "across")
batches = st.tuples(st.integers(1, 7), st.integers(2, 6), st.integers(0, 2**31), st.sampled_from(KINDS))


def rows(n: int, width: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    first, second = torch.randn(2, n, width, dtype=torch.float64, generator=generator).unbind()
    return first, second


@pytest.mark.parametrize("negatives", KINDS)
@pytest.mark.parametrize("temperature", [0.05, 0.1, 1.0])
@pytest.mark.parametrize("n", [1, 2, 3, 9])
def test_info_nce_and_its_gradients_equal_the_loop(n, temperature, negatives):
    first, second = (side.requires_grad_() for side in rows(n, 5, seed=n))
    fast = info_nce(first, second, temperature=temperature, negatives=negatives)
    slow = info_nce_by_loops(first, second, temperature=temperature, negatives=negatives)
    torch.testing.assert_close(fast, slow, rtol=0, atol=1e-6)
    for ours, theirs in zip(
        torch.autograd.grad(fast, (first, second)), torch.autograd.grad(slow, (first, second)), strict=True
    ):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-6)


@settings(max_examples=50, deadline=None)
@given(batches)
def test_order_sides_and_lengths_do_not_matter(batch):
    n, width, seed, negatives = batch
    first, second = rows(n, width, seed)
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(n, generator=generator)
    lengths = 0.1 + 10 * torch.rand(n, 1, dtype=torch.float64, generator=generator)
    loss = info_nce(first, second, negatives=negatives)
    for same in ((first[order], second[order]), (second, first), (first * lengths, second / lengths)):
        torch.testing.assert_close(info_nce(*same, negatives=negatives), loss, rtol=0, atol=1e-9)


@settings(max_examples=50, deadline=None)
@given(batches)
def test_loss_is_positive_and_chance_where_all_rows_are_alike(batch):
    n, width, seed, negatives = batch
    first, second = rows(n, width, seed)
    assert info_nce(first, second, negatives=negatives) >= 0
    alike = first[:1].expand(n, -1)
    assert info_nce(alike, alike, negatives=negatives).item() == pytest.approx(log_chance(n, negatives=negatives))


def test_log_chance():
    assert log_chance(8, negatives="all") == math.log(15)
    assert log_chance(8, negatives="across") == math.log(8)


@pytest.mark.parametrize("negatives", KINDS)
def test_one_row_has_loss_zero_and_no_gradient(negatives):
    first, second = (side.requires_grad_() for side in rows(1, 4, seed=0))
    loss = info_nce(first, second, negatives=negatives)
    loss.backward()
    assert loss == 0
    assert first.grad is not None
    assert first.grad.abs().max() < 1e-12


@pytest.mark.parametrize(
    ("given_dtype", "computed"),
    [(torch.bfloat16, torch.float32), (torch.float32, torch.float32), (torch.float64, torch.float64)],
)
def test_precision_is_float32_at_least_even_under_autocast(given_dtype, computed):
    first, second = (side.to(given_dtype) for side in rows(16, 8, seed=1))
    plain = info_nce(first, second)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        cast = info_nce(first, second)
    assert plain.dtype == cast.dtype == computed
    assert plain == cast


def test_unknown_negatives_are_refused():
    first, second = rows(2, 3, seed=0)
    with pytest.raises(InputError, match=r"negatives=some: one of across, all is needed"):
        info_nce(first, second, negatives="some")
