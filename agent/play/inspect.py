"""Inspecting: the object is turned to one view after the other, each drawn from all that the arm can show."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from agent.play.policy import Body, Plan, follow
from agent.play.postures import aim, last_range, postures
from sim import poses, viewsphere
from sim.errors import InputError
from sim.kinematics import link_frames

_NEAR = np.radians(10.0)
"""Postures of the table that show a direction this near to the wanted one can be moved to show that."""
_PIECES = 8
"""Straight pieces of the way between two views."""


@dataclass(frozen=True)
class Inspect:
    """Views drawn one after the other, uniformly from the reachable ones; to each the shortest way at full speed."""

    hidden: float = 2.4
    """Largest angle in rad between the hand's axis and the direction to the camera: beyond it the hand is before the
    object and covers half of it."""
    astray: float = 0.06
    """How far from home an object may be halfway, m; a longer way is taken rather than that."""
    speed: float = 0.97
    """Share of the velocity limits that is used."""
    pause: float = 0.1
    """Seconds at each view."""
    ease: float = 0.4
    """Seconds over which velocities are averaged: motors follow, and no view is missed by much."""

    def hold(self, rng: np.random.Generator) -> np.ndarray:
        return poses.random_rotation(rng)

    def __call__(self, body: Body, frames: int, interval: float, rng: np.random.Generator) -> Plan:
        time = np.arange(frames) * interval
        _, way = self.views(body, float(time[-1]), rng)
        return follow(body.chain, self._along(body, way, time), interval)

    def reachable(self, body: Body) -> np.ndarray:
        """Indices [R] of the `viewsphere.directions()` that are drawn from."""
        return _Views(body, self.hidden).reachable

    def views(self, body: Body, duration: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Indices [K >= 2] of drawn directions, more than `duration` s can show, and postures [K, D] that show them."""
        views = _Views(body, self.hidden)
        drawn: list[int] = []
        way, lasted = [body.home], 0.0
        while lasted < 1.2 * duration or len(drawn) < 2:
            drawn.append(int(rng.choice(views.reachable)))
            posture, seconds = self._nearest(body, way[-1], views.postures(drawn[-1]))
            way.append(posture)
            lasted += seconds + self.pause if len(drawn) > 1 else 0.0
        pointing = views.inward[drawn], np.tile(-body.view, (len(drawn), 1))
        exact, _ = aim(body.chain, np.array(way[1:]), body.grasp[:3], body.home_point, pointing, iterations=10)
        return np.array(drawn), exact

    def _nearest(self, body: Body, now: np.ndarray, ways: np.ndarray) -> tuple[np.ndarray, float]:
        """Which of N postures [N, D] is reached first, if possible without losing sight, and in how many seconds."""
        seconds = (np.abs(ways - now) / (self.speed * body.chain.velocity)).max(axis=-1)
        hands = link_frames(body.chain, (ways + now) / 2)[:, -1] @ body.chain.hand_frame
        off = hands[:, :3, :3] @ body.grasp[:3] + hands[:, :3, 3] - body.home_point
        astray = np.linalg.norm(off, axis=-1) / self.astray
        covered = _tilt(-body.view @ hands[:, :3, :3]) / self.hidden
        best = int((seconds + 3.0 * np.maximum(astray - 1.0, 0.0) + 10.0 * np.maximum(covered - 1.0, 0.0)).argmin())
        return ways[best], float(seconds[best])

    def _along(self, body: Body, way: np.ndarray, time: np.ndarray) -> np.ndarray:
        """Joints [T, D] rad at `time` [T] s on the way through postures [K, D], the object kept at the home point."""
        share = np.linspace(0.0, 1.0, _PIECES + 1)[:, None]
        straight = way[:-1, None] + share * np.diff(way, axis=0)[:, None]
        path, _ = aim(
            body.chain, straight.reshape(-1, body.chain.joints), body.grasp[:3], body.home_point, iterations=2
        )
        seconds = (np.abs(np.diff(path, axis=0)) / (self.speed * body.chain.velocity)).max(axis=-1)
        seconds[_PIECES :: _PIECES + 1] += self.pause
        passed = np.concatenate([[0.0], np.cumsum(seconds)])
        window = time[:, None] + self.ease * np.linspace(-0.5, 0.5, 9)
        return np.stack([np.interp(window, passed, joint).mean(axis=-1) for joint in path.T], axis=-1)


class _Views:
    """What the arm can show of the object that it holds. Views are indices of `viewsphere.directions()`."""

    def __init__(self, body: Body, hidden: float) -> None:
        known = postures(body)
        camera = -body.view @ known.hands
        self.inward = poses.rotate(body.grasp[3:], viewsphere.directions())
        """[200, 3]: the directions in the hand frame. They point to the camera when they are seen."""
        middle, half = last_range(body.chain)
        axis = poses.rotate(poses.conjugate(body.chain.hand[3:]), body.chain.axes[-1])
        turn = _around(camera) - _around(self.inward)[:, None]
        turn = (turn + np.pi) % (2 * np.pi) - np.pi
        tilt = _tilt(self.inward)[:, None]
        self._shows = (np.abs(tilt - _tilt(camera)) < _NEAR) & (np.abs(turn) <= half) & (tilt <= hidden)
        self._last = middle + np.sign(axis[2]) * turn
        self._joints = known.joints
        self.reachable = np.flatnonzero(self._shows.any(axis=1))
        """[R]: the views that can be shown."""
        if not len(self.reachable):
            raise InputError(
                f"play=inspect: the arm cannot show an object at {body.home_point.round(3).tolist()} from any side"
            )

    def postures(self, view: int) -> np.ndarray:
        """[N, D] rad: all that show about this view."""
        which = self._shows[view]
        joints = self._joints[which]
        joints[:, -1] = self._last[view, which]
        return joints


def _around(vectors: np.ndarray) -> np.ndarray:
    """Angle [...] in rad of vectors [..., 3] about the z axis."""
    return np.arctan2(vectors[..., 1], vectors[..., 0])


def _tilt(vectors: np.ndarray) -> np.ndarray:
    """Angle [...] in rad between unit vectors [..., 3] and the z axis."""
    return np.arccos(np.clip(vectors[..., 2], -1.0, 1.0))
