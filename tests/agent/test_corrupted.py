"""Misled episodes: what the learner is told changes as stated, what happened stays as it was."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.corrupted import corrupt_episode, thin_episode
from agent.dataset import Dataset
from agent.encoding import encode
from agent.episode import Episode
from agent.record import Recorder, RecordSettings
from agent.writer import DatasetWriter
from sim.corrupt import KINDS, Corruption, Timing, corrupt, kept_frames, partner
from sim.errors import InputError
from sim.scene import SceneSettings
from tests.agent.episodes import assert_same, fake_episode

LEVELS = [f"{kind}:{kind_of.levels.grid[-1]:g}" for kind, kind_of in sorted(KINDS.items())]


def honest(number: int, *, frames: int = 12, uneven: bool = False, masks: bool = False) -> Episode:
    """An episode whose recorded commands are the clean ones."""
    episode = fake_episode(number, frames=frames, masks=masks)
    seconds = np.random.default_rng(number).uniform(0.1, 0.5, frames) if uneven else np.full(frames, 0.2)
    times = np.concatenate([[0.0], np.cumsum(seconds[:-1])])
    return episode._replace(recorded=episode.clean.copy(), times=times)


def clean_of(number: int) -> np.ndarray:
    return honest(number).clean


def integral(commands: np.ndarray, times: np.ndarray) -> np.ndarray:
    """What commands [T-1, D] add up to, [D] rad, command by command."""
    return sum((row.astype(np.float64) * dt for row, dt in zip(commands, np.diff(times), strict=True)), np.zeros(7))


@pytest.mark.parametrize("text", LEVELS)
def test_only_what_is_told_changes(text: str) -> None:
    episode, corruption = honest(3), Corruption.parse(text)
    told = corrupt_episode(episode, corruption, seed=1, other=clean_of)
    expected = corrupt(episode.clean, corruption, seed=1, episode=3, other=clean_of)
    assert np.array_equal(told.recorded, expected)
    assert not np.array_equal(told.recorded, episode.recorded)
    assert_same(told._replace(recorded=episode.recorded), episode)
    assert_same(episode, honest(3))


def test_shuffled_among_those_that_exist() -> None:
    stored = {3, 8, 700}
    told = corrupt_episode(honest(3), Corruption.parse("shuffled"), seed=1, other=clean_of, exists=stored.__contains__)
    other = partner(1, 3, stored.__contains__)
    assert other in (8, 700)
    assert np.array_equal(told.recorded, clean_of(other))


def test_what_cannot_be_done_to_an_episode_is_refused() -> None:
    with pytest.raises(InputError, match="corrupt-what=executed: what the motors did cannot be changed"):
        corrupt_episode(honest(0), Corruption.parse("gaussian:1", "executed"), seed=0, other=clean_of)
    once = corrupt_episode(honest(4), Corruption.parse("gaussian:1"), seed=0, other=clean_of)
    with pytest.raises(
        InputError, match=r"corrupt=bias:0\.1: the recorded commands of episode 4 are corrupted already"
    ):
        corrupt_episode(once, Corruption.parse("bias:0.1"), seed=0, other=clean_of)
    whole = honest(4)
    thin = thin_episode(whole._replace(encoded=encode(whole, "png")), Timing.parse("missing:0.5"), seed=0)
    assert thin.encoded is None  # they were of all frames
    with pytest.raises(InputError, match="corrupted already"):
        corrupt_episode(thin, Corruption.parse("bias:0.1"), seed=0, other=clean_of)


@pytest.mark.parametrize("told", ["nominal", "true"])
@pytest.mark.parametrize("kind", ["missing:0", "uneven:0", "uneven:1"])
def test_where_no_frame_is_lost_nothing_changes(kind: str, told: str) -> None:
    episode = fake_episode(2, frames=9)
    assert_same(thin_episode(episode, Timing.parse(kind, told), seed=0), episode)  # type: ignore[arg-type]


@given(
    number=st.integers(0, 500),
    frames=st.integers(2, 40),
    kind=st.sampled_from(["missing:0.2", "missing:0.7", "missing:1", "uneven:2", "uneven:5", "uneven:100"]),
    told=st.sampled_from(["nominal", "true"]),
    uneven=st.booleans(),
)
def test_kept_frames_are_as_they_were_and_commands_add_up(
    number: int, frames: int, kind: str, told: str, uneven: bool
) -> None:
    timing = Timing.parse(kind, told)  # type: ignore[arg-type]
    full = honest(number, frames=frames, uneven=uneven, masks=True)
    full = full._replace(executed=full.executed + 0.3, recorded=full.recorded - 0.2)
    thin = thin_episode(full, timing, seed=7)
    kept = kept_frames(timing, frames, seed=7, episode=number)
    for name in ("frames", "joints", "object_poses", "camera_poses", "visible", "times", "masks"):
        assert np.array_equal(getattr(thin, name), getattr(full, name)[kept]), name
    assert thin.times[0] == 0
    for name in ("clean", "recorded", "executed"):
        assert getattr(thin, name).shape == (len(kept) - 1, 7)
        assert getattr(thin, name).dtype == np.float32
    for row, (start, end) in enumerate(pairwise(kept)):
        span = slice(start, end)
        assert thin.limited[row] == full.limited[span].any()
        happened = {
            name: integral(getattr(full, name)[span], full.times[start : end + 1]) for name in full._fields[1:4]
        }
        length = thin.times[row + 1] - thin.times[row]
        assert thin.clean[row] * length == pytest.approx(happened["clean"], abs=1e-5)
        assert thin.executed[row] * length == pytest.approx(happened["executed"], abs=1e-5)
        believed = full.recorded[start] * (full.times[start + 1] - full.times[start])
        expected = happened["recorded"] if told == "true" else believed
        assert thin.recorded[row] * length == pytest.approx(expected, abs=1e-5)
    for name in ("intrinsics", "grasp", "category", "instance", "number", "seed"):
        assert getattr(thin, name) is getattr(full, name), name


def test_lost_frames_come_after_corrupted_commands() -> None:
    pytest.importorskip("pybullet")
    scene = SceneSettings(image_size=32, frames=12)
    plain = RecordSettings(scene=scene, seed=2)()
    both = RecordSettings(scene=scene, seed=2, corrupt="gaussian:0.3", corrupt_time="missing:0.4")()
    told = both(6)
    corruption, timing = both.settings.corruption, both.settings.timing
    assert corruption is not None
    assert timing is not None
    misled = corrupt_episode(plain(6), corruption, seed=2, other=clean_of)
    assert_same(told, thin_episode(misled, timing, seed=2))
    assert len(told.frames) < 12
    plain.close()
    both.close()


def test_commands_of_one_stored_episode_without_its_pictures(tmp_path: Path) -> None:
    lengths = [4, 7, 2, 5, 9]
    with DatasetWriter(tmp_path, metadata={}, image_format="png", episodes_per_shard=3) as writer:
        for number, frames in enumerate(lengths):
            writer.add(fake_episode(number, frames=frames))
    dataset = Dataset(tmp_path)
    for number, frames in enumerate(lengths):
        found = dataset.commands(number)
        assert found.dtype == np.float32
        assert np.array_equal(found, fake_episode(number, frames=frames).clean)
    with pytest.raises(InputError, match="episode 5 is not among the 5"):
        dataset.commands(5)


# Through the recorder


def recorder(corrupt: str = "", what: str = "recorded") -> Recorder:
    pytest.importorskip("pybullet")
    scene = SceneSettings(image_size=32, frames=12)
    return RecordSettings(scene=scene, corrupt=corrupt, corrupt_what=what)()  # type: ignore[arg-type]


def test_shuffled_episodes_are_told_their_partners_commands() -> None:
    plain, misled = recorder(), recorder("shuffled:1")
    for number in (0, 5, 1023):
        clean, told = plain(number), misled(number)
        assert np.array_equal(told.recorded, plain(partner(0, number)).clean)
        assert not np.array_equal(told.recorded, told.clean)
        for name in ("clean", "executed", "frames", "joints", "object_poses"):
            assert np.array_equal(getattr(told, name), getattr(clean, name)), name
    plain.close()
    misled.close()


def test_wrongly_recorded_commands_change_nothing_that_is_seen() -> None:
    plain, misled = recorder(), recorder("gaussian:0.3")
    clean, told = plain(4), misled(4)
    assert (told.recorded - told.clean).std() == pytest.approx(0.3, abs=0.06)
    for name in ("clean", "executed", "frames", "joints", "object_poses", "visible"):
        assert np.array_equal(getattr(told, name), getattr(clean, name)), name
    plain.close()
    misled.close()


@pytest.mark.parametrize("kind", ["gaussian:0.5", "gaussian:30", "shuffled:1", "flipped:1", "delayed:2", "stuck:1"])
def test_wrongly_executed_commands_stay_in_limits_and_move_the_arm(kind: str) -> None:
    plain, misled = recorder(), recorder(kind, "executed")
    chain = misled.chain
    for number in range(2):
        clean, done = plain(number), misled(number)
        assert np.array_equal(done.recorded, done.clean)
        assert np.array_equal(done.clean, clean.clean)
        assert np.array_equal(done.joints[0], clean.joints[0])
        assert np.abs(done.joints[1:] - clean.joints[1:]).max() > 0.05
        assert not np.array_equal(done.frames[-1], clean.frames[-1])
        assert (np.abs(done.executed) <= chain.velocity * (1 + 1e-6)).all()
        assert (done.joints > chain.lower - 0.02).all()
        assert (done.joints < chain.upper + 0.02).all()
        told = done.joints[:-1] + done.executed * 0.2
        assert np.median(np.abs(told - done.joints[1:])) < 0.01
    plain.close()
    misled.close()
