"""Bodies of known form on the table, for the tests of contacts."""

from __future__ import annotations

import numpy as np

from sim import poses
from sim.objects import Toy
from sim.table_scene import TableScene

FAR_FROM_ARM = (0.75, 0.35)
"""m; the arm at home is nowhere near."""


def block(*sides: float) -> Toy:
    """A box with these sides, the longest of which is 1."""
    corners = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)]) - 0.5
    quads = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    faces = np.array([face for a, b, c, d in quads for face in ((a, b, c), (a, c, d))], np.int32)
    return Toy(
        (corners * sides).astype(np.float32),
        faces,
        np.zeros((8, 2), np.float32),
        np.full((4, 4, 3), 120, np.uint8),
        "block",
        "block_" + "_".join(map(str, sides)),
    )


def put(scene: TableScene, toy: Toy, *, xy: tuple[float, float] = FAR_FROM_ARM, height: float) -> None:
    """A toy that is `height` m tall, upright and at rest on the table."""
    place = np.concatenate([[*xy, height / 2 + 0.001], poses.IDENTITY[3:]])
    scene.reset(toy, place=place, joints=scene.home, look=np.random.default_rng(0))


def velocity(scene: TableScene) -> np.ndarray:
    """Of the object's centre of mass, m/s [3] above rad/s [3]."""
    linear, angular = scene._bullet.getBaseVelocity(scene._toy, physicsClientId=scene._client)
    return np.array([*linear, *angular])


def advance(scene: TableScene, seconds: float) -> None:
    """Physics with motors that hold still."""
    for _ in range(round(seconds * 240)):
        scene._advance()
