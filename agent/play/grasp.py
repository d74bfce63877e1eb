"""Grasping: the gripper comes from above, closes, lifts the object, turns it before the camera, and puts it back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from agent.play.policy import Plan
from agent.play.reach import Stand, along, pointing_down, through
from sim.hulls import convex_hull

HALF_FINGER = 0.0105
"""Half of a finger's width, m."""
FINGER = 0.04
"""How deep between the fingers there is room before the palm, with a little to spare, m."""
WIDEST = 0.076
"""Between the open fingers, with a little room, m."""


class Hold(NamedTuple):
    """A way to take an object from above."""

    yaw: float
    """From the base frame's x to the way along which the fingers close, rad."""
    tip: np.ndarray
    """float64 [3] m: between the fingertips, base frame."""
    badness: float
    """How much the sides lean, and how far from the object's middle they are; 10 and more where it does not fit."""


@dataclass(frozen=True)
class Grasp:
    """By friction alone, where the object's hull is narrow enough and its sides are most nearly parallel."""

    lowest: float = 0.002
    """Of the fingertips above the table, m."""
    above: float = 0.03
    """Of the fingertips above the object before they come down, m."""
    lift: float = 0.12
    """How high the object is lifted, m."""
    sag: float = 0.006
    """How far it may have sunk in the hand, m: it is put back as much higher, and not pressed onto the table."""
    turn: float = 2.2
    """By how much it is turned in the air, rad."""
    shares: tuple[float, ...] = (0.1, 0.15, 0.14, 0.3, 0.11, 0.08, 0.12)
    """Of an episode: to come down, close, lift, turn, lower, put down gently, open."""
    grips = True

    def __call__(self, stand: Stand, frames: int, interval: float, rng: np.random.Generator) -> Plan:
        hold = best_hold(stand, lowest=self.lowest)
        high, low = stand.height + self.above, hold.tip[2]
        yaw, turned = self._yaws(stand, hold.yaw, rng)
        ways = np.array(
            [
                [high, yaw, 1.0],
                [low, yaw, 1.0],
                [low, yaw, 0.0],
                [low + self.lift, yaw, 0.0],
                [low + self.lift, turned, 0.0],
                [low + self.sag + 0.02, turned, 0.0],
                [low + self.sag, turned, 0.0],
                [low + self.sag, turned, 1.0],
            ]
        )
        way = along(ways, np.array(self.shares), frames)
        tips = np.column_stack([np.tile(hold.tip[:2], (frames, 1)), way[:, 0]])
        rotations = np.stack([pointing_down(stand, angle) for angle in way[:, 1]])
        return through(stand, tips, rotations, way[:, 2], interval)

    def _yaws(self, stand: Stand, along_fingers: float, rng: np.random.Generator) -> tuple[float, float]:
        """Turns of the hand about its axis, from its way next to home, before and after it has turned the object; of
        the two ways to close along a line, the one from which the last joint has most room."""
        down = pointing_down(stand)
        # The hand's y, along which fingers close; the hand's axis points down, so turns about it go the other way.
        now = np.arctan2(down[1, 1], down[0, 1])
        before = (now - along_fingers + np.pi / 2) % np.pi - np.pi / 2
        direction = -np.sign(before) if abs(before) > 0.2 else rng.choice([-1.0, 1.0])
        return float(before), float(before + direction * self.turn)


def best_hold(stand: Stand, *, lowest: float, yaws: int = 24) -> Hold:
    """The best way to take an object from above, through the middle of its mass."""
    planes = convex_hull(stand.hull).equations
    found = [_hold(stand, planes, yaw, tip) for tip in _depths(stand, lowest) for yaw in np.arange(yaws) * np.pi / yaws]
    return min(found, key=lambda hold: hold.badness)


def _depths(stand: Stand, lowest: float) -> np.ndarray:
    """Heights of the fingertips [3] m: as low as palm and table allow, and higher, where objects may be narrower."""
    low = max(lowest, stand.height - FINGER)
    high = max(low, stand.height - 0.02)
    return np.array([low, (low + high) / 2, high])


def _hold(stand: Stand, planes: np.ndarray, yaw: float, tip: float) -> Hold:
    """Closing along `yaw` with the fingertips `tip` m above the table. `planes` [F, 4] bound the hull."""
    across, beside = np.array([np.cos(yaw), np.sin(yaw), 0.0]), np.array([-np.sin(yaw), np.cos(yaw), 0.0])
    levels = np.linspace(tip + 0.001, stand.height - 0.001, 7)
    aside = np.linspace(-HALF_FINGER, HALF_FINGER, 5)
    starts = np.array([[*(stand.center + offset * beside)[:2], level] for level in levels for offset in aside])
    low, high = _clip(planes, starts, across)
    through_it = high > low
    if not through_it.any():
        return Hold(yaw, np.array([*stand.center[:2], tip]), 1.0)
    left, right = low[through_it].min(), high[through_it].max()
    middle = stand.center + (left + right) / 2 * across
    width, depth = right - left, np.ptp(levels)
    # Sides that lean let the object slip out, and one that is taken far from its middle turns.
    lean = (np.std(low[through_it]) + np.std(high[through_it])) / (depth + 0.01)
    aside = abs(tip + depth / 2 - stand.center[2])
    return Hold(yaw, np.array([*middle[:2], tip]), float(lean + 10.0 * aside) if width < WIDEST else 10.0 + width)


def _clip(planes: np.ndarray, starts: np.ndarray, direction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where lines [N, 3] along `direction` enter and leave a convex hull, m from their starts; the first is larger
    where they miss it."""
    slope, rest = planes[:, :3] @ direction, starts @ planes[:, :3].T + planes[:, 3]
    with np.errstate(divide="ignore", invalid="ignore"):
        at = -rest / slope
    low = np.where(slope < -1e-9, at, -np.inf).max(axis=1)
    high = np.where(slope > 1e-9, at, np.inf).min(axis=1)
    missed = ((np.abs(slope) <= 1e-9) & (rest > 0)).any(axis=1)
    return np.where(missed, 1.0, low), np.where(missed, 0.0, high)
