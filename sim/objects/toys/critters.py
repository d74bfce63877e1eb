"""In the garden and the sea: snail, octopus, butterfly. The head is at +x."""

from __future__ import annotations

import numpy as np

from sim.objects.toys.build import MAIN, SECOND, THIRD, Parts, painted, toy
from sim.objects.toys.shapes import Shape, ellipsoid, plate, smooth, torus, tube
from sim.objects.toys.wild import eyes


@toy("snail")
def snail(rng: np.random.Generator) -> Parts:
    lift, thick = rng.uniform(0.1, 0.26), rng.uniform(0.085, 0.105)
    sole = [(-0.52, 0, 0.012), (-0.25, 0, 0.05), (0.12, 0, 0.06), (0.34, 0, 0.1), (0.46, 0, 0.1 + lift)]
    widths = np.array([0.15, 0.6, 0.9, 1.1, 1.15, 1.1, 1.0, 0.95, 0.95, 0.9]) * thick
    body = tube(smooth(sole, 10), np.stack([widths * 0.75, widths * 1.1], 1), sides=12)
    x, z = 0.47, 0.12 + lift
    head = ellipsoid(thick * 1.25, thick, thick, sides=12, rings=7).move(x + 0.02, 0, z)
    out, up = rng.uniform(0.02, 0.16), rng.uniform(0.14, 0.24)
    stalk = tube([(x, 0.03, z), (x + out, 0.03 + rng.uniform(0.03, 0.1), z + up)], [0.024, 0.016], sides=8)
    tip = stalk.vertices[stalk.vertices[:, 2].argmax()]
    feeler = tube([(x + 0.06, 0.03, z - 0.02), (x + 0.16, 0.07, z - 0.04)], [0.018, 0.01], sides=6)
    # The shell winds inward in a plane, or out to a side into a point; its mouth is at the back of the neck.
    turns, side = rng.uniform(1.5, 2.4), rng.choice([0.0, 0.0, 0.16, 0.3]) * rng.choice([-1, 1])
    size = rng.uniform(0.28, 0.38)
    t = np.linspace(0, 1, 30)
    angle = 2 * np.pi * turns * t - np.pi * 0.5
    shrink = (1 - 0.93 * t) ** rng.uniform(0.8, 1.2)
    coil = tube(
        np.stack([np.cos(angle) * size * 0.62 * shrink, side * t, np.sin(angle) * size * 0.62 * shrink], 1),
        0.4 * size * shrink,
    )
    middle = size * 0.95
    lip = torus(0.34 * size, 0.035, sides=16).turn("y", np.pi / 2).move(0.02, 0, 0.33 * size)
    parts = painted(SECOND, body, head, *stalk.both(), *feeler.both())
    parts += painted(MAIN, coil.move(-0.02, -side * 0.3, middle + 0.06))
    bulb = ellipsoid(*[rng.uniform(0.026, 0.04)] * 3, sides=10, rings=6).move(*tip)
    return parts + painted(THIRD, lip.move(z=0.06), *bulb.both())


@toy("octopus")
def octopus(rng: np.random.Generator) -> Parts:
    head, tall = rng.uniform(0.17, 0.23), rng.uniform(0.2, 0.34)
    lean, style = rng.uniform(0.0, 0.5), rng.integers(3)
    high = (0.12, 0.3, 0.2)[style]
    crown = ellipsoid(head, head, tall, rings=10).move(z=tall * 0.75).turn("y", -lean)
    collar = ellipsoid(head * 1.0, head * 1.0, 0.12, rings=7)
    parts = painted(MAIN, crown.move(z=high), collar.move(z=high))
    reach, curl = rng.uniform(0.36, 0.5), rng.uniform(0.1, 0.26)
    # Arms lie flat with raised tips, stand on their tips, or trail to a side.
    arm = (
        [
            (0.08, 0, 0.12),
            (head + 0.06, 0, 0.06),
            (reach * 0.85, 0, 0.035),
            (reach + 0.06, 0, curl * 0.7),
            (reach, 0, curl),
        ],
        [(0.08, 0, 0.3), (head + 0.08, 0, 0.3), (reach * 0.8, 0, 0.06), (reach, 0, 0.03), (reach + 0.07, 0, curl)],
        [
            (0.08, 0, 0.2),
            (head + 0.06, 0.02, 0.08),
            (reach * 0.8, 0.1, 0.04),
            (reach, 0.24, 0.035),
            (reach * 0.9, 0.4, 0.03),
        ],
    )[style]
    path = smooth(arm, 9)
    widths = np.interp(np.linspace(0, 1, 9), [0, 0.6, 1], [rng.uniform(0.06, 0.075), 0.042, 0.014])
    for i, limb in enumerate(tube(path, widths, sides=8).around(8, start=np.pi / 8)):
        parts.append((limb.scale(z=rng.uniform(0.75, 1.3)) if style == 0 else limb, (MAIN, SECOND)[i % 2]))
    y, z = head * 0.62, high + tall * rng.uniform(0.3, 0.6)
    at = head * 0.72 - np.sin(lean) * (z - high)
    parts += painted(THIRD, *ellipsoid(0.06, 0.055, 0.07, sides=10, rings=7).move(at, y, z).both())
    return parts + painted(SECOND, *eyes(at + 0.05, y + 0.02, z + 0.01, 0.026))


