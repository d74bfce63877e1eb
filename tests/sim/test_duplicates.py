"""Toys of nearly the same shape: against nearest points, and copies that are made here."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from sim.objects import ProceduralToys, Toy
from sim.objects.duplicates import CELLS, LARGEST, REACH, TURNS, difference, form_of, groups_of
from sim.objects.surface import surface_points

CATALOGUE = ProceduralToys()


def toy(category: str, number: int = 1) -> Toy:
    return CATALOGUE.toy(category, f"{category}_{number:07d}")


def changed(toy: Toy, vertices: np.ndarray, faces: np.ndarray | None = None) -> Toy:
    """The toy with other vertices, brought into its canonical frame."""
    low, high = vertices.min(axis=0), vertices.max(axis=0)
    vertices = ((vertices - (low + high) / 2) / (high - low).max()).astype(np.float32)
    return toy._replace(vertices=vertices, faces=toy.faces if faces is None else faces)


def halved(toy: Toy, rng: np.random.Generator) -> Toy:
    """The same shape of four times as many faces, in another order."""
    corners = toy.vertices[toy.faces]
    middles = (corners + corners[:, [1, 2, 0]]) / 2
    a, b, c = corners.transpose(1, 0, 2)
    ab, bc, ca = middles.transpose(1, 0, 2)
    parts = np.concatenate([np.stack(part, 1) for part in ((a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca))])
    parts = rng.permutation(parts)
    return changed(toy, parts.reshape(-1, 3), np.arange(3 * len(parts), dtype=np.int32).reshape(-1, 3))


@pytest.mark.parametrize("category", ["mug", "car", "hammer"])
def test_copies_are_alike_and_other_shapes_are_not(category: str) -> None:
    first, rng = toy(category), np.random.default_rng(0)
    points = first.vertices
    knob = np.where(points[:, 2:] > np.quantile(points[:, 2], 0.98), [0, 0, 0.02], 0.0)
    copies = {
        "other colours": first._replace(texture=255 - first.texture, uvs=1 - first.uvs),
        "longer along one axis": changed(first, points * [1.4, 1.0, 1.0]),
        "mirrored": changed(first, points * [1, -1, 1], first.faces[:, ::-1]),
        "lying": changed(first, points[:, [2, 0, 1]]),
        "upside down, longer": changed(first, points * [1.2, -1, -1]),
        "other faces": halved(first, rng),
        "edited": changed(first, points + knob),
    }
    form = form_of(first)
    for name, copy in copies.items():
        assert difference(form, form_of(copy)) <= LARGEST, name
    others = [toy("tree"), toy("anchor"), toy("table")]
    mixed = [others[0], first, others[1], *copies.values(), others[2]]
    assert groups_of(mixed) == [(0,), (1, *range(3, 3 + len(copies))), (2,), (len(mixed) - 1,)]


@pytest.mark.parametrize(("one", "other"), [("mug", "mug"), ("table", "tree")])
def test_a_difference_is_that_of_nearest_points(one: str, other: str) -> None:
    """Against all distances between many points, without a grid."""

    def stretched(toy: Toy, count: int) -> np.ndarray:
        points = surface_points(toy, count, size=1.0)
        points = points - points.mean(axis=0)
        return points / np.maximum(points.std(axis=0), 0.1 * points.std(axis=0).max())

    toys = toy(one, 1), toy(other, 2)
    (few, many), (other_few, other_many) = ([stretched(each, count) for count in (300, 4000)] for each in toys)
    ways = [
        (cdist(few @ turn.T, other_many).min(axis=1).mean(), cdist(other_few, many @ turn.T).min(axis=1).mean())
        for turn in TURNS
    ]
    slow = min(max(way) for way in ways)
    fast = difference(form_of(toys[0]), form_of(toys[1]))
    assert fast == pytest.approx(slow, abs=REACH / CELLS)  # half a cell
    assert fast == pytest.approx(difference(form_of(toys[1]), form_of(toys[0])), abs=1e-6)


def test_whoever_is_like_one_of_a_group_is_in_it() -> None:
    """A pear that is pressed into another shape, little by little."""
    fruit = toy("pear")
    pressed = fruit.vertices * np.where(fruit.vertices[:, 2:] > 0, [0.3, 0.3, 1.6], 1.0)
    steps = [changed(fruit, (1 - share) * fruit.vertices + share * pressed) for share in np.linspace(0, 1, 7)]
    forms = [form_of(each) for each in steps]
    assert max(difference(*pair) for pair in pairwise(forms)) <= LARGEST
    assert difference(forms[0], forms[-1]) > LARGEST
    assert groups_of(steps[::2][::-1] + steps[1::2] + [toy("table")]) == [tuple(range(7)), (7,)]


def test_few_toys_are_grouped_too() -> None:
    assert groups_of([]) == []
    assert groups_of([toy("mug")]) == [(0,)]
