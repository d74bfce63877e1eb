"""Neighbours, confusions and places of names, against plain loops."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from learner.pages.labels import densest, free_places
from learner.pages.nearest import confusions, draw_queries, neighbours

SEEDS = st.integers(0, 10_000)


def cosine(one: np.ndarray, other: np.ndarray) -> float:
    return float(one @ other / np.linalg.norm(one) / np.linalg.norm(other))


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS, objects=st.integers(2, 6), count=st.integers(1, 12))
def test_neighbours_are_the_nearest_frames_of_other_objects(seed: int, objects: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    instances = rng.permutation(np.concatenate([np.arange(objects), rng.integers(0, objects, 8)]))
    features = rng.normal(size=(len(instances), 3)).astype(np.float32)
    queries = rng.integers(0, len(instances), 4)
    found = neighbours(features, instances, queries, count=count)
    plain = []
    for query in queries:
        others = [row for row in range(len(instances)) if instances[row] != instances[query]]
        plain.append(sorted(others, key=lambda row: -cosine(features[row], features[query]))[:count])
    fewest = min(map(len, plain))
    assert found.tolist() == [row[:fewest] for row in plain]


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS, count=st.integers(1, 10), folds=st.integers(1, 3))
def test_the_largest_confusions_are_told_with_their_nearest_example(seed: int, count: int, folds: int) -> None:
    rng = np.random.default_rng(seed)
    labels, part = rng.integers(0, 4, 60), np.arange(60) % (folds + 1)
    labels[:8] = np.tile(np.arange(4), 2)
    features = rng.normal(size=(60, 3)).astype(np.float32)
    of = [(part != number, part == number) for number in range(folds)]
    tested = [row for _, test in of for row in np.flatnonzero(test)]
    predictions = rng.integers(0, 4, len(tested))
    found = confusions(features, labels, predictions, of, count=count)

    pairs = Counter((int(labels[row]), int(said)) for row, said in zip(tested, predictions, strict=True))
    plain = sorted(((n, pair) for pair, n in pairs.items() if pair[0] != pair[1]), key=lambda one: (-one[0], one[1]))
    assert [(one.frames, (one.true, one.said)) for one in found] == plain[:count]
    for one in found:
        assert one.tested == sum(labels[row] == one.true for row in tested)
        likely = [
            (cosine(features[row], features[known]), row, known)
            for row, said in zip(tested, predictions, strict=True)
            if (labels[row], said) == (one.true, one.said)
            for known in np.flatnonzero(of[part[row]][0])
            if labels[known] == one.said
        ]
        assert (one.mistaken, one.example) == max(likely)[1:]


def test_nothing_mistaken_gives_no_confusion() -> None:
    labels = np.array([0, 1, 0, 1])
    split = (np.array([True, True, False, False]), np.array([False, False, True, True]))
    assert confusions(np.eye(4, dtype=np.float32), labels, np.array([0, 1]), [split], count=3) == []


def test_queries_are_of_different_categories_and_only_of_rows_that_were_tested() -> None:
    labels = np.repeat(np.arange(5), 10)
    rows = np.flatnonzero(np.arange(50) % 10 > 6)
    found = draw_queries(labels, rows, np.random.default_rng(0), count=3)
    assert len(set(labels[found].tolist())) == 3
    assert set(found.tolist()) <= set(rows.tolist())
    assert len(draw_queries(labels, rows, np.random.default_rng(0), count=9)) == 5


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS, count=st.integers(1, 60))
def test_names_overlap_nowhere_and_stay_on_the_map(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    bounds = np.array([400.0, 300.0])
    anchors = rng.normal(0.5, rng.uniform(0.01, 0.3), (count, 2)).clip(0, 1) * bounds
    sizes = np.stack([rng.uniform(10, 90, count), np.full(count, 11.0)], axis=1)
    found = free_places(anchors, sizes, bounds)
    placed = np.flatnonzero(~np.isnan(found).any(axis=1))
    for one in placed:
        assert (found[one] >= sizes[one] / 2 - 1e-6).all()
        assert (found[one] <= bounds - sizes[one] / 2 + 1e-6).all()
        for other in placed[placed < one]:
            gap = np.abs(found[one] - found[other]) - (sizes[one] + sizes[other]) / 2
            assert gap.max() >= -1e-6
    assert 0 in placed


def test_a_name_stays_where_it_belongs_if_it_can_and_is_left_out_where_nothing_is_free() -> None:
    anchors, sizes = np.array([[50.0, 50.0], [150.0, 50.0]]), np.full((2, 2), 20.0)
    assert free_places(anchors, sizes, np.array([200.0, 100.0])) == pytest.approx(anchors)
    narrow = free_places(np.full((2, 2), 10.0), sizes, np.array([20.0, 20.0]))
    assert np.isnan(narrow).any(axis=1).tolist() == [False, True]


def test_a_name_stands_in_the_larger_of_two_clusters_not_between_them() -> None:
    rng = np.random.default_rng(0)
    points = np.concatenate([rng.normal([0, 0], 0.1, (30, 2)), rng.normal([10, 0], 0.1, (20, 2))])
    assert np.linalg.norm(densest(points)) < 0.5
    assert densest(points[:1]).tolist() == points[0].tolist()
