"""Intervals against closed forms, loops, and how often they hold the truth."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from learner.protocols import Interval, Result, apart, bootstrap, by_instance, by_seed_and_instance, interval, paired
from sim.errors import InputError
from tests.references.protocols import bootstrap_by_loops


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def drawn(seeds: int, instances: int, spread: tuple[float, float, float], source: np.random.Generator) -> np.ndarray:
    """Normal values [S, I] about 0, with these standard deviations of seeds, of instances and of what is left."""
    of_seed, of_instance, rest = spread
    values = of_seed * source.normal(size=(seeds, 1)) + of_instance * source.normal(size=(1, instances))
    return values + rest * source.normal(size=(seeds, instances))


@pytest.mark.parametrize("accuracy", [0.2, 0.5, 0.9])
def test_one_seed_and_instances_of_one_image_give_the_binomial_interval(accuracy):
    right = np.zeros((1, 400))
    right[0, : round(400 * accuracy)] = 1
    found = interval(right, rng=rng(), draws=20_000)
    error = math.sqrt(accuracy * (1 - accuracy) / 400)
    assert found.estimate == pytest.approx(accuracy)
    assert found.low == pytest.approx(accuracy - 1.96 * error, abs=0.15 * error)
    assert found.high == pytest.approx(accuracy + 1.96 * error, abs=0.15 * error)


@pytest.mark.parametrize("shape", [(1, 9), (4, 12), (6, 2)])
@pytest.mark.parametrize("at_once", [1 << 22, 50])
def test_the_interval_is_that_of_the_loop(monkeypatch, shape, at_once):
    monkeypatch.setattr(bootstrap, "WEIGHTS_AT_ONCE", at_once)
    values = drawn(*shape, (0.5, 0.5, 1.0), rng(3))
    expected = bootstrap_by_loops(values, rng=rng(1), draws=3000)
    found = interval(values, rng=rng(2), draws=6000, level=0.8)
    assert found.estimate == pytest.approx(values.mean())
    assert [found.low, found.high] == pytest.approx(np.quantile(expected, [0.1, 0.9]), abs=0.12 * np.std(expected))


def test_instances_of_a_group_are_drawn_together(monkeypatch):
    values = drawn(3, 12, (0.2, 1.0, 0.3), rng(3))
    alone = interval(values, rng=rng(1), level=0.8)
    assert interval(values, rng=rng(1), level=0.8, groups=np.arange(12)) == alone
    # Copies say nothing new; taken for independent they would.
    copies, groups = np.repeat(values, 5, axis=1), np.repeat(np.arange(12), 5)
    again = interval(copies, rng=rng(1), level=0.8, groups=groups)
    assert (again.estimate, again.low, again.high) == pytest.approx((alone.estimate, alone.low, alone.high))
    naive = interval(copies, rng=rng(1), level=0.8)
    assert naive.high - naive.low < 0.75 * (again.high - again.low)
    # Of unequal groups, by a loop that draws them one at a time.
    uneven = np.array([0, 0, 0, 0, 1, 2, 2, 3, 4, 5, 5, 5])
    source, means = rng(2), []
    for _ in range(4000):
        seeds = [int(source.integers(3)) for _ in range(3)]
        columns = [at for group in source.integers(6, size=6) for at in np.flatnonzero(uneven == group)]
        means.append(np.mean([values[seed, at] for seed in seeds for at in columns]))
    monkeypatch.setattr(bootstrap, "WEIGHTS_AT_ONCE", 50)
    found = interval(values, rng=rng(4), level=0.8, draws=4000, groups=uneven)
    assert found.estimate == pytest.approx(values.mean())
    assert [found.low, found.high] == pytest.approx(np.quantile(means, [0.1, 0.9]), abs=0.12 * np.std(means))
    assert paired(values, 0 * values, rng=rng(4), level=0.8, draws=4000, groups=uneven) == found
    with pytest.raises(InputError, match="groups=1: at least 2"):
        interval(values, rng=rng(), groups=np.zeros(12, dtype=int))


@pytest.mark.parametrize(
    ("shape", "spread"),
    [((1, 80), (0.0, 1.0, 1.0)), ((3, 60), (0.05, 1.0, 1.0)), ((8, 40), (0.5, 1.0, 1.0)), ((5, 50), (0.0, 0.0, 1.0))],
)
def test_intervals_hold_the_truth_about_as_often_as_they_say(shape, spread):
    source = rng(0)
    held = [
        found.low <= 0 <= found.high
        for found in (interval(drawn(*shape, spread, source), rng=source, draws=300, level=0.9) for _ in range(300))
    ]
    # The pigeonhole bootstrap counts what is neither of seeds nor of instances up to three times.
    alone = not any(spread[:2])
    assert 0.84 <= np.mean(held) <= (1.0 if alone else 0.97)


def test_frames_of_few_instances_do_not_make_an_interval_narrow():
    right = rng(0).integers(0, 2, 20).astype(float)
    labels = np.zeros(2000, np.int64)
    told = Result("knn", {}, np.repeat(1 - right, 100).astype(np.int64), labels, np.repeat(np.arange(20), 100))
    values = by_seed_and_instance([told])
    np.testing.assert_array_equal(values, right[None])
    found = interval(values, rng=rng())
    assert found.high - found.low > 0.3  # 2000 independent frames would give 0.04


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**31), st.integers(1, 6), st.integers(5, 30))
def test_the_paired_interval_is_narrower_where_methods_agree(seed, seeds, instances):
    source = rng(seed)
    shared = drawn(seeds, instances, (0.5, 1.0, 1.0), source)
    first, second = (shared + 0.1 * source.normal(size=shared.shape) for _ in range(2))
    found = paired(first + 0.3, second, rng=rng(seed), draws=300)
    alone = [interval(values, rng=rng(seed), draws=300) for values in (first, second)]
    assert found.estimate == pytest.approx(0.3 + first.mean() - second.mean())
    assert found.low <= found.estimate <= found.high
    assert found.high - found.low < min(one.high - one.low for one in alone)
    other = paired(second, first + 0.3, rng=rng(seed), draws=300)
    assert (other.low, other.high) == pytest.approx((-found.high, -found.low))


def test_of_other_seeds_instances_cancel_and_seeds_do_not():
    """Against the closed form: with many instances, the variance of the difference is that of the means of seeds."""
    source = rng(0)
    shared = source.normal(size=(1, 40))
    first, second = (shared + source.normal(size=(seeds, 1)) for seeds in (5, 8))
    found = apart(first, second, rng=rng(1), draws=20_000, level=0.6827)
    expected = np.sqrt(first[:, 0].var() / 5 + second[:, 0].var() / 8)
    assert found.estimate == pytest.approx(first.mean() - second.mean())
    assert (found.high - found.low) / 2 == pytest.approx(expected, rel=0.05)
    same = apart(first, first, rng=rng(1), draws=2000)
    assert same.low < 0 < same.high
    assert paired(first, first, rng=rng(1)) == Interval(0, 0, 0, 0.95)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**31), st.integers(2, 20))
def test_of_one_seed_each_the_interval_is_the_paired_one(seed, instances):
    first, second = rng(seed).normal(size=(2, 1, instances))
    told, expected = (each(first, second, rng=rng(seed), draws=500) for each in (apart, paired))
    assert (told.estimate, told.low, told.high) == pytest.approx((expected.estimate, expected.low, expected.high))


def test_means_of_instances_are_in_their_order():
    assert by_instance(np.array([1.0, 0.0, 0.5, 0.0]), np.array([7, 3, 7, 5])).tolist() == [0, 0, 0.75]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**31), st.floats(-5, 5), st.floats(0.1, 10))
def test_intervals_move_with_the_values_and_repeat_with_the_generator(seed, shift, scale):
    values = drawn(3, 7, (0.5, 1.0, 1.0), rng(seed))
    found, moved = (interval(one, rng=rng(seed), draws=200) for one in (values, scale * values + shift))
    assert (moved.low, moved.high) == pytest.approx((scale * found.low + shift, scale * found.high + shift))
    assert interval(values, rng=rng(seed), draws=200) == found
    wider = interval(values, rng=rng(seed), draws=200, level=0.99)
    assert wider.low <= found.low <= found.high <= wider.high


def test_results_of_seeds_are_put_in_the_order_of_instances():
    labels = np.array([0, 0, 1])
    first = Result("knn", {}, np.array([0, 1, 1]), labels, np.array([4, 4, 2]))
    second = Result("knn", {}, np.array([1, 0, 1]), np.array([1, 0, 0]), np.array([2, 4, 4]))
    assert by_seed_and_instance([first, second]).tolist() == [[1.0, 0.5], [1.0, 0.5]]
    with pytest.raises(InputError, match=r"^instances=2: the same 2 are needed for every seed"):
        by_seed_and_instance([first, Result("knn", {}, labels, labels, np.array([4, 4, 3]))])
    with pytest.raises(InputError, match=r"^results=0: at least 1 is needed"):
        by_seed_and_instance([])


def test_what_gives_no_interval_is_refused():
    values = np.ones((2, 3))
    with pytest.raises(InputError, match=r"^values=\(2, 1\): at least 1 seed and 2 instances"):
        interval(values[:, :1], rng=rng())
    with pytest.raises(InputError, match=r"^values=\(0, 3\): "):
        interval(values[:0], rng=rng())
    for level in (0.0, 1.0, 95.0, math.nan):
        with pytest.raises(InputError, match=r"^level="):
            interval(values, rng=rng(), level=level)
    with pytest.raises(InputError, match=r"^draws=20: at least 100"):
        interval(values, rng=rng(), draws=20)
    with pytest.raises(InputError, match=r"^values=\(2, 3\) and \(1, 3\): the same seeds and instances"):
        paired(values, values[:1], rng=rng())
    with pytest.raises(InputError, match=r"^values=\(2, 3\) and \(2, 2\): the same instances are needed"):
        apart(values, values[:, :2], rng=rng())
    assert str(Interval(0.51234, 0.4, 0.61, 0.95)) == "0.512 [0.4, 0.61]"
