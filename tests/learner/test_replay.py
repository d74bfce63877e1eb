"""The replay buffer gives back what went in, as often as it says, whoever inserts meanwhile."""

from __future__ import annotations

import sys
import threading
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from agent.corrupted import thin_episode
from agent.episode import Episode, Pairs
from learner.replay import ReplayBuffer
from sim.corrupt import Timing
from sim.errors import InputError
from tests.agent.episodes import fake_episode
from tests.learner.episodes import CATEGORIES, buffer_of, coded_episode, kuka, real_buffer, real_episodes
from tests.references.actions import BulletArm, integral, relative_pose


def filled(count: int, capacity: int = 0, **options: Any) -> ReplayBuffer:
    buffer = buffer_of(capacity or count, **options)
    for number in range(count):
        buffer.insert(coded_episode(number))
    return buffer


def codes(images: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Episode numbers and frame indices that coded frames [B, 3, H, W] tell; every pixel must agree."""
    assert (images == images[:, :, :1, :1]).all()
    return images[:, 0, 0, 0].numpy(), images[:, 1, 0, 0].numpy()


def test_a_frame_is_stored_once_as_uint8_and_viewed_channels_last() -> None:
    buffer = filled(6)
    frames = 6 * 5 * 4 * 4 * 3
    per_frame = 8 * (7 + 7 + 7 + 7 + 7 + 1)  # moments and time, float64
    assert buffer.size_bytes == frames + 6 * 5 * per_frame + 6 * (8 + 3 * 8)
    pairs = buffer.sample(6, np.random.default_rng(0))
    for images in (pairs.first, pairs.second):
        assert images.dtype == torch.uint8
        assert tuple(images.shape) == (6, 3, 4, 4)
        assert images.stride() == (4 * 4 * 3, 1, 4 * 3, 3)
        assert images.is_contiguous(memory_format=torch.channels_last)


@settings(max_examples=30, deadline=None)
@given(
    capacity=st.integers(1, 9),
    lengths=st.lists(st.integers(2, 6), min_size=1, max_size=20),
    batch=st.integers(1, 25),
    seed=st.integers(0, 2**32),
)
def test_pairs_are_bit_equal_to_what_went_in_and_only_the_latest_are_left(
    capacity: int, lengths: list[int], batch: int, seed: int
) -> None:
    buffer = buffer_of(capacity, frames=6, size=16)
    kept: dict[int, Episode] = {}
    for number, frames in enumerate(lengths):
        episode = fake_episode(number, frames=frames)
        buffer.insert(episode)
        kept[number] = episode
        kept.pop(number - capacity, None)
        assert len(buffer) == len(kept)
    pairs = buffer.sample(batch, np.random.default_rng(seed))
    counts = Counter(pairs.episode.tolist())
    assert set(counts) <= set(kept)
    assert max(counts.values()) - min(counts.get(number, 0) for number in kept) <= 1
    for row in range(batch):
        episode = kept[int(pairs.episode[row])]
        gap = float(pairs.gap[row])
        here, there = (
            next(t for t, frame in enumerate(episode.frames) if np.array_equal(frame, image[row].permute(1, 2, 0)))
            for image in (pairs.first, pairs.second)
        )
        assert here != there
        assert gap == pytest.approx(episode.times[there] - episode.times[here])
        assert CATEGORIES[int(pairs.category[row])] == episode.category
        np.testing.assert_allclose(pairs.action[row, 7:], episode.joints[here])
        np.testing.assert_allclose(pairs.action[row, :7], integral(episode, here, there), atol=1e-6)


def test_every_episode_in_memory_is_reached_after_the_ring_has_gone_round() -> None:
    buffer = filled(11, capacity=4)
    pairs = buffer.sample(4, np.random.default_rng(0))
    assert sorted(pairs.episode.tolist()) == [7, 8, 9, 10]
    assert codes(pairs.first)[0].tolist() == codes(pairs.second)[0].tolist() == pairs.episode.tolist()


@pytest.mark.parametrize("sampling", ["uniform", "uniform+same"])
@pytest.mark.parametrize("draws", [20_000, pytest.param(1_000_000, marks=pytest.mark.long)])
def test_pair_frequencies_match_the_stated_distribution(sampling: str, draws: int) -> None:
    buffer, rng, frames = filled(7, sampling=sampling), np.random.default_rng(5), 5
    found: Counter[tuple[int, int]] = Counter()
    episodes: Counter[int] = Counter()
    for _ in range(draws // 1000):
        pairs = buffer.sample(1000, rng)
        found.update(zip(codes(pairs.first)[1].tolist(), codes(pairs.second)[1].tolist(), strict=True))
        episodes.update(pairs.episode.tolist())
    allowed = [(a, b) for a in range(frames) for b in range(frames) if sampling == "uniform+same" or a != b]
    assert set(found) <= set(allowed)
    assert chisquare([found[pair] for pair in allowed]).pvalue > 0.01
    assert chisquare(list(episodes.values())).pvalue > 0.01


@pytest.mark.parametrize("sampling", ["uniform", "uniform+same"])
def test_frequencies_are_uniform_within_episodes_of_different_lengths(sampling: str) -> None:
    """Also where a longer episode was in the same place before: nothing of it is left to be drawn."""
    buffer, rng, lengths = buffer_of(4, sampling=sampling), np.random.default_rng(1), (2, 3, 5, 4)
    for number, frames in enumerate((5, 5, 5, 5, *lengths)):
        buffer.insert(coded_episode(number, frames=frames))
    found: Counter[tuple[int, int, int]] = Counter()
    for _ in range(20):
        pairs = buffer.sample(800, rng)
        numbers = pairs.episode.tolist()
        assert codes(pairs.first)[0].tolist() == codes(pairs.second)[0].tolist() == numbers
        found.update(zip(numbers, codes(pairs.first)[1].tolist(), codes(pairs.second)[1].tolist(), strict=True))
    for number, frames in enumerate(lengths, start=4):
        pairs_of = [(a, b) for a in range(frames) for b in range(frames) if sampling == "uniform+same" or a != b]
        cells = [found[number, a, b] for a, b in pairs_of]
        assert sum(cells) == 4000
        assert chisquare(cells).pvalue > 0.01


@pytest.mark.parametrize("batch", [1, 5, 8, 9, 16, 21])
def test_at_most_one_pair_an_episode_while_there_are_enough(batch: int) -> None:
    buffer, rng = filled(8), np.random.default_rng(2)
    for _ in range(50):
        counts = Counter(buffer.sample(batch, rng).episode.tolist())
        assert max(counts.values()) == -(-batch // 8)
        assert min(counts.get(number, 0) for number in range(8)) == batch // 8


def test_one_number_an_object_whatever_its_episode() -> None:
    buffer = filled(30)
    pairs = buffer.sample(30, np.random.default_rng(0))
    names = {int(n): f"category-{n % 3}/instance-{n % 5}" for n in pairs.episode}
    numbers: dict[str, set[int]] = {}
    for episode, instance in zip(pairs.episode.tolist(), pairs.instance.tolist(), strict=True):
        numbers.setdefault(names[episode], set()).add(instance)
    assert all(len(found) == 1 for found in numbers.values())
    assert len(set.union(*numbers.values())) == len(numbers) == 15


@pytest.fixture
def _threads_switch_often() -> Iterator[None]:
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


@pytest.mark.usefixtures("_threads_switch_often")
def test_inserting_beside_sampling_never_tears_an_episode() -> None:
    size, frames, count = 64, 24, 1500
    buffer = buffer_of(1, size=size, frames=frames)  # every sample is of the slot that is written to
    episodes = [coded_episode(number, size=size, frames=frames) for number in range(20)]
    buffer.insert(episodes[0])
    done, sampled = threading.Event(), threading.Semaphore(0)

    def insert() -> None:
        for index in range(count):
            if index % 3 == 0:
                sampled.acquire()  # so that sampling goes on all the while
            buffer.insert(episodes[index % len(episodes)])
        done.set()

    thread = threading.Thread(target=insert, daemon=True)
    thread.start()
    rng, seen = np.random.default_rng(0), set()
    while not done.is_set():
        pairs = buffer.sample(16, rng)
        sampled.release()
        for images in (pairs.first, pairs.second):
            assert codes(images)[0].tolist() == pairs.episode.tolist()
        np.testing.assert_array_equal(pairs.action[:, 7:], pairs.episode[:, None].expand(-1, 7))
        seen.update(pairs.episode.tolist())
    thread.join()
    assert len(seen) > 4


def test_the_same_frame_twice_for_methods_without_time() -> None:
    pairs = filled(6).sample(6, np.random.default_rng(0), second="same")
    assert torch.equal(pairs.first, pairs.second)
    assert (pairs.gap == 0).all()
    assert (pairs.action[:, :7] == 0).all()


def test_the_same_frame_twice_redraws_the_background_and_nothing_else() -> None:
    size = 20  # 400 pixels are no whole number of 64-bit words
    buffer = buffer_of(4, frames=4, size=size)
    episodes = [fake_episode(number, size=size, masks=True) for number in range(4)]
    for episode in episodes:
        buffer.insert(episode)
    assert buffer.size_bytes == filled_bytes(buffer) + 4 * 4 * size * size // 8
    pairs = buffer.sample(4, np.random.default_rng(0), second="same")
    for row, number in enumerate(pairs.episode.tolist()):
        first, second = (image[row].permute(1, 2, 0).numpy() for image in (pairs.first, pairs.second))
        time = next(t for t, frame in enumerate(episodes[number].frames) if np.array_equal(frame, first))
        masks = episodes[number].masks
        assert masks is not None
        np.testing.assert_array_equal(first[masks[time]], second[masks[time]])
        assert (first != second).any(axis=-1)[~masks[time]].mean() > 0.9
    assert not torch.equal(pairs.second[0], pairs.second[1])
    assert pairs.second.is_contiguous(memory_format=torch.channels_last)


def filled_bytes(buffer: ReplayBuffer) -> int:
    """What the same buffer takes without masks."""
    return buffer_of(buffer.capacity, frames=buffer.frames, size=buffer.image_size).size_bytes


@pytest.mark.parametrize("masked", [0, 1])
def test_an_episode_without_masks_has_no_background_to_redraw(masked: int) -> None:
    """Neither before the first episode with masks, nor in a slot where one was."""
    buffer = buffer_of(2, frames=4, size=16)
    if masked == 0:  # the plain episode takes the slot of one with masks
        buffer.insert(fake_episode(7, masks=True))
        buffer.insert(fake_episode(8, masks=True))
    buffer.insert(fake_episode(0))
    buffer.insert(fake_episode(1, masks=True))
    pairs = buffer.sample(2, np.random.default_rng(0), second="same")
    row = pairs.episode.tolist().index(0)
    assert torch.equal(pairs.first[row], pairs.second[row])
    assert not torch.equal(pairs.first[1 - row], pairs.second[1 - row])


def test_sampled_frames_outlive_their_eviction() -> None:
    buffer = filled(2)
    pairs = buffer.sample(2, np.random.default_rng(0))
    before = pairs.first.clone()
    for number in range(2, 6):
        buffer.insert(coded_episode(number))
    assert torch.equal(pairs.first, before)


def test_what_does_not_fit_is_refused_and_evicts_nothing() -> None:
    buffer, good = filled(1), coded_episode(1)
    wrong = [
        (coded_episode(1, size=5), "5x5"),
        (coded_episode(1, frames=6), "6 frames"),
        (coded_episode(1, frames=1), "at least 2"),
        (good._replace(category="submarine"), "submarine"),
        (good._replace(joints=good.joints[:, :6]), "6 joints"),
    ]
    for episode, reason in wrong:
        with pytest.raises(InputError, match=reason):
            buffer.insert(episode)
    assert buffer.sample(1, np.random.default_rng(0)).episode.tolist() == [0]


def test_refused_settings() -> None:
    with pytest.raises(InputError, match="buffer_episodes=0"):
        buffer_of(0)
    with pytest.raises(InputError, match="sampling=backwards"):
        buffer_of(1, sampling="backwards")
    with pytest.raises(InputError, match="action=telepathy"):
        buffer_of(1, action="telepathy")
    with pytest.raises(RuntimeError, match="empty"):
        buffer_of(1).sample(1, np.random.default_rng(0))


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


def test_actions_to_standardise_by_are_those_of_batches() -> None:
    buffer = real_buffer(real_episodes(6), "efference")
    alone = buffer.sample_actions(40, np.random.default_rng(4))
    assert torch.equal(alone, buffer.sample(40, np.random.default_rng(4)).action)
    assert kuka().joints == 7
