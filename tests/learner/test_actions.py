"""Action representations on episodes of the simulated arm: what commands explain, and what they cannot."""

from __future__ import annotations

from itertools import permutations
from math import lcm

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from agent.corrupted import corrupt_episode, thin_episode
from agent.episode import Episode
from learner.actions import REPRESENTATIONS, Moments, action_error, calibration, moments_of, representation
from sim import poses
from sim.arm import chain_of
from sim.arms import ARMS, arm_spec
from sim.corrupt import TIME_KINDS, Corruption, Timing
from sim.errors import InputError
from tests.learner.episodes import kuka, real_episodes
from tests.references.actions import BulletArm, relative_pose

POSES = ("efference", "pose")
ROTATIONS = {"rotation": "efference", "pose-rotation": "pose"}
"""Representations that keep the rotation of another."""
PAIRS = [(here, there) for here in range(8) for there in range(8)]


def actions(name: str, corrupt: str = "", what: str = "recorded", *, swapped: bool = False) -> np.ndarray:
    """The actions [N, A] of all pairs of four episodes."""
    here, there = np.array(PAIRS).T[:: -1 if swapped else 1]
    found = []
    for episode in real_episodes(4, corrupt, what):
        moments = moments_of(episode)
        ends = moments.at(here), moments.at(there)
        found.append(representation(name).compute(*ends, kuka()))
    return np.concatenate(found)


