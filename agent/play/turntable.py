"""A turntable: the object hangs upright from the hand and is turned about its upright axis, back and forth."""

from __future__ import annotations

from dataclasses import dataclass
from math import pi

import numpy as np

from agent.play.policy import Body, Plan, follow
from agent.play.postures import MARGIN
from sim import poses
from sim.errors import InputError
from sim.kinematics import jacobian, reach

_DOWN = np.array([0.0, 0.0, -1.0])
_UPSIDE_DOWN = poses.from_axis_angle(np.array([1.0, 0.0, 0.0]), pi)


@dataclass(frozen=True)
class Turntable:
    """The hand points down at the home point, and only the last joint moves: steadily through its whole range and back,
    once an episode. All views differ by turns about the vertical, which is the object's canonical z axis."""

    speed: float = 0.97
    """Largest share of the last joint's velocity limit; a long episode turns more slowly."""

    def hold(self, rng: np.random.Generator) -> np.ndarray:
        """Canonical z points back along the hand's axis, so that it is up when the hand points down."""
        yaw = poses.from_axis_angle(np.array([0.0, 0.0, 1.0]), rng.uniform(0.0, 2 * pi))
        return poses.multiply(_UPSIDE_DOWN, yaw)

    def __call__(self, body: Body, frames: int, interval: float, rng: np.random.Generator) -> Plan:
        time = np.arange(frames) * interval
        high = body.chain.upper[-1] - MARGIN
        width = high - body.chain.lower[-1] - MARGIN
        speed = min(self.speed * body.chain.velocity[-1], 2 * width / time[-1])
        passed = (rng.uniform(0.0, 2 * width) + speed * time) % (2 * width)
        joints = np.tile(self._above(body), (frames, 1))
        joints[:, -1] = high - np.abs(passed - width)
        return follow(body.chain, joints, interval)

    def _above(self, body: Body) -> np.ndarray:
        """A posture [D] rad with the object at the home point and the hand above it, pointing down."""
        _, _, hand = jacobian(body.chain, body.home, body.grasp[:3])
        across = poses.cross(hand[:, 2], _DOWN)
        sine = float(np.linalg.norm(across))
        turn = poses.from_axis_angle(across / max(sine, 1e-9), np.arctan2(sine, hand[:, 2] @ _DOWN))
        down = poses.to_matrix(turn) @ hand
        joints, metres, radians = reach(body.chain, body.home, body.home_point, down, body.grasp[:3])
        if metres > 0.001 or radians > 0.01:
            raise InputError(
                f"play=turntable: the hand cannot point down at {body.home_point.round(3).tolist()} "
                f"({1000 * metres:.0f} mm and {np.degrees(radians):.0f} degrees are missing), "
                "so objects would not stand upright"
            )
        return joints
