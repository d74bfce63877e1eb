"""The kinematic chain of an arm: forward kinematics and Jacobian in numpy, so that neither needs a simulator."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import cv2
import numpy as np

from sim import poses
from sim.errors import InputError

_PRIMES = np.array([2, 3, 5, 7, 11, 13, 17, 19, 23, 29])
"""Their square roots are independent over the rationals: multiples of them fill a cube evenly (Weyl)."""


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
        """What `to_json` gave. Raises InputError for what is no chain."""
        try:
            found = {item.name: np.asarray(stored[item.name], dtype=np.float64) for item in fields(cls)}
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise InputError(f"chain: no kinematic chain of an arm ({type(error).__name__}: {error})") from None
        count = len(found["axes"]) if found["axes"].ndim else 0
        shapes = {"origins": (count, 7), "axes": (count, 3), "hand": (7,)}
        shapes |= dict.fromkeys(("lower", "upper", "velocity"), (count,))
        for name, shape in shapes.items():
            if count == 0 or found[name].shape != shape or np.isnan(found[name]).any():
                told = f"{name} of shape {list(found[name].shape)}"
                raise InputError(f"chain: {told}: numbers {list(shape)} are needed; it is no arm otherwise")
        return cls(**found)

    @cached_property
    def steps(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Link i stands in link i-1 at A_i + sin(q) B_i + (1 - cos(q)) C_i, each [D, 4, 4] (Rodrigues)."""
        cross = np.cross(np.eye(3), self.axes[:, None, :])
        straight, sine, versine = np.zeros((3, self.joints, 4, 4))
        straight[:, :3, :3] = poses.to_matrix(self.origins[:, 3:])
        straight[:, :3, 3], straight[:, 3, 3] = self.origins[:, :3], 1.0
        sine[:, :3, :3] = straight[:, :3, :3] @ cross
        versine[:, :3, :3] = sine[:, :3, :3] @ cross
        return straight, sine, versine

    @cached_property
    def step_rows(self) -> np.ndarray:
        """`steps` as [D, 16, 3]: what each entry of a link's matrix is, by 1, sin(q) and 1 - cos(q)."""
        return np.stack(self.steps, axis=-1).reshape(self.joints, 16, 3)

    @cached_property
    def hand_frame(self) -> np.ndarray:
        """[4, 4]: the hand frame in the last link's frame."""
        frame = np.eye(4)
        frame[:3, :3], frame[:3, 3] = poses.to_matrix(self.hand[3:]), self.hand[:3]
        return frame


def link_frames(chain: Chain, joints: np.ndarray) -> np.ndarray:
    """Homogeneous matrices [..., D, 4, 4] of all link frames in the base frame, for joint angles [..., D] rad."""
    frames = _steps(chain, joints)
    known = 1  # steps that each frame holds; doubling them takes fewer calls than one step after the other
    while known < chain.joints:
        frames[..., known:, :, :] = frames[..., :-known, :, :] @ frames[..., known:, :, :]
        known *= 2
    return frames


def hand_frames(chain: Chain, joints: np.ndarray) -> np.ndarray:
    """Homogeneous matrices [..., 4, 4] of the hand in the base frame, for joint angles [..., D] rad.

    Many postures at once: the last axis runs over them, so that each sum and product is of long rows of memory, which
    takes half as long as so many small matrices.
    """
    angles = np.asarray(joints, dtype=np.float64)
    rows = angles.reshape(-1, chain.joints).T
    parts = np.stack([np.ones_like(rows), np.sin(rows), 1.0 - np.cos(rows)], axis=1)
    frames = (chain.step_rows @ parts).reshape(chain.joints, 4, 4, -1)
    while len(frames) > 1:  # neighbours in pairs: half the products of all link frames
        pairs = np.einsum("pikn,pkjn->pijn", frames[: len(frames) - 1 : 2], frames[1::2])
        frames = pairs if len(frames) % 2 == 0 else np.concatenate([pairs, frames[-1:]])
    return np.einsum("ikn,kj->nij", frames[0], chain.hand_frame).reshape(*angles.shape[:-1], 4, 4)


def forward(chain: Chain, joints: np.ndarray) -> np.ndarray:
    """The hand's pose [..., 7] in the base frame, for joint angles [..., D] rad."""
    hand = hand_frames(chain, joints)
    return np.concatenate([hand[..., :3, 3], poses.from_matrix(hand[..., :3, :3])], axis=-1)


