"""Tumbling keeps the toy before the camera and shows enough of it: by planning and forward kinematics alone."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest

pytest.importorskip("pybullet")  # the arm's model comes with it

from agent.episode import Episode
from agent.play import play_policy
from agent.record import Recorder, RecordSettings
from sim import poses, viewsphere
from sim.camera import pixels
from sim.errors import InputError
from sim.kinematics import Chain, forward
from sim.scene import SceneSettings

SHORT, LONG = 25, 100


class Played(NamedTuple):
    """N episodes of T frames, as planned or as they happened."""

    joints: np.ndarray
    """[N, T, D] rad."""
    clean: np.ndarray
    """[N, T-1, D] rad/s."""
    limited: np.ndarray
    """[N, T-1]."""
    object_poses: np.ndarray
    """[N, T, 7] in the camera frame."""


def planned(recorder: Recorder, numbers: range) -> Played:
    """What would happen if the arm did exactly what it is told."""
    settings = recorder.settings.scene
    into_camera = poses.inverse(settings.camera.pose)
    played = []
    for number in numbers:
        grasp, plan = recorder.plan(number)
        moved = np.concatenate([np.zeros((1, 7)), np.cumsum(plan.clean.astype(np.float64), axis=0)])
        joints = plan.start + moved * settings.interval
        hands = forward(recorder.chain, joints)
        object_poses = poses.compose(into_camera, poses.compose(hands, grasp))
        played.append(Played(joints, plan.clean, plan.limited, object_poses))
    return Played(*(np.array(field) for field in zip(*played, strict=True)))


@pytest.fixture(scope="module")
def short() -> tuple[Recorder, Played]:
    recorder = RecordSettings()()
    return recorder, planned(recorder, range(SHORT))


@pytest.fixture(scope="module")
def long() -> tuple[Recorder, list[Episode]]:
    recorder = RecordSettings()()
    episodes = [recorder(number) for number in range(LONG)]
    recorder.close()
    return recorder, episodes


def happened(episodes: list[Episode]) -> Played:
    fields = ("joints", "clean", "limited", "object_poses")
    return Played(*(np.array([getattr(episode, name) for episode in episodes]) for name in fields))


def assert_in_view(object_poses: np.ndarray, intrinsics: np.ndarray, size: int) -> None:
    """The object's centre, in 99 % of the frames."""
    centre = pixels(object_poses[..., :3], intrinsics)
    assert ((centre > 0) & (centre < size)).all(axis=-1).mean() >= 0.99
    assert (object_poses[..., 2] > 0).all()


def assert_seen_from_many_sides(object_poses: np.ndarray) -> None:
    shares = np.array([viewsphere.coverage(episode) for episode in object_poses])
    assert shares.mean() >= 0.2
    assert (shares >= 0.2).mean() >= 0.95


def assert_turned(object_poses: np.ndarray) -> None:
    """Half of all pairs (t, t' != t) are turned by more than 80 degrees."""
    first, second = np.triu_indices(object_poses.shape[1], k=1)
    turns = poses.angle(poses.relative(object_poses[:, first], object_poses[:, second])[..., 3:])
    assert np.degrees(np.median(turns)) >= 80


def assert_within_limits(chain: Chain, played: Played, *, slack: float) -> None:
    assert (np.abs(played.clean) <= chain.velocity * (1 + 1e-6)).all()
    assert (played.joints >= chain.lower - slack).all()
    assert (played.joints <= chain.upper + slack).all()


def test_planned_episodes_keep_the_toy_in_view_and_show_it(short: tuple[Recorder, Played]) -> None:
    recorder, played = short
    camera = recorder.settings.scene.camera
    assert_in_view(played.object_poses, camera.intrinsics(128), 128)
    assert_seen_from_many_sides(played.object_poses)
    assert_turned(played.object_poses)


def test_planned_episodes_keep_the_limits(short: tuple[Recorder, Played]) -> None:
    recorder, played = short
    assert_within_limits(recorder.chain, played, slack=1e-5)
    assert played.clean.dtype == np.float32
    assert played.limited.dtype == np.bool_
    assert played.limited.mean() < 0.2


def test_commands_are_smooth(short: tuple[Recorder, Played]) -> None:
    """A command differs from the one before by much less than from any other, which is what makes them a motion."""
    _, played = short
    following = np.abs(np.diff(played.clean, axis=1)).mean()
    any_two = np.abs(played.clean - np.roll(played.clean, 15, axis=1)).mean()
    assert following < 0.5 * any_two


@pytest.mark.parametrize(("frames", "frame_rate"), [(2, 5.0), (64, 10.0), (20, 30.0)])
def test_other_times_keep_the_toy_in_view(frames: int, frame_rate: float) -> None:
    recorder = RecordSettings(scene=SceneSettings(frames=frames, frame_rate=frame_rate))()
    played = planned(recorder, range(6))
    assert played.clean.shape == (6, frames - 1, 7)
    assert_in_view(played.object_poses, recorder.settings.scene.camera.intrinsics(128), 128)
    assert_within_limits(recorder.chain, played, slack=1e-5)


@pytest.mark.long
def test_recorded_episodes_keep_the_toy_in_view_and_show_it(long: tuple[Recorder, list[Episode]]) -> None:
    recorder, episodes = long
    played = happened(episodes)
    assert_in_view(played.object_poses, recorder.settings.scene.camera.intrinsics(128), 128)
    assert_seen_from_many_sides(played.object_poses)
    assert_turned(played.object_poses)
    assert_within_limits(recorder.chain, played, slack=0.01)
    visible = np.array([episode.visible for episode in episodes])
    assert (visible >= 0.5).mean() >= 0.95


@pytest.mark.long
def test_plans_foresee_what_happens(long: tuple[Recorder, list[Episode]]) -> None:
    recorder, episodes = long
    foreseen, played = planned(recorder, range(LONG)), happened(episodes)
    assert np.array_equal(foreseen.clean, played.clean)
    assert np.abs(foreseen.joints - played.joints).max() < 0.01
    missing = poses.relative(foreseen.object_poses, played.object_poses.astype(np.float64))
    assert np.linalg.norm(missing[..., :3], axis=-1).max() < 0.004
    assert np.degrees(poses.angle(missing[..., 3:])).max() < 0.5


def test_an_unknown_policy_is_an_input_error() -> None:
    with pytest.raises(InputError, match="play=juggle: unknown, known are tumble"):
        play_policy("juggle")
