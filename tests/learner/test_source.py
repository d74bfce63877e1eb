"""Stored episodes as a misled learner is told them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from agent import shards
from agent.corrupted import corrupt_episode, thin_episode
from agent.dataset import Dataset
from agent.record import RecordSettings
from agent.settings import to_json
from agent.writer import DatasetWriter
from learner.source import RecordedSource
from learner.team import Team
from sim.corrupt import partner
from sim.errors import InputError
from sim.scene import SceneSettings
from tests.agent.episodes import assert_same, fake_episode
from tests.learner.episodes import CATEGORIES, kuka

RECORD = RecordSettings(scene=SceneSettings(image_size=32, frames=8), seed=4)
COUNT = 40
Stored = Callable[..., Path]


@pytest.fixture
def stored(tmp_path: Path) -> Stored:
    def store(**asked: str) -> Path:
        """Episodes of random content, as if collected with these settings."""
        root = tmp_path / "-".join(["data", *asked.values()]).replace(":", "_")
        metadata = {
            "settings": to_json(replace(RECORD, **asked)),  # type: ignore[arg-type]
            "categories": list(CATEGORIES),
            "chain": kuka().to_json(),
        }
        with DatasetWriter(root, metadata=metadata, image_format="png") as writer:
            for number in range(COUNT):
                episode = fake_episode(number, frames=8, size=32)._replace(instance=f"instance-{number}")
                writer.add(episode if asked.get("corrupt") else episode._replace(recorded=episode.clean))
        return root

    return store


def source_of(root: Path, **asked: str) -> RecordedSource:
    record = replace(RECORD, **asked)  # type: ignore[arg-type]
    return RecordedSource(root, record)


def test_begun_again_it_never_ends_and_held_out_episodes_come_once_and_at_once(stored: Stored) -> None:
    """A rate is for what is played as if live: at this one the held-out episodes alone would take hours."""
    root = stored()
    slow = RecordedSource(root, RECORD, repeat=True, rate=1e-3)
    galleries = {split: slow.held_out(split, 5) for split in ("validation", "test")}
    assert all(0 < len(gallery.labels) <= 5 * 4 for gallery in galleries.values())
    fast = RecordedSource(root, RECORD, repeat=True)
    once = [episode.number for episode in source_of(root).episodes()]
    again = [episode.number for episode in islice(fast.episodes(), 2 * len(once) + 1)]
    assert again == [*once, *once, once[0]]


def test_what_is_asked_for_is_done_as_episodes_are_read(stored: Stored) -> None:
    root = stored()
    plain = {episode.number: episode for episode in source_of(root).episodes()}
    assert 3 < len(plain) < COUNT
    for asked in ({"corrupt": "gaussian:0.4"}, {"corrupt": "delayed:2", "corrupt_time": "missing:0.5"}):
        record, lengths = replace(RECORD, **asked), set()
        for episode in source_of(root, **asked).episodes():
            expected = plain[episode.number]
            assert record.corruption is not None
            expected = corrupt_episode(expected, record.corruption, seed=4, other=lambda _: np.empty(0))
            if record.timing is not None:
                expected = thin_episode(expected, record.timing, seed=4)
            assert_same(episode, expected)
            assert not np.array_equal(episode.recorded, episode.clean)
            lengths.add(len(episode.frames))
        assert (len(lengths) > 2) == ("corrupt_time" in asked)


def test_true_times_are_a_control(stored: Stored) -> None:
    for episode in source_of(stored(), corrupt_time="uneven:3", time_told="true").episodes():
        assert np.array_equal(episode.recorded, episode.clean)
        assert len(episode.frames) < 8 or np.allclose(np.diff(episode.times), 0.2)


def test_shuffled_commands_are_read_without_pictures(stored: Stored, monkeypatch: pytest.MonkeyPatch) -> None:
    root = stored()
    clean = {episode.number: episode.clean for episode in Dataset(root).episodes()}
    decoded = []
    decode = shards.decode
    monkeypatch.setattr(shards, "decode", lambda table: decoded.append(1) or decode(table))
    found = list(source_of(root, corrupt="shuffled:1").episodes())
    assert len(decoded) == len(found)
    for episode in found:
        assert np.array_equal(episode.recorded, clean[partner(4, episode.number, clean.__contains__)])
        assert np.array_equal(episode.clean, clean[episode.number])


def test_held_out_frames_are_as_they_were(stored: Stored) -> None:
    root = stored()
    for split in ("validation", "test"):
        plain = source_of(root).held_out(split, 5)
        misled = source_of(root, corrupt="gaussian:1", corrupt_time="missing:0.9").held_out(split, 5)
        for one, two in zip(plain, misled, strict=True):
            assert np.array_equal(one, two)


def test_stored_with_corruption_it_is_used_as_it_is(stored: Stored) -> None:
    root = stored(corrupt="gaussian:0.30")
    for episode in source_of(root, corrupt="gaussian:0.3").episodes():
        assert_same(episode, Dataset(root).episode(episode.number))


@pytest.mark.parametrize(
    ("before", "asked", "told"),
    [
        ({"corrupt": "gaussian:0.3"}, {}, r"corrupt=, .* corrupted when they were collected \(gaussian:0.3 \(rad/s\)"),
        ({"corrupt": "gaussian:0.3"}, {"corrupt": "bias:0.3"}, "corrupt=bias:0.3, .* can only be used as they are"),
        (
            {"corrupt": "gaussian:0.3"},
            {"corrupt": "gaussian:0.3", "corrupt_time": "missing:0.1"},
            "corrupt_time=missing:0.1: ",
        ),
        ({"corrupt_time": "missing:0.2"}, {"corrupt": "gaussian:0.3"}, r"\(missing:0.2 \(share of frames\), nominal"),
        ({"corrupt_time": "uneven:2"}, {"corrupt_time": "uneven:2", "time_told": "true"}, "used as they are"),
        (
            {"corrupt": "gaussian:0.3", "corrupt_what": "executed"},
            {"corrupt": "gaussian:0.3"},
            "rad/s\\), executed\\), and can only",
        ),
        ({}, {"corrupt": "gaussian:0.3", "corrupt_what": "executed"}, "corrupt_what=executed: the motors in .* anew"),
    ],
)
def test_what_stored_episodes_cannot_be_made_into_is_refused(
    stored: Stored, before: dict[str, str], asked: dict[str, str], told: str
) -> None:
    with pytest.raises(InputError, match=told) as caught:
        source_of(stored(**before), **asked)
    assert "\n" not in str(caught.value)


def test_a_team_shares_the_training_episodes_and_holds_out_the_same(stored: Stored) -> None:
    root = stored()
    alone = [episode.number for episode in source_of(root).episodes()]
    parts = [RecordedSource(root, RECORD, team=Team(rank=rank, size=3)) for rank in range(3)]
    shares = [[episode.number for episode in part.episodes()] for part in parts]
    assert sorted(number for share in shares for number in share) == alone
    assert [len(share) for share in shares] == [part.training_episodes for part in parts]
    galleries = [part.held_out("test", 5) for part in parts]
    assert all(np.array_equal(gallery.images, galleries[0].images) for gallery in galleries)
