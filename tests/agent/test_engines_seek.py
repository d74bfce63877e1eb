"""What a learner would like to see reaches those who play, through every engine that plays."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from agent.collect import Engine, LocalEngine, ProcessEngine
from agent.collect.recorded import RecordedEngine
from agent.episode import Episode, Interest
from agent.writer import DatasetWriter
from sim.errors import InputError
from tests.agent.episodes import Seeker, fake_episode

ONE, TWO = Interest(1, (0.25, 0.75)), Interest(2, (0.5, 0.5))


def ray(make: Callable[[], Callable[..., Episode]]) -> Engine:
    pytest.importorskip("ray")
    from agent.collect.ray import RayEngine

    return RayEngine(make, workers=1)


@pytest.mark.parametrize(
    "engine_of", [LocalEngine, partial(ProcessEngine, workers=2), pytest.param(ray, marks=pytest.mark.long)]
)
def test_episodes_seek_what_was_asked_for_last_when_they_began(engine_of: Callable[..., Engine]) -> None:
    with engine_of(Seeker()) as engine:
        for asked, numbers in ((None, range(3)), (ONE, range(3, 7)), (TWO, range(7, 9)), (None, range(9, 11))):
            engine.seek(asked)
            found = {episode.number: episode.interest for episode in engine.episodes(numbers)}
            assert found == dict.fromkeys(numbers, asked)


def test_while_episodes_come_later_ones_seek_what_is_new() -> None:
    with LocalEngine(Seeker()) as engine:
        episodes = engine.episodes(range(4))
        assert next(episodes).interest is None
        engine.seek(ONE)
        assert [next(episodes).interest, next(episodes).interest] == [ONE, ONE]
        engine.seek(TWO)
        assert next(episodes).interest == TWO


def test_an_episode_that_is_made_again_seeks_it_again(tmp_path: Path) -> None:
    """By another worker: the first one dies of it."""
    with ProcessEngine(Seeker(str(tmp_path)), workers=1) as engine:
        engine.seek(ONE)
        assert [(episode.number, episode.interest) for episode in engine.episodes(range(3))] == [
            (number, ONE) for number in range(3)
        ]
        assert engine.health.restarts == 1


def test_stored_episodes_cannot_seek(tmp_path: Path) -> None:
    with DatasetWriter(tmp_path, metadata={}, image_format="png") as writer:
        writer.add(fake_episode(0))
    with RecordedEngine(tmp_path) as engine:
        engine.seek(None)
        with pytest.raises(InputError, match="play=curious: stored episodes were played already"):
            engine.seek(ONE)
