"""Action representations: what a pair's action is, as numbers. Computed for whole batches, without a simulator."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np
import torch

from agent.episode import Episode
from sim import poses
from sim.errors import InputError
from sim.kinematics import Chain, hand_frames

Mirror = Callable[[torch.Tensor], torch.Tensor]


class Moments(NamedTuple):
    """What is known of one end of each of B pairs. All float64."""

    joints: np.ndarray
    """[B, D] rad: measured joint positions."""
    turned: np.ndarray
    """[B, D] rad: time integral of the recorded commands since the episode's first frame."""
    object_pose: np.ndarray
    """[B, 7]: the object in the camera frame."""
    camera_pose: np.ndarray
    """[B, 7]: the camera in the base frame."""
    grasp: np.ndarray
    """[B, 7]: the object in the hand frame."""
    time: np.ndarray
    """[B] s: since the episode's first frame."""


class Representation(NamedTuple):
    """One way to write an action down."""

    size: Callable[[int], int]
    """Number of joints D -> length A."""
    compute: Callable[[Moments, Moments, Chain], np.ndarray]
    """(moments at t, moments at t', chain) -> float64 [B, A]."""
    mirror: Mirror | None
    """Actions [B, A] -> those of the same motion seen in a mirror, left to right; None where there is no such action:
    the mirror image of an arm is another arm."""
    turn: Callable[[np.ndarray], np.ndarray] | None = None
    """Actions [B, A] -> the rotations that they tell, quaternions [B, 4] in the camera frame; None where they tell
    none."""


class ActionError(NamedTuple):
    """How far the action that the learner is told, `efference`, is from what happened to the object."""

    relative: float
    """0: told exactly. 1: as far off as who takes every action for none; above: worse than not being told."""
    rotation_degrees: float
    """Median angle between the rotation told and the true one."""
    translation_mm: float
    """Median distance between the translation told and the true one."""

    def __str__(self) -> str:
        return (
            f"what is told of an action is wrong by {100 * self.relative:.0f} % of it "
            f"({self.rotation_degrees:.0f} degrees and {self.translation_mm:.0f} mm in the median)"
        )


def moments_of(episode: Episode) -> Moments:
    """The moments of all T frames of an episode."""
    steps = episode.recorded.astype(np.float64) * np.diff(episode.times)[:, None]
    turned = np.concatenate([np.zeros((1, steps.shape[1])), np.cumsum(steps, axis=0)])
    grasp = np.tile(episode.grasp, (len(turned), 1))
    fields = (episode.joints, turned, episode.object_poses, episode.camera_poses, grasp, episode.times)
    return Moments(*(field.astype(np.float64) for field in fields))


def representation(name: str) -> Representation:
    """The representation called `name`. Raises InputError for an unknown one."""
    if name not in REPRESENTATIONS:
        raise InputError(f"action={name}: unknown, known are {', '.join(sorted(REPRESENTATIONS))}")
    return REPRESENTATIONS[name]


def efference(first: Moments, second: Moments, chain: Chain) -> np.ndarray:
    """The relative pose [B, 7] that the recorded commands should have caused: forward kinematics, camera frame.

    Right when nothing is corrupted; wrong in the way a misled body is wrong when commands are.
    """
    turn, shift = _commanded(first, second, chain)
    return np.concatenate([shift, poses.from_matrix(turn)], axis=-1)


def rotation(first: Moments, second: Moments, chain: Chain) -> np.ndarray:
    """The rotation matrix of `efference` [B, 9], row by row: no sign seam, and no translation, which crops destroy."""
    return _commanded(first, second, chain)[0].reshape(-1, 9)


def _commanded(first: Moments, second: Moments, chain: Chain) -> tuple[np.ndarray, np.ndarray]:
    """Rotation matrix [B, 3, 3] and translation [B, 3] of the relative pose that the commands should have caused."""
    hands = hand_frames(chain, np.stack([first.joints, first.joints + second.turned - first.turned]))
    rotations = hands[..., :3, :3]
    places = hands[..., :3, 3] + (rotations @ first.grasp[:, :3, None])[..., 0]
    look = poses.to_matrix(first.camera_pose[:, 3:])
    into_camera = look.swapaxes(1, 2)
    turn = into_camera @ rotations[1] @ rotations[0].swapaxes(1, 2) @ look
    return turn, (into_camera @ (places[1] - places[0])[:, :, None])[..., 0]


def command(first: Moments, second: Moments, chain: Chain) -> np.ndarray:
    """The time integral of the recorded commands [B, D], rad; negative where t' comes first."""
    return second.turned - first.turned


def command_and_state(first: Moments, second: Moments, chain: Chain) -> np.ndarray:
    """The integral of the recorded commands beside the joint positions at t [B, 2D], rad."""
    return np.concatenate([command(first, second, chain), first.joints], axis=-1)


