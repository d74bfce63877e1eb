"""A stored dataset, played as if it were collected now."""

from __future__ import annotations

import threading
from itertools import count, islice
from pathlib import Path

import pytest

from agent.collect.recorded import RecordedEngine
from agent.episode import Episode
from agent.writer import DatasetWriter
from sim.errors import InputError
from tests.agent.episodes import assert_same, fake_episode


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    """Episodes 0 to 8 without 3, which failed."""
    with DatasetWriter(tmp_path, metadata={}, episodes_per_shard=4, image_format="png") as writer:
        for number in (0, 1, 2, 4, 5, 6, 7, 8):
            writer.add(fake_episode(number))
    return tmp_path


def numbers(episodes: list[Episode]) -> list[int]:
    return [episode.number for episode in episodes]


def test_it_plays_a_dataset_once(stored: Path) -> None:
    with RecordedEngine(stored) as engine:
        whole = list(engine.episodes(count()))
        assert numbers(whole) == [0, 1, 2, 4, 5, 6, 7, 8]
        for episode in whole:
            assert_same(episode, fake_episode(episode.number))
        assert numbers(list(engine.episodes([6, 3, 1, 9, 2]))) == [6, 1]
        assert engine.failures == []


def test_it_repeats_for_ever(stored: Path) -> None:
    with RecordedEngine(stored, repeat=True) as engine:
        assert numbers(list(islice(engine.episodes(count(6)), 8))) == [6, 7, 8, 6, 7, 8, 6, 7]
        assert numbers(list(islice(engine.episodes([2, 0]), 5))) == [2, 0, 2, 0, 2]
        assert list(engine.episodes([3, 9])) == []


def test_at_a_rate_the_same_episodes_come(stored: Path) -> None:
    with RecordedEngine(stored, rate=1e4) as engine:
        assert numbers(list(engine.episodes(range(6)))) == [0, 1, 2, 4, 5]


def test_closing_ends_a_wait(stored: Path) -> None:
    """At this rate, the first episode would come in a year."""
    engine = RecordedEngine(stored, rate=1e-7, repeat=True)
    came: list[Episode] = []
    thread = threading.Thread(target=lambda: came.extend(engine.episodes(count())))
    thread.start()
    engine.close()
    thread.join(60)
    assert not thread.is_alive()
    assert came == []


@pytest.mark.parametrize("rate", [0.0, -1.0, float("nan"), float("inf")])
def test_a_rate_at_which_nothing_comes_is_refused(rate: float, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=f"^rate={rate}: more than 0 frames/s"):
        RecordedEngine(tmp_path, rate=rate)
