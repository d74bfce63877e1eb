"""In the hand: hammer, key, guitar. They stand upright and show their flat side to the front."""

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


@toy("guitar")
def guitar(rng: np.random.Generator) -> Parts:
    lower, upper, waist = rng.uniform(0.2, 0.29), rng.uniform(0.15, 0.21), rng.uniform(0.11, 0.15)
    body, long = rng.uniform(0.42, 0.54), rng.uniform(0.26, 0.4)
    electric = rng.random() < 0.4
    shoulder = [(lower * 0.8, 0.03), (lower, 0.3 * body), (waist, 0.62 * body)]
    if electric:
        horn = rng.uniform(0.95, 1.25)
        shoulder += [(upper, 0.85 * body), (upper * 0.9, horn * body), (0.05, 0.8 * body)]
        half = smooth([(0.0, 0.0), *shoulder], 15)[1:]
        outline = np.concatenate([[(0.0, 0.0)], half, half[::-1] * [-1, rng.uniform(0.85, 1.0)]])
        thick = 0.06
    else:
        shoulder += [(upper, 0.85 * body), (upper * 0.5, body), (0.0, body)]
        half = smooth([(0.0, 0.0), *shoulder], 15)[1:-1]
        other = half[::-1] * [-1, 1]
        if rng.random() < 0.4:
            other[:4, 0] *= rng.uniform(0.3, 0.6)  # a cutaway beside the neck
        outline = np.concatenate([[(0.0, 0.0)], half, [(0.0, body)], other])
        thick = rng.uniform(0.08, 0.13)
    front = thick / 2
    parts = painted(MAIN, extrude(outline, thick).turn("z", np.pi / 2))
    parts += painted(SECOND, box(0.035, rng.uniform(0.05, 0.07), long + 0.14).move(front, 0, body - 0.14))
    head = box(0.035, 0.08, 0.14, top=(1.0, rng.uniform(0.6, 1.5))).turn("y", -0.2).move(front, 0, body + long)
    if electric:
        pickups = [box(0.03, 0.12, 0.035).move(front, 0, body * at) for at in (0.35, 0.5)]
    else:
        pickups = [cylinder(rng.uniform(0.05, 0.07), 0.01, sides=18).turn("y", np.pi / 2).move(front, 0, body * 0.62)]
    bridge = box(0.03, rng.uniform(0.12, 0.18), 0.035).move(front, 0, body * 0.2)
    peg = cylinder(0.014, 0.05, sides=8).turn("x", -np.pi / 2)
    pegs = [p for z in (0.03, 0.07, 0.11) for p in peg.move(front - 0.2 * z, 0.035, body + long + z).both()]
    return parts + painted(THIRD, head, bridge, *pickups, *pegs)
