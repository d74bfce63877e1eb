"""Action representations: what a pair's action is, as numbers. Computed for whole batches, without a simulator."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from agent.episode import Episode
from sim import poses
from sim.errors import InputError
from sim.kinematics import Chain, forward


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


class Representation(NamedTuple):
    """One way to write an action down."""

    size: Callable[[int], int]
    """Number of joints D -> length A."""
    compute: Callable[[Moments, Moments, Chain], np.ndarray]
    """(moments at t, moments at t', chain) -> float64 [B, A]."""


def moments_of(episode: Episode) -> Moments:
    """The moments of all T frames of an episode."""
    steps = episode.recorded.astype(np.float64) * np.diff(episode.times)[:, None]
    turned = np.concatenate([np.zeros((1, steps.shape[1])), np.cumsum(steps, axis=0)])
    grasp = np.tile(episode.grasp, (len(turned), 1))
    fields = (episode.joints, turned, episode.object_poses, episode.camera_poses, grasp)
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
    into_camera = poses.inverse(first.camera_pose)

    def seen(joints: np.ndarray) -> np.ndarray:
        return poses.compose(into_camera, poses.compose(forward(chain, joints), first.grasp))

    return poses.relative(seen(first.joints), seen(first.joints + second.turned - first.turned))


def command(first: Moments, second: Moments, chain: Chain) -> np.ndarray:
    """The time integral of the recorded commands [B, D], rad; negative where t' comes first."""
    return second.turned - first.turned


def command_and_state(first: Moments, second: Moments, chain: Chain) -> np.ndarray:
    """The integral of the recorded commands beside the joint positions at t [B, 2D], rad."""
    return np.concatenate([command(first, second, chain), first.joints], axis=-1)


def true_pose(first: Moments, second: Moments, chain: Chain) -> np.ndarray:
    """The relative pose that happened [B, 7], camera frame: a control that command noise cannot touch."""
    return poses.relative(first.object_pose, second.object_pose)


REPRESENTATIONS = {
    "efference": Representation(lambda joints: 7, efference),
    "command": Representation(lambda joints: joints, command),
    "command+state": Representation(lambda joints: 2 * joints, command_and_state),
    "pose": Representation(lambda joints: 7, true_pose),
}
