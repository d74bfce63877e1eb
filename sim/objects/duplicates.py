"""Which objects of a category have nearly the same shape, so that one must not be tested where another was learned."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, permutations, product
from typing import NamedTuple

import numpy as np
from scipy.ndimage import distance_transform_edt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from sim.objects.mesh import Toy
from sim.objects.surface import surface_points

LARGEST = 0.07
"""Difference up to which two shapes are nearly the same, as chosen by looking at the pairs of 339 toys (CC0, of Kenney,
Quaternius and others): below lie copies of other colours, sizes and lengths, and cars on the same body, but also an
apple and a coconut; above, two sofas of one maker, barrels of two, burgers with one layer and two. One pair too many
makes folds coarser, one too few would make them leak."""
POINTS, SOUGHT = 16384, 512
"""Points on the surface; and those of them that are looked up in the other shape."""
CELLS, REACH = 48, 3.0
"""Of a grid around the shape, along each axis; and how far it reaches, in standard deviations."""
FLATTEST = 0.1
"""Least extent that is stretched, as a share of the largest: a plate stays flat."""
TURNS = np.array(
    [
        np.eye(3)[list(axes)] * np.array(signs)[:, None]
        for axes in permutations(range(3))
        for signs in product((1, -1), repeat=3)
    ]
)
"""float64 [48, 3, 3]: the turns that bring axes onto axes, and their mirror images."""
BACK = np.array([np.argmin(np.abs(TURNS - turn.T).sum(axis=(1, 2))) for turn in TURNS])
"""int64 [48]: the number of the turn that undoes each."""


class Form(NamedTuple):
    """The shape of a toy, whatever its place, its size along each of its axes and its colours."""

    cells: np.ndarray
    """int64 [48, SOUGHT]: the cell of the grid that each point of its surface lies in, under each of `TURNS`."""
    distance: np.ndarray
    """float32 [CELLS ** 3]: from each cell to the surface, in standard deviations of the surface along each axis."""


def groups_of(toys: Sequence[Toy]) -> list[tuple[int, ...]]:
    """Toys of nearly the same shape, as tuples of their numbers, ascending; one that is like no other is alone.

    Like is whoever is like one of the group. A toy takes about 20 ms and 0.6 MB, a pair 0.2 ms.
    """
    forms = [form_of(toy) for toy in toys]
    alike = [pair for pair in combinations(range(len(toys)), 2) if difference(*(forms[k] for k in pair)) <= LARGEST]
    first, second = np.array(alike, dtype=np.int64).reshape(-1, 2).T
    links = coo_array((np.ones(len(first)), (first, second)), shape=(len(toys), len(toys)))
    count, label = connected_components(links, directed=False)
    return sorted(tuple(np.flatnonzero(label == group).tolist()) for group in range(count))


def form_of(toy: Toy) -> Form:
    """What is compared: a pure function of the toy's vertices and faces.

    The surface is centred and stretched along each axis to the same spread (Kazhdan, Funkhouser and Rusinkiewicz 2004,
    Shape Matching and Anisotropy): copies may be larger, and longer along one axis than along another.
    """
    points = surface_points(toy, POINTS, size=1.0)
    points = points - points.mean(axis=0)
    spread = points.std(axis=0)
    points /= np.maximum(spread, FLATTEST * spread.max())
    empty = np.ones(CELLS**3, dtype=bool)
    empty[_cells(points)] = False
    distance = distance_transform_edt(empty.reshape(CELLS, CELLS, CELLS)) * (2 * REACH / CELLS)
    return Form(_cells(points[:: POINTS // SOUGHT] @ TURNS.transpose(0, 2, 1)), distance.astype(np.float32).ravel())


def difference(one: Form, other: Form) -> float:
    """How far points of one surface lie from the other on the average, whichever way that is more, in standard
    deviations; of the turn that brings them closest. 0 for the same shape, 0.1 to 0.3 for most others of a category.

    Chamfer matching by a distance transform (Barrow et al. 1977; Borgefors 1988).
    """
    there = other.distance[one.cells].mean(axis=1)
    back = one.distance[other.cells].mean(axis=1)[BACK]
    return float(np.maximum(there, back).min())


def _cells(points: np.ndarray) -> np.ndarray:
    """The cells that points [..., 3] lie in, int64 [...]; beyond the grid, the nearest."""
    places = ((points / REACH + 1) / 2 * CELLS).astype(np.int64).clip(0, CELLS - 1)
    return (places[..., 0] * CELLS + places[..., 1]) * CELLS + places[..., 2]
