"""Figures of the learner's health against loops, and diagnoses of embeddings that are collapsed or healthy."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode

from learner.health import (
    COLLAPSED,
    EARLY,
    alignment,
    diagnose,
    effective_rank,
    embedding_std,
    false_negatives,
    health,
    retrieval_top1,
    uniformity,
)
from learner.losses import info_nce
from sim.errors import InputError
from tests.references.health import (
    alignment_by_loops,
    false_negatives_by_loops,
    rank_by_numpy,
    retrieval_by_loops,
    std_by_loops,
    uniformity_by_loops,
)

shapes = st.tuples(st.integers(2, 9), st.integers(1, 7), st.integers(0, 2**31))


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Threads of a busy machine would wait for each other at every one of many small products."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def rows(n: int, width: int, seed: int = 0, mean: float = 0.0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return mean + torch.randn(n, width, dtype=torch.float64, generator=generator)


@settings(max_examples=50, deadline=None)
@given(shapes, st.sampled_from([0.0, 1.0, 30.0]), st.sampled_from([0.5, 2.0]))
def test_figures_equal_the_loops(shape, mean, t):
    n, width, seed = shape
    first, second = rows(n, width, seed, mean), rows(n, width, seed + 1, mean)
    one, other = first.numpy(), second.numpy()
    assert alignment(first, second).item() == pytest.approx(alignment_by_loops(one, other), abs=1e-9)
    assert uniformity(first, t=t).item() == pytest.approx(uniformity_by_loops(one, t=t), abs=1e-9)
    assert embedding_std(first).item() == pytest.approx(std_by_loops(one), abs=1e-9)
    assert effective_rank(first).item() == pytest.approx(rank_by_numpy(one), abs=1e-9)


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 12), st.integers(0, 2**31), st.booleans())
def test_retrieval_equals_the_loop_with_its_ties(n, seed, ties):
    actions, pairs = rows(n, 3, seed), rows(n, 3, seed + 1)
    if ties:  # axes only: their cosines are 0 and 1 in any arithmetic
        actions, pairs = (torch.eye(3, dtype=torch.float64)[side.argmax(dim=1)] for side in (actions, pairs))
    found = retrieval_top1(actions, pairs).item()
    assert found == pytest.approx(retrieval_by_loops(actions.numpy(), pairs.numpy()))


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(-3, 4), min_size=1, max_size=20))
def test_false_negatives_equal_the_loop(instances):
    assert false_negatives(torch.tensor(instances)).item() == pytest.approx(false_negatives_by_loops(instances))


def test_a_spread_embedding_stands_at_one_and_a_constant_one_at_zero():
    spread, constant = rows(2000, 64), rows(1, 64).expand(50, -1)
    assert embedding_std(spread).item() == pytest.approx(1, abs=0.01)
    assert uniformity(spread).item() == pytest.approx(-4, abs=0.2)
    assert effective_rank(spread) > 0.95 * 64
    assert embedding_std(constant) < 1e-9
    assert abs(uniformity(constant)) < 1e-9
    assert effective_rank(constant).item() == pytest.approx(1, abs=1e-3)


@settings(max_examples=50, deadline=None)
@given(shapes, st.floats(1e-3, 1e3))
def test_bounds_hold_and_lengths_do_not_matter(shape, length):
    n, width, seed = shape
    first, second = rows(n, width, seed), rows(n, width, seed + 1)
    lengths = length * (0.1 + rows(n, 1, seed + 2).abs())
    assert 0 <= embedding_std(first) <= 1 + 1e-9
    assert 0 <= alignment(first, second) <= 4
    assert -8 <= uniformity(first) <= 1e-9
    assert 1 - 1e-6 <= effective_rank(first) <= min(n, width) + 1e-4
    torch.testing.assert_close(embedding_std(first * lengths), embedding_std(first))
    torch.testing.assert_close(alignment(first * lengths, second), alignment(first, second))
    torch.testing.assert_close(uniformity(first * lengths), uniformity(first))
    torch.testing.assert_close(effective_rank(first * length), effective_rank(first))


@pytest.mark.parametrize("dimensions", [1, 3, 10])
def test_effective_rank_counts_the_dimensions_in_use(dimensions):
    inside = torch.linalg.qr(rows(200, dimensions)).Q @ torch.linalg.qr(rows(40, dimensions, seed=1)).Q.T
    assert effective_rank(inside).item() == pytest.approx(dimensions, rel=1e-3)


def test_effective_rank_is_not_centred_and_lives_with_what_is_not_finite():
    assert effective_rank(rows(200, 40, mean=20)) < 5 < 30 < effective_rank(rows(200, 40))
    broken = rows(6, 4)
    broken[2, 1] = math.nan
    assert effective_rank(broken).isnan()
    assert effective_rank(torch.zeros(6, 4)).item() == pytest.approx(1, abs=1e-4)


def test_retrieval_of_perfect_collapsed_and_shifted_embeddings():
    own = rows(16, 8)
    assert retrieval_top1(own, 3 * own) == 1
    assert retrieval_top1(own, own.roll(1, dims=0)) == 0
    alike = torch.ones(16, 4, dtype=torch.float64)
    assert retrieval_top1(alike, alike).item() == pytest.approx(1 / 16)
    twice = torch.cat([own, own])  # each action and its pair occur twice
    assert retrieval_top1(twice, twice).item() == pytest.approx(0.5)


def test_one_row_is_refused_where_a_spread_is_asked_for():
    for figure in (uniformity, embedding_std):
        with pytest.raises(InputError, match=r"^batch=1: at least 2 rows are needed"):
            figure(rows(1, 4))


def figures_of(n: int = 32, *, matched: bool = True) -> dict[str, torch.Tensor]:
    first, second = rows(n, 8).float(), rows(n, 8, 1).float()
    return health((first, second), rows(n, 12).float(), (first, first) if matched else None, torch.arange(n) // 2)


def test_all_figures_come_under_their_names():
    found = {name: value.item() for name, value in figures_of().items()}
    first = rows(32, 8).float()
    assert found == {
        "health/alignment": alignment(first, rows(32, 8, 1).float()).item(),
        "health/uniformity": uniformity(first).item(),
        "health/std": embedding_std(first).item(),
        "health/rank": effective_rank(rows(32, 12).float()).item(),
        "health/retrieval_top1": 1.0,
        "health/retrieval_top1_chance": 1 / 32,
        "buffer/false_negatives": pytest.approx(1 / 31),
    }
    assert set(figures_of(matched=False)) == {name for name in found if "retrieval" not in name}


def test_no_figure_needs_its_values_on_the_host():
    # Fake tensors have no values: whatever looks at one, or makes a shape of one, raises.
    with FakeTensorMode():
        assert all(value.ndim == 0 for value in figures_of().values())


def test_sixteen_bits_and_autocast_are_measured_in_thirty_two():
    narrow = (10 + rows(32, 8)).bfloat16()
    wide = narrow.float()
    expected = health((wide, wide.roll(1, dims=0)), wide, (wide, wide), torch.arange(32))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        cast = health((narrow, narrow.roll(1, dims=0)), narrow, (narrow, narrow), torch.arange(32))
    assert expected["health/retrieval_top1"] == 1
    assert cast == expected


def row_of(figures: dict[str, torch.Tensor], **more: float) -> dict[str, float]:
    return {"step": 1000, "loss": 4.0, **{name: float(value) for name, value in figures.items()}, **more}


def test_nothing_is_said_of_a_healthy_learner():
    spread, noise = rows(128, 64), 0.1 * rows(128, 64, 1)
    figures = health((spread, spread + noise), spread, (spread, spread + noise), torch.arange(128))
    row = row_of(figures) | {"loss/instance": 2.0, "loss/instance_chance": 5.5}
    assert diagnose(row | {"loss/action": 4.86, "loss/action_chance": 4.85}, width=64) == []
    assert diagnose({"step": 1000, "loss": 4.0}, width=64) == []


def test_a_collapse_is_said_in_words_but_not_in_the_first_steps():
    close = 1 + 0.012 * rows(128, 64)
    figures = health((close, close), close, None, torch.arange(128))
    collapsed, dimensional = diagnose(row_of(figures), width=64)
    assert collapsed.startswith("the embedding has collapsed: its standard deviation is 0.012 (1 is spread out, below")
    assert "--learning-rate" in collapsed
    assert dimensional.startswith("dimensional collapse: the effective rank of the features is 2 of 64")
    assert diagnose(row_of(figures) | {"step": EARLY - 1}, width=64) == []
    assert len(diagnose(row_of(figures) | {"step": EARLY}, width=64)) == 2


def test_few_dimensions_are_told_apart_from_a_collapse():
    plane = rows(128, 3) @ rows(3, 256, 1)
    (said,) = diagnose(row_of(health((rows(128, 64), rows(128, 64)), plane, None, torch.arange(128))), width=128)
    assert said.startswith("dimensional collapse: the effective rank of the features is 3 of 128")


def test_a_training_that_only_attracts_collapses_and_one_that_contrasts_does_not():
    images = rows(64, 20)

    def trained(*, contrast: bool) -> list[str]:
        encoder = nn.Linear(20, 16, dtype=torch.float64)
        nn.init.orthogonal_(encoder.weight, generator=torch.Generator().manual_seed(0))
        optimizer = torch.optim.AdamW(encoder.parameters(), lr=0.03)
        for step in range(100):
            first, second = (encoder(images + 0.3 * rows(64, 20, 2 * step + view)) for view in (1, 2))
            loss = info_nce(first, second) if contrast else alignment(first, second)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        figures = health((first.detach(), second.detach()), first.detach(), None, torch.arange(64))
        return diagnose(row_of(figures), width=16)

    assert trained(contrast=True) == []
    assert any("the embedding has collapsed" in said for said in trained(contrast=False))


def test_terms_above_chance_are_named_with_their_losses():
    row = {"step": 500, "loss": 9.0, "loss/action": 5.6, "loss/action_chance": 4.8}
    row |= {"health/retrieval_top1": 0.01, "health/retrieval_top1_chance": 0.01}
    (said,) = diagnose(row, width=64)
    assert said.startswith("the action loss (5.60) is above that of chance (4.80), worse than knowing nothing: ")
    assert "--negatives across, --action-warmup" in said
    row = {"step": 500, "loss": 6.0, "loss/instance": 6.0, "loss/instance_chance": 5.5}
    (said,) = diagnose(row, width=64)
    assert "the instance loss (6.00)" in said
    assert "--negatives" not in said


@pytest.mark.parametrize(("found", "sentences"), [(0.0, 1), (1 / 128, 1), (2 / 128, 0)])
def test_retrieval_is_judged_where_no_loss_has_a_chance(found, sentences):
    row = {"step": 500, "loss/action": 1.2, "health/retrieval_top1": found, "health/retrieval_top1_chance": 1 / 128}
    said = diagnose(row, width=64)
    assert len(said) == sentences
    assert all("a guess in 0.8 %" in sentence for sentence in said)


def test_false_negatives_and_lost_losses_are_told():
    (said,) = diagnose({"step": 500, "buffer/false_negatives": 0.09}, width=64)
    assert said.startswith("9 % of negatives show the same object")
    assert diagnose({"step": 500, "buffer/false_negatives": 0.01}, width=64) == []
    (said,) = diagnose({"step": 1, "loss": 2.0, "loss/action": math.inf, "health/std": 0.0}, width=64)
    assert said.startswith("loss/action is inf: ")
    assert diagnose({"step": 500, "health/std": COLLAPSED, "health/rank": math.nan}, width=64) == []
