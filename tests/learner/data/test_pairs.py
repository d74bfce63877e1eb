"""Pairs of a dataset on disk: the frames, the labels and the actions of the frames that were drawn."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.stats import chisquare

from agent.dataset import Dataset
from learner.data import ImageData, PairSet
from learner.data.armplay import Armplay
from learner.data.co3d import Co3d
from learner.data.images import ImageFolder
from learner.data.rt4k import Rt4k
from learner.replay import ReplayBuffer
from sim.errors import InputError
from tests.agent.sound import CHAIN, FRAMES, SIZE, store
from tests.learner.data.test_co3d import listed
from tests.learner.data.test_images import write
from tests.references.imagefiles import codes, write_co3d, write_rt4k

CLIPS = {"mug_000": [1, 2, 3], "mug_002": [4, 9], "car_000": [10, 20, 100, 170], "car_001": [7], "pig_003": [5]}
"""Object -> its views; none of them is for validation."""


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[ImageData, dict[int, tuple[str, int]]]:
    """A dataset, and the (object, view) of each code."""
    root = tmp_path_factory.mktemp("rt4k")
    train = {name: name[:3] for name in CLIPS}
    pictures = write_rt4k(root, {"train": train, "test": {"pig_001": "pig"}}, views=CLIPS)
    return Rt4k(root), {code: key for key, code in pictures.items()}


def shown(images: torch.Tensor) -> list[int]:
    return codes(images.permute(0, 2, 3, 1).numpy())


def test_a_pair_is_of_one_clip_with_its_labels_and_action(
    written: tuple[ImageData, dict[int, tuple[str, int]]],
) -> None:
    data, meant = written
    pairs_of = PairSet(data, "train", image_size=12)
    assert len(pairs_of) == 3  # clips of one frame are left out
    assert pairs_of.action_size == 2
    assert pairs_of.take_entries() == []
    batch = pairs_of.sample(60, np.random.default_rng(0))
    for name, looks in (("first", batch.first), ("second", batch.second)):
        assert (looks.shape, looks.dtype) == ((60, 3, 12, 12), torch.uint8), name
        assert looks.is_contiguous(memory_format=torch.channels_last)
    assert (batch.action.dtype, batch.gap.dtype) == (torch.float32, torch.float32)
    seen = set()
    for row, (one, other) in enumerate(zip(shown(batch.first), shown(batch.second), strict=True)):
        (owner, view), (same, there) = meant[one], meant[other]
        assert owner == same
        assert view != there
        assert data.instances[batch.instance[row]] == owner
        assert data.categories[batch.category[row]] == owner[:3]
        angle = np.radians(2 * (there - view))
        np.testing.assert_allclose(batch.action[row], [np.sin(angle), np.cos(angle)], atol=1e-6)
        assert batch.gap[row] == there - view
        seen.add((owner, int(batch.episode[row])))
    assert len(seen) == 3


def test_the_same_frame_twice(written: tuple[ImageData, dict[int, tuple[str, int]]]) -> None:
    batch = PairSet(written[0], "train", image_size=12).sample(30, np.random.default_rng(0), second="same")
    assert torch.equal(batch.first, batch.second)
    np.testing.assert_allclose(batch.action, [[0.0, 1.0]] * 30)
    assert not batch.gap.any()


@pytest.mark.parametrize("sampling", ["uniform", "uniform+same", "next", "window:1", "opposite"])
def test_pairs_are_drawn_as_the_setting_says(
    written: tuple[ImageData, dict[int, tuple[str, int]]], sampling: str
) -> None:
    data, meant = written
    drawn = PairSet(data, "train", image_size=12, sampling=sampling).sample(3000, np.random.default_rng(1))
    found = Counter((meant[a], meant[b]) for a, b in zip(shown(drawn.first), shown(drawn.second), strict=True))
    for owner in ("mug_000", "mug_002", "car_000"):
        views = CLIPS[owner]
        allowed = {}
        for at, view in enumerate(views):
            others = [(place, other) for place, other in enumerate(views) if place != at]
            partners = {
                "uniform": [other for _, other in others],
                "uniform+same": views,
                "next": [other for place, other in others if place == at + 1],
                "window:1": [other for place, other in others if abs(place - at) == 1],
                "opposite": [max((o for _, o in others), key=lambda o: min((o - view) % 180, (view - o) % 180))],
            }[sampling]
            allowed |= {((owner, view), (owner, other)): 1 / len(partners) for other in partners}
        counts = [found.pop(pair, 0) for pair in allowed]
        assert sum(counts) == 1000
        shares = np.array(list(allowed.values()))
        if len(counts) > 1:
            assert chisquare(counts, 1000 * shares / shares.sum()).pvalue > 1e-3
    assert not found


@pytest.mark.parametrize("batch", [1, 2, 3, 4, 7])
def test_at_most_one_pair_a_clip_while_there_are_enough(
    written: tuple[ImageData, dict[int, tuple[str, int]]], batch: int
) -> None:
    pairs_of, rng = PairSet(written[0], "train", image_size=12), np.random.default_rng(2)
    for _ in range(10):
        counts = Counter(pairs_of.sample(batch, rng).episode.tolist())
        assert max(counts.values()) == -(-batch // 3)
        assert len(counts) == min(batch, 3)


def test_one_generator_draws_one_sequence_of_batches(written: tuple[ImageData, dict[int, tuple[str, int]]]) -> None:
    pairs_of = PairSet(written[0], "train", image_size=12)
    (one, two), (again, _) = (
        [pairs_of.sample(20, rng) for _ in range(2)] for rng in (np.random.default_rng(5), np.random.default_rng(5))
    )
    assert all(torch.equal(a, b) for a, b in zip(one, again, strict=True))
    assert not torch.equal(one.first, two.first)
    actions = pairs_of.sample_actions(20, np.random.default_rng(5))
    assert torch.equal(actions, one.action)


@pytest.mark.parametrize("sampling", ["uniform", "opposite"])
def test_our_own_episodes_give_the_batches_of_the_replay_buffer(tmp_path: Path, sampling: str) -> None:
    """Bit for bit, where both hold the same episodes."""
    store(tmp_path, range(30), image_format="png")
    data = Armplay(tmp_path)
    buffer = ReplayBuffer(
        30, frames=FRAMES, image_size=SIZE, chain=CHAIN, categories=data.categories, action="pose", sampling=sampling
    )
    kept = {data.instances[label] for label in data.frames("train").instance}
    for episode in Dataset(tmp_path).episodes():
        if f"{episode.category}/{episode.instance}" in kept:
            buffer.insert(episode)
    pairs_of = PairSet(data, "train", sampling=sampling)
    assert len(pairs_of) == len(buffer)
    for second in ("other", "same"):
        ours = pairs_of.sample(50, np.random.default_rng(3), second=second)
        theirs = buffer.sample(50, np.random.default_rng(3), second=second)
        for name in ("first", "second", "action", "category", "gap"):
            assert torch.equal(getattr(ours, name), getattr(theirs, name)), name


def test_datasets_without_angles_have_no_action(tmp_path: Path) -> None:
    write(tmp_path, {"thing0": "a", "thing2": "a"})
    data = ImageFolder(tmp_path)
    split = next(split for split in ("train", "validation", "test") if len(data.frames(split)))
    pairs_of = PairSet(data, split)
    assert pairs_of.action_size == 0
    assert pairs_of.sample(5, np.random.default_rng(0)).action.shape == (5, 0)
    with pytest.raises(InputError, match="no view angles, so it is not known how far objects turn"):
        PairSet(data, split, sampling="opposite")


def test_opposite_frames_of_co3d_are_those_of_opposite_cameras(tmp_path: Path) -> None:
    about = write_co3d(tmp_path, {"apple": {"train": listed("a", frames=6), "val": [], "test": []}}, frames=6)
    turns = [np.array(about["apple", "a", number]["viewpoint"]["R"]) for number in range(6)]
    batch = PairSet(Co3d(tmp_path), "train", image_size=12, sampling="opposite").sample(40, np.random.default_rng(0))
    for one, other in zip(shown(batch.first), shown(batch.second), strict=True):
        traces = [np.trace(turns[one - 1].T @ turn) for turn in turns]
        assert int(np.argmin(traces)) == other - 1


def test_a_split_without_pairs_is_refused(written: tuple[ImageData, dict[int, tuple[str, int]]]) -> None:
    with pytest.raises(InputError, match="no clip for validation has 2 frames or more, so there is no pair"):
        PairSet(written[0], "validation")
    with pytest.raises(InputError, match="sampling=backwards: unknown"):
        PairSet(written[0], "train", sampling="backwards")
