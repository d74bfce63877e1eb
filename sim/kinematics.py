"""The kinematic chain of an arm: forward kinematics and Jacobian in numpy, so that neither needs a simulator."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import cv2
import numpy as np

from sim import poses


@dataclass(frozen=True, eq=False)
class Chain:
    """D revolute joints in a row, from the base to the hand. Arrays are float64; limits are the datasheet's."""

    origins: np.ndarray
    """[D, 7]: frame of joint i at angle zero, in the frame of link i-1 (the base for i = 0)."""
    axes: np.ndarray
    """[D, 3]: unit axis of joint i in its own frame."""
    hand: np.ndarray
    """[7]: the hand frame in the last link's frame."""
    lower: np.ndarray
    """[D] rad."""
    upper: np.ndarray
    """[D] rad."""
    velocity: np.ndarray
    """[D] rad/s: largest joint speed."""

    @property
    def joints(self) -> int:
        return len(self.axes)

    def to_json(self) -> dict[str, Any]:
        """Plain lists, exact to the last bit of float64."""
        return {item.name: getattr(self, item.name).tolist() for item in fields(self)}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Chain:
        return cls(**{item.name: np.asarray(stored[item.name], dtype=np.float64) for item in fields(cls)})

    @cached_property
    def turns(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Joint i turns its link by A_i + sin(q) B_i + (1 - cos(q)) C_i, each [D, 3, 3] (Rodrigues); last the hand's rotation."""
        fixed = poses.to_matrix(self.origins[:, 3:])
        cross = np.cross(np.eye(3), self.axes[:, None, :])
        return fixed, fixed @ cross, fixed @ cross @ cross, poses.to_matrix(self.hand[3:])


def link_frames(chain: Chain, joints: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rotations [..., D, 3, 3] and positions [..., D, 3] of all link frames in the base frame, for joint angles [..., D] rad."""
    joints = np.asarray(joints, dtype=np.float64)
    straight, sine, versine, _ = chain.turns
    angles = joints[..., None, None]
    steps = straight + np.sin(angles) * sine + (1.0 - np.cos(angles)) * versine
    rotations, positions = np.empty_like(steps), np.empty(steps.shape[:-1])
    rotation, position = np.eye(3), np.zeros(3)
    for i in range(chain.joints):
        position = position + rotation @ chain.origins[i, :3]
        rotation = rotation @ steps[..., i, :, :]
        rotations[..., i, :, :], positions[..., i, :] = rotation, position
    return rotations, positions


def forward(chain: Chain, joints: np.ndarray) -> np.ndarray:
    """The hand's pose [..., 7] in the base frame, for joint angles [..., D] rad."""
    rotations, positions = link_frames(chain, joints)
    last = np.concatenate([positions[..., -1, :], poses.from_matrix(rotations[..., -1, :, :])], axis=-1)
    return poses.compose(last, chain.hand)


def jacobian(chain: Chain, joints: np.ndarray, point: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Jacobian [6, D] (linear above angular) of a point fixed in the hand frame, its position [3] and the hand's rotation [3, 3].

    `joints` [D] rad; `point` [3] m in the hand frame; results in the base frame. Rows are m/rad and rad/rad.
    """
    rotations, positions = link_frames(chain, joints)
    hand_rotation = rotations[-1] @ chain.turns[3]
    where = positions[-1] + rotations[-1] @ chain.hand[:3] + hand_rotation @ point
    axes = (rotations @ chain.axes[:, :, None])[..., 0]
    return np.vstack([np.cross(axes, where - positions).T, axes.T]), where, hand_rotation


def project(
    chain: Chain, requested: np.ndarray, joints: np.ndarray, interval: float
) -> tuple[np.ndarray, bool]:
    """The nearest joint velocities [D] rad/s that respect the velocity limits and, held for `interval` s, the joint limits.

    Returns them with whether anything had to change (by more than rounding).
    """
    requested = np.asarray(requested, dtype=np.float64)
    low = np.maximum(-chain.velocity, np.minimum((chain.lower - joints) / interval, 0.0))
    high = np.minimum(chain.velocity, np.maximum((chain.upper - joints) / interval, 0.0))
    command = np.clip(requested, low, high)
    return command, bool(np.any(np.abs(command - requested) > 1e-9))


def damped_least_squares(jacobian: np.ndarray, twist: np.ndarray, *, damping: float, rest: np.ndarray) -> np.ndarray:
    """Joint velocities [D] that come close to the twist [6], and to `rest` [D] in what the twist leaves free.

    Minimises |J q - twist|^2 + damping^2 |q - rest|^2 (Nakamura and Hanafusa 1986): smooth near singular postures.
    """
    square = jacobian @ jacobian.T + damping**2 * np.eye(len(jacobian))
    return rest + jacobian.T @ np.linalg.solve(square, twist - jacobian @ rest)


def reach(
    chain: Chain, start: np.ndarray, position: np.ndarray, rotation: np.ndarray, point: np.ndarray, *, iterations: int = 30
) -> tuple[np.ndarray, float, float]:
    """Inverse kinematics: joints [D] within limits that bring `point` [3] of the hand to `position` [3] at `rotation` [3, 3].

    Returns the joints, and what is missing, in m and in rad: it is for the caller to judge them.
    """
    joints = np.array(start, dtype=np.float64)
    for _ in range(iterations):
        matrix, where, now = jacobian(chain, joints, point)
        missing = np.concatenate([position - where, rotation_vector(rotation @ now.T)])
        if np.abs(missing).max() < 1e-6:
            break
        missing *= min(1.0, 0.3 / float(np.abs(missing).max()))  # the Jacobian holds near by only
        step = damped_least_squares(matrix, missing, damping=0.02, rest=np.zeros(chain.joints))
        joints = np.clip(joints + step, chain.lower, chain.upper)
    _, where, now = jacobian(chain, joints, point)
    return joints, float(np.linalg.norm(position - where)), float(np.linalg.norm(rotation_vector(rotation @ now.T)))


def rotation_vector(rotation: np.ndarray) -> np.ndarray:
    """Axis times angle [3] in rad of a rotation matrix [3, 3]."""
    return cv2.Rodrigues(rotation)[0][:, 0]
