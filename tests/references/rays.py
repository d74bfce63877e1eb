"""What is seen of a toy, one ray at a time."""

from __future__ import annotations

import numpy as np

from sim.objects.mesh import Toy


def first_hit(toy: Toy, origin: np.ndarray, direction: np.ndarray) -> tuple[bool, np.ndarray] | None:
    """The first surface that a ray from outside meets, drawn from both sides: whether it is met from the front, and
    its colour, uint8 [3]. None where it meets nothing."""
    nearest, hit = np.inf, None
    for face in toy.faces:
        a, b, c = toy.vertices[face].astype(np.float64)
        matrix = np.stack([b - a, c - a, -direction], axis=1)
        if abs(np.linalg.det(matrix)) < 1e-12:
            continue
        u, v, distance = np.linalg.solve(matrix, origin - a)
        if u < 0 or v < 0 or u + v > 1 or distance < 0 or distance > nearest + 1e-6:
            continue
        front = bool(np.dot(np.cross(b - a, c - a), direction) < 0)
        if hit is not None and distance > nearest - 1e-6 and (hit[0] or not front):
            continue  # of two faces in one place, the one that looks here is drawn
        place = (1 - u - v) * toy.uvs[face[0]] + u * toy.uvs[face[1]] + v * toy.uvs[face[2]]
        height, width = toy.texture.shape[:2]
        column = min(int(place[0] * width), width - 1)
        row = min(int((1 - place[1]) * height), height - 1)
        nearest, hit = min(distance, nearest), (front, toy.texture[row, column])
    return hit


def colors_around(toy: Toy) -> dict[str, tuple[int, int, int]]:
    """The colour that is seen from each of the six sides, looking at a point beside the centre."""
    beside = np.array([0.011, 0.013, 0.017])
    found = {}
    for axis, name in enumerate("xyz"):
        for sign, side in ((1, "+"), (-1, "-")):
            direction = np.zeros(3)
            direction[axis] = -sign
            hit = first_hit(toy, beside * (direction == 0) - 2 * direction, direction)
            assert hit is not None, f"nothing is seen from {side}{name}"
            assert hit[0], f"the surface seen from {side}{name} looks away"
            found[f"{side}{name}"] = tuple(int(value) for value in hit[1])
    return found
