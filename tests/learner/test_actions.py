"""Action representations on episodes of the simulated arm: what commands explain, and what they cannot."""

from __future__ import annotations

import numpy as np
import pytest

from learner.actions import REPRESENTATIONS, Moments, moments_of, representation
from sim import poses
from sim.errors import InputError
from tests.learner.episodes import kuka, real_episodes

PAIRS = [(here, there) for here in range(8) for there in range(8)]


def actions(name: str, corrupt: str = "", what: str = "recorded", *, swapped: bool = False) -> np.ndarray:
    """The actions [N, A] of all pairs of four episodes."""
    here, there = np.array(PAIRS).T[:: -1 if swapped else 1]
    found = []
    for episode in real_episodes(4, corrupt, what):
        moments = moments_of(episode)
        ends = [Moments(*(field[index] for field in moments)) for index in (here, there)]
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
    for name in ("efference", "pose"):
        degrees, millimetres = apart(actions(name)[same], np.tile(poses.IDENTITY, (same.sum(), 1)))
        assert degrees.max() < 1e-4
        assert millimetres.max() < 1e-4
    assert not actions("command")[same].any()


@pytest.mark.parametrize("name", sorted(REPRESENTATIONS))
def test_length_is_as_announced_and_rotations_are_on_one_side(name: str) -> None:
    found = actions(name)
    assert found.shape == (4 * 64, representation(name).size(7))
    if name in ("efference", "pose"):
        assert (found[:, 6] >= 0).all()
        np.testing.assert_allclose(np.linalg.norm(found[:, 3:], axis=1), 1, atol=1e-6)


def test_commands_and_state_are_the_commands_beside_the_joints() -> None:
    both = actions("command+state")
    np.testing.assert_array_equal(both[:, :7], actions("command"))
    joints = np.concatenate([episode.joints[[here for here, _ in PAIRS]] for episode in real_episodes(4)])
    np.testing.assert_array_equal(both[:, 7:], joints)


def test_an_unknown_representation_is_refused_by_name() -> None:
    with pytest.raises(InputError, match="action=telepathy: unknown, known are command, command\\+state, eff"):
        representation("telepathy")