def _steps(chain: Chain, joints: np.ndarray) -> np.ndarray:
    """Each link in the frame of the one before [..., D, 4, 4], for joint angles [..., D] rad."""
    angles = np.asarray(joints, dtype=np.float64)[..., None, None]
    straight, sine, versine = chain.steps
    return straight + np.sin(angles) * sine + (1.0 - np.cos(angles)) * versine


def jacobian(chain: Chain, joints: np.ndarray, point: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Jacobian [6, D] (linear above angular) of a point of the hand, its position [3], and the hand's rotation [3, 3].

    `joints` [D] rad; `point` [3] m in the hand frame; results in the base frame. Rows are m/rad and rad/rad.
    """
    frames = link_frames(chain, joints)
    hand = frames[-1] @ chain.hand_frame
    where = hand[:3, :3] @ point + hand[:3, 3]
    axes = (frames[:, :3, :3] @ chain.axes[:, :, None])[..., 0]
    matrix = np.empty((6, chain.joints))
    matrix[:3], matrix[3:] = poses.cross(axes, where - frames[:, :3, 3]).T, axes.T
    return matrix, where, hand[:3, :3]


def project(chain: Chain, requested: np.ndarray, joints: np.ndarray, interval: float) -> tuple[np.ndarray, bool]:
    """The nearest joint velocities [D] rad/s within velocity limits and, held for `interval` s, joint limits.

    Returns them with whether anything had to change (by more than rounding).
    """
    requested = np.asarray(requested, dtype=np.float64)
    low = np.maximum(-chain.velocity, np.minimum((chain.lower - joints) / interval, 0.0))
    high = np.minimum(chain.velocity, np.maximum((chain.upper - joints) / interval, 0.0))
    command = np.minimum(np.maximum(requested, low), high)
    return command, bool((np.abs(command - requested) > 1e-9).any())


def damped_least_squares(jacobian: np.ndarray, twist: np.ndarray, *, damping: float, rest: np.ndarray) -> np.ndarray:
    """Joint velocities [D] that come close to the twist [6], and to `rest` [D] in what the twist leaves free.

    Minimises |J q - twist|^2 + damping^2 |q - rest|^2 (Nakamura and Hanafusa 1986): smooth near singular postures.
    """
    square = jacobian @ jacobian.T
    square.flat[:: len(square) + 1] += damping**2
    # OpenCV's solver because numpy's spends ten times as long on checks as on six equations.
    _, pull = cv2.solve(square, (twist - jacobian @ rest)[:, None], flags=cv2.DECOMP_CHOLESKY)
    return rest + jacobian.T @ pull[:, 0]


def reach(
    chain: Chain,
    start: np.ndarray,
    position: np.ndarray,
    rotation: np.ndarray,
    point: np.ndarray,
    *,
    iterations: int = 30,
) -> tuple[np.ndarray, float, float]:
    """Inverse kinematics: joints [D] within limits that bring `point` [3] of the hand to a position and rotation.

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


def inverse(
    chain: Chain,
    position: np.ndarray,
    rotation: np.ndarray,
    point: np.ndarray,
    *,
    start: np.ndarray,
    restarts: int = 12,
    tolerance: float = 1e-4,
) -> np.ndarray | None:
    """Joints [D] within limits with which `point` [3] of the hand is at `position`, the hand turned as `rotation`.

    Exact to `tolerance` (m and rad), checked by forward kinematics; None where nothing was found. The search begins at
    `start` [D], and then at `restarts` postures spread over the joints' ranges, the same ones at every call.
    """
    spread = (np.arange(1, restarts + 1)[:, None] * np.sqrt(_PRIMES[: chain.joints])) % 1.0
    for begin in (start, *(chain.lower + spread * (chain.upper - chain.lower))):
        joints, metres, radians = reach(chain, begin, position, rotation, point, iterations=60)
        if metres < tolerance and radians < tolerance:
            return joints
    return None


def rotation_vector(rotation: np.ndarray) -> np.ndarray:
    """Axis times angle [3] in rad of a rotation matrix [3, 3]."""
    return cv2.Rodrigues(rotation)[0][:, 0]
