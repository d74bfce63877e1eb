"""Our own datasets, as images."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from agent.dataset import Dataset, held_out
from agent.export.views import angles
from learner.actions import moments_of, representation
from learner.data import open_data
from sim.errors import InputError
from sim.objects.splits import SPLITS
from tests.agent.sound import CHAIN, FRAMES, store
from tests.learner.data.contract import check


def test_frames_are_those_of_the_episodes(tmp_path: Path) -> None:
    store(tmp_path, range(26), image_format="png")
    data, stored = open_data(f"armplay:{tmp_path}"), Dataset(tmp_path)
    check(data)
    assert data.image_size == 32
    episodes = {split: [e for e in stored.episodes() if held_out(e.instance) == split] for split in SPLITS}
    assert all(episodes.values())
    formula = data.action
    assert formula is not None
    for split, expected in episodes.items():
        frames = data.frames(split)
        images = data.images(split, np.arange(len(frames)))
        np.testing.assert_array_equal(images, np.concatenate([episode.frames for episode in expected]))
        np.testing.assert_array_equal(frames.time, np.concatenate([episode.times for episode in expected]))
        for clip, episode in enumerate(expected):
            rows = np.flatnonzero(frames.clip == clip)
            assert {data.categories[label] for label in frames.category[rows]} == {episode.category}
            names = {data.instances[label] for label in frames.instance[rows]}
            assert names == {f"{episode.category}/{episode.instance}"}
            np.testing.assert_allclose(frames.view[rows], angles(episode.object_poses))
            moments = moments_of(episode)
            first = moments.at(np.array([0, 1]))
            second = moments.at(np.array([3, 0]))
            told = representation("pose").compute(first, second, CHAIN)
            found = formula.compute(frames.motion[rows[[0, 1]]], frames.motion[rows[[3, 0]]])
            np.testing.assert_array_equal(found, told)
            np.testing.assert_array_equal(data.turns(split)[rows], episode.object_poses[:, 3:])


def test_frames_are_given_in_the_order_that_was_asked_for(tmp_path: Path) -> None:
    store(tmp_path, range(8), image_format="png")
    data = open_data(f"armplay:{tmp_path}")
    rows = np.random.default_rng(0).integers(len(data.frames("train")), size=100)
    whole = data.images("train", np.arange(len(data.frames("train"))))
    np.testing.assert_array_equal(data.images("train", rows), whole[rows])


def test_a_folder_that_is_no_dataset_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"holds no dataset.json, so it is not a dataset of armplay"):
        open_data(f"armplay:{tmp_path}")


def test_the_action_between_any_two_frames_agrees_with_scipy(tmp_path: Path) -> None:
    """Rotation R' R^T with w >= 0 and translation p' - p, in the camera frame, for all pairs of every clip."""
    store(tmp_path, range(26), image_format="png")
    data, stored = open_data(f"armplay:{tmp_path}"), Dataset(tmp_path)
    assert data.action is not None
    seen = 0
    for split in SPLITS:
        frames = data.frames(split)
        poses_of = [e.object_poses.astype(np.float64) for e in stored.episodes() if held_out(e.instance) == split]
        for clip, where in enumerate(poses_of):
            rows = np.flatnonzero(frames.clip == clip)
            first, second = (side.ravel() for side in np.meshgrid(range(len(where)), range(len(where))))
            turn = Rotation.from_quat(where[second, 3:]) * Rotation.from_quat(where[first, 3:]).inv()
            told = data.action.compute(frames.motion[rows[first]], frames.motion[rows[second]])
            np.testing.assert_allclose(told[:, :3], where[second, :3] - where[first, :3], atol=1e-12)
            assert (told[:, 6] >= 0).all()
            assert ((Rotation.from_quat(told[:, 3:]) * turn.inv()).magnitude() < 1e-6).all()
            seen += len(told)
    assert seen == 26 * FRAMES**2
