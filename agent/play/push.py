"""Pushing: the arm comes from beside the object, pushes through its middle, and leaves it where it is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from agent.play.policy import Plan
from agent.play.reach import Stand, along, pointing_down, through

TOOL = 0.015
"""Radius of the tool, or of closed fingers, m."""


@dataclass(frozen=True)
class Push:
    """From a direction drawn at random, at a share of the object's height."""

    height: float = 0.4
    """Of the tool's end, as a share of the object's."""
    lowest: float = 0.006
    """Of the tool's end above the table, m."""
    clearance: float = 0.03
    """Between tool and object before the push, m."""
    beyond: tuple[float, float] = (0.02, 0.06)
    """Least and most way of the tool beyond where the object's centre of mass was, m."""
    above: float = 0.1
    """Of the tool when it comes and when it has left, above where it pushes, m."""
    shares: tuple[float, ...] = (0.15, 0.45, 0.15, 0.25)
    """Of an episode: to come down, to push, to draw back, to leave and let the object be seen."""
    grips = False

    def __call__(self, stand: Stand, frames: int, interval: float, rng: np.random.Generator) -> Plan:
        angle = rng.uniform(0.0, 2 * np.pi)
        towards = np.array([np.cos(angle), np.sin(angle)])
        start = -(stand.behind(towards) + TOOL + self.clearance)
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
        tips = np.concatenate([stand.center[:2] + way[:, :1] * towards, way[:, 1:]], axis=1)
        rotations = np.tile(pointing_down(stand), (frames, 1, 1))
        return through(stand, tips, rotations, np.zeros(frames), interval)