def apart(one: np.ndarray, two: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Degrees and millimetres between relative poses [N, 7]."""
    turn = poses.multiply(one[:, 3:], poses.conjugate(two[:, 3:]))
    degrees = np.degrees(2 * np.arctan2(np.linalg.norm(turn[:, :3], axis=1), np.abs(turn[:, 3])))
    return degrees, 1000 * np.linalg.norm(one[:, :3] - two[:, :3], axis=1)


def test_efference_is_the_pose_where_nothing_is_corrupted() -> None:
    degrees, millimetres = apart(actions("efference"), actions("pose"))
    assert degrees.max() < 0.5
    assert millimetres.max() < 5
    turned = apart(actions("pose"), np.tile(poses.IDENTITY, (4 * 64, 1)))[0]
    assert np.median(turned) > 20  # or agreement would say little


def test_recorded_corruption_misleads_efference_and_cannot_touch_the_pose() -> None:
    np.testing.assert_array_equal(actions("pose", "gaussian:0.5"), actions("pose"))
    degrees, _ = apart(actions("efference", "gaussian:0.5"), actions("pose", "gaussian:0.5"))
    moved = np.array([here != there for here, there in PAIRS] * 4)
    assert np.median(degrees[moved]) > 5
    assert degrees[~moved].max() < 1e-4


def test_executed_corruption_moves_the_pose_away_from_a_truthful_record() -> None:
    for honest, clean in zip(real_episodes(4, "gaussian:0.5", "executed"), real_episodes(4), strict=True):
        np.testing.assert_array_equal(honest.recorded, clean.clean)
        assert np.abs(honest.executed - honest.recorded).mean() > 0.1
    degrees, _ = apart(actions("efference", "gaussian:0.5", "executed"), actions("pose", "gaussian:0.5", "executed"))
    moved = np.array([here != there for here, there in PAIRS] * 4)
    assert np.median(degrees[moved]) > 5


def test_shuffled_commands_are_those_of_another_episode() -> None:
    degrees, _ = apart(actions("efference", "shuffled"), actions("pose"))
    moved = np.array([here != there for here, there in PAIRS] * 4)
    assert np.median(degrees[moved]) > 20


def test_swapping_the_frames_inverts_the_action() -> None:
    np.testing.assert_array_equal(actions("command", swapped=True), -actions("command"))
    there, back = actions("pose"), actions("pose", swapped=True)
    np.testing.assert_allclose(back[:, :3], -there[:, :3], atol=1e-12)
    undone = poses.multiply(back[:, 3:], there[:, 3:])
    np.testing.assert_allclose(np.abs(undone[:, 3]), 1, atol=1e-6)
    there, back = actions("efference"), actions("efference", swapped=True)
    inverted = np.concatenate([-back[:, :3], poses.conjugate(back[:, 3:])], axis=1)
    degrees, millimetres = apart(inverted, there)  # begun at other measured joints, so equal to tracking errors only
    assert degrees.max() < 0.5
    assert millimetres.max() < 5


def test_no_action_between_a_frame_and_itself() -> None:
    same = np.array([here == there for here, there in PAIRS] * 4)
    for name in POSES:
        degrees, millimetres = apart(actions(name)[same], np.tile(poses.IDENTITY, (same.sum(), 1)))
        assert degrees.max() < 1e-4
        assert millimetres.max() < 1e-4
    assert not actions("command")[same].any()
    for name in ROTATIONS:
        np.testing.assert_allclose(actions(name)[same], np.tile(np.eye(3).ravel(), (same.sum(), 1)), atol=1e-6)


@pytest.mark.parametrize("name", sorted(REPRESENTATIONS))
def test_length_is_as_announced_and_rotations_are_on_one_side(name: str) -> None:
    found = actions(name)
    assert found.shape == (4 * 64, representation(name).size(7))
    if name in POSES:
        assert (found[:, 6] >= 0).all()
        np.testing.assert_allclose(np.linalg.norm(found[:, 3:], axis=1), 1, atol=1e-6)


def test_commands_and_state_are_the_commands_beside_the_joints() -> None:
    both = actions("command+state")
    np.testing.assert_array_equal(both[:, :7], actions("command"))
    joints = np.concatenate([episode.joints[[here for here, _ in PAIRS]] for episode in real_episodes(4)])
    np.testing.assert_array_equal(both[:, 7:], joints)


@pytest.mark.parametrize("name", ROTATIONS)
def test_a_rotation_is_the_matrix_row_by_row_of_the_quaternion(name: str) -> None:
    quaternions = actions(ROTATIONS[name])[:, 3:]
    np.testing.assert_allclose(actions(name).reshape(-1, 3, 3), Rotation.from_quat(quaternions).as_matrix(), atol=1e-6)


def random_poses(count: int, rng: np.random.Generator) -> np.ndarray:
    return np.concatenate([rng.uniform(-1, 1, (count, 3)), Rotation.random(count, rng).as_quat()], axis=1)


@pytest.mark.parametrize("arm_name", sorted(ARMS))
def test_efference_equals_pybullets_kinematics_anywhere(arm_name: str) -> None:
    """Between random postures, seen from random places, with random grasps: far from all that play comes by."""
    count, rng, chain = 300, np.random.default_rng(0), chain_of(arm_spec(arm_name))
    start, end = rng.uniform(chain.lower, chain.upper, (2, count, chain.joints))
    offset = rng.uniform(-3, 3, (count, chain.joints))
    camera, grasp = random_poses(count, rng), random_poses(count, rng)
    times = rng.uniform(0, 6, (2, count))
    first = Moments(start, offset, random_poses(count, rng), camera, grasp, times[0])
    others = [random_poses(count, rng)] * 3
    second = Moments(rng.uniform(-1, 1, start.shape), offset + end - start, *others, times[1])
    told, arm = representation("efference").compute(first, second, chain), BulletArm(arm_name)
    for row in range(count):
        wanted = arm.seen_motion(start[row], end[row], camera=camera[row], grasp=grasp[row])
        np.testing.assert_allclose(told[row, :3], wanted[:3], rtol=0, atol=1e-5)
        # Half a turn may be told with either sign.
        assert abs(told[row, 3:] @ wanted[3:]) == pytest.approx(1, abs=1e-9)
        assert told[row, 6] == pytest.approx(wanted[6], abs=1e-5)
    arm.close()


def test_the_gap_is_the_time_and_nothing_else() -> None:
    intervals = np.array([there - here for here, there in PAIRS] * 4)[:, None]
    np.testing.assert_allclose(actions("gap"), 0.2 * intervals, atol=1e-9)
    np.testing.assert_array_equal(actions("gap", "gaussian:0.5"), actions("gap"))


# What a body knows of its own motors


def ridge_by_lstsq(told: np.ndarray, turned: np.ndarray) -> np.ndarray:
    """Gain and bias of one joint: the prior is four intervals each whose products with the told speed are known."""
    rows = np.stack([told, np.ones_like(told)], axis=1)
    prior = np.diag([np.sqrt(4) * 0.5, np.sqrt(4)])
    wanted = np.concatenate([turned, prior @ [1.0, 0.0]])
    return np.linalg.lstsq(np.concatenate([rows, prior]), wanted, rcond=None)[0]


def test_calibration_is_ridge_regression_on_the_past() -> None:
    rng = np.random.default_rng(0)
    times = np.cumsum(rng.uniform(0.1, 0.3, 9))
    told = rng.normal(0, 1, (8, 3))
    summed = np.concatenate([np.zeros((1, 3)), np.cumsum(told * np.diff(times)[:, None], axis=0)])
    joints = np.cumsum(rng.normal(0, 0.1, (9, 3)), axis=0)
    gain, bias = calibration(summed, joints, times)
    turned = np.diff(joints, axis=0) / np.diff(times)[:, None]
    for frame in range(9):
        for joint in range(3):
            wanted = ridge_by_lstsq(told[:frame, joint], turned[:frame, joint])
            np.testing.assert_allclose([gain[frame, joint], bias[frame, joint]], wanted, atol=1e-9)
    np.testing.assert_array_equal([gain[0], bias[0]], [[1.0] * 3, [0.0] * 3])


def errors(name: str, corrupt: str) -> np.ndarray:
    """Degrees between what is told and what happened, of pairs four frames and more into an episode."""
    late = np.array([min(pair) >= 4 and pair[0] != pair[1] for pair in PAIRS] * 4)
    told, true = (actions(each, corrupt).reshape(-1, 3, 3) for each in (name, "pose-rotation"))
    return np.degrees((Rotation.from_matrix(told) * Rotation.from_matrix(true).inv()).magnitude())[late]


@pytest.mark.parametrize("corrupt", ["bias:0.5", "flipped:0.5", "gaussian:1", "shuffled:1"])
def test_calibrated_commands_are_less_wrong(corrupt: str) -> None:
    plain, calibrated = errors("rotation", corrupt), errors("calibrated-rotation", corrupt)
    assert np.median(calibrated) < 0.6 * np.median(plain)


def test_right_commands_stay_right_when_calibrated() -> None:
    assert np.median(errors("calibrated-rotation", "")) < 2


# Mirrors

MIRROR = np.diag([-1.0, 1.0, 1.0])


def mirrored(name: str, found: np.ndarray) -> np.ndarray:
    mirror = representation(name).mirror
    assert mirror is not None
    return mirror(torch.from_numpy(found)).numpy()


@pytest.mark.parametrize("name", [*POSES, *ROTATIONS])
def test_the_mirror_of_a_motion_by_matrices(name: str) -> None:
    found = actions(name)
    image = mirrored(name, found)
    if name in POSES:
        np.testing.assert_allclose(image[:, :3], found[:, :3] @ MIRROR, atol=1e-12)
        before, after = (Rotation.from_quat(each[:, 3:]).as_matrix() for each in (found, image))
        assert (image[:, 6] >= 0).all()
    else:
        before, after = (each.reshape(-1, 3, 3) for each in (found, image))
    np.testing.assert_allclose(after, MIRROR @ before @ MIRROR, atol=1e-12)
    np.testing.assert_array_equal(mirrored(name, image), found)


@pytest.mark.parametrize("name", ["pose", "pose-rotation"])
def test_the_mirrored_action_is_the_action_of_the_mirrored_world(name: str) -> None:
    rng = np.random.default_rng(0)
    here, there = random_poses(100, rng), random_poses(100, rng)

    def told(*ends: np.ndarray) -> np.ndarray:
        nothing = np.empty((100, 0))
        moments = [Moments(nothing, nothing, end, *[nothing] * 3) for end in ends]
        return representation(name).compute(moments[0], moments[1], kuka())

    def reflected(pose: np.ndarray) -> np.ndarray:
        turned = Rotation.from_matrix(MIRROR @ Rotation.from_quat(pose[:, 3:]).as_matrix() @ MIRROR)
        return np.concatenate([pose[:, :3] @ MIRROR, turned.as_quat()], axis=1)

    np.testing.assert_allclose(mirrored(name, told(here, there)), told(reflected(here), reflected(there)), atol=1e-12)


def test_commands_have_no_mirror() -> None:
    without = {name for name, each in REPRESENTATIONS.items() if each.mirror is None}
    assert without == {"command", "command+state"}


def test_an_unknown_representation_is_refused_by_name() -> None:
    with pytest.raises(
        InputError, match="action=telepathy: unknown, known are calibrated-rotation, command, command\\+state, eff"
    ):
        representation("telepathy")


# One scale for all corruption


def corrupted(text: str) -> list[Episode]:
    """Eight episodes told wrongly: `KIND:LEVEL` of commands, or of time with what is told."""
    whole = {episode.number: episode for episode in real_episodes(8)}
    kind = text.partition(":")[0]
    if kind in TIME_KINDS:
        timing = Timing.parse(*text.split())  # type: ignore[arg-type]
        return [thin_episode(episode, timing, seed=0) for episode in whole.values()]
    clean = {number: episode.clean for number, episode in whole.items()}
    return [
        corrupt_episode(episode, Corruption.parse(text), seed=0, other=clean.__getitem__, exists=clean.__contains__)
        for episode in whole.values()
    ]


def test_the_error_against_a_loop_over_pairs() -> None:
    """With the arm's own kinematics, scipy's rotations, and repetition for the weight of shorter episodes."""
    arm, chain = BulletArm("kuka"), kuka()
    reach = sum(np.linalg.norm(origin[:3]) for origin in chain.origins) + np.linalg.norm(chain.hand[:3])
    episodes = [thin_episode(episode, Timing("missing", 0.5), seed=3) for episode in corrupted("bias:0.3")]
    assert len({len(episode.frames) for episode in episodes}) > 2
    rows: list[tuple[float, float, float, float]] = []
    for episode in episodes:
        where, here = episode.object_poses.astype(np.float64), []
        for a, b in permutations(range(len(where)), 2):
            told, true = arm.efference(episode, a, b), relative_pose(where[a], where[b])
            turned, wanted = Rotation.from_quat(told[3:]), Rotation.from_quat(true[3:])
            apart, moved = np.linalg.norm(told[:3] - true[:3]), np.linalg.norm(true[:3])
            here.append(((turned * wanted.inv()).magnitude(), float(apart), wanted.magnitude(), float(moved)))
        rows += here * (lcm(*(n * (n - 1) for n in range(2, 9))) // len(here))
    turn, apart, wanted, moved = np.array(rows).T
    found = action_error(episodes, chain)
    wrong, right = np.mean(turn**2 + (apart / reach) ** 2), np.mean(wanted**2 + (moved / reach) ** 2)
    assert found.relative == pytest.approx(np.sqrt(wrong / right), rel=1e-4)
    for median, sizes in ((found.rotation_degrees, np.degrees(turn)), (found.translation_mm, 1000 * apart)):
        assert np.mean(sizes < median * (1 - 1e-4)) <= 0.5 <= np.mean(sizes <= median * (1 + 1e-4))
    arm.close()


def test_the_scale_runs_from_told_exactly_to_told_nothing() -> None:
    honest = action_error(real_episodes(8), kuka())
    assert honest.relative < 0.01
    assert honest.rotation_degrees < 0.1
    assert honest.translation_mm < 1
    nothing = [episode._replace(recorded=np.zeros_like(episode.clean)) for episode in real_episodes(8)]
    assert action_error(nothing, kuka()).relative == pytest.approx(1, abs=1e-6)
    assert 0.8 < action_error(corrupted("shuffled:1"), kuka()).relative < 1.4


@pytest.mark.parametrize(
    ("kind", "levels"),
    [
        ("gaussian", (0.05, 0.2, 0.8)),
        ("bias", (0.05, 0.2, 0.5)),
        ("drift", (0.05, 0.2, 0.8)),
        ("dropped", (0.1, 0.4, 0.9)),
        ("delayed", (1, 2, 4)),
        ("shuffled", (0.1, 0.6, 1.0)),
        ("missing", (0.2, 0.5, 0.9)),
    ],
)
def test_more_corruption_is_more_error(kind: str, levels: tuple[float, ...]) -> None:
    found = [action_error(corrupted(f"{kind}:{level}"), kuka()) for level in levels]
    assert 0.02 < found[0].relative < found[1].relative < found[2].relative < 1.5
    assert found[0].rotation_degrees < found[2].rotation_degrees


def test_who_is_told_the_true_times_makes_no_error() -> None:
    for text in ("missing:0.5 true", "uneven:3 true"):
        assert action_error(corrupted(text), kuka()).relative < 0.01
    assert action_error(corrupted("uneven:3"), kuka()).relative > 0.3


def test_wrongly_executed_commands_are_an_error_too() -> None:
    found = action_error(real_episodes(4, "gaussian:0.5", "executed"), kuka())
    assert 0.1 < found.relative < 1.2
    assert found.rotation_degrees > 5


def test_the_error_is_of_the_action_that_is_told() -> None:
    wrong = corrupted("bias:0.5")
    names = ("efference", "rotation", "calibrated-rotation", "pose-rotation")
    found = {name: action_error(wrong, kuka(), action=name).relative for name in names}
    assert found["rotation"] == found["efference"] == action_error(wrong, kuka()).relative
    assert found["calibrated-rotation"] < 0.85 * found["rotation"]
    assert found["pose-rotation"] == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("name", [name for name, each in REPRESENTATIONS.items() if each.turn and each.pose])
def test_an_action_turns_as_the_pose_behind_it(name: str) -> None:
    found, moments = REPRESENTATIONS[name], moments_of(corrupted("bias:0.5")[0])
    pairs = moments.at(np.array([0, 5, 3])), moments.at(np.array([6, 2, 7]))
    assert found.turn is not None
    assert found.pose is not None
    turned, behind = found.turn(found.compute(*pairs, kuka())), found.pose(*pairs, kuka())[:, 3:]
    np.testing.assert_allclose(np.abs((turned * behind).sum(axis=1)), 1, atol=1e-6)


def test_there_is_no_error_of_nothing() -> None:
    with pytest.raises(InputError, match="0 episodes: at least 1 is needed"):
        action_error([], kuka())


def test_told_of_motion_where_nothing_moved() -> None:
    told = real_episodes(1)[0]
    still = told._replace(object_poses=np.tile(told.object_poses[:1], (8, 1)))
    assert action_error([still], kuka()).relative == np.inf
