"""What features say besides the category, against loops and features that were built to say it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from learner import analysis
from learner.analysis import decode_pose, temporal_coherence, viewpoint_alignment
from sim.errors import InputError
from tests.references.analysis import (
    alignment_by_loops,
    coherence_by_loops,
    r2_by_hand,
    ridge_by_hand,
)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def seen(seed: int, *, polar: bool = True, aligned: float = 0.0) -> tuple[np.ndarray, ...]:
    """Features [N, 5], labels, instances and views of 3 categories of 2 to 4 objects with 1 to 5 frames each.

    `aligned` is how much the azimuth shows in the features.
    """
    source = rng(seed)
    rows = []
    for label in range(3):
        for item in range(source.integers(2, 5)):
            for _ in range(source.integers(1, 6)):
                rows.append((label, 10 * item + label, source.choice([0.0, 30.0, 90.0]), 45.0 * source.integers(8)))
    labels, instances, up, azimuth = (np.array(column) for column in zip(*rows, strict=True))
    features = source.normal(size=(len(rows), 5))
    features[:, 0] += aligned * np.cos(np.radians(azimuth))
    features[:, 1] += aligned * np.sin(np.radians(azimuth))
    view = np.stack([up if polar else np.full(len(rows), np.nan), azimuth], axis=1)
    return features, labels, instances, view


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**31), st.sampled_from([10.0, 45.0, 90.0]), st.booleans(), st.sampled_from([1 << 22, 7]))
def test_alignment_equals_the_loop(seed, width, polar, at_once):
    features, labels, instances, view = seen(seed, polar=polar)
    # Every object has one frame from the same side and one from behind, so that equal and unequal viewpoints meet.
    again = np.repeat(np.unique(instances, return_index=True)[1], 2)
    features = np.concatenate([features, features[again] + rng(seed).normal(size=(len(again), 5))])
    view = np.concatenate([view, np.tile([[90.0, 10.0], [90.0, 190.0]], (len(again) // 2, 1))])
    labels, instances = (np.concatenate([column, column[again]]) for column in (labels, instances))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(analysis, "SIMILARITIES_AT_ONCE", at_once)
        found = viewpoint_alignment(features, labels, instances, view, rng=rng(), width=width, draws=100)
    cosine, ratio = alignment_by_loops(features, labels.tolist(), instances.tolist(), view, width=width)
    np.testing.assert_allclose(found.cosine, cosine, atol=1e-9)
    assert found.ratio.estimate == pytest.approx(ratio, rel=1e-6)
    assert found.edges.tolist() == pytest.approx([width * edge for edge in range(round(180 / width) + 1)])


def turning(objects: int, *, show: float, seed: int = 0) -> tuple[np.ndarray, ...]:
    """Objects of 2 categories on a turntable, 8 views each, whose features show the view as much as asked."""
    source = rng(seed)
    azimuth = np.tile(45.0 * np.arange(8), objects)
    circle = np.stack([np.cos(np.radians(azimuth)), np.sin(np.radians(azimuth))], axis=1)
    instances = np.repeat(np.arange(objects), 8)
    own = np.repeat(source.normal(size=(objects, 4)), 8, axis=0)
    features = np.concatenate([show * circle, 0.3 * own, np.ones((len(own), 1))], axis=1)
    return features, instances % 2, instances, np.stack([np.full(len(azimuth), np.nan), azimuth], axis=1)


def test_alignment_is_above_one_where_views_line_up_and_one_where_they_do_not():
    lined = viewpoint_alignment(*turning(20, show=1.0), rng=rng(), width=45.0)
    assert lined.ratio.low > 1.3
    assert (np.diff(lined.cosine) < 0).all()
    blind = viewpoint_alignment(*turning(20, show=0.0), rng=rng(), width=45.0)
    assert blind.ratio.low <= 1 + 1e-9
    assert blind.ratio.high >= 1 - 1e-9
    # Each object lines up with itself, but begins elsewhere.
    features, labels, instances, view = turning(20, show=1.0)
    start = rng(1).integers(0, 8, 20)[instances]
    order = 8 * instances + (np.arange(160) + start) % 8
    apart = viewpoint_alignment(features[order], labels, instances, view, rng=rng(), width=45.0)
    assert apart.ratio.low < 1 < apart.ratio.high


def test_the_interval_of_alignment_is_as_wide_as_other_objects_would_make_it():
    def ratio(seed: int) -> analysis.Interval:
        features, labels, instances, view = turning(12, show=0.4, seed=seed)
        shown = np.repeat(rng(seed + 500).uniform(0, 1.5, 12), 8)  # objects differ in how much they line up
        features[:, :2] *= shown[:, None]
        return viewpoint_alignment(features, labels, instances, view, rng=rng(seed), width=90.0, draws=200).ratio

    found = [ratio(seed) for seed in range(60)]
    truth = np.mean([one.estimate for one in found])
    held = np.mean([one.low <= truth <= one.high for one in found])
    assert held > 0.8  # it was about a half when only one object of each pair was drawn anew


def test_what_cannot_be_aligned_is_refused():
    features, labels, instances, view = turning(4, show=1.0)

    def align(width: float = 45.0, **other) -> None:
        given = {"features": features, "labels": labels, "instances": instances, "view": view} | other
        viewpoint_alignment(*given.values(), rng=rng(), width=width)

    for width in (0.0, 50.0, 180.0, -10.0):
        with pytest.raises(InputError, match=rf"^width={width}: degrees that divide 180"):
            align(width)
    with pytest.raises(InputError, match=r"^view=nan: azimuths are not known"):
        align(view=np.full_like(view, np.nan))
    with pytest.raises(InputError, match=r"no two objects of a category meet at equal viewpoints"):
        align(labels=instances)
    with pytest.raises(InputError, match=r"no two objects of a category meet at unequal viewpoints"):
        align(view=np.zeros_like(view))


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(1, 5), min_size=2, max_size=5), st.integers(0, 2**31))
def test_coherence_equals_the_loop(lengths, seed):
    lengths[0] += 1
    clip = np.repeat(3 * np.arange(len(lengths)) - 1, lengths)
    features = 1.0 + rng(seed).normal(size=(len(clip), 4))
    found = temporal_coherence(features, clip)
    expected = coherence_by_loops(features, clip.tolist())
    assert (found.neighbours, found.same_clip, found.different_clips) == pytest.approx(expected, abs=1e-9)


def test_coherence_orders_neighbours_before_clips_before_others():
    steps = rng().normal(size=(6, 30, 8)) * 0.2
    walks = rng(1).normal(size=(6, 1, 8)) + steps.cumsum(axis=1)
    found = temporal_coherence(walks.reshape(-1, 8).astype(np.float32), np.repeat(np.arange(6), 30))
    assert found.neighbours > found.same_clip + 0.05 > found.different_clips + 0.1
    for clip in ([0, 0, 0], [0, 1, 2], []):
        with pytest.raises(InputError, match=rf"^clips={len(set(clip))}: at least 2 are needed"):
            temporal_coherence(np.ones((len(clip), 2)), np.array(clip, np.int64))


def posed(count: int, *, seed: int, noise: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Features [N, 10] that hold the sine and cosine of the azimuth and the polar angle, mixed; and the views."""
    source = rng(seed)
    view = np.stack([source.uniform(20, 90, count), source.uniform(0, 360, count)], axis=1)
    azimuth = np.radians(view[:, 1])
    known = np.stack([np.sin(azimuth), np.cos(azimuth), view[:, 0] / 30], axis=1)
    mixed = np.concatenate([known, source.normal(size=(count, 7))], axis=1) @ rng(99).normal(size=(10, 10))
    return mixed + noise * source.normal(size=mixed.shape), view


