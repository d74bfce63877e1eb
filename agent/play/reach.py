"""What play on the table is given, and the way from points in space to commands: inverse kinematics, frame by frame."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np

from agent.play.policy import Plan, follow
from sim import poses
from sim.kinematics import Chain, hand_frames, inverse, reach

_DOWN = np.array([0.0, 0.0, -1.0])


class Stand(NamedTuple):
    """What a policy knows of the arm and of the object that stands before it. Lengths in m, in the base frame."""

    chain: Chain
    home: np.ndarray
    """float64 [D] rad: a posture above the table; where there is a gripper, its opening is last."""
    tip: float
    """From the hand frame to what of the arm is furthest out, along the hand's axis."""
    gripper: bool
    hull: np.ndarray
    """float64 [N, 3]: corners of the object's convex hull, as it stands."""
    center: np.ndarray
    """float64 [3]: the object's centre of mass."""

    @property
    def height(self) -> float:
        """Of the object's highest point above the table."""
        return float(self.hull[:, 2].max())

    def top(self, share: float) -> np.ndarray:
        """The middle [2] of the hull's corners that are higher than that share of its height."""
        return self.hull[self.hull[:, 2] > share * self.height, :2].mean(axis=0)


class TablePolicy(Protocol):
    """How the arm acts on what stands before it. A new one is a file beside this one and a line in `TABLE_POLICIES`."""

    grips: bool
    """Whether it takes an arm with a gripper."""

    def __call__(self, stand: Stand, frames: int, interval: float, rng: np.random.Generator) -> Plan:
        """Plan `frames` frames, `interval` seconds apart."""
        ...


def pointing_down(stand: Stand, yaw: float = 0.0) -> np.ndarray:
    """The hand's rotation [3, 3] with its axis down, turned by `yaw` rad about it from the way next to home."""
    home = hand_frames(stand.chain, stand.home)[:3, :3]
    across = np.cross(home[:, 2], _DOWN)
    sine = float(np.linalg.norm(across))
    tilt = poses.from_axis_angle(across / max(sine, 1e-9), np.arctan2(sine, home[:, 2] @ _DOWN))
    return poses.to_matrix(tilt) @ home @ poses.to_matrix(poses.from_axis_angle(np.array([0.0, 0.0, 1.0]), yaw))


def along(ways: np.ndarray, lengths: np.ndarray, count: int) -> np.ndarray:
    """`count` points [count, N] evenly spaced in time on the way through `ways` [K, N], whose K - 1 parts take times in
    proportion to `lengths`."""
    when = np.concatenate([[0.0], np.cumsum(lengths)])
    at = np.linspace(0.0, when[-1], count)
    return np.stack([np.interp(at, when, column) for column in ways.T], axis=-1)


def through(stand: Stand, tips: np.ndarray, rotations: np.ndarray, opening: np.ndarray, interval: float) -> Plan:
    """The plan whose fingertips, or tool, are at `tips` [T, 3] with the hand turned as `rotations` [T, 3, 3], and whose
    gripper, if there is one, is as open as `opening` [T] says. Where something is out of reach, it goes near."""
    chain, point = stand.chain, np.array([0.0, 0.0, stand.tip])
    first = inverse(chain, tips[0], rotations[0], point, start=stand.home)
    now, joints = stand.home if first is None else first, []
    for tip, rotation, share in zip(tips, rotations, opening, strict=True):
        now, _, _ = reach(chain, now, tip, rotation, point)
        if stand.gripper:
            now = np.append(now[:-1], share)
        joints.append(now)
    return follow(chain, np.array(joints), interval)
