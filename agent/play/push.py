"""Pushing: the arm comes from beside the object, pushes through it, and leaves it where it is or where it fell."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from agent.play.policy import Plan
from agent.play.reach import Stand, along, pointing_down, through

TOOL = 0.015
"""Radius of the tool, or of closed fingers, m."""


@dataclass(frozen=True)
class Push:
    """Through the object's centre of mass, low enough to slide it, from a direction drawn at random."""

    height: float = 0.4
    """Of the tool's end, as a share of the object's."""
    lowest: float = 0.006
    """Of the tool's end above the table, m."""
    clearance: float = 0.03
    """Between tool and object before the push, m."""
    beyond: tuple[float, float] = (0.02, 0.06)
    """Least and most way of the tool beyond where what it aims at was, m."""
    above: float = 0.1
    """Of the tool when it comes and when it has left, above where it pushes, m."""
    shares: tuple[float, ...] = (0.15, 0.45, 0.15, 0.25)
    """Of an episode: to come down, to push, to draw back, to leave and let the object be seen."""
    grips = False

    def __call__(self, stand: Stand, frames: int, interval: float, rng: np.random.Generator) -> Plan:
        angle = rng.uniform(0.0, 2 * np.pi)
        towards = np.array([np.cos(angle), np.sin(angle)])
        aim = self.aim(stand)
        start = ((stand.hull[:, :2] - aim) @ towards).min() - TOOL - self.clearance
        level = max(self.lowest, self.height * stand.height)
        end = rng.uniform(*self.beyond)
        # Along the push, and above the table.
        ways = np.array(
            [
                [start, level + self.above],
                [start, level],
                [end, level],
                [end - 0.04, level],
                [start, level + 1.5 * self.above],
            ]
        )
        way = along(ways, np.array(self.shares), frames)
        tips = np.concatenate([aim + way[:, :1] * towards, way[:, 1:]], axis=1)
        rotations = np.tile(pointing_down(stand), (frames, 1, 1))
        return through(stand, tips, rotations, np.zeros(frames), interval)

    def aim(self, stand: Stand) -> np.ndarray:
        """What the tool goes through [2], m."""
        return stand.center[:2]


@dataclass(frozen=True)
class Topple(Push):
    """Through the top of the object, far enough for it to fall over if it is tall; what is flat is missed or pushed."""

    height: float = 0.8
    lowest: float = 0.012
    beyond: tuple[float, float] = (0.05, 0.08)

    def aim(self, stand: Stand) -> np.ndarray:
        return stand.top(self.height)