@pytest.mark.parametrize("penalty", [1e-3, 30.0])
def test_decoding_equals_ridge_regression_by_hand(penalty):
    (features, view), (queries, asked) = posed(60, seed=0, noise=1.0), posed(40, seed=1, noise=1.0)
    found = decode_pose(features, view, queries, asked, penalty=penalty)
    azimuth, truth = np.radians(view[:, 1]), np.radians(asked[:, 1])
    told = ridge_by_hand(features, np.stack([np.sin(azimuth), np.cos(azimuth)], axis=1), queries, penalty=penalty)
    assert found["azimuth"].r2 == pytest.approx(r2_by_hand(np.stack([np.sin(truth), np.cos(truth)], axis=1), told))
    errors = [
        min(abs(math.degrees(math.atan2(s, c)) - angle + turn) for turn in (-360, 0, 360, 720))
        for (s, c), angle in zip(told, asked[:, 1], strict=True)
    ]
    assert found["azimuth"].median_error == pytest.approx(np.median(errors))
    polar = ridge_by_hand(features, view[:, :1], queries, penalty=penalty)[:, 0]
    assert found["polar"].r2 == pytest.approx(r2_by_hand(asked[:, :1], polar[:, None]))
    assert found["polar"].median_error == pytest.approx(np.median(np.abs(polar - asked[:, 0])))


def test_decoding_of_short_floats_loses_nothing_to_them():
    (features, view), (queries, asked) = (posed(60, seed=seed, noise=0.1) for seed in (0, 1))
    short = [np.tile(rows, 20).astype(np.float32) for rows in (features, queries)]
    exact = [rows.astype(np.float64) for rows in short]
    assert decode_pose(short[0], view, short[1], asked) == decode_pose(exact[0], view, exact[1], asked)


def test_what_features_hold_is_decoded_and_what_they_do_not_is_not():
    (features, view), (queries, asked) = posed(300, seed=0), posed(200, seed=1)
    found = decode_pose(features, view, queries, asked, penalty=1e-3)
    assert found["azimuth"].r2 > 0.99
    assert found["azimuth"].median_error < 1
    assert found["polar"].r2 > 0.99
    noise = decode_pose(rng(2).normal(size=(300, 10)), view, rng(3).normal(size=(200, 10)), asked)
    assert noise["azimuth"].r2 < 0.1
    assert noise["azimuth"].median_error == pytest.approx(90, abs=15)


def test_angles_that_are_unknown_constant_or_meaningless_are_left_out():
    (features, view), (queries, asked) = posed(50, seed=0), posed(50, seed=1)
    full = decode_pose(features, view, queries, asked)
    flat, blind, level = view.copy(), np.full_like(view, np.nan), view.copy()
    flat[:, 0] = np.nan
    level[:, 0] = 90.0
    assert decode_pose(features, flat, queries, asked) == {"azimuth": full["azimuth"]}
    assert set(decode_pose(features, level, queries, asked)) == {"azimuth"}
    assert decode_pose(features, blind, queries, asked) == {}
    # From above an object looks the same whatever its azimuth is said to be.
    above = np.concatenate([view, [[0.0, 123.0]] * 20])
    more = np.concatenate([features, 100 * rng(5).normal(size=(20, 10))])
    assert decode_pose(more, above, queries, asked)["azimuth"] == full["azimuth"]
    assert decode_pose(features, view, more, above)["azimuth"] != full["azimuth"]
