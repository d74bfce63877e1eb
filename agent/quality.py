"""How good play is: what a learner gets to see, measured on episodes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from agent.episode import Episode
from sim import poses, viewsphere
from sim.camera import pixels


class PlayQuality(NamedTuple):
    """Measured over all frames, or pairs of frames, of some episodes; shares are in [0, 1]."""

    episodes: int
    coverage: float
    """Share of the view sphere that an episode shows, on average over episodes."""
    least_coverage: float
    """The same of the episode that shows least."""
    in_image: float
    """Share of frames with the object's centre in the image."""
    half_visible: float
    """Share of frames with at least half of the object's silhouette in the image and not covered."""
    turn: float
    """Median angle in degrees between two frames t' != t of an episode."""
    smallest_turns: float
    """10 % quantile of it."""
    largest_turns: float
    """90 % quantile of it."""
    step: float
    """Median angle in degrees between a frame and the next."""
    limited: float
    """Share of commands that were limited."""
    scale: float
    """Pixels that a centimetre takes up at the object's distance, on average."""

    def row(self, name: str) -> str:
        """A line of a Markdown table, headed by `HEADER`."""
        cells = (
            name,
            f"{self.episodes}",
            f"{100 * self.coverage:.0f} ({100 * self.least_coverage:.0f})",
            f"{100 * self.in_image:.1f}",
            f"{100 * self.half_visible:.1f}",
            f"{self.turn:.0f} ({self.smallest_turns:.0f} to {self.largest_turns:.0f})",
            f"{self.step:.0f}",
            f"{100 * self.limited:.1f}",
            f"{self.scale:.1f}",
        )
        return f"| {' | '.join(cells)} |"


_COLUMNS = (
    "play",
    "episodes",
    "view sphere seen, % (least)",
    "centre in image, %",
    "half visible, %",
    "turn of a pair, degrees (10 to 90 %)",
    "of the next frame",
    "limited, %",
    "pixels/cm",
)
HEADER = f"| {' | '.join(_COLUMNS)} |\n|{'---|' * len(_COLUMNS)}"
"""Two lines above the rows."""


def quality(episodes: Iterable[Episode]) -> PlayQuality:
    """Measure episodes of T >= 2 frames; all frames and pairs count the same, wherever they come from."""
    coverage, in_image, visible, turns, steps, limited, scale = ([] for _ in range(7))
    for episode in episodes:
        where = episode.object_poses.astype(np.float64)
        height, width = episode.frames.shape[1:3]
        column, row = pixels(where[:, :3], episode.intrinsics.astype(np.float64)).T
        ahead = where[:, 2] > 0
        coverage.append(viewsphere.coverage(where))
        in_image.append(ahead & (column > 0) & (column < width) & (row > 0) & (row < height))
        visible.append(episode.visible >= 0.5)
        first, second = np.triu_indices(len(where), k=1)
        turned = poses.angle(poses.relative(where[first], where[second])[:, 3:])
        turns.append(turned)
        steps.append(turned[second == first + 1])
        limited.append(episode.limited)
        scale.append(0.01 * episode.intrinsics[0, 0] / where[ahead, 2])
    if not coverage:
        raise ValueError("no episode: nothing can be measured")
    low, median, high = np.degrees(np.quantile(np.concatenate(turns), [0.1, 0.5, 0.9]))
    return PlayQuality(
        episodes=len(coverage),
        coverage=float(np.mean(coverage)),
        least_coverage=float(np.min(coverage)),
        in_image=float(np.concatenate(in_image).mean()),
        half_visible=float(np.concatenate(visible).mean()),
        turn=float(median),
        smallest_turns=float(low),
        largest_turns=float(high),
        step=float(np.degrees(np.median(np.concatenate(steps)))),
        limited=float(np.concatenate(limited).mean()),
        scale=float(np.concatenate(scale).mean()),
    )
