"""From the parts of a toy to its arrays, and the register of categories."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from sim.objects.mesh import Toy
from sim.objects.toys.paint import CELL, draw_paints
from sim.objects.toys.shapes import Shape

PAINTS = 3
"""Every toy has three paints, whatever its category, so that the number of colours tells nothing."""
MAIN, SECOND, THIRD = range(PAINTS)

Parts = list[tuple[Shape, int]]
"""Shapes, each with the number of its paint."""
Category = Callable[[np.random.Generator], Parts]

CATEGORIES: dict[str, Category] = {}


def toy(name: str) -> Callable[[Category], Category]:
    """Register a function that draws the parts of one instance as the category `name`."""

    def register(draw: Category) -> Category:
        CATEGORIES[name] = draw
        return draw

    return register


def painted(paint: int, *shapes: Shape) -> Parts:
    return [(shape, paint) for shape in shapes]


def build(parts: Parts, rng: np.random.Generator, *, category: str, instance: str) -> Toy:
    """Paint the parts and bring them into the canonical frame."""
    vertices = np.concatenate([shape.vertices for shape, _ in parts])
    low, high = vertices.min(axis=0), vertices.max(axis=0)
    longest = (high - low).max()
    starts = np.cumsum([0] + [len(shape.vertices) for shape, _ in parts])
    faces = np.concatenate([shape.faces + start for (shape, _), start in zip(parts, starts, strict=False)])
    uvs = np.concatenate([_in_cell(shape, paint, longest) for shape, paint in parts])
    return Toy(
        vertices=((vertices - (low + high) / 2) / longest).astype(np.float32),
        faces=faces.astype(np.int32),
        uvs=uvs.astype(np.float32),
        texture=draw_paints(rng, PAINTS),
        category=category,
        instance=instance,
    )


def _in_cell(shape: Shape, paint: int, longest: float) -> np.ndarray:
    """Texture coordinates in the cell of the paint; a small part shows a small piece, or its pattern would alias."""
    share = np.clip(1.5 * np.ptp(shape.vertices, axis=0).max() / longest, 0.2, 1.0)
    margin = 2 / CELL  # keeps rounding out of the neighbouring cell
    inside = margin + (1 - 2 * margin) * (0.5 + share * (shape.uvs.clip(0, 1) - 0.5))
    return np.stack([(paint + inside[:, 0]) / PAINTS, inside[:, 1]], 1)
