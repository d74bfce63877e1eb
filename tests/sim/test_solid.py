"""Solids of toys against closed forms, and against sums over many points."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import ConvexHull, Delaunay

from sim.errors import InputError
from sim.objects import ProceduralToys, Toy, solid_of
from sim.objects.solid import MASSES, MAX_VERTICES, THINNEST


def toy_of(points: np.ndarray) -> Toy:
    """A toy with these corners, which all belong to some face."""
    number = np.arange(len(points), dtype=np.int32)
    faces = np.stack([number, np.roll(number, -1), np.roll(number, -2)], axis=1)
    empty = np.zeros((len(points), 2), np.float32)
    return Toy(points.astype(np.float32), faces, empty, np.zeros((1, 1, 3), np.uint8), "form", "form_1")


def box(*sides: float) -> np.ndarray:
    return (np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)]) - 0.5) * sides


@pytest.mark.parametrize("sides", [(1.0, 0.5, 0.2), (0.1, 1.0, 0.7), (0.2, 0.2, 1.0)])
def test_a_box_has_its_mass_and_inertia(sides: tuple[float, float, float]) -> None:
    solid = solid_of(toy_of(box(*sides)), size=0.15, density=400.0)
    a, b, c = 0.15 * np.array(sides)
    assert solid.mass == pytest.approx(400.0 * a * b * c, rel=1e-5)
    assert solid.center == pytest.approx(0, abs=1e-8)
    expected = solid.mass / 12 * np.diag([b * b + c * c, a * a + c * c, a * a + b * b])
    assert solid.inertia == pytest.approx(expected, rel=1e-5, abs=1e-12)
    assert np.unique(solid.hull, axis=0) == pytest.approx(np.unique(0.15 * box(*sides), axis=0), abs=1e-7)


def test_a_tetrahedron_has_its_mass_and_inertia() -> None:
    """With a corner at the origin and three on the axes: moments a^5 / 60 and products a^5 / 120 about that corner."""
    points = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]]) - 0.5
    a = 0.2
    solid = solid_of(toy_of(points), size=a, density=100.0)
    volume = a**3 / 6
    assert solid.mass == pytest.approx(100.0 * volume, rel=1e-5)
    assert solid.center == pytest.approx(np.full(3, a / 4 - a / 2), rel=1e-5)
    second = 100.0 * a**5 * (np.eye(3) / 60 + (1 - np.eye(3)) / 120)
    about_corner = np.trace(second) * np.eye(3) - second
    offset = np.full(3, a / 4)
    expected = about_corner - solid.mass * (offset @ offset * np.eye(3) - np.outer(offset, offset))
    assert solid.inertia == pytest.approx(expected, rel=1e-5)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), size=st.floats(0.05, 0.2))
def test_mass_and_inertia_equal_sums_over_many_points(seed: int, size: float) -> None:
    rng = np.random.default_rng(seed)
    points = rng.uniform(-0.5, 0.5, (30, 3)) * rng.uniform(0.4, 1.0, 3)
    solid = solid_of(toy_of(points), size=size, density=300.0)
    low, high = solid.hull.min(axis=0), solid.hull.max(axis=0)
    cloud = rng.uniform(low, high, (20_000, 3))
    inside = cloud[Delaunay(solid.hull.astype(np.float64)).find_simplex(cloud) >= 0]
    volume = np.prod(high - low) * len(inside) / len(cloud)
    assert solid.mass == pytest.approx(np.clip(300.0 * volume, *MASSES), rel=0.06)
    assert solid.center == pytest.approx(inside.mean(axis=0), abs=0.02 * size)
    arms = inside - inside.mean(axis=0)
    moments = arms.T @ arms / len(inside)
    expected = solid.mass * (np.trace(moments) * np.eye(3) - moments)
    assert np.abs(solid.inertia - expected).max() < 0.08 * np.abs(expected).max()


@pytest.mark.parametrize(
    "points",
    [
        np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0]]) - 0.5,
        np.array([[-0.5, -0.3, 0.1], [0.5, 0.3, -0.1], [0.0, 0.0, 0.0]]),
        box(1.0, 0.5, 0.0),
        box(1.0, 1e-6, 1e-6) @ np.linalg.qr(np.arange(9).reshape(3, 3) ** 2 - 5.0)[0],
        np.zeros((3, 3)),
    ],
)
def test_sheets_and_lines_are_thickened(points: np.ndarray) -> None:
    solid = solid_of(toy_of(points), size=0.1)
    assert MASSES[0] <= solid.mass <= MASSES[1]
    hull = ConvexHull(solid.hull.astype(np.float64))
    widths = np.ptp(solid.hull @ hull.equations[:, :3].T, axis=0)
    assert widths.min() >= 0.99 * THINNEST * 0.1
    moments = np.linalg.eigvalsh(solid.inertia)
    assert moments[0] > 0
    assert moments[0] + moments[1] >= moments[2] * (1 - 1e-6)


def test_built_in_toys_make_bodies_that_an_arm_can_lift() -> None:
    catalogue = ProceduralToys()
    for category in catalogue.categories[::4]:
        toy = catalogue.toy(category, f"{category}_0000007")
        solid = solid_of(toy, size=0.12)
        assert (solid.hull.dtype, solid.hull.ndim, len(solid.hull) <= MAX_VERTICES) == (np.float32, 2, True)
        assert np.ptp(solid.hull, axis=0) == pytest.approx(
            0.12 * np.maximum(np.ptp(toy.vertices, axis=0), 0), abs=0.003
        )
        assert MASSES[0] <= solid.mass <= MASSES[1]
        assert np.linalg.eigvalsh(solid.inertia)[0] > 0
        assert np.array_equal(solid_of(toy, size=0.12).inertia, solid.inertia)


def test_sizes_and_densities_must_be_positive() -> None:
    for size, density in ((0.0, 300.0), (-1.0, 300.0), (0.1, 0.0), (float("nan"), 300.0)):
        with pytest.raises(InputError, match=r"size=.*density="):
            solid_of(toy_of(box(1, 1, 1)), size=size, density=density)
