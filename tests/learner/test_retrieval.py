"""How well actions are found, against loops, closed forms and features that were built to tell them."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from learner.data.rt4k import TURN
from learner.retrieval import Ranks, Told, draw_pairs, rank_by_cosine, rank_by_regression
from sim.errors import InputError
from tests.references.analysis import cosine, ranks_by_loops, ridge_by_hand


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def told(n: int, seed: int, *, actions: int = 2, different: int = 0, noise: float = 1.0) -> Told:
    """n pairs of 5 features that hold their action, mixed with noise; few `different` actions, where asked for."""
    source = rng(seed)
    known = source.normal(size=(n, actions))
    if different:
        known = known[source.integers(0, min(n, different), n)]
    mixed = known @ rng(99).normal(size=(actions, 10)) + noise * source.normal(size=(n, 10))
    return Told(mixed[:, :5], mixed[:, 5:], known, source.integers(0, 4, n))


def check(found: Ranks, fits: list[list[float]], actions: np.ndarray) -> None:
    rows = [tuple(action) for action in actions.tolist()]
    assert found.candidates.tolist() == [len(rows)] * len(rows)
    for top in (1, 5):
        hits, ranks = ranks_by_loops(fits, rows, top=top)
        assert found.top(top).tolist() == pytest.approx(hits)
        assert found.rank.tolist() == pytest.approx(ranks)


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 14), st.integers(0, 2**31), st.sampled_from([0, 2, 5]))
def test_ranks_by_cosine_equal_the_loop_with_its_ties(n, seed, different):
    asked = told(n, seed, different=different)
    heads = rng(seed).normal(size=(2, 4))
    # What a loop makes of equal rows is equal to the bit.
    actions, pairs = np.stack([action @ heads for action in asked.actions]), rng(seed + 1).normal(size=(n, 4))
    fits = [[cosine(pair, action) for action in actions] for pair in pairs]
    check(rank_by_cosine(pairs, actions, asked), fits, asked.actions)


def test_embeddings_of_equal_actions_tie_whatever_rounding_made_of_them():
    asked = told(60, 0, different=3)
    actions = asked.actions @ rng(1).normal(size=(2, 8))
    found = rank_by_cosine(actions, actions + 1e-9 * rng(2).normal(size=actions.shape), asked)
    alike = Counter(map(tuple, asked.actions.tolist()))
    expected = [alike[tuple(action)] for action in asked.actions.tolist()]
    assert found.alike.tolist() == expected
    assert found.nearer.tolist() == [0] * 60
    assert found.top(1).tolist() == pytest.approx([1 / count for count in expected])
    assert found.rank.tolist() == pytest.approx([(count + 1) / 2 for count in expected])


def test_a_turn_of_rt4k_is_the_same_action_however_it_wraps_around():
    first, second = rng().integers(1, 181, (2, 300, 1)).astype(float)
    turns = Counter(((second - first) % 180).ravel().tolist())
    asked = told(300, 0)._replace(actions=TURN.compute(first, second))
    found = rank_by_cosine(np.tile([1.0, 0.3], (300, 1)), asked.actions, asked)
    assert found.alike.tolist() == [turns[turn] for turn in ((second - first) % 180).ravel().tolist()]


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 12), st.integers(0, 2**31), st.sampled_from([0, 3]), st.sampled_from([0.1, 20.0]))
def test_ranks_by_regression_equal_ridge_by_hand(n, seed, different, penalty):
    train, test = told(30, seed), told(n, seed + 1, different=different)
    train = train._replace(actions=np.concatenate([train.actions, np.full((30, 1), 7.0)], axis=1))
    test = test._replace(actions=np.concatenate([test.actions, np.full((n, 1), 7.0)], axis=1))
    mean, spread = train.actions.mean(axis=0), train.actions.std(axis=0)
    spread[2] = 1.0  # it does not vary
    known, asked = (np.concatenate([side.first, side.second], axis=1) for side in (train, test))
    read = ridge_by_hand(known, (train.actions - mean) / spread, asked, penalty=penalty)
    fits = [[-float(np.linalg.norm(one - (action - mean) / spread)) for action in test.actions] for one in read]
    found = rank_by_regression(train, test, penalty=penalty)
    check(found, fits, test.actions)
    assert (found.instances == test.instances).all()


def test_actions_that_features_tell_are_found_and_others_by_chance():
    clear = rank_by_regression(told(300, 0, noise=0.01), told(128, 1, noise=0.01))
    assert clear.top(1).mean() > 0.9
    assert clear.rank.mean() < 1.2
    nothing = [
        rank_by_regression(train, told(128, seed + 50)._replace(first=np.ones((128, 5)), second=np.ones((128, 5))))
        for seed, train in ((seed, told(300, seed)) for seed in range(20))
    ]
    # One guess for all pairs: some actions are near it and others far, but the mean rank is that of a guess.
    assert np.mean([ranks.rank.mean() for ranks in nothing]) == pytest.approx(64.5)
    assert np.mean([ranks.top(1).mean() for ranks in nothing]) == pytest.approx(1 / 128)
    assert np.mean([ranks.top(5).mean() for ranks in nothing]) == pytest.approx(5 / 128)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(1, 6), min_size=1, max_size=6), st.integers(1, 60), st.integers(0, 2**31))
def test_pairs_are_different_of_one_clip_and_of_all_clips_alike(lengths, count, seed):
    clip = np.repeat(2 * np.arange(len(lengths)) + 3, lengths)
    if max(lengths) < 2:
        with pytest.raises(InputError, match=r"^pairs=0: a clip of 2 frames"):
            draw_pairs(clip, count, rng(seed))
        return
    here, there = draw_pairs(clip, count, rng(seed))
    assert (clip[here] == clip[there]).all()
    assert (here != there).all()
    assert len(set(zip(here.tolist(), there.tolist(), strict=True))) == len(here) <= count
    counts = Counter(((clip[here] - 3) // 2).tolist())
    most = [length * (length - 1) for length in lengths]
    assert len(here) == min(count, sum(most))
    for place, limit in enumerate(most):
        # Nobody has fewer than another, but for want of pairs.
        assert counts[place] == limit or counts[place] >= max(counts.values()) - 1


def test_all_pairs_are_drawn_where_as_many_are_asked_for():
    here, there = draw_pairs(np.array([0, 0, 0, 1, 1]), 100, rng())
    found = sorted(zip(here.tolist(), there.tolist(), strict=True))
    assert found == [(0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1), (3, 4), (4, 3)]
