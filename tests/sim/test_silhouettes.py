"""No two categories are alike by silhouette; all instances of one stand alike."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from sim.objects import ProceduralToys, Toy

CATALOGUE = ProceduralToys()
NAMES = CATALOGUE.categories

VIEWS = ((0.0, 0.0), (np.pi / 2, 0.0), (0.7, 0.5), (2.4, 0.5), (3.8, 0.8), (0.0, np.pi / 2))
"""Radians of yaw and pitch: front, side, three from above at an angle, and straight from above."""
SILHOUETTE = 32
"""Pixels a side."""


def silhouette(toy: Toy, yaw: float, pitch: float) -> np.ndarray:
    """The toy's outline, filled, as large as the frame, bool [SILHOUETTE, SILHOUETTE]; from afar."""
    towards = np.array([np.cos(pitch) * np.cos(yaw), np.cos(pitch) * np.sin(yaw), np.sin(pitch)])
    right = np.array([-np.sin(yaw), np.cos(yaw), 0.0])
    a, b, c = corners(toy)
    # Parts are closed, so that the faces towards the camera cover all.
    faces = np.stack([a, b, c], 1)[np.cross(b - a, c - a) @ towards > 0] @ np.stack(
        [right, np.cross(right, towards)], 1
    )
    low, high = faces.min(axis=(0, 1)), faces.max(axis=(0, 1))
    pixels = (faces - (low + high) / 2) / (high - low).max() * (SILHOUETTE - 4) + SILHOUETTE / 2 - 0.5
    mask = np.zeros((SILHOUETTE, SILHOUETTE), np.uint8)
    large = np.ptp(pixels, axis=1).max(axis=1) > 1.5
    for triangle in np.round(pixels[large] * 16).astype(np.int32):
        cv2.fillConvexPoly(mask, triangle, 1, shift=4)
    column, row = np.round(pixels[~large]).astype(int).reshape(-1, 2).T
    mask[row, column] = 1
    return mask.astype(bool)


def overlaps(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Intersection over union of each silhouette with each, float [N, M]; masks bool [N, ...] and [M, ...]."""
    a, b = first.reshape(len(first), -1).astype(np.float32), second.reshape(len(second), -1).astype(np.float32)
    both = a @ b.T
    return both / (a.sum(axis=1)[:, None] + b.sum(axis=1) - both)


def make(category: str, number: int) -> Toy:
    return CATALOGUE.toy(category, f"{category}_{number:07d}")


def corners(mesh: Toy) -> list[np.ndarray]:
    return [mesh.vertices[mesh.faces[:, k]].astype(np.float64) for k in range(3)]


@pytest.fixture(scope="module", params=[12, pytest.param(48, marks=pytest.mark.long)])
def silhouettes(request: pytest.FixtureRequest) -> np.ndarray:
    """bool [VIEWS, categories, instances, SILHOUETTE, SILHOUETTE]."""
    rng = np.random.default_rng(5)
    toys = [[CATALOGUE.toy(name, CATALOGUE.draw(name, rng)) for _ in range(request.param)] for name in NAMES]
    return np.array([[[silhouette(toy, *view) for toy in row] for row in toys] for view in VIEWS])


def confusion(alike: np.ndarray, count: int) -> np.ndarray:
    """How often an instance is more like one of another category than like any of its own, for each pair of
    categories, float [categories, categories]. `alike` [N, N] between all instances, `count` of each category.
    """
    others = np.where(np.eye(len(alike), dtype=bool), -1.0, alike)
    nearest = others.reshape(len(NAMES), count, len(NAMES), count).max(axis=3)
    own = nearest[np.arange(len(NAMES)), :, np.arange(len(NAMES))]
    wrong = (nearest >= own[:, :, None]).mean(axis=1)
    np.fill_diagonal(wrong, 0.0)
    return (wrong + wrong.T) / 2


def worst(pairs: np.ndarray) -> str:
    a, b = np.unravel_index(pairs.argmax(), pairs.shape)
    return f"{NAMES[a]} and {NAMES[b]}: {pairs.max():.3f}"


def test_no_two_categories_are_alike_by_silhouette(silhouettes: np.ndarray) -> None:
    """By all views together, and by each that is not straight from above, where whatever is turned is a disc.

    Fewer instances are further apart within their category, so that more is confused. The worst pairs of five draws:
    0.08 together and 0.25 in one view of 12 instances, 0.01 and 0.07 of 48.
    """
    count = silhouettes.shape[2]
    most_together, most_alone = {12: (0.15, 0.35), 48: (0.03, 0.12)}[count]
    each = [overlaps(*[view.reshape(-1, SILHOUETTE, SILHOUETTE)] * 2) for view in silhouettes]
    together = confusion(np.mean(each, axis=0), count)
    assert together.max() < most_together, worst(together)
    for view in each[:-1]:
        alone = confusion(view, count)
        assert alone.max() < most_alone, worst(alone)


def test_instances_of_a_category_differ_in_silhouette(silhouettes: np.ndarray) -> None:
    for at, name in enumerate(NAMES):
        alike = np.mean([overlaps(view[at], view[at]) for view in silhouettes], axis=0)
        pairs = alike[np.triu_indices(len(alike), 1)]
        assert pairs.mean() < 0.93, name
        assert (pairs > 0.97).mean() < 0.05, name


@pytest.mark.parametrize("count", [3, pytest.param(12, marks=pytest.mark.long)])
@pytest.mark.parametrize("category", NAMES)
def test_instances_stand_alike(category: str, count: int) -> None:
    """Turned about z or upside down, they are no more like the others of their category than they are as made."""
    toys = [make(category, number) for number in range(2 * count)]
    others = [np.array([silhouette(toy, *view) for toy in toys[count:]]) for view in VIEWS]

    def like(turn: np.ndarray) -> float:
        turned = [toy._replace(vertices=toy.vertices @ turn) for toy in toys[:count]]
        masks = [np.array([silhouette(toy, *view) for toy in turned]) for view in VIEWS]
        return float(np.mean([overlaps(a, b) for a, b in zip(masks, others, strict=True)]))

    quarter = np.array([[0.0, 1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    upright = like(np.eye(3))
    for turn in (quarter, quarter @ quarter, quarter.T, np.diag([1.0, -1.0, -1.0]), np.diag([-1.0, 1.0, -1.0])):
        assert like(turn) < upright + 0.05
