"""Tumbling: the object is turned every way, smoothly, where the camera looks."""

from __future__ import annotations

from dataclasses import dataclass
from math import pi

import numpy as np

from agent.play.policy import Body, Plan
from sim import poses
from sim.kinematics import damped_least_squares, jacobian, project, reach, rotation_vector

_ROWS = np.array([5.0, 5.0, 5.0, 1.0, 1.0, 1.0])
"""A metre beside the home point is as bad as 5 rad beside the target: the object has to stay in view."""
_SLOWER = np.array([[1.0, 1.0, 1.0, turn, turn, turn] for turn in (1.0, 1.0, 0.8, 0.6, 0.4, 0.2)])
"""What is asked for in turn until it is within limits."""


@dataclass(frozen=True)
class Tumble:
    """A smooth random rotation: the hand sweeps back and forth about its own axis while the axis sways around home."""

    sweep: float = 2.7
    """Largest turn about the hand's axis to either side of home, rad; less where the last joint allows less."""
    sweep_speed: float = 2.05
    """Largest speed of that turn, rad/s; less where the last joint is slower."""
    sway: float = 0.58
    """Largest tilt of the hand's axis from home, rad."""
    sway_rate: tuple[float, float] = (0.06, 0.14)
    """Slowest and fastest frequency of the sway, Hz."""
    behind: float = 0.0
    """How far the hand stays behind the object at home: minus the cosine between its axis and the camera's."""
    damping: float = 0.03
    """Of the least squares: larger is smoother and less exact."""

    def hold(self, rng: np.random.Generator) -> np.ndarray:
        return poses.random_rotation(rng)

    def __call__(self, body: Body, frames: int, interval: float, rng: np.random.Generator) -> Plan:
        return self.through(body, *self._rotations(body, frames, interval, rng), interval)

    def through(self, body: Body, rotations: np.ndarray, sweep: np.ndarray, interval: float) -> Plan:
        """The plan that brings the hand to `rotations` [T, 3, 3] in the base frame, `interval` s apart, as nearly as
        the limits allow, the object kept at the home point; `sweep` [T] rad is the turn about its axis from home."""
        guess = body.home.copy()
        guess[-1] += sweep[0]  # the last joint turns about the hand's axis: the nearest of the arm's ways to get there
        joints, _, _ = reach(body.chain, guess, body.home_point, rotations[0], body.grasp[:3])
        start, commands, limited = joints, [], []
        for target in rotations[1:]:
            request = self._request(body, joints, target, interval)
            command, changed = project(body.chain, request, joints, interval)
            commands.append(command)
            limited.append(changed)
            joints = joints + command * interval
        return Plan(start, np.array(commands, dtype=np.float32), np.array(limited))

    def _rotations(
        self, body: Body, frames: int, interval: float, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Where the hand should point [T, 3, 3] in the base frame, and its turn about its own axis [T] rad."""
        time = np.arange(frames) * interval
        widest, speed = self.sweeping(body)
        widest *= rng.uniform(0.9, 1.0)
        phase = rng.uniform(0, 2 * pi) + rng.choice([-1, 1]) * time * speed / widest
        sweep = widest * np.sin(phase)
        turn = poses.from_axis_angle(np.array([0.0, 0.0, 1.0]), sweep)
        sway = np.stack([self._wave(time, rng) for _ in range(2)], axis=-1) * self.sway
        tilt = np.linalg.norm(sway, axis=-1)
        axis = np.stack([sway[:, 0], sway[:, 1], np.zeros(frames)], axis=-1) / np.maximum(tilt, 1e-9)[:, None]
        home = self.home(body)
        tilted = poses.from_axis_angle(axis, np.minimum(tilt, self.sway))
        return home @ poses.to_matrix(poses.multiply(tilted, turn)), sweep

    def sweeping(self, body: Body) -> tuple[float, float]:
        """Largest turn about the hand's axis to either side of home in rad, and its largest speed in rad/s."""
        chain, home = body.chain, body.home[-1]
        room = min(chain.upper[-1] - home, home - chain.lower[-1])
        return min(self.sweep, 0.95 * room), min(self.sweep_speed, 0.9 * chain.velocity[-1])

    def home(self, body: Body) -> np.ndarray:
        """The hand's rotation [3, 3] at home: its axis turned as little as shows the object with the hand behind it."""
        _, _, rotation = jacobian(body.chain, body.home, body.grasp[:3])
        axis = rotation[:, 2]
        wanted = axis - (axis @ body.view + self.behind) * body.view
        wanted /= np.linalg.norm(wanted)
        across = poses.cross(axis, wanted)
        sine = np.linalg.norm(across)
        turn = poses.from_axis_angle(across / max(sine, 1e-9), np.arctan2(sine, axis @ wanted))
        return poses.to_matrix(turn) @ rotation

    def _wave(self, time: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return np.sin(2 * pi * rng.uniform(*self.sway_rate) * time + rng.uniform(0, 2 * pi))

    def _request(self, body: Body, joints: np.ndarray, target: np.ndarray, interval: float) -> np.ndarray:
        """Joint velocities [D] towards home point and target; the turn is slowed before the position is given up."""
        matrix, where, rotation = jacobian(body.chain, joints, body.grasp[:3])
        matrix = _ROWS[:, None] * matrix
        twist = np.concatenate([body.home_point - where, rotation_vector(target @ rotation.T)]) * _ROWS / interval
        rest = 0.5 * (body.home - joints)
        rest[-1] = 0.0
        lowest, highest = (body.chain.lower - joints) / interval, (body.chain.upper - joints) / interval
        for slower in _SLOWER:
            request = damped_least_squares(matrix, slower * twist, damping=self.damping, rest=rest)
            stuck = (request < lowest) | (request > highest)
            if stuck.any():
                matrix[:, stuck], rest[stuck] = 0.0, 0.0
            elif (np.abs(request) <= body.chain.velocity).all():
                break
        return request
