"""The losses against loops, and what must hold for any rows."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from functools import partial

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from learner.losses import bounded_nce, byol, info_nce, log_chance, similar_nce, trusting_nce, vicreg
from sim.errors import InputError
from tests.references.losses import byol_by_loops, info_nce_by_loops, match_shares_by_loops, vicreg_by_loops

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


@pytest.mark.parametrize("negatives", KINDS)
@pytest.mark.parametrize("cuts", [(0, 2, 4, 6), (0, 1, 6)])
def test_the_mean_over_anchors_is_the_loss_of_all(cuts, negatives):
    first, second = rows(6, 5, seed=3)
    parts = [
        (end - start) * info_nce(first, second, negatives=negatives, own=slice(start, end))
        for start, end in itertools.pairwise(cuts)
    ]
    torch.testing.assert_close(sum(parts) / 6, info_nce(first, second, negatives=negatives), rtol=0, atol=1e-12)
    torch.testing.assert_close(
        info_nce(first, second, negatives=negatives, own=slice(2, 3)),
        info_nce(first.roll(-2, 0), second.roll(-2, 0), negatives=negatives, own=slice(0, 1)),
    )


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
@pytest.mark.parametrize("loss", [info_nce, byol, vicreg])
def test_precision_is_float32_at_least_even_under_autocast(loss, given_dtype, computed):
    first, second = (side.to(given_dtype) for side in rows(16, 8, seed=1))
    plain = loss(first, second)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        cast = loss(first, second)
    assert plain.dtype == cast.dtype == computed
    assert plain == cast


class Largest(TorchDispatchMode):
    """Sees every tensor that is made."""

    elements = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        made = func(*args, **(kwargs or {}))
        for tensor in tree_leaves(made):
            if isinstance(tensor, torch.Tensor):
                self.elements = max(self.elements, tensor.numel())
        return made


@pytest.mark.parametrize(("negatives", "side"), [("all", 8192), ("across", 4096)])
def test_similarities_are_the_largest_tensor(negatives, side):
    with FakeTensorMode(), Largest() as largest:
        first, second = torch.empty(2, 4096, 128).unbind()
        first, second = first.clone().requires_grad_(), second.clone().requires_grad_()
        info_nce(first, second, negatives=negatives).backward()
    assert first.grad.shape == (4096, 128)
    assert largest.elements == side * side


@pytest.mark.parametrize("n", [1, 2, 9])
def test_byol_and_its_gradient_equal_the_loop_and_the_target_gets_none(n):
    predicted, target = (side.requires_grad_() for side in rows(n, 5, seed=n))
    fast, slow = byol(predicted, target), byol_by_loops(predicted, target)
    torch.testing.assert_close(fast, slow, rtol=0, atol=1e-12)
    ours, theirs = (torch.autograd.grad(loss, predicted, retain_graph=True)[0] for loss in (fast, slow))
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-12)
    assert torch.autograd.grad(fast, target, allow_unused=True) == (None,)


@pytest.mark.parametrize("weights", [(25.0, 25.0, 1.0), (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)])
@pytest.mark.parametrize("n", [2, 3, 9])
def test_vicreg_and_its_gradients_equal_the_loop(n, weights):
    named = dict(zip(("invariance", "variance", "covariance"), weights, strict=True))
    first, second = rows(n, 5, seed=n)
    # Some components spread by more than the hinge at 1, some by less.
    scales = torch.tensor([0.1, 0.5, 1.0, 2.0, 4.0], dtype=torch.float64)
    first, second = ((side * scales + 3).requires_grad_() for side in (first, second))
    fast, slow = vicreg(first, second, **named), vicreg_by_loops(first, second, **named)
    torch.testing.assert_close(fast, slow, rtol=0, atol=1e-9)
    for ours, theirs in zip(
        torch.autograd.grad(fast, (first, second)), torch.autograd.grad(slow, (first, second)), strict=True
    ):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-9)


def test_vicreg_has_the_papers_weights_and_needs_two_rows():
    first, second = rows(4, 3, seed=0)
    assert vicreg(first, second) == vicreg(first, second, invariance=25.0, variance=25.0, covariance=1.0)
    with pytest.raises(InputError, match=r"^batch=1: at least 2 rows are needed"):
        vicreg(first[:1], second[:1])


def test_rows_that_collapsed_cost_the_whole_hinge_with_a_finite_gradient():
    collapsed = torch.ones(4, 3, dtype=torch.float64, requires_grad=True)
    loss = vicreg(collapsed, collapsed)
    loss.backward()
    assert loss.item() == pytest.approx(25 * 2 * (1 - 0.01))
    assert collapsed.grad.isfinite().all()


def test_unknown_negatives_are_refused():
    first, second = rows(2, 3, seed=0)
    with pytest.raises(InputError, match=r"negatives=some: one of across, all is needed"):
        info_nce(first, second, negatives="some")


# For wrong matches


@pytest.mark.parametrize("own", [slice(None), slice(2, 5)])
def test_losses_for_wrong_matches_equal_the_loop(own: slice) -> None:
    first, second = rows(6, 4, seed=1)
    shares = match_shares_by_loops(first, second, temperature=0.3)
    matched = torch.diagonal(shares, dim1=1, dim2=2)[:, own]
    bounded = bounded_nce(first, second, temperature=0.3, exponent=0.7, own=own)
    torch.testing.assert_close(bounded, (6**0.7 * (1 - matched**0.7) / 0.7).mean())
    trusting = trusting_nce(first, second, temperature=0.3, trust=torch.tensor([0.6]).double(), own=own)
    torch.testing.assert_close(trusting, -(0.6 * matched + 0.4 / 6).log().mean())
    places = torch.tensor([0.0, 0.5, 3.0, 0.1, -1.0, 2.0], dtype=torch.float64)
    distance = (places[own, None] - places).square()
    targets = torch.stack([torch.exp(-row / 2) / torch.exp(-row / 2).sum() for row in distance])
    similar = similar_nce(first, second, temperature=0.3, distance=distance, own=own)
    torch.testing.assert_close(similar, -(targets * shares[:, own].log()).sum(dim=2).mean())


def slope(loss: Callable[[torch.Tensor, torch.Tensor], torch.Tensor], *sides: torch.Tensor) -> torch.Tensor:
    first, second = (side.clone().requires_grad_() for side in sides)
    return torch.cat(torch.autograd.grad(loss(first, second), (first, second)))


def test_at_their_ends_they_are_info_nce() -> None:
    sides = rows(7, 5, seed=2)

    def plain(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        return info_nce(first, second, temperature=0.2, negatives="across")

    apart = 1e4 * (1 - torch.eye(7, dtype=torch.float64))
    ends = {
        "bounded": partial(bounded_nce, temperature=0.2, exponent=1e-6),
        "trusting": partial(trusting_nce, temperature=0.2, trust=torch.tensor([1 - 1e-9]).double()),
        "similar": partial(similar_nce, temperature=0.2, distance=apart),
    }
    for loss in ends.values():
        torch.testing.assert_close(loss(*sides), plain(*sides), rtol=1e-4, atol=1e-6)
        torch.testing.assert_close(slope(loss, *sides), slope(plain, *sides), rtol=1e-3, atol=1e-6)


def test_where_all_look_alike_the_bounded_loss_is_as_steep_as_info_nce() -> None:
    first, second = rows(9, 5, seed=4)
    # At so high a temperature every candidate has a share of one in nine.
    steep = slope(partial(bounded_nce, temperature=1e4, exponent=0.5), first, second)
    plain = slope(partial(info_nce, temperature=1e4, negatives="across"), first, second)
    torch.testing.assert_close(1e4 * steep, 1e4 * plain, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("robust", ["bounded", "trusting"])
def test_a_wrong_match_pulls_less_than_in_info_nce(robust: str) -> None:
    """Eight rows that match, but the last two are told each other's partner."""
    first = torch.eye(8, dtype=torch.float64)
    second = first[[0, 1, 2, 3, 4, 5, 7, 6]]
    losses = {
        "plain": partial(info_nce, temperature=0.3, negatives="across"),
        "bounded": partial(bounded_nce, temperature=0.3, exponent=0.7),
        "trusting": partial(trusting_nce, temperature=0.3, trust=torch.tensor([0.7]).double()),
    }
    pull = {name: slope(loss, first, second)[:8].norm(dim=1) for name, loss in losses.items()}
    wrong, right = ({name: rows[part].mean() for name, rows in pull.items()} for part in (slice(6, 8), slice(0, 6)))
    assert wrong[robust] / right[robust] < 0.5 * wrong["plain"] / right["plain"]


def test_trust_learns_how_many_matches_are_true() -> None:
    """Of 200 rows that are found for sure, a quarter were told each other's partners."""
    generator = torch.Generator().manual_seed(0)
    first = torch.randn(200, 64, dtype=torch.float64, generator=generator)
    second = torch.cat([first[:50].roll(1, 0), first[50:]])
    logit = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    for _ in range(100):
        loss = trusting_nce(first, second, temperature=0.05, trust=torch.sigmoid(logit))
        logit.data -= torch.autograd.grad(loss, logit)[0]
    assert torch.sigmoid(logit).item() == pytest.approx(0.75, abs=0.03)
