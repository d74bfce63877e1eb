"""Play keeps the toy before the camera and shows enough of it: by planning and forward kinematics alone."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pytest
from scipy.stats import chisquare

pytest.importorskip("pybullet")  # the arm's model comes with it

from agent.episode import Episode
from agent.play import POLICIES, check_play
from agent.play.tumble import Tumble
from agent.play.turntable import Turntable
from agent.record import Recorder, RecordSettings
from sim import poses, viewsphere
from sim.arms import ARMS
from sim.camera import pixels
from sim.errors import InputError
from sim.kinematics import Chain, forward
from sim.scene import SceneSettings
from tests.agent.bodies import away_from_home, body, held, joints_of

SHORT, LONG = 20, 100
ALL = [(play, arm) for arm in sorted(ARMS) for play in sorted(POLICIES)]
COVERAGE = {"curious": 0.2, "inspect": 0.3, "tumble": 0.25, "turntable": 0.22}
"""Share of the view sphere that an episode shows on average."""
LEAST = {"curious": 0.12, "inspect": 0.2, "tumble": 0.2, "turntable": 0.2}
"""Share that nearly all show; curious play that draws turns evenly, which are about all axes, studies few views."""
TURN = {"curious": 50, "inspect": 85, "tumble": 85, "turntable": 80}
"""Median turn of a pair, degrees."""


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
    into_camera = poses.inverse(settings.eye.pose)
    played = []
    for number in numbers:
        grasp, plan = recorder.plan(number)
        joints = joints_of(plan, settings.interval)
        hands = forward(recorder.chain, joints)
        object_poses = poses.compose(into_camera, poses.compose(hands, grasp))
        played.append(Played(joints, plan.clean, plan.limited, object_poses))
    return Played(*(np.array(field) for field in zip(*played, strict=True)))


@pytest.fixture(scope="module", params=ALL, ids="-".join)
def short(request: pytest.FixtureRequest) -> tuple[Recorder, Played]:
    play, arm = request.param
    recorder = RecordSettings(play=play, scene=SceneSettings(arm=arm))()
    return recorder, planned(recorder, range(SHORT))


@pytest.fixture(scope="module", params=ALL, ids="-".join)
def long(request: pytest.FixtureRequest) -> tuple[Recorder, list[Episode]]:
    play, arm = request.param
    recorder = RecordSettings(play=play, scene=SceneSettings(arm=arm, image_size=64))()
    episodes = [recorder(number) for number in range(LONG)]
    recorder.close()
    return recorder, episodes


def happened(episodes: list[Episode]) -> Played:
    fields = ("joints", "clean", "limited", "object_poses")
    return Played(*(np.array([getattr(episode, field) for episode in episodes]) for field in fields))


def assert_in_view(object_poses: np.ndarray, intrinsics: np.ndarray, size: int) -> None:
    """The object's centre, in 99 % of the frames."""
    centre = pixels(object_poses[..., :3], intrinsics)
    assert ((centre > 0) & (centre < size)).all(axis=-1).mean() >= 0.99
    assert (object_poses[..., 2] > 0).all()


def assert_seen_from_many_sides(object_poses: np.ndarray, play: str) -> None:
    shares = np.array([viewsphere.coverage(episode) for episode in object_poses])
    assert shares.mean() >= COVERAGE[play]
    assert (shares >= LEAST[play]).mean() >= 0.95


def assert_turned(object_poses: np.ndarray, degrees: float) -> None:
    """Half of all pairs (t, t' != t) are turned by more than that."""
    first, second = np.triu_indices(object_poses.shape[1], k=1)
    turns = poses.angle(poses.relative(object_poses[:, first], object_poses[:, second])[..., 3:])
    assert np.degrees(np.median(turns)) >= degrees


def assert_within_limits(chain: Chain, played: Played, *, slack: float) -> None:
    assert (np.abs(played.clean) <= chain.velocity * (1 + 1e-6)).all()
    assert (played.joints >= chain.lower - slack).all()
    assert (played.joints <= chain.upper + slack).all()


# All policies, all arms


def test_planned_episodes_keep_the_toy_in_view_and_show_it(short: tuple[Recorder, Played]) -> None:
    recorder, played = short
    assert_in_view(played.object_poses, recorder.settings.scene.eye.intrinsics(128), 128)
    assert_seen_from_many_sides(played.object_poses, recorder.settings.play)
    assert_turned(played.object_poses, TURN[recorder.settings.play])


def test_planned_episodes_keep_the_limits(short: tuple[Recorder, Played]) -> None:
    recorder, played = short
    assert_within_limits(recorder.chain, played, slack=1e-5)
    assert played.clean.dtype == np.float32
    assert played.limited.dtype == np.bool_
    assert played.limited.mean() < 0.02


def test_plans_repeat(short: tuple[Recorder, Played]) -> None:
    recorder, played = short
    again = planned(recorder.settings(), range(SHORT - 1, SHORT))
    for one, other in zip(played, again, strict=True):
        np.testing.assert_array_equal(one[-1], other[0])
    assert not np.array_equal(played.clean[0], played.clean[1])


@pytest.mark.parametrize(("play", "arm"), ALL)
def test_commands_are_smooth(play: str, arm: str) -> None:
    """A command differs from the one before by much less than from any other, which is what makes them a motion."""
    recorder = RecordSettings(play=play, scene=SceneSettings(arm=arm, frames=64, frame_rate=10))()
    commands = planned(recorder, range(6)).clean
    following = np.abs(np.diff(commands, axis=1)).mean()
    any_two = np.abs(commands - np.roll(commands, 30, axis=1)).mean()
    assert following < 0.5 * any_two


