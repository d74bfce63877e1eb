"""Postures of an arm that keep the object at the home point with the hand pointing every way, found once for each arm.

The last joint is taken to turn about the hand's axis, on which the object is: the table leaves it in its middle.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from agent.play.policy import Body
from sim import poses, viewsphere
from sim.kinematics import Chain, link_frames

MARGIN = 0.01
"""How far planned postures stay from the joint limits, rad."""
_DEPTH = 0.02
"""Grasps are rounded to this depth in m: the postures are near the wanted ones, and are made exact afterwards."""
_METRE = 5.0
"""A metre beside the home point is as bad as this many rad beside the direction."""


class Postures(NamedTuple):
    """N postures with the object at the home point."""

    joints: np.ndarray
    """[N, D] rad; the last one in the middle of its range."""
    hands: np.ndarray
    """[N, 3, 3]: the hand's rotation in the base frame."""


def postures(body: Body) -> Postures:
    """The postures of this arm for an object held as deep in its hand. Slow (0.1 s) the first time, then at hand."""
    depth = _DEPTH * round(float(body.grasp[2]) / _DEPTH)
    return _solve(json.dumps(body.chain.to_json()), tuple(body.home.tolist()), tuple(body.home_point.tolist()), depth)


def last_range(chain: Chain) -> tuple[float, float]:
    """Middle and half width in rad of the planned range of the last joint."""
    low, high = float(chain.lower[-1]), float(chain.upper[-1])
    return (low + high) / 2, (high - low) / 2 - MARGIN


def aim(
    chain: Chain,
    joints: np.ndarray,
    point: np.ndarray,
    where: np.ndarray,
    pointing: tuple[np.ndarray, np.ndarray] | None = None,
    *,
    iterations: int,
    home: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Move N postures [N, D] as little as brings `point` [3] of the hand to `where` [3], and directions to directions.

    `pointing` are unit vectors [N, 3] in the hand frame and where in the base frame they should point; `home` [D]
    attracts what this leaves free. Returns the postures, within limits, and what is missing [N] (5 rad for a metre).
    Damped least squares as in `sim.kinematics.reach`, of all postures at once.
    """
    for step in range(iterations):
        matrix, missing = _missing(chain, joints, point, where, pointing)
        missing = missing * np.minimum(1.0, 0.5 / np.maximum(np.abs(missing).max(axis=-1, keepdims=True), 0.5))
        rest = np.zeros(chain.joints) if home is None else 0.1 * 0.93**step * (home - joints)
        across = matrix.swapaxes(-1, -2)
        square = matrix @ across + 0.03**2 * np.eye(matrix.shape[-2])
        pull = np.linalg.solve(square, missing[..., None] - matrix @ np.broadcast_to(rest, joints.shape)[..., None])
        joints = np.clip(joints + rest + (across @ pull)[..., 0], chain.lower + MARGIN, chain.upper - MARGIN)
    return joints, np.linalg.norm(_missing(chain, joints, point, where, pointing)[1], axis=-1)


@lru_cache(maxsize=64)
def _solve(chain_json: str, home: tuple[float, ...], home_point: tuple[float, ...], depth: float) -> Postures:
    """From the home posture to all of them at once; then, where that failed, from the nearest that was found."""
    chain = Chain.from_json(json.loads(chain_json))
    start, where, point = np.array(home), np.array(home_point), np.array([0.0, 0.0, depth])
    start[-1] = last_range(chain)[0]
    axes = viewsphere.directions()
    out = np.tile([0.0, 0.0, 1.0], (len(axes), 1))
    joints = np.tile(start, (len(axes), 1))
    joints, missing = aim(chain, joints, point, where, (out, axes), iterations=60, home=start)
    for _ in range(2):
        found, lost = np.flatnonzero(missing < 0.01), np.flatnonzero(missing >= 0.01)
        if not len(found) or not len(lost):
            break
        near = joints[found[(axes[lost] @ axes[found].T).argmax(axis=1)]]
        joints[lost], missing[lost] = aim(chain, near, point, where, (out[lost], axes[lost]), iterations=60, home=start)
    joints = joints[missing < 0.01]
    joints[:, -1] = start[-1]
    return Postures(joints, link_frames(chain, joints)[:, -1, :3, :3] @ chain.hand_frame[:3, :3])


def _missing(
    chain: Chain,
    joints: np.ndarray,
    point: np.ndarray,
    where: np.ndarray,
    pointing: tuple[np.ndarray, np.ndarray] | None,
) -> tuple[np.ndarray, np.ndarray]:
    """Jacobians [N, R, D] and what they should bring about [N, R]: R = 3 rows for the position, 3 for the direction."""
    frames = link_frames(chain, joints)
    hands = frames[:, -1] @ chain.hand_frame
    now = hands[:, :3, :3] @ point + hands[:, :3, 3]
    axes = (frames[..., :3, :3] @ chain.axes[:, :, None])[..., 0]
    lever = poses.cross(axes, now[:, None] - frames[..., :3, 3])
    matrix, missing = _METRE * lever.swapaxes(-1, -2), _METRE * (where - now)
    if pointing is None:
        return matrix, missing
    inward, outward = pointing
    shown = (hands[:, :3, :3] @ inward[..., None])[..., 0]
    turn = poses.cross(shown, outward)
    sine = np.linalg.norm(turn, axis=-1)
    turn *= (np.arctan2(sine, (shown * outward).sum(axis=-1)) / np.maximum(sine, 1e-9))[:, None]
    # A turn about the direction itself is free.
    across = axes - (axes @ outward[..., None]) * outward[:, None]
    return np.concatenate([matrix, across.swapaxes(-1, -2)], axis=1), np.concatenate([missing, turn], axis=-1)