def true_pose(first: Moments, second: Moments, chain: Chain) -> np.ndarray:
    """The relative pose that happened [B, 7], camera frame: a control that command noise cannot touch."""
    return poses.relative(first.object_pose, second.object_pose)


def true_rotation(first: Moments, second: Moments, chain: Chain) -> np.ndarray:
    """The rotation matrix of `true_pose` [B, 9], row by row."""
    return poses.to_matrix(true_pose(first, second, chain)[:, 3:]).reshape(-1, 9)


def gap(first: Moments, second: Moments, chain: Chain) -> np.ndarray:
    """The time from t to t' [B, 1], s: a control of what is known without knowing what was done."""
    return (second.time - first.time)[:, None]


def action_error(episodes: Iterable[Episode], chain: Chain) -> ActionError:
    """The error over all pairs t' != t of each episode; each episode counts as much, whatever its length.

    `relative` is the root mean square of the error as a share of that of the true motion. Both are sizes of a relative
    pose: the angle in rad of the rotation (for the error: told after the inverse of the true one) and the translation
    as the angle by which the arm, stretched out, would turn to move its hand that far, so that an error of a joint
    weighs about as much in both. Scaling each part by its own true motion would not do: play that keeps the object in
    place moves it by millimetres.
    It is infinite where the object never moved. Raises InputError for no episodes.
    """
    errors, truths, weights = [], [], []
    for episode in episodes:
        moments, count = moments_of(episode), len(episode.frames)
        here, there = np.nonzero(~np.eye(count, dtype=bool))
        first, second = (Moments(*(field[at] for field in moments)) for at in (here, there))
        told, true = efference(first, second, chain), true_pose(first, second, chain)
        errors.append(_sizes(np.concatenate([told[:, :3] - true[:, :3], _difference(told, true)], axis=1)))
        truths.append(_sizes(true))
        weights.append(np.full(len(here), 1 / len(here)))
    if not errors:
        raise InputError("0 episodes: at least 1 is needed, or there is no action to be wrong about")
    error, truth, weight = np.concatenate(errors), np.concatenate(truths), np.concatenate(weights)
    reach = np.linalg.norm(chain.origins[:, :3], axis=1).sum() + np.linalg.norm(chain.hand[:3])
    wrong, right = ((sizes / [1.0, reach]) ** 2 for sizes in (error, truth))
    off, scale = (np.average(squares.sum(axis=1), weights=weight) for squares in (wrong, right))
    relative = np.sqrt(off / scale) if scale else np.inf
    rotation, translation = (_weighted_median(column, weight) for column in error.T)
    return ActionError(float(relative), float(np.degrees(rotation)), 1000 * translation)


def _difference(told: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Quaternions [N, 4] of the rotations told after the inverse of the true ones."""
    return poses.multiply(told[:, 3:], poses.conjugate(true[:, 3:]))


def _sizes(motion: np.ndarray) -> np.ndarray:
    """Angle in rad and distance in m [N, 2] of relative poses [N, 7]."""
    return np.stack([poses.angle(motion[:, 3:]), np.linalg.norm(motion[:, :3], axis=1)], axis=1)


def _weighted_median(values: np.ndarray, weights: np.ndarray) -> float:
    order = np.argsort(values)
    sums = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(sums, sums[-1] / 2)])


def _by_signs(*signs: int) -> Mirror:
    """Mirrors actions [B, A] by changing the sign of some components."""

    def mirror(actions: torch.Tensor) -> torch.Tensor:
        return actions * actions.new_tensor(signs)

    return mirror


# With x to the right, a mirror M = diag(-1, 1, 1) makes M p of a translation p, and M R M of a rotation R.
_mirror_pose = _by_signs(-1, 1, 1, 1, -1, -1, 1)
_mirror_rotation = _by_signs(1, -1, -1, -1, 1, 1, -1, 1, 1)


def _turn_of_pose(actions: np.ndarray) -> np.ndarray:
    return actions[:, 3:]


def _turn_of_rotation(actions: np.ndarray) -> np.ndarray:
    return poses.from_matrix(actions.reshape(-1, 3, 3))


REPRESENTATIONS = {
    "efference": Representation(lambda joints: 7, efference, _mirror_pose, _turn_of_pose),
    "rotation": Representation(lambda joints: 9, rotation, _mirror_rotation, _turn_of_rotation),
    "command": Representation(lambda joints: joints, command, None),
    "command+state": Representation(lambda joints: 2 * joints, command_and_state, None),
    "pose": Representation(lambda joints: 7, true_pose, _mirror_pose, _turn_of_pose),
    "pose-rotation": Representation(lambda joints: 9, true_rotation, _mirror_rotation, _turn_of_rotation),
    "gap": Representation(lambda joints: 1, gap, _by_signs(1)),
}