@toy("butterfly")
def butterfly(rng: np.random.Generator) -> Parts:
    long = rng.uniform(0.34, 0.46)
    thorax = ellipsoid(long * 0.26, 0.045, 0.05, sides=10, rings=7).move(long * 0.12)
    belly = ellipsoid(long * 0.42, 0.034, 0.036, sides=10, rings=8).move(-long * 0.38, 0, -0.01)
    head = ellipsoid(0.055, 0.05, 0.05, sides=10, rings=7).move(long * 0.46)
    span, chord = rng.uniform(0.38, 0.5), rng.uniform(0.8, 1.15)
    style = rng.integers(3)  # round, pointed, with tails
    fore = (
        [(0.02, 0.0), (0.2, 0.45), (0.26, 0.85), (0.12, 1.0), (-0.1, 0.85), (-0.12, 0.4), (-0.06, 0.0)],
        [(0.02, 0.0), (0.2, 0.45), (0.36, 0.95), (0.3, 1.02), (0.04, 0.82), (-0.08, 0.45), (-0.06, 0.0)],
        [(0.02, 0.0), (0.24, 0.5), (0.3, 0.9), (0.22, 1.0), (-0.02, 0.8), (-0.1, 0.4), (-0.06, 0.0)],
    )[style]
    hind = (
        [(-0.02, 0.0), (-0.02, 0.4), (-0.1, 0.75), (-0.26, 0.8), (-0.4, 0.55), (-0.34, 0.2), (-0.1, 0.0)],
        [(-0.02, 0.0), (-0.02, 0.5), (-0.12, 0.72), (-0.3, 0.66), (-0.42, 0.36), (-0.36, 0.14), (-0.1, 0.0)],
        [
            (-0.02, 0.0),
            (-0.02, 0.45),
            (-0.14, 0.68),
            (-0.3, 0.6),
            (-0.6, 0.62),
            (-0.6, 0.54),
            (-0.38, 0.42),
            (-0.3, 0.14),
            (-0.1, 0.0),
        ],
    )[style]
    wings: list[tuple[Shape, int]] = []
    for outline, paint in ((fore, MAIN), (hind, SECOND)):
        edge = smooth(outline, 5 * len(outline)) * [chord, span]
        x, y = edge.mean(axis=0)
        mark = ellipsoid(0.07 * chord, 0.075, 0.02, sides=12, rings=5).move(x, y + 0.12 * span)
        wings += [(plate(edge, 0.022), paint), (mark, THIRD)]
    rise, steep = rng.uniform(0.3, 0.8), rng.uniform(0.7, 1.15)
    parts = painted(THIRD, thorax, belly, head)
    for wing, paint in wings:
        parts += painted(paint, *wing.turn("x", rise).move(0, 0.015, 0.02).both())
    out = rng.uniform(0.06, 0.16)
    feeler = tube(
        smooth([(long * 0.48, 0.02, 0.03), (long * 0.48 + 0.1, out * 0.5, 0.1), (long * 0.48 + 0.2, out, 0.11)], 6),
        0.012,
        sides=6,
    )
    knob = ellipsoid(0.022, 0.022, 0.022, sides=8, rings=5).move(long * 0.48 + 0.2, out, 0.11)
    parts += painted(SECOND, *feeler.both(), *knob.both())
    # It climbs: from every side one sees the wings.
    return [(shape.turn("y", -steep), paint) for shape, paint in parts]
