"""On the kitchen shelf: mug, teapot, bottle, spoon."""

from __future__ import annotations

import numpy as np

from sim.objects.toys.build import MAIN, SECOND, THIRD, Parts, painted, toy
from sim.objects.toys.shapes import cylinder, ellipsoid, lathe, smooth, torus, tube


@toy("mug")
def mug(rng: np.random.Generator) -> Parts:
    height = rng.uniform(0.6, 1.15)
    low, high = rng.uniform(0.24, 0.42), rng.uniform(0.34, 0.46)
    belly = rng.uniform(-0.05, 0.1)
    wall = 0.045
    outside = smooth([(low, 0.0), ((low + high) / 2 + belly, height / 2), (high, height)], 8)
    inside = outside[::-1] - [wall, 0.0]
    inside[-1, 1] = wall
    body = lathe([(0.0, 0.0), *outside, *inside, (0.0, wall)], sides=24)
    reach, drop = rng.uniform(0.24, 0.36), rng.uniform(0.22, 0.34) * height
    middle, angular = height * rng.uniform(0.48, 0.58), rng.uniform(0.6, 1.0)
    # The ends lie within the wall, wherever it is at their height.
    above, below = np.interp([middle + drop, middle - drop], outside[:, 1], outside[:, 0]) - wall / 2
    widest = max(above, below)
    handle = smooth(
        [
            (0.0, above, middle + drop),
            (0.0, widest + reach * angular, middle + drop * 0.9),
            (0.0, widest + reach, middle),
            (0.0, widest + reach * 0.8, middle - drop * 0.7),
            (0.0, below, middle - drop),
        ],
        14,
    )
    parts = painted(MAIN, body) + painted(SECOND, tube(handle, [(0.045, 0.07)] * 14))
    if rng.random() < 0.5:
        parts += painted(THIRD, torus(high - wall / 2, 0.035, sides=24).move(z=height))
    return parts + painted(THIRD, cylinder(min(low, high) - wall - 0.005, height * rng.uniform(0.5, 0.85), sides=24))


@toy("teapot")
def teapot(rng: np.random.Generator) -> Parts:
    radius, height = 0.45, rng.uniform(0.5, 0.85)
    shoulder = rng.uniform(0.35, 0.6)
    mouth = rng.uniform(0.2, 0.28)
    profile = smooth(
        [(rng.uniform(0.24, 0.34), 0.0), (radius, height * shoulder), (radius * 0.82, height * 0.8), (mouth, height)],
        11,
    )
    lid = ellipsoid(mouth + 0.03, mouth + 0.03, rng.uniform(0.08, 0.18), rings=7).move(z=height)
    knob = ellipsoid(0.07, 0.07, rng.uniform(0.06, 0.11), sides=10, rings=6).move(z=height + 0.2)
    reach, tip = rng.uniform(0.28, 0.42), height * rng.uniform(0.9, 1.1)
    spout = smooth(
        [
            (0.0, radius * 0.7, height * 0.3),
            (0.0, radius + reach * 0.45, height * 0.45),
            (0.0, radius + reach * 0.6, height * 0.75),
            (0.0, radius + reach, tip),
        ],
        9,
    )
    loop = rng.uniform(0.28, 0.4)
    handle = smooth(
        [
            (0.0, -radius * 0.7, height * 0.85),
            (0.0, -radius - loop * 0.8, height * 0.9),
            (0.0, -radius - loop, height * 0.5),
            (0.0, -radius * 0.85, height * 0.25),
        ],
        12,
    )
    return [
        *painted(MAIN, lathe(profile, sides=24), tube(spout, np.linspace(0.13, 0.05, 9))),
        *painted(SECOND, lid, tube(handle, 0.05)),
        *painted(THIRD, knob, torus(profile[0, 0], 0.035).move(z=0.02)),
    ]


@toy("bottle")
def bottle(rng: np.random.Generator) -> Parts:
    radius = rng.uniform(0.13, 0.26)
    shoulder, neck = rng.uniform(0.4, 0.66), rng.uniform(0.055, 0.08)
    waist = radius * rng.uniform(0.8, 1.05)
    slope = rng.uniform(0.06, 0.22)
    sides = int(rng.choice([6, 8, 24, 24, 24]))
    body = [(radius * 0.85, 0.0), (radius, 0.03), (waist, shoulder / 2), (radius, shoulder)]
    profile = [*body, (radius * 0.75, shoulder + slope * 0.6), (neck, shoulder + slope), (neck, 0.95)]
    low, high = shoulder * rng.uniform(0.15, 0.3), shoulder * rng.uniform(0.75, 0.95)
    at = np.array([low, *(z for _, z in body if low < z < high), high])
    around = np.interp(at, [z for _, z in body], [r for r, _ in body]) + 0.006
    label = lathe(np.stack([around, at], 1), sides=sides)
    cap = cylinder(neck * rng.uniform(1.15, 1.5), rng.uniform(0.05, 0.11)).move(z=0.93)
    return [*painted(MAIN, lathe(profile, sides=sides)), *painted(SECOND, label), *painted(THIRD, cap)]


@toy("spoon")
def spoon(rng: np.random.Generator) -> Parts:
    length, width, depth = rng.uniform(0.17, 0.23), rng.uniform(0.14, 0.22), rng.uniform(0.06, 0.13)
    angle = np.linspace(0, np.pi / 2, 6)
    # A shallow shell, opening to the front: out along the rim, back along the inner side.
    shell = [
        *zip(np.sin(angle), -np.cos(angle), strict=True),
        *zip(0.9 * np.sin(angle[::-1]), -0.7 * np.cos(angle[::-1]), strict=True),
    ]
    bowl = lathe(shell, sides=20).turn("y", np.pi / 2).scale(depth, width, length).move(z=length)
    tip = rng.uniform(0.75, 1.0)
    bend = rng.uniform(-0.02, 0.12)
    path = smooth([(0.0, 0.0, length * 1.9), (-bend, 0.0, length + tip / 2), (-bend * 0.3, 0.0, tip)], 12)
    widths = np.interp(np.linspace(0, 1, 12), [0, 0.3, 1], [0.045, rng.uniform(0.03, 0.04), rng.uniform(0.035, 0.075)])
    handle = tube(path, np.stack([np.full(12, 0.027), widths], 1))
    grip = ellipsoid(0.035, widths[-1] + 0.012, rng.uniform(0.05, 0.13), sides=12).move(-bend * 0.3, 0.0, tip)
    collar = ellipsoid(0.03, 0.05, 0.045, sides=10, rings=7).move(z=length * 2)
    return [*painted(MAIN, bowl), *painted(SECOND, handle), *painted(THIRD, grip, collar)]
