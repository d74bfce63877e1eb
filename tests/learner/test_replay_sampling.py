"""Each way to draw pairs draws the pairs that it says, as often as it says."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from scipy.stats import chisquare

from learner.sampling import pairing
from learner.storage import SPARE
from sim.errors import InputError
from tests.learner.episodes import buffer_of, coded_episode, codes, filled
from tests.references.sampling import probabilities

WAYS = ("uniform", "uniform+same", "window:1", "window:2", "window:9", "next", "walk", "opposite")
BATCH = 1000


@pytest.mark.parametrize("sampling", WAYS)
@pytest.mark.parametrize("rounds", [8, pytest.param(1000, marks=pytest.mark.long)])
def test_pair_frequencies_match_the_definition(sampling: str, rounds: int) -> None:
    """In episodes of different lengths, also where a longer one was before: nothing of it is left to be drawn."""
    old = (4 + SPARE) * (5,)
    episodes = [coded_episode(number, frames=frames) for number, frames in enumerate((*old, 2, 3, 5, 4))]
    buffer, rng = buffer_of(4, sampling=sampling), np.random.default_rng(1)
    for episode in episodes:
        buffer.insert(episode)
    found: Counter[tuple[int, int, int]] = Counter()
    for _ in range(rounds):
        pairs = buffer.sample(BATCH, rng)
        numbers = pairs.episode.tolist()
        assert codes(pairs.first)[0].tolist() == codes(pairs.second)[0].tolist() == numbers
        found.update(zip(numbers, codes(pairs.first)[1].tolist(), codes(pairs.second)[1].tolist(), strict=True))
    draws = rounds * BATCH // 4
    for number in range(len(old), len(episodes)):
        expected = {(number, *pair): draws * p for pair, p in probabilities(sampling, episodes[number]).items()}
        seen = {pair: count for pair, count in found.items() if pair[0] == number}
        assert set(seen) <= set(expected)
        assert sum(seen.values()) == draws
        if len(expected) > 1:
            assert chisquare([seen.get(pair, 0) for pair in expected], list(expected.values())).pvalue > 1e-3


def test_the_opposite_frame_of_an_object_that_never_turns_is_another_frame() -> None:
    buffer, rng = buffer_of(1, sampling="opposite"), np.random.default_rng(0)
    episode = coded_episode(0)
    episode.object_poses[:] = episode.object_poses[0]
    buffer.insert(episode)
    pairs = buffer.sample(200, rng)
    assert (codes(pairs.first)[1] != codes(pairs.second)[1]).all()


@pytest.mark.parametrize("sampling", ["uniform", "opposite"])
@pytest.mark.parametrize("batch", [1, 5, 8, 9, 16, 21])
def test_at_most_one_pair_an_episode_while_there_are_enough(sampling: str, batch: int) -> None:
    buffer, rng = filled(8, sampling=sampling), np.random.default_rng(2)
    total: Counter[int] = Counter()
    for _ in range(200):
        counts = Counter(buffer.sample(batch, rng).episode.tolist())
        assert max(counts.values()) == -(-batch // 8)
        assert min(counts.get(number, 0) for number in range(8)) == batch // 8
        total.update(counts)
    assert chisquare([total[number] for number in range(8)]).pvalue > 1e-3


@pytest.mark.parametrize(
    "sampling", ["backwards", "", "window", "window:", "window:0", "window:-1", "window:x", "next:2"]
)
def test_ways_that_do_not_exist_are_refused(sampling: str) -> None:
    with pytest.raises(InputError, match=f"sampling={sampling}: (unknown|give)"):
        pairing(sampling)
