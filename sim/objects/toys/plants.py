"""What grows: mushroom, cactus, tree."""

from __future__ import annotations

import numpy as np

from sim.objects.toys.build import MAIN, SECOND, THIRD, Parts, painted, toy
from sim.objects.toys.shapes import cylinder, ellipsoid, lathe, skin, smooth, torus, tube


@toy("mushroom")
def mushroom(rng: np.random.Generator) -> Parts:
    cap, tall = rng.uniform(0.36, 0.5), rng.uniform(0.22, 0.42)
    stem, height = rng.uniform(0.11, 0.18), rng.uniform(0.4, 0.62)
    point = rng.uniform(0.3, 0.75)
    under = rng.uniform(0.0, 0.08)
    top = smooth([(cap, 0.0), (cap * 0.9, tall * 0.45), (cap * point * 0.8, tall * 0.85), (0.0, tall)], 9)
    top[-1, 0] = 0.0
    hood = lathe([(stem * 0.8, under), (cap * 0.93, -0.03), *top], sides=24).move(z=height)
    foot = lathe(
        smooth([(stem * rng.uniform(1.1, 1.7), 0.0), (stem, height * 0.5), (stem * 0.85, height + under)], 7), sides=16
    )
    parts = painted(MAIN, hood) + painted(SECOND, foot)
    if rng.random() < 0.5:
        parts += painted(THIRD, torus(stem * 1.1, 0.035).move(z=height * 0.65))
    else:
        gills = lathe([(stem * 0.8, 0.0), (cap * 0.9, -0.035), (stem * 0.8, -0.06)], sides=20).move(z=height)
        parts += painted(THIRD, gills)
    turn = rng.uniform(0, 2 * np.pi)
    for i in range(rng.integers(4, 9)):
        k = rng.integers(2, 6)
        spot = ellipsoid(0.06, 0.06, 0.03, sides=8, rings=5).move(top[k, 0] * 0.97, 0, height + top[k, 1])
        parts += painted(THIRD, spot.turn("z", turn + 2.4 * i))
    return parts


@toy("cactus")
def cactus(rng: np.random.Generator) -> Parts:
    radius, height = rng.uniform(0.11, 0.15), rng.uniform(0.7, 0.95)
    ribs = rng.integers(6, 10)
    rounded = np.array([0.9, 1.0, 1.0, 1.0, 0.95, 0.75, 0.4, 0.02])
    at = np.array([0.0, 0.25, 0.5, 0.75, 0.88, 0.95, 0.99, 1.0])
    angle = np.linspace(0, 2 * np.pi, 2 * ribs, endpoint=False)
    rib = 1 - 0.16 * (np.arange(2 * ribs) % 2)
    rings = np.stack(
        [
            np.stack(
                [radius * r * rib * np.cos(angle), radius * r * rib * np.sin(angle), np.full(2 * ribs, z * height)], 1
            )
            for r, z in zip(rounded, at, strict=True)
        ]
    )
    parts = painted(MAIN, skin(rings))
    arms = rng.integers(2, 4)
    start = rng.normal(0.5 * np.pi, 0.3)
    for i in range(arms):
        size, base = radius * rng.uniform(0.55, 0.75), height * rng.uniform(0.3, 0.55)
        out, up = radius + rng.uniform(0.14, 0.2), rng.uniform(0.18, 0.36)
        path = smooth(
            [(0, 0, base), (out * 0.8, 0, base + 0.01), (out, 0, base + 0.12), (out, 0, base + 0.12 + up)], 12
        )
        ends = size * np.array([1, 1, 1, 1, 1, 1, 1, 1, 1, 0.95, 0.75, 0.15])
        parts += painted(
            MAIN,
            tube(path, ends, sides=14).turn("z", start + i * (np.pi if arms == 2 else 2.1) + rng.uniform(-0.2, 0.2)),
        )
    pot = rng.uniform(0.18, 0.24)
    parts += painted(SECOND, cylinder(pot * 0.75, 0.24, top=pot, sides=20).move(z=-0.22))
    parts += painted(SECOND, cylinder(pot * 1.12, 0.06, sides=20).move(z=-0.03))
    flower = ellipsoid(0.07, 0.07, 0.05, sides=10, rings=6).move(z=height)
    return parts + painted(THIRD, flower)


@toy("tree")
def tree(rng: np.random.Generator) -> Parts:
    trunk = rng.uniform(0.045, 0.08)
    parts: Parts = painted(SECOND, cylinder(trunk * 1.3, 0.6, top=trunk))
    if rng.random() < 0.5:
        tiers = rng.integers(3, 5)
        wide, tall = rng.uniform(0.32, 0.42), rng.uniform(0.75, 0.95)
        for i in range(tiers):
            share = 1 - i / (tiers + 0.6)
            low = 0.22 + tall * i / (tiers + 0.3)
            parts += painted(
                MAIN,
                lathe([(0.0, 0.03), (wide * share, 0.0), (0.0, tall * 0.5 * (0.5 + share / 2))], sides=18).move(z=low),
            )
        parts += painted(
            THIRD, ellipsoid(0.05, 0.05, 0.05, sides=10, rings=6).move(z=max(s.vertices[:, 2].max() for s, _ in parts))
        )
    else:
        blobs = rng.integers(4, 6)
        crown = rng.uniform(0.2, 0.26)
        parts += painted(MAIN, ellipsoid(crown * 1.1, crown * 1.1, crown * 1.1).move(z=0.88))
        for blob in (
            ellipsoid(crown * 0.8, crown * 0.8, crown * 0.75, sides=12, rings=8)
            .move(crown * 0.85, 0, 0.72)
            .around(int(blobs), start=rng.uniform(0, 6))
        ):
            parts += painted(MAIN, blob.move(z=rng.uniform(-0.05, 0.06)))
        for fruit in (
            ellipsoid(0.045, 0.045, 0.045, sides=8, rings=6)
            .move(crown * 1.6, 0, 0.75)
            .around(int(rng.integers(5, 8)), start=0.3)
        ):
            parts += painted(THIRD, fruit.move(z=rng.uniform(-0.1, 0.1)))
    return parts + painted(THIRD, cylinder(0.2, 0.04, sides=18).move(z=-0.03))