@pytest.mark.parametrize(("play", "arm"), ALL)
@pytest.mark.parametrize(("frames", "frame_rate"), [(2, 1.0), (2, 30.0), (64, 10.0), (20, 30.0), (200, 16.0)])
def test_other_times_keep_the_toy_in_view(play: str, arm: str, frames: int, frame_rate: float) -> None:
    recorder = RecordSettings(play=play, scene=SceneSettings(arm=arm, frames=frames, frame_rate=frame_rate))()
    played = planned(recorder, range(3))
    assert played.clean.shape == (3, frames - 1, 7)
    assert_in_view(played.object_poses, recorder.settings.scene.eye.intrinsics(128), 128)
    assert_within_limits(recorder.chain, played, slack=1e-5)
    assert played.limited.mean() < 0.05


@pytest.mark.long
def test_recorded_episodes_keep_the_toy_in_view_and_show_it(long: tuple[Recorder, list[Episode]]) -> None:
    recorder, episodes = long
    played, play = happened(episodes), recorder.settings.play
    assert_in_view(played.object_poses, recorder.settings.scene.eye.intrinsics(64), 64)
    assert_seen_from_many_sides(played.object_poses, play)
    assert_turned(played.object_poses, TURN[play])
    assert_within_limits(recorder.chain, played, slack=0.01)
    visible = np.array([episode.visible for episode in episodes])
    assert (visible >= 0.5).mean() >= 0.95


@pytest.mark.long
def test_plans_foresee_what_happens(long: tuple[Recorder, list[Episode]]) -> None:
    recorder, episodes = long
    foreseen, played = planned(recorder, range(LONG)), happened(episodes)
    assert np.array_equal(foreseen.clean, played.clean)
    missing = poses.relative(foreseen.object_poses, played.object_poses.astype(np.float64))
    assert np.linalg.norm(missing[..., :3], axis=-1).max() < 0.002
    assert np.degrees(poses.angle(missing[..., 3:])).max() < 0.25


def test_an_unknown_policy_is_an_input_error() -> None:
    with pytest.raises(InputError, match="play=juggle: unknown, known are curious, grasp, inspect, push"):
        check_play("juggle")


# Tumble


@pytest.mark.parametrize("arm", sorted(ARMS))
def test_tumbling_keeps_within_a_narrow_last_joint(arm: str) -> None:
    rng = np.random.default_rng(0)
    usual = body(arm, held(rng, "tumble"))
    lower, upper = usual.chain.lower.copy(), usual.chain.upper.copy()
    lower[-1], upper[-1] = usual.home[-1] - 1.0, usual.home[-1] + 1.5
    narrow = usual._replace(chain=replace(usual.chain, lower=lower, upper=upper))
    joints = np.array([joints_of(Tumble()(narrow, 32, 0.2, rng), 0.2) for _ in range(5)])
    last = joints[..., -1]
    assert last.min() >= lower[-1] - 1e-5
    assert last.max() <= upper[-1] + 1e-5
    assert np.ptp(last, axis=1).min() > 1.2
    # No other joint makes up for the sweep that the last one cannot do.
    assert away_from_home(narrow, joints).max() < 0.05


# Turntable


@pytest.mark.parametrize("arm", sorted(ARMS))
def test_a_turntable_turns_about_the_upright_axis_only(arm: str) -> None:
    recorder = RecordSettings(play="turntable", scene=SceneSettings(arm=arm))()
    eye = recorder.settings.scene.eye
    for place in poses.compose(eye.pose, planned(recorder, range(8)).object_poses):
        axes = poses.to_matrix(place[:, 3:])
        assert axes[:, 2, 2].min() > np.cos(np.radians(0.1))
        assert np.linalg.norm(place[:, :3] - eye.target, axis=-1).max() < 1e-4
        # From every side but for what the last joint leaves out: its range is a little less than a whole turn.
        yaw = np.sort(np.arctan2(axes[:, 1, 0], axes[:, 0, 0]))
        assert np.degrees(np.diff(yaw, append=yaw[0] + 2 * np.pi)).max() < 60


def test_a_turntable_holds_upright_and_draws_the_yaw() -> None:
    rng = np.random.default_rng(0)
    axes = poses.to_matrix(np.array([Turntable().hold(rng) for _ in range(800)]))
    np.testing.assert_allclose(axes[:, :, 2], [[0, 0, -1]] * 800, atol=1e-12)
    yaw = np.arctan2(axes[:, 1, 0], axes[:, 0, 0])
    assert chisquare(np.histogram(yaw, bins=8, range=(-np.pi, np.pi))[0]).pvalue > 0.001


def test_a_turntable_draws_where_it_begins_and_which_way_it_turns() -> None:
    rng = np.random.default_rng(0)
    arm = body("kuka", held(rng, "turntable"))
    plans = [Turntable()(arm, 3, 0.05, rng) for _ in range(300)]
    starts = np.array([plan.start[-1] for plan in plans])
    limits = arm.chain.lower[-1], arm.chain.upper[-1]
    assert chisquare(np.histogram(starts, bins=6, range=limits)[0]).pvalue > 0.001
    assert 0.4 < np.mean([plan.clean[0, -1] > 0 for plan in plans]) < 0.6


@pytest.mark.parametrize(("play", "wrong"), [("inspect", "cannot show"), ("turntable", "cannot point down")])
def test_a_home_point_out_of_reach_is_an_input_error(play: str, wrong: str) -> None:
    rng = np.random.default_rng(0)
    far = body("kuka", held(rng, play))._replace(home_point=np.array([3.0, 0.0, 0.4]))
    with pytest.raises(InputError, match=rf"play={play}.*{wrong}.*3\.0, 0\.0, 0\.4"):
        POLICIES[play](far, 5, 0.2, rng)
