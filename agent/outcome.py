"""What became of an object in an episode, and how often that is what the hand did: both follow from stored poses."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from agent.episode import Episode
from sim import poses
from sim.errors import InputError
from sim.kinematics import Chain, forward

LIFTED, HELD = 0.05, 2.0
"""An object is grasped that is this far above where it stood (m) for as long (s)."""
PUSHED, TURNED = 0.02, 20.0
"""An object is moved whose last place is that far from its first (m), or that is turned so far (degrees)."""
TOPPLED = 45.0
"""Least tilt of an object that was toppled, degrees."""
NEAR, ALIKE = 0.01, 10.0
"""Hand and object moved alike where their relative poses differ by at most so much (m and degrees)."""


class Outcome(NamedTuple):
    """What became of the object of one episode."""

    moved: bool
    """It is elsewhere at the end, or turned."""
    toppled: bool
    """It is tilted at the end."""
    grasped: bool
    """It was lifted and held."""
    fell: bool
    """It fell off the table, which ended the episode."""


def outcome(episode: Episode) -> Outcome:
    """From the poses of object and camera."""
    at = poses.compose(episode.camera_poses.astype(np.float64), episode.object_poses.astype(np.float64))
    way = poses.relative(at[0], at[-1])
    up = poses.rotate(way[3:], np.array([0.0, 0.0, 1.0]))[2]
    high = at[:, 2] - at[0, 2] > LIFTED
    # A frame counts for the time until the next one.
    held = float(np.diff(episode.times)[high[:-1]].sum())
    return Outcome(
        moved=bool(np.linalg.norm(way[:3]) > PUSHED or np.degrees(poses.angle(way[3:])) > TURNED),
        toppled=bool(up < np.cos(np.radians(TOPPLED))),
        grasped=held >= HELD - 1e-6,
        fell=bool(at[-1, 2] < -LIFTED),
    )


def agreement(episode: Episode, chain: Chain) -> float:
    """The share in [0, 1] of the pairs t != t' in which `efference`, what the recorded commands should have done to the
    hand, is within 1 cm and 10 degrees of `pose`, what happened to the object. In the hand it is 1 but for corruption.

    Raises InputError for an episode of another arm than `chain`.
    """
    if {episode.joints.shape[1], episode.recorded.shape[1]} != {chain.joints}:
        counts = f"{episode.joints.shape[1]} joints and {episode.recorded.shape[1]} commands a frame"
        whole = f"episode {episode.number}: {counts}, the arm of its dataset has {chain.joints}"
        raise InputError(f"{whole}; restore the shard, or dataset.json")
    steps = episode.recorded.astype(np.float64) * np.diff(episode.times)[:, None]
    turned = np.concatenate([np.zeros((1, steps.shape[1])), np.cumsum(steps, axis=0)])
    first, second = np.nonzero(~np.eye(len(turned), dtype=bool))
    joints = episode.joints.astype(np.float64)
    grasp, camera = episode.grasp.astype(np.float64), poses.inverse(episode.camera_poses.astype(np.float64))
    start, end = (
        poses.compose(camera[first], poses.compose(forward(chain, there), grasp))
        for there in (joints[first], joints[first] + turned[second] - turned[first])
    )
    seen = episode.object_poses.astype(np.float64)
    told, happened = poses.relative(start, end), poses.relative(seen[first], seen[second])
    apart = np.linalg.norm(told[:, :3] - happened[:, :3], axis=-1)
    beside = np.degrees(poses.angle(poses.multiply(told[:, 3:], poses.conjugate(happened[:, 3:]))))
    return float(((apart <= NEAR) & (beside <= ALIKE)).mean())
