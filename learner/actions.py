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
DOUBTS, USUAL_SPEED = 4.0, 0.5
"""Intervals, and rad/s, of which a body takes its commands to be right before it has moved."""


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
    gain: np.ndarray | None = None
    """[B, D]: how fast each joint turned until then, for the speed that was recorded (`calibration`); None where the
    representation has no use for it."""
    bias: np.ndarray | None = None
    """[B, D] rad/s: how fast it turned at a recorded speed of 0."""

    def at(self, rows: np.ndarray) -> Moments:
        """Some of the moments, by their rows."""
        return Moments(*(None if field is None else field[rows] for field in self))  # type: ignore[arg-type]


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
    calibrated: bool = False
    """Moments need gain and bias."""
    pose: Callable[[Moments, Moments, Chain], np.ndarray] | None = None
    """As `compute`, the relative pose [B, 7] that it tells, or tells a part of; None: it is `efference`, whatever is
    written down of it."""


class ActionError(NamedTuple):
    """How far the action that the learner is told is from what happened to the object."""

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
    gain, bias = calibration(turned, episode.joints, episode.times)
    return Moments(*(field.astype(np.float64) for field in fields))._replace(gain=gain, bias=bias)


def calibration(turned: np.ndarray, joints: np.ndarray, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Gain and bias [..., T, D] of each joint at each of T frames: the speeds that it was told to have, as `turned`
    [..., T, D] sums them up, against those that the positions [..., T, D] until that frame show, by ridge regression
    towards gain 1 and bias 0; `times` [..., T].

    What a body can know of its own motors: nothing from after a frame is used for it. The prior weighs as much as
    `DOUBTS` intervals at `USUAL_SPEED` whose commands were right.
    """
    interval = np.diff(times)[..., None]
    told, shown = (np.diff(values.astype(np.float64), axis=-2) / interval for values in (turned, joints))

    def until(values: np.ndarray, prior: float) -> np.ndarray:
        return prior + np.concatenate([np.zeros_like(values[..., :1, :]), np.cumsum(values, axis=-2)], axis=-2)

    count = until(np.ones_like(told), DOUBTS)
    sum_told, squares = until(told, 0.0), until(told**2, DOUBTS * USUAL_SPEED**2)
    sum_shown, products = until(shown, 0.0), until(told * shown, DOUBTS * USUAL_SPEED**2)
    gain = (count * products - sum_told * sum_shown) / (count * squares - sum_told**2)
    return gain, (sum_shown - gain * sum_told) / count


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


def calibrated_rotation(first: Moments, second: Moments, chain: Chain) -> np.ndarray:
    """`rotation` [B, 9] by the commands as the body knows them: with the gain and bias that each joint has shown until
    the earlier of both moments (`calibration`). A remedy for motors and records that are wrong in a lasting way, and
    for noise, which it damps; it uses no position from after that moment but the one where the motion begins."""
    return _moved(first, _calibrated(first, second), chain)[0].reshape(-1, 9)


def calibrated_efference(first: Moments, second: Moments, chain: Chain) -> np.ndarray:
    """The relative pose [B, 7] whose rotation is `calibrated_rotation`."""
    turn, shift = _moved(first, _calibrated(first, second), chain)
    return np.concatenate([shift, poses.from_matrix(turn)], axis=-1)


def _calibrated(first: Moments, second: Moments) -> np.ndarray:
    """What the joints are known to have turned by [B, D], rad."""
    forward = (first.time <= second.time)[:, None]
    known = [(moment.gain, moment.bias) for moment in (first, second)]
    assert all(values is not None for each in known for values in each)
    gain, bias = (np.where(forward, *map(np.asarray, ends)) for ends in zip(*known, strict=True))
    return gain * (second.turned - first.turned) + bias * (second.time - first.time)[:, None]


def _commanded(first: Moments, second: Moments, chain: Chain) -> tuple[np.ndarray, np.ndarray]:
    """As `_moved`, by the recorded commands."""
    return _moved(first, second.turned - first.turned, chain)


def _moved(first: Moments, turned: np.ndarray, chain: Chain) -> tuple[np.ndarray, np.ndarray]:
    """Rotation matrix [B, 3, 3] and translation [B, 3], in the camera frame, of the object's relative pose where the
    joints turn by `turned` [B, D] rad."""
    hands = hand_frames(chain, np.stack([first.joints, first.joints + turned]))
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


def action_error(episodes: Iterable[Episode], chain: Chain, *, action: str = "efference") -> ActionError:
    """The error over all pairs t' != t of each episode; each episode counts as much, whatever its length.

    It is of the relative pose that stands behind the representation `action` (`Representation.pose`).

    `relative` is the root mean square of the error as a share of that of the true motion. Both are sizes of a relative
    pose: the angle in rad of the rotation (for the error: told after the inverse of the true one) and the translation
    as the angle by which the arm, stretched out, would turn to move its hand that far, so that an error of a joint
    weighs about as much in both. Scaling each part by its own true motion would not do: play that keeps the object in
    place moves it by millimetres.
    It is infinite where the object never moved. Raises InputError for no episodes, and for an unknown action.
    """
    errors, truths, weights = [], [], []
    tells = representation(action).pose or efference
    for episode in episodes:
        moments, count = moments_of(episode), len(episode.frames)
        here, there = np.nonzero(~np.eye(count, dtype=bool))
        first, second = moments.at(here), moments.at(there)
        told, true = tells(first, second, chain), true_pose(first, second, chain)
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
    "calibrated-rotation": Representation(
        lambda joints: 9,
        calibrated_rotation,
        _mirror_rotation,
        _turn_of_rotation,
        calibrated=True,
        pose=calibrated_efference,
    ),
    "command": Representation(lambda joints: joints, command, None),
    "command+state": Representation(lambda joints: 2 * joints, command_and_state, None),
    "pose": Representation(lambda joints: 7, true_pose, _mirror_pose, _turn_of_pose, pose=true_pose),
    "pose-rotation": Representation(
        lambda joints: 9, true_rotation, _mirror_rotation, _turn_of_rotation, pose=true_pose
    ),
    "gap": Representation(lambda joints: 1, gap, _by_signs(1)),
}
