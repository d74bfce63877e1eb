"""Pictures, read back: what is drawn where."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from learner.experiments.drawing import COLORS, draw_differences
from learner.experiments.summary import summary
from tests.learner.experiments.made import INSTANCES, grid, scores

PAPER = {"simclr-tt": -5.0, "simclr": 5.0}
"""Nobody's: on the other side of zero."""


def runs(which: np.ndarray) -> list[tuple[int, int]]:
    """Begin and end of each run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], which.astype(int), [0]])))
    return [(int(begin), int(end)) for begin, end in edges.reshape(-1, 2)]


def test_gains_and_losses_lie_on_their_sides_of_zero(tmp_path: Path) -> None:
    shares = {"simclr": 0.9, "simclr-tt": 0.2, "aa-simclr": 0.4}
    rng = np.random.default_rng(0)
    found = {
        (name, seed): scores(np.full(len(INSTANCES), share) + rng.normal(0, 0.01, len(INSTANCES)))
        for name, share in shares.items()
        for seed in range(2)
    }
    draw_differences(tmp_path / "differences.png", summary(grid("tumble"), found), title="told", papers=PAPER)
    picture = cv2.imread(str(tmp_path / "differences.png")).astype(int)
    wanted = tuple(int(COLORS["aa-simclr"][at : at + 2], 16) for at in (5, 3, 1))
    markers = (np.abs(picture - wanted) < 8).all(axis=2)
    grey = (np.abs(picture - 102) < 40).all(axis=2)
    lines = runs(markers.any(axis=1))
    assert len(lines) == 2  # over simclr, over simclr-tt
    (left, _), (right, _) = runs((picture < 40).all(axis=2).mean(axis=0) > 0.3)  # the axes
    for panel in (slice(left, right), slice(right, None)):
        zero = np.flatnonzero(grey[:, panel].mean(axis=0) > 0.3).mean()
        loss, gain = ([*(np.flatnonzero(markers[slice(*line), panel].any(axis=0)) - zero)] for line in lines)
        assert max(loss) < 0 < min(gain)
        assert np.mean(loss) / np.mean(gain) == pytest.approx(-2.5, rel=0.1)
    # The paper's are told in the panel of the linear probe alone, on the other side of zero and once in the legend.
    marks = [runs(grey[slice(*line), right:].any(axis=0)) for line in lines]
    assert [len(each) for each in marks] == [2, 2]
    ticks = 20
    assert all(len(runs(grey[slice(*line), left : right - ticks].any(axis=0))) == 1 for line in lines)
