"""Pictures that are encoded where they are played are those that a dataset would have had anyway."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agent.collect import Encoding, LocalEngine, ProcessEngine
from agent.dataset import Dataset
from agent.encoding import encode
from agent.episode import Episode, Interest
from sim.errors import InputError
from tests.agent.episodes import Spy, Uneven, assert_same, fake_episode
from tests.agent.stores import contents, open_writer


@pytest.mark.parametrize("image_format", ["png", "jpeg"])
def test_a_dataset_has_the_same_bytes_whoever_encodes(tmp_path: Path, image_format: str) -> None:
    """Some of the episodes have masks."""
    make = Encoding(Uneven(), image_format)
    for name, engine in (("writer", LocalEngine(Uneven())), ("player", ProcessEngine(make, workers=2))):
        with engine, open_writer(tmp_path / name, image_format=image_format) as writer:
            for episode in engine.episodes(range(6)):
                assert (episode.encoded is None) == (name == "writer")
                writer.add(episode)
    assert contents(tmp_path / "player") == contents(tmp_path / "writer")


@pytest.mark.parametrize(("stored", "shown"), [("png", 1), ("jpeg", 0)])
def test_pictures_are_encoded_once_and_again_only_for_another_format(tmp_path: Path, stored: str, shown: int) -> None:
    episodes = [fake_episode(number) for number in range(2)]
    with open_writer(tmp_path, image_format=stored) as writer:
        writer.add(episodes[0]._replace(encoded=encode(episodes[1], "png")))
    expected = episodes[0]._replace(frames=episodes[shown].frames)
    assert_same(Dataset(tmp_path).episode(0), expected, tolerance=0 if stored == "png" else 16)


class Asked:
    """Plays, tells in an episode what was sought of it, and knows when it is closed."""

    closed = False

    def __call__(self, number: int, interest: Interest | None = None) -> Episode:
        return fake_episode(number)._replace(interest=interest)

    def close(self) -> None:
        self.closed = True


def test_what_is_sought_and_the_end_reach_who_plays() -> None:
    play, interest = Asked(), Interest(1, (0.5, 0.5))
    with LocalEngine(Encoding(lambda: play, "jpeg")) as engine:
        engine.seek(interest)
        assert [episode.interest for episode in engine.episodes([3])] == [interest]
        assert not play.closed
    assert play.closed
    LocalEngine(Encoding(Uneven(), "jpeg")).close()  # nothing there to be closed


def test_no_worker_that_encodes_loads_what_only_datasets_need() -> None:
    with ProcessEngine(Encoding(Spy(), "png"), workers=1) as engine:
        (episode,) = engine.episodes([0])
    assert json.loads(episode.instance)["loaded"] == []


def test_a_format_that_is_not_known_is_refused_before_anything_is_played() -> None:
    with pytest.raises(InputError, match="image_format='webp': jpeg and png are known"):
        Encoding(Uneven(), "webp")
