"""The replay buffer gives back what went in, as often as it says, wherever it lies."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.episode import Episode
from learner.storage import SPARE
from sim.errors import InputError
from tests.agent.episodes import fake_episode
from tests.learner.episodes import CATEGORIES, buffer_of, coded_episode, codes, filled
from tests.references.actions import integral

PLACES: list[dict[str, Any]] = [{}, {"folder": Path(tempfile.gettempdir())}]
if torch.cuda.is_available():
    PLACES.append({"device": "cuda"})


def test_frames_are_viewed_channels_last() -> None:
    pairs = filled(6).sample(6, np.random.default_rng(0))
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
    place=st.sampled_from(PLACES),
)
def test_pairs_are_bit_equal_to_what_went_in_and_only_the_latest_are_left(
    capacity: int, lengths: list[int], batch: int, seed: int, place: dict[str, Any]
) -> None:
    buffer = buffer_of(capacity, frames=6, size=16, **place)
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
            next(
                t for t, frame in enumerate(episode.frames) if np.array_equal(frame, image[row].permute(1, 2, 0).cpu())
            )
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


def test_one_number_an_object_whatever_its_episode() -> None:
    buffer = filled(30)
    pairs = buffer.sample(30, np.random.default_rng(0))
    names = {int(n): f"category-{n % 3}/instance-{n % 5}" for n in pairs.episode}
    numbers: dict[str, set[int]] = {}
    for episode, instance in zip(pairs.episode.tolist(), pairs.instance.tolist(), strict=True):
        numbers.setdefault(names[episode], set()).add(instance)
    assert all(len(found) == 1 for found in numbers.values())
    assert len(set.union(*numbers.values())) == len(numbers) == 15


def test_the_same_frame_twice_for_methods_without_time() -> None:
    pairs = filled(6).sample(6, np.random.default_rng(0), second="same")
    assert torch.equal(pairs.first, pairs.second)
    assert (pairs.gap == 0).all()
    assert (pairs.action[:, :7] == 0).all()


@pytest.mark.parametrize("place", PLACES)
def test_the_same_frame_twice_redraws_the_background_and_nothing_else(place: dict[str, Any]) -> None:
    size = 19  # 361 pixels are no whole number of bytes
    buffer = buffer_of(4, frames=4, size=size, masks=True, **place)
    episodes = [fake_episode(number, size=size, masks=True) for number in range(4)]
    for episode in episodes:
        buffer.insert(episode)
    pairs = buffer.sample(4, np.random.default_rng(0), second="same")
    for row, number in enumerate(pairs.episode.tolist()):
        first, second = (image[row].permute(1, 2, 0).cpu().numpy() for image in (pairs.first, pairs.second))
        time = next(t for t, frame in enumerate(episodes[number].frames) if np.array_equal(frame, first))
        masks = episodes[number].masks
        assert masks is not None
        np.testing.assert_array_equal(first[masks[time]], second[masks[time]])
        assert (first != second).any(axis=-1)[~masks[time]].mean() > 0.9
    assert not torch.equal(pairs.second[0], pairs.second[1])
    assert pairs.second.is_contiguous(memory_format=torch.channels_last)


def test_an_episode_without_masks_has_no_background_to_redraw() -> None:
    """Nor has it in a slot where one with masks was."""
    buffer = buffer_of(2, frames=4, size=16, masks=True)
    for number in range(2 + SPARE):
        buffer.insert(fake_episode(number, masks=True))
    buffer.insert(fake_episode(9))
    pairs = buffer.sample(2, np.random.default_rng(0), second="same")
    row = pairs.episode.tolist().index(9)
    assert torch.equal(pairs.first[row], pairs.second[row])
    assert not torch.equal(pairs.first[1 - row], pairs.second[1 - row])


def test_masks_that_are_not_wanted_are_not_used() -> None:
    buffer = buffer_of(2, frames=4, size=16)
    buffer.insert(fake_episode(0, masks=True))
    pairs = buffer.sample(2, np.random.default_rng(0), second="same")
    assert torch.equal(pairs.first, pairs.second)


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
    assert [entry.number for entry in buffer.entries] == [0]


def test_objects_are_told_apart_by_their_names_and_entries_are_handed_over_once() -> None:
    buffer = buffer_of(12)
    names = ["a", "b", "a", "ab", "b", "a"]
    for number, name in enumerate(names):
        buffer.insert(coded_episode(number)._replace(category=coded_episode(0).category, instance=name))
    pairs = buffer.sample(6, np.random.default_rng(0))
    shown = [names[number] for number in pairs.episode.tolist()]
    alike = pairs.instance[:, None] == pairs.instance
    assert alike.tolist() == [[one == other for other in shown] for one in shown]
    assert [entry.number for entry in buffer.take_entries()] == [0, 1, 2, 3, 4, 5]
    buffer.insert(coded_episode(6))
    assert [(entry.number, entry.draws) for entry in buffer.take_entries()] == [(6, 1)]
    assert buffer.take_entries() == []


def test_refused_settings() -> None:
    with pytest.raises(InputError, match="buffer_episodes=0"):
        buffer_of(0)
    with pytest.raises(InputError, match="sampling=backwards"):
        buffer_of(1, sampling="backwards")
    with pytest.raises(InputError, match="action=telepathy"):
        buffer_of(1, action="telepathy")
    with pytest.raises(RuntimeError, match="empty"):
        buffer_of(1).sample(1, np.random.default_rng(0))


def test_random_eviction_spares_an_episode_as_often_as_chance_does() -> None:
    """After 3 more than fit, one of the first 4 is left with (3/4)^3; the last to come is always there."""
    episodes, trials, survivors = [coded_episode(number) for number in range(7)], 400, 0
    rng = np.random.default_rng(3)
    for _ in range(trials):
        buffer = buffer_of(4, evict=rng)
        for episode in episodes:
            buffer.insert(episode)
        left = buffer.sample(4, rng).episode.tolist()
        assert len(set(left)) == 4
        assert 6 in left
        survivors += sum(number < 4 for number in left)
    expected, deviation = 4 * trials * 0.75**3, (4 * trials * 0.75**3 * (1 - 0.75**3)) ** 0.5
    assert abs(survivors - expected) < 4 * deviation


def test_eviction_repeats_with_its_generator() -> None:
    left = []
    for seed in (5, 5, 6):
        buffer = filled(60, capacity=20, evict=np.random.default_rng(seed))
        left.append(buffer.sample(20, np.random.default_rng(0)).episode.tolist())
    assert left[0] == left[1]
    assert sorted(left[1]) != sorted(left[2])
