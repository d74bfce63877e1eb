"""In the hand: hammer, key, scissors, saw. They stand upright and show their flat side to the front."""

from __future__ import annotations

import numpy as np

from sim.objects.toys.build import MAIN, SECOND, THIRD, Parts, painted, toy
from sim.objects.toys.shapes import box, cylinder, ellipsoid, extrude, lathe, smooth, torus, tube


@toy("hammer")
def hammer(rng: np.random.Generator) -> Parts:
    thick, long = rng.uniform(0.036, 0.05), rng.uniform(0.55, 0.85)
    face, tall = rng.uniform(0.06, 0.1), rng.uniform(0.18, 0.28)
    handle = lathe(smooth([(thick * 1.1, 0.0), (thick * 1.4, 0.12), (thick * 0.85, 0.45), (thick, long)], 10), sides=12)
    grip = cylinder(thick * 1.6, rng.uniform(0.22, 0.36), top=thick * 1.35)
    parts = painted(SECOND, handle) + painted(THIRD, grip.move(z=-0.01))
    block = box(face * 1.7, face * 2.2, face * 1.7).move(z=long - face)
    poll = cylinder(face, tall * 0.45, sides=16).turn("x", -np.pi / 2).move(0, tall * 0.6, long)
    neck = cylinder(face * 0.7, tall * 0.7, sides=12).turn("x", -np.pi / 2).move(0, 0.02, long)
    parts += painted(MAIN, block, poll, neck)
    style = rng.integers(3)
    if style == 0:
        # Two claws that bend down.
        path = smooth(
            [(0, 0, long), (0, -tall * 0.7, long + 0.01), (0, -tall * 1.25, long - rng.uniform(0.08, 0.15))], 7
        )
        claw = tube(path, np.stack([np.linspace(face * 0.75, 0.012, 7), np.full(7, face * 0.35)], 1))
        parts += painted(MAIN, claw.move(face * 0.42).turn("z", 0.08), claw.move(-face * 0.42).turn("z", -0.08))
    elif style == 1:
        parts += painted(
            MAIN, box(face * 1.5, face * 1.4, tall, top=(0.9, 0.15)).turn("x", np.pi / 2).move(0, -0.04, long)
        )
    else:
        parts += painted(MAIN, cylinder(face, tall, sides=16).turn("x", np.pi / 2).move(0, -0.02, long))
    return parts


@toy("key")
def key(rng: np.random.Generator) -> Parts:
    radius, thick = rng.uniform(0.14, 0.2), rng.uniform(0.04, 0.055)
    long = rng.uniform(0.35, 0.6)
    style = rng.integers(3)
    parts = painted(SECOND, tube([(0, 0, 0.0), (0, 0, long)], rng.uniform(0.036, 0.05), sides=12))
    ring = torus(radius, thick).turn("y", np.pi / 2)
    if style == 0:
        parts += painted(MAIN, ring.scale(y=rng.uniform(0.9, 1.35)).move(z=long + radius))
    elif style == 1:
        small = torus(radius * 0.52, thick * 0.85, sides=14).turn("y", np.pi / 2)
        at = radius * 0.62
        parts += painted(
            MAIN, *(small.move(0, y, long + z) for y, z in ((at, at * 0.8), (-at, at * 0.8), (0.0, at * 2.1)))
        )
    else:
        side = radius * 1.5
        corners = [(0, -side, 0), (0, side, 0), (0, side, side * 1.6), (0, -side, side * 1.6)]
        edges = [tube([a, b], thick, sides=10) for a, b in zip(corners, [*corners[1:], corners[0]], strict=True)]
        parts += painted(
            MAIN,
            *(edge.move(z=long) for edge in edges),
            *(ellipsoid(*[thick] * 3, sides=10, rings=7).move(0, c[1], long + c[2]) for c in corners),
        )
    parts += painted(THIRD, torus(0.05, 0.025, sides=14).move(z=long - 0.02))
    teeth = rng.integers(2, 4)
    for i in range(teeth):
        parts += painted(THIRD, box(0.05, rng.uniform(0.12, 0.22), 0.055).move(0, 0.1, 0.01 + 0.085 * i))
    return parts


