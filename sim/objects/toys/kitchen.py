"""On the kitchen shelf: mug, teapot, bottle, spoon, pan, wineglass."""

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


@toy("pan")
def pan(rng: np.random.Generator) -> Parts:
    """The handle points to the left, as a mug's does."""
    style = rng.integers(3)  # to fry in, to boil in and with a lid, a wok
    radius, deep = rng.uniform(0.3, 0.36), (0.1, 0.26, 0.17)[style] * rng.uniform(0.85, 1.2)
    floor = radius * (rng.uniform(0.75, 0.9), 0.95, 0.4)[style]
    wall = 0.025
    outside = smooth(
        [(floor, 0.0), ((floor + radius) / 2 + (0.07 if style == 2 else 0.02), deep * 0.45), (radius, deep)], 6
    )
    inside = outside[::-1] - [wall, 0.0]
    inside[-1, 1] = wall
    parts = painted(MAIN, lathe([(0.0, 0.0), *outside, *inside, (0.0, wall)], sides=24))
    inner = float(np.interp(deep * 0.35, outside[:, 1], outside[:, 0])) - wall - 0.002
    parts += painted(THIRD, cylinder(inner, 0.012, sides=24).move(z=deep * 0.35))
    long, rise = rng.uniform(0.45, 0.62), rng.uniform(-0.02, 0.2)
    wide = rng.uniform(0.035, 0.05)
    path = smooth(
        [
            (0, radius - 0.02, deep * 0.75),
            (0, radius + long * 0.3, deep * 0.75 + rise * 0.5),
            (0, radius + long, deep * 0.75 + rise),
        ],
        7,
    )
    widths = np.array([0.8, 0.7, 0.75, 0.95, 1.05, 1.0, 0.75]) * wide
    parts += painted(SECOND, tube(path, np.stack([np.full(7, 0.022), widths], 1)))
    parts += painted(THIRD, torus(0.035, 0.014, sides=12, around=6).move(*path[-1] + np.array([0.0, 0.03, 0.0])))
    if style == 1 and rng.random() < 0.7:
        lid = lathe(smooth([(radius + 0.01, 0.0), (radius * 0.7, 0.05), (0.03, 0.07)], 5), sides=24).move(z=deep - 0.01)
        parts += painted(SECOND, lid) + painted(THIRD, ellipsoid(0.05, 0.05, 0.045, sides=12).move(z=deep + 0.09))
    elif style > 0 or rng.random() < 0.3:
        ear = smooth(
            [
                (-0.1, -radius + 0.02, deep * 0.8),
                (-0.08, -radius - 0.08, deep * 0.85),
                (0.08, -radius - 0.08, deep * 0.85),
                (0.1, -radius + 0.02, deep * 0.8),
            ],
            10,
        )
        parts += painted(SECOND, tube(ear, 0.022, sides=8))
    elif rng.random() < 0.6:
        egg = ellipsoid(rng.uniform(0.12, 0.16), 0.13, 0.02, sides=14, rings=5)
        parts += painted(SECOND, egg.move(0.04, -0.05, deep * 0.35 + 0.015))
        parts += painted(MAIN, ellipsoid(0.06, 0.06, 0.045, sides=12, rings=6).move(0.04, -0.05, deep * 0.35 + 0.02))
    return parts


@toy("wineglass")
def wineglass(rng: np.random.Generator) -> Parts:
    style = rng.integers(3)  # a tulip, a cone, a flute
    radius = (rng.uniform(0.22, 0.3), rng.uniform(0.32, 0.4), rng.uniform(0.11, 0.19))[style]
    deep = (rng.uniform(0.34, 0.46), rng.uniform(0.26, 0.34), rng.uniform(0.5, 0.62))[style]
    stem, foot = rng.uniform(0.22, 0.36), rng.uniform(0.2, 0.26)
    lip = rng.uniform(0.75, 0.95)
    cup = (
        smooth([(0.02, 0.0), (radius * 0.75, deep * 0.2), (radius, deep * 0.5), (radius * lip, deep)], 9),
        np.array([(0.02, 0.0), (radius * 0.5, deep * 0.5), (radius, deep)]),
        smooth([(0.02, 0.0), (radius * 0.85, deep * 0.25), (radius, deep * 0.6), (radius * 0.9, deep)], 8),
    )[style]
    wall = 0.02
    inside = cup[::-1] - [wall, 0.0]
    inside[-1] = 0.0, 0.03
    level = rng.uniform(0.5, 0.8)
    drink = np.array([(0.0, 0.05), *(cup[(cup[:, 1] > 0.06) & (cup[:, 1] < level * deep)] - [wall + 0.004, 0.0])])
    edge = float(np.interp(level * deep, cup[:, 1], cup[:, 0])) - wall - 0.004
    parts = painted(MAIN, lathe([(0.0, -0.01), *cup, *inside], sides=20).move(z=stem))
    parts += painted(THIRD, lathe([*drink, (edge, level * deep)], sides=20).move(z=stem))
    base = lathe([(foot, 0.0), (foot, 0.02), (0.05, 0.06), (0.024, 0.12)], sides=20)
    parts += painted(SECOND, base, cylinder(0.026, stem, sides=10))
    if rng.random() < 0.5:
        parts += painted(THIRD, ellipsoid(0.05, 0.05, 0.04, sides=12, rings=7).move(z=stem * rng.uniform(0.4, 0.85)))
    return parts
