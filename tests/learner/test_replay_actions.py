"""Pairs of real episodes against a slow look at them, the actions between their frames included."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch

from agent.corrupted import thin_episode
from agent.episode import Episode, Pairs
from learner.actions import moments_of, representation
from sim.corrupt import Timing
from tests.learner.episodes import kuka, real_buffer, real_episodes
from tests.references.actions import BulletArm, integral, relative_pose


@pytest.fixture(scope="module")
def arm() -> Iterator[BulletArm]:
    arm = BulletArm("kuka")
    yield arm
    arm.close()


@pytest.mark.parametrize("action", ["pose", "efference", "command+state", "command"])
@pytest.mark.parametrize("corrupt", ["", "gaussian:0.4"])
def test_a_batch_against_its_episodes_action_included(action: str, corrupt: str, arm: BulletArm) -> None:
    episodes = real_episodes(6, corrupt)
    buffer = real_buffer(episodes, action)
    pairs = buffer.sample(48, np.random.default_rng(9))
    assert pairs.action.shape == (48, buffer.action_size)
    assert pairs.action.dtype == pairs.gap.dtype == torch.float32
    for row in range(48):
        episode = episodes[int(pairs.episode[row])]
        assert buffer.categories[int(pairs.category[row])] == episode.category
        here, there = found_in(episode, pairs, row)
        assert float(pairs.gap[row]) == pytest.approx(0.2 * (there - here))
        poses = episode.object_poses.astype(np.float64)
        expected = {
            "pose": lambda p=poses, a=here, b=there: relative_pose(p[a], p[b]),
            "efference": lambda e=episode, a=here, b=there: arm.efference(e, a, b),
            "command": lambda e=episode, a=here, b=there: integral(e, a, b),
            "command+state": lambda e=episode, a=here, b=there: np.concatenate([integral(e, a, b), e.joints[a]]),
        }[action]()
        np.testing.assert_allclose(signed(pairs.action[row].numpy(), action), signed(expected, action), atol=1e-5)


@pytest.mark.parametrize("action", ["efference", "pose", "command+state"])
@pytest.mark.parametrize("time", ["missing:0.5", "missing:1", "uneven:3"])
@pytest.mark.parametrize("told", ["nominal", "true"])
def test_pairs_of_episodes_with_lost_frames(action: str, time: str, told: str, arm: BulletArm) -> None:
    timing = Timing.parse(time, told)  # type: ignore[arg-type]
    whole = real_episodes(6)
    episodes = tuple(thin_episode(episode, timing, seed=1) for episode in whole)
    assert len({len(episode.frames) for episode in episodes}) > 1 or time == "missing:1"
    buffer = real_buffer(whole, action)
    for episode in episodes:  # each in the place of a longer one
        buffer.insert(episode)
    pairs = buffer.sample(36, np.random.default_rng(9))
    for row in range(36):
        episode = episodes[int(pairs.episode[row])]
        here, there = found_in(episode, pairs, row)
        assert float(pairs.gap[row]) == pytest.approx(episode.times[there] - episode.times[here])
        expected = {
            "pose": lambda e=episode, a=here, b=there: relative_pose(*e.object_poses.astype(np.float64)[[a, b]]),
            "efference": lambda e=episode, a=here, b=there: arm.efference(e, a, b),
            "command+state": lambda e=episode, a=here, b=there: np.concatenate([integral(e, a, b), e.joints[a]]),
        }[action]()
        np.testing.assert_allclose(signed(pairs.action[row].numpy(), action), signed(expected, action), atol=1e-5)


def signed(action: np.ndarray, name: str) -> np.ndarray:
    """A half turn has two quaternions with w near 0: the one with the larger first component is taken."""
    if name in ("pose", "efference"):
        assert action[6] >= -1e-6
        if abs(action[6]) < 1e-4 and action[3 + np.abs(action[3:6]).argmax()] < 0:
            return np.concatenate([action[:3], -action[3:]])
    return action


def found_in(episode: Episode, pairs: Pairs, row: int) -> list[int]:
    """t and t' of a pair, by its pixels."""
    found = []
    for images in (pairs.first, pairs.second):
        equal = (episode.frames == images[row].permute(1, 2, 0).numpy()).all(axis=(1, 2, 3))
        assert equal.sum() == 1
        found.append(int(equal.argmax()))
    return found


@pytest.mark.parametrize("thinned", [False, True])
def test_calibrated_actions_are_those_of_the_whole_episode(thinned: bool) -> None:
    whole = real_episodes(6, "flipped:0.5")
    episodes = tuple(thin_episode(each, Timing.parse("missing:0.5", "true"), seed=1) for each in whole)
    buffer = real_buffer(whole, "calibrated-rotation")
    for episode in episodes if thinned else ():  # each in the place of a longer one
        buffer.insert(episode)
    held = episodes if thinned else whole
    pairs = buffer.sample(36, np.random.default_rng(9))
    for row in range(36):
        episode = held[int(pairs.episode[row])]
        ends = (moments_of(episode).at(np.array([frame])) for frame in found_in(episode, pairs, row))
        expected = representation("calibrated-rotation").compute(*ends, kuka())[0]
        np.testing.assert_allclose(pairs.action[row].numpy(), expected, atol=1e-5)


def test_actions_to_standardise_by_are_those_of_batches() -> None:
    buffer = real_buffer(real_episodes(6), "efference")
    alone = buffer.sample_actions(40, np.random.default_rng(4))
    assert torch.equal(alone, buffer.sample(40, np.random.default_rng(4)).action)