@toy("scissors")
def scissors(rng: np.random.Generator) -> Parts:
    spread, blade = rng.uniform(0.35, 0.85), rng.uniform(0.45, 0.6)
    wide, thick = rng.uniform(0.045, 0.06), 0.03
    style = rng.integers(3)  # pointed, blunt, bent
    edge = (
        [(-wide, -0.05), (wide * 0.4, -0.05), (wide * 0.5, blade * 0.5), (wide * 0.5, blade), (-wide, blade * 0.6)],
        [(-wide, -0.05), (wide * 0.4, -0.05), (wide * 0.5, blade * 0.95), (0.0, blade), (-wide * 1.1, blade * 0.93)],
        [
            (-wide, -0.05),
            (wide * 0.4, -0.05),
            (wide * 0.1, blade * 0.5),
            (wide * 1.4, blade),
            (-wide * 0.9, blade * 0.6),
        ],
    )[style]
    arm, out = rng.uniform(0.16, 0.26), rng.uniform(0.08, 0.12)
    rings = rng.uniform(0.085, 0.12) * np.array([1.0, rng.choice([1.0, 1.0, 1.35])])[:: rng.choice([-1, 1])]
    long = rng.uniform(1.0, 1.5)
    parts: Parts = []
    for side, ring in zip((1, -1), rings, strict=True):
        half = painted(MAIN, extrude(edge, thick).turn("z", np.pi / 2).move(x=side * thick * 0.5))
        path = smooth([(0, 0, 0.0), (0, 0.0, -arm * 0.5), (0, -out * 0.6, -arm)], 6)
        half += painted(MAIN, tube(path, np.stack([np.full(6, wide * 0.7), np.full(6, 0.024)], 1), sides=8))
        loop = torus(ring, 0.034, sides=18).turn("y", np.pi / 2).scale(z=long)
        half += painted(SECOND, loop.move(0, -out * 0.6 - 0.02, -arm - ring * long))
        # Each blade goes on, past the pivot, into the handle of the other side.
        parts += [(shape.scale(y=side).turn("x", -side * spread / 2), p) for shape, p in half]
    pivot = cylinder(0.042, 0.11, sides=12).move(z=-0.055).turn("y", np.pi / 2)
    return parts + painted(THIRD, pivot)


@toy("saw")
def saw(rng: np.random.Generator) -> Parts:
    long, wide, teeth = rng.uniform(0.65, 0.85), rng.uniform(0.25, 0.34), int(rng.integers(8, 14))
    style = rng.integers(3)  # tapered, with a stiff back, a bow
    tip = wide * (rng.uniform(0.3, 0.5), rng.uniform(0.85, 1.0), 0.3)[style]
    if style == 2:
        wide *= 0.3
        tip = wide
    deep = 0.05
    pitch = long / teeth
    edge = [point for i in range(teeth) for point in ((i * pitch, -deep), ((i + 0.95) * pitch, 0.0))]
    blade = np.array([*edge, (long, 0.0), (long, tip), (0.0, wide)])
    # Along y the width, up z the length.
    parts = painted(MAIN, extrude(blade[:, ::-1], 0.022).turn("z", np.pi / 2))
    if style == 1:
        parts += painted(THIRD, box(0.05, 0.05, long + 0.01).move(0, wide))
    elif style == 2:
        bow = rng.uniform(0.26, 0.4)
        path = [
            (0, 0.03, -0.02),
            (0, bow * 0.8, 0.0),
            (0, bow, long * 0.15),
            (0, bow, long * 0.85),
            (0, bow * 0.8, long),
            (0, 0.03, long),
        ]
        parts += painted(THIRD, tube(smooth(path, 16), 0.028, sides=8))
    middle = 0.5 * wide if style < 2 else 0.08
    grip, slope = rng.uniform(0.1, 0.14), rng.uniform(-0.3, 0.1)
    handle = torus(grip, 0.045, sides=18).turn("y", np.pi / 2).scale(y=rng.uniform(0.9, 1.15), z=rng.uniform(0.8, 1.0))
    parts += painted(SECOND, handle.turn("x", slope).move(0, middle, -grip * 0.8))
    screw = cylinder(0.028, 0.09, sides=10).move(z=-0.045).turn("y", np.pi / 2)
    cheek = box(0.055, wide * 0.8 if style < 2 else 0.12, 0.14).move(0, middle, -0.02)
    return parts + painted(SECOND, cheek) + painted(THIRD, *(screw.move(0, middle + i * 0.05, 0.06) for i in (-1, 1)))
