"""The view sphere, against episodes whose coverage is known."""

from __future__ import annotations

import numpy as np
import pytest

from sim import poses, viewsphere


def looking_from(directions: np.ndarray, distance: float = 1.0, seed: int = 0) -> np.ndarray:
    """Object poses [T, 7], in the camera frame, of a camera that stands in `directions` [T, 3] of the object."""
    rng, made = np.random.default_rng(seed), []
    for direction in directions:
        turn = poses.random_rotation(rng)
        made.append(np.concatenate([-poses.rotate(turn, distance * direction), turn]))
    return np.array(made)


def test_directions_are_unit_and_even() -> None:
    directions = viewsphere.directions()
    assert directions.shape == (200, 3)
    assert np.linalg.norm(directions, axis=1) == pytest.approx(1.0)
    assert directions.mean(axis=0) == pytest.approx(0.0, abs=0.005)
    assert directions.T @ directions / 200 == pytest.approx(np.eye(3) / 3, abs=0.005)
    between = np.degrees(np.arccos((directions @ directions.T - 2 * np.eye(200)).max(axis=1)))
    assert between.min() > 10  # 200 circles of a hexagonal packing would lie 15.4 degrees apart
    assert between.max() < 16


def test_viewpoints_are_where_the_camera_stands() -> None:
    directions = viewsphere.directions()
    for distance in (0.5, 1.0, 3.0):
        assert viewsphere.viewpoints(looking_from(directions, distance)) == pytest.approx(directions, abs=1e-12)


def test_one_look_sees_a_cone() -> None:
    """Each look from somewhere sees the directions within 15 degrees, about (1 - cos 15) / 2 of all."""
    rng = np.random.default_rng(0)
    shares = []
    for _ in range(200):
        direction = rng.standard_normal(3)
        direction /= np.linalg.norm(direction)
        seen = viewsphere.seen(looking_from(direction[None])[0])
        degrees = np.degrees(np.arccos(np.clip(viewsphere.directions() @ direction, -1, 1)))
        assert np.array_equal(seen, degrees < 15)
        shares.append(seen.mean())
    assert np.mean(shares) == pytest.approx((1 - np.cos(np.radians(15))) / 2, rel=0.05)


def test_a_ring_covers_a_belt() -> None:
    """All around the equator: the belt within 15 degrees of it, which has sin 15 of the sphere's area."""
    angle = np.linspace(0, 2 * np.pi, 360, endpoint=False)
    ring = np.stack([np.cos(angle), np.sin(angle), np.zeros(360)], axis=-1)
    assert viewsphere.coverage(looking_from(ring)) == pytest.approx(np.sin(np.radians(15)), abs=0.015)
    assert viewsphere.coverage(looking_from(viewsphere.directions())) == 1.0


def test_coverage_grows_and_forgets_nothing() -> None:
    rng = np.random.default_rng(0)
    looks = looking_from(rng.standard_normal((30, 3)))
    shares = [viewsphere.coverage(looks[: count + 1]) for count in range(30)]
    assert (np.diff(shares) >= 0).all()
    assert viewsphere.coverage(looks[::-1]) == shares[-1]
    parts = viewsphere.seen(looks[:10]) | viewsphere.seen(looks[10:])
    assert np.array_equal(parts, viewsphere.seen(looks))
