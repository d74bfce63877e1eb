"""Curious play: the object is turned the way that the learner cannot yet tell apart from others."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import pi

import numpy as np

from agent.episode import Interest
from agent.play.motions import ANGLES, CELLS, cells_of, check_interest
from agent.play.policy import Body, Plan
from agent.play.tumble import Tumble
from sim import poses
from sim.errors import InputError

_RAMP = 0.2
"""Share of a turn in which its speed rises, and in which it falls again."""
_UP = np.array([0.0, 0.0, 1.0])


@dataclass(frozen=True)
class Curious:
    """One turn after the other, from rest to rest, as far as `Tumble` goes: of what can be done from where the hand is,
    first a cell (`agent.play.motions`) is drawn by the learner's interest, then a turn of that cell. Asked by no
    learner, all cells are alike."""

    interest: Interest | None = None
    """What the learner would like to see."""
    evenly: float = 0.2
    """Share of turns for which the learner is not asked: it can be wrong about what it has not seen for long."""
    smallest: float = 0.2
    """Of a turn, rad: smaller ones show nothing new."""
    tilt_speed: float = 1.5
    """Largest speed in rad/s at which the hand's axis tilts."""
    tilt_step: float = 0.3
    """Largest tilt between two frames, rad: under one command, a larger one carries the object away."""
    choices: int = 400
    """Turns that are thought of at each moment, about any axis and by any angle."""
    tumble: Tumble = field(default_factory=Tumble)
    """How far the hand may turn, and how the arm follows."""

    def __post_init__(self) -> None:
        if self.interest is not None:
            check_interest(self.interest)

    def seeking(self, interest: Interest) -> Curious:
        return replace(self, interest=interest)

    def hold(self, rng: np.random.Generator) -> np.ndarray:
        return poses.random_rotation(rng)

    def __call__(self, body: Body, frames: int, interval: float, rng: np.random.Generator) -> Plan:
        time = np.arange(frames) * interval
        way, moments = self._way(body, float(time[-1]), min(self.tilt_speed, self.tilt_step / interval), rng)
        after = np.clip(np.searchsorted(moments[:, 0], time, side="right") - 1, 0, len(moments) - 1)
        begin, seconds = moments[after].T
        share = _eased(np.clip((time - begin) / seconds, 0.0, 1.0))[:, None]
        tilts = (1 - share) * way[after] + share * way[after + 1]
        plan = self.tumble.through(body, _hands(tilts, self.tumble.home(body)), tilts[:, 2], interval)
        # Joints are stored in float32: an episode that is repeated from its commands begins exactly there.
        return plan._replace(start=plan.start.astype(np.float32).astype(np.float64))

    def _way(
        self, body: Body, duration: float, tilt_speed: float, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Where the hand is between turns [K+1, 3]: its axis's tilt from home about x and y, its turn about itself, all
        in rad; and when each turn begins and how long it takes [K, 2], in s, until `duration` is over."""
        widest, speed = self.tumble.sweeping(body)
        home = self.tumble.home(body)
        tilt = self.tumble.sway * np.sqrt(rng.uniform())
        heading = rng.uniform(0.0, 2 * pi)
        way = [np.array([tilt * np.cos(heading), tilt * np.sin(heading), rng.uniform(-widest, widest)])]
        moments, now = [], 0.0
        while now <= duration:
            there = self._next(body, home, way[-1], widest, rng)
            step = np.abs(there - way[-1])
            seconds = 1 / (1 - _RAMP) * max(step[2] / speed, float(np.hypot(*step[:2])) / tilt_speed)
            way.append(there)
            moments.append((now, seconds))
            now += seconds
        return np.array(way), np.array(moments)

    def _next(
        self, body: Body, home: np.ndarray, here: np.ndarray, widest: float, rng: np.random.Generator
    ) -> np.ndarray:
        """The end [3] of a turn that begins `here` [3], as in `_way`. Raises InputError where the arm can do none."""
        axes = rng.standard_normal((self.choices, 3))
        axes /= np.linalg.norm(axes, axis=1, keepdims=True)
        turns = poses.from_axis_angle(axes, rng.uniform(self.smallest, pi, self.choices))
        asked, first, second = rng.uniform(size=3)
        in_base = poses.multiply(poses.multiply(body.camera, turns), poses.conjugate(body.camera))
        ends = _tilts(poses.to_matrix(in_base) @ _hands(here[None], home)[0], home, near=here[2])
        can = (np.hypot(ends[:, 0], ends[:, 1]) <= self.tumble.sway) & (np.abs(ends[:, 2]) <= widest)
        if not can.any():
            raise InputError(
                f"play=curious: none of {self.choices} turns by {self.smallest} rad or more keeps the hand within "
                f"{self.tumble.sway} rad of tilt and {widest:.2f} rad to each side; another policy asks for less"
            )
        ends, cells = ends[can], cells_of(turns[can])
        weights = _even(cells)
        if self.interest is not None and asked >= self.evenly:
            sought = weights * np.array(self.interest.weights)
            weights = sought if sought.any() else weights
        own = np.flatnonzero(cells == _pick(weights, first))
        return ends[own[int(second * len(own))]]


def _even(cells: np.ndarray) -> np.ndarray:
    """Weights [CELLS] of the cells that occur among `cells` [N]: small and large angles alike, then axes alike. Without
    the former most turns would be small, as the arm can do small ones about any axis."""
    there = np.unique(cells)
    alike = np.bincount(there % ANGLES, minlength=ANGLES)
    weights = np.zeros(CELLS)
    weights[there] = 1.0 / alike[there % ANGLES]
    return weights


def _pick(weights: np.ndarray, drawn: float) -> int:
    """An index, as likely as its weight; `drawn` is uniform in [0, 1)."""
    sums = np.cumsum(weights)
    return int(np.searchsorted(sums, drawn * sums[-1], side="right"))


def _eased(passed: np.ndarray) -> np.ndarray:
    """Share of the way after a share of the time, both 0 to 1: from rest to rest, evenly but for the ramps."""
    rising = np.minimum(passed, _RAMP) ** 2 / (2 * _RAMP)
    falling = np.maximum(passed - (1 - _RAMP), 0.0) ** 2 / (2 * _RAMP)
    return (rising + np.maximum(passed - _RAMP, 0.0) - falling) / (1 - _RAMP)


def _hands(tilts: np.ndarray, home: np.ndarray) -> np.ndarray:
    """The hand's rotations [N, 3, 3] in the base frame, from tilts and turns [N, 3]."""
    tilt = np.hypot(tilts[:, 0], tilts[:, 1])
    flat = np.stack([tilts[:, 0], tilts[:, 1], np.zeros(len(tilts))], axis=-1)
    tilted = poses.from_axis_angle(flat / np.maximum(tilt, 1e-9)[:, None], tilt)
    return home @ poses.to_matrix(poses.multiply(tilted, poses.from_axis_angle(_UP, tilts[:, 2])))


def _tilts(hands: np.ndarray, home: np.ndarray, *, near: float) -> np.ndarray:
    """Tilts and turns [N, 3] of the hand's rotations [N, 3, 3]; the turn less than half a turn from `near`."""
    from_home = home.T @ hands
    tilt = np.arccos(np.clip(from_home[:, 2, 2], -1.0, 1.0))
    across = np.hypot(from_home[:, 0, 2], from_home[:, 1, 2])
    flat = np.stack([-from_home[:, 1, 2], from_home[:, 0, 2]], axis=-1) * (tilt / np.maximum(across, 1e-9))[:, None]
    level = np.concatenate([flat, np.zeros((len(flat), 1))], axis=1)
    turned = _hands(level, np.eye(3)).swapaxes(1, 2) @ from_home
    turn = np.arctan2(turned[:, 1, 0], turned[:, 0, 0])
    return np.concatenate([flat, (near + (turn - near + pi) % (2 * pi) - pi)[:, None]], axis=1)
