"""Play quality of episodes whose numbers can be worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from agent.episode import Episode
from agent.quality import HEADER, PlayQuality, quality
from sim import poses, viewsphere
from tests.agent.episodes import fake_episode


def episode(degrees: list[float], *, places: list[list[float]] | None = None, visible: float = 1.0) -> Episode:
    """A toy turned to these angles about the camera's y axis, 1 m ahead unless `places` [T, 3] m are given.

    Images of 16 x 16 pixels through a lens of 20 pixels.
    """
    count = len(degrees)
    turns = poses.from_axis_angle(np.array([0.0, 1.0, 0.0]), np.radians(degrees))
    where = np.array(places if places is not None else [[0.0, 0.0, 1.0]] * count)
    return fake_episode(0, frames=count)._replace(
        object_poses=np.concatenate([where, turns], axis=-1).astype(np.float32),
        intrinsics=np.array([[20, 0, 8], [0, 20, 8], [0, 0, 1]], dtype=np.float32),
        visible=np.full(count, visible, dtype=np.float32),
        limited=np.zeros(count - 1, dtype=bool),
    )


def test_turns_are_those_of_all_pairs_and_of_neighbours() -> None:
    """0, 10, 40 degrees: pairs differ by 10, 30 and 40, neighbours by 10 and 30."""
    measured = quality([episode([0, 10, 40])])
    assert measured.turn == pytest.approx(30, abs=1e-3)
    assert measured.smallest_turns == pytest.approx(14, abs=1e-3)
    assert measured.largest_turns == pytest.approx(38, abs=1e-3)
    assert measured.step == pytest.approx(20, abs=1e-3)


def test_turns_are_the_shorter_way_and_pooled_over_episodes() -> None:
    measured = quality([episode([0, 350]), episode([0, 20]), episode([0, 60])])
    assert measured.turn == measured.step == pytest.approx(20, abs=1e-3)


def test_coverage_is_a_mean_over_episodes_and_a_minimum() -> None:
    """Turned all around, a toy is seen from a band of 30 degrees: sin 15 degrees of the sphere. At rest: one cone."""
    around, still = episode(list(np.arange(0, 360, 2.0))), episode([0, 0])
    measured = quality([around, still])
    cone = viewsphere.coverage(still.object_poses)
    assert quality([around]).coverage == pytest.approx(np.sin(np.radians(15)), abs=0.02)
    assert measured.least_coverage == cone == pytest.approx((1 - np.cos(np.radians(15))) / 2, abs=0.01)
    assert measured.coverage == pytest.approx((quality([around]).coverage + cone) / 2)
    assert measured.episodes == 2


def test_the_centre_is_in_the_image_within_its_borders_and_before_the_camera() -> None:
    """With 20 pixels of lens the border is 0.4 m from the middle at 1 m."""
    places = [[0, 0, 1], [0.39, 0, 1], [0, -0.39, 1], [0.41, 0, 1], [0, 0.41, 1], [0, 0, -1], [0.41, 0, 2], [0, 0, 4]]
    measured = quality([episode([0] * 8, places=places)])
    assert measured.in_image == pytest.approx(5 / 8)


def test_scale_is_that_of_the_distance() -> None:
    measured = quality([episode([0, 0], places=[[0, 0, 1], [0, 0, 2]])])
    assert measured.scale == pytest.approx((0.2 + 0.1) / 2)


def test_shares_count_frames_and_commands() -> None:
    half = episode([0, 0], visible=0.5)
    hidden = episode([0, 0, 0, 0], visible=0.49)._replace(limited=np.array([True, False, True]))
    measured = quality(iter([half, hidden]))
    assert measured.half_visible == pytest.approx(2 / 6)
    assert measured.limited == pytest.approx(2 / 4)


def test_no_episode_is_an_error() -> None:
    with pytest.raises(ValueError, match="no episode"):
        quality([])


def test_a_row_fits_the_header() -> None:
    row = PlayQuality(100, 0.3512, 0.25, 1.0, 0.9876, 92.4, 23.2, 163.0, 17.1, 0.001, 2.31).row("inspect")
    assert row == "| inspect | 100 | 35 (25) | 100.0 | 98.8 | 92 (23 to 163) | 17 | 0.1 | 2.3 |"
    assert [line.count("|") for line in HEADER.splitlines()] == [row.count("|")] * 2
