"""Live play as a dataset of images: the episodes that the recorder makes, held out by the catalogue's splits."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from agent.episode import Episode
from agent.export.views import angles
from agent.record import RecordSettings
from learner.data import ImageData, Simulated, open_data
from learner.settings import recorded_settings
from sim.errors import InputError
from sim.objects.splits import SPLITS, split_of
from tests.agent.sound import metadata_of, store
from tests.learner.data.contract import check

COUNTS = {"train": 6, "validation": 1, "test": 3}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset whose settings are played: 4 frames of 32 pixels on a turntable."""
    root = tmp_path_factory.mktemp("world") / "data"
    metadata = metadata_of(play="turntable")
    metadata["settings"]["corrupt"] = "gaussian:0.2"
    store(root, range(4), metadata=metadata)
    return root


@pytest.fixture(scope="module")
def played(world: Path) -> ImageData:
    return open_data(f"sim:{world}?episodes=10&seed=5")


def recorded(record: RecordSettings, count: int) -> list[Episode]:
    with closing(record()) as play:
        return [play(number) for number in range(count)]


def test_frames_are_those_that_the_recorder_makes(world: Path, played: ImageData) -> None:
    check(played)
    assert played.image_size == 32
    given = replace(recorded_settings(world), seed=5, corrupt="")
    for split in SPLITS:
        frames, episodes = played.frames(split), recorded(replace(given, split=split), COUNTS[split])
        assert frames.clip[-1] + 1 == COUNTS[split]
        images = played.images(split, np.arange(len(frames)))
        np.testing.assert_array_equal(images, np.concatenate([episode.frames for episode in episodes]))
        moved = np.concatenate([episode.object_poses for episode in episodes])
        np.testing.assert_array_equal(frames.motion, moved)
        np.testing.assert_array_equal(frames.view, angles(moved))
        np.testing.assert_array_equal(played.turns(split), moved[:, 3:])
        for clip, episode in enumerate(episodes):
            (row,) = np.unique(frames.instance[frames.clip == clip])
            assert played.instances[row] == f"{episode.category}/{episode.instance}"
            assert split_of(episode.category, episode.instance) == split


def test_another_size_is_rendered_anew_and_moves_alike(world: Path, played: ImageData) -> None:
    steps: list[tuple[int, int]] = []
    larger = Simulated(world, episodes="10", seed="5")
    larger.play(48, lambda done, total: steps.append((done, total)))
    assert steps == [(done, 10) for done in range(11)]
    assert larger.image_size == 48
    for split in SPLITS:
        np.testing.assert_array_equal(larger.frames(split).motion, played.frames(split).motion)
    assert larger.instances == played.instances  # known once frames were asked for
    rows = np.arange(4)
    rendered, scaled = larger.images("test", rows), played.images("test", rows, size=48)
    assert rendered.shape == scaled.shape
    assert (rendered != scaled).any()


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("sim:toys?episodes=9", "episodes=9: a whole number of 10 or more is needed"),
        ("sim:toys?episodes=many", "episodes=many: a whole number"),
        ("sim:toys?seed=-1", "seed=-1: a whole number of 0 or more"),
        ("sim:toys?fold=1/2", r"objects=toys\?fold=1/2: toys are endless"),
        ("sim:nowhere?fold=3/2", "fold=3/2: K/N is needed"),
        ("sim:toys?frames=3", "option frames is unknown, sim has episodes, seed"),
        ("sim:nowhere", "objects=nowhere: neither toys nor a folder"),
    ],
)
def test_what_cannot_be_played_is_refused(asked: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        open_data(asked)


def test_episodes_that_do_not_fit_into_memory_are_refused_before_they_are_played() -> None:
    data = Simulated(Path("toys"), episodes=str(10**9))
    with pytest.raises(InputError, match=r"^episodes=1000000000: 393.2 TB of images, .* are free"):
        data.play(64)
    with pytest.raises(InputError, match="image_size=16: at least 32"):
        data.play(16)
