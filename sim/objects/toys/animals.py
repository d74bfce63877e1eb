"""Fish, dog, bird. The head is at +x."""

from __future__ import annotations

import numpy as np

from sim.objects.toys.build import MAIN, SECOND, THIRD, Parts, painted, toy
from sim.objects.toys.shapes import cylinder, ellipsoid, extrude, loft, smooth, tube


@toy("fish")
def fish(rng: np.random.Generator) -> Parts:
    tall, thick = rng.uniform(0.13, 0.3), rng.uniform(0.07, 0.1)
    stations = np.array(
        [
            (-0.36, 0, 0.25, 0.16),
            (-0.2, 0, 0.6, 0.5),
            (0.0, 0, 0.95, 0.92),
            (0.15, 0, 1.0, 1.0),
            (0.3, 0, 0.85, 0.8),
            (0.42, 0, 0.5, 0.45),
            (0.47, 0, 0.15, 0.12),
        ]
    )
    body = loft(stations * [1, 1, thick, tall])
    fork, spread = rng.uniform(0.02, 0.16), rng.uniform(0.16, 0.26)
    tail = extrude([(-0.3, 0.05), (-0.58, spread), (-0.6 + fork, 0.0), (-0.58, -spread), (-0.3, -0.05)], 0.03)
    rise = tall * rng.uniform(1.35, 1.7)
    dorsal = extrude(
        [
            (0.2, tall * 0.85),
            (rng.uniform(-0.1, 0.08), rise),
            (-0.22, tall * 0.85),
            (-0.22, tall * 0.2),
            (0.2, tall * 0.5),
        ],
        0.025,
    )
    belly = extrude([(0.05, -tall * 0.8), (-0.1, -tall * 1.35), (-0.18, -tall * 0.5)], 0.025)
    side = (
        extrude([(0.12, 0.04), (-0.08, 0.09), (-0.08, -0.08), (0.12, -0.04)], 0.02)
        .turn("z", -0.5)
        .move(0.02, thick * 1.15, -tall * 0.2)
    )
    eye = ellipsoid(0.035, 0.03, 0.035, sides=10, rings=6).move(0.33, thick * 0.72, tall * 0.25)
    return [*painted(MAIN, body), *painted(SECOND, tail, dorsal, belly, *side.both()), *painted(THIRD, *eye.both())]


@toy("dog")
def dog(rng: np.random.Generator) -> Parts:
    leg, body = rng.uniform(0.16, 0.42), rng.uniform(0.1, 0.17)
    long = rng.uniform(0.25, 0.42)
    back = leg + body * 0.6
    trunk = loft(
        [
            (x * long, back, body * w * 0.85, body * w)
            for x, w in ((-1.15, 0.3), (-1, 0.75), (-0.5, 0.92), (0.4, 1.0), (0.9, 0.9), (1.15, 0.35))
        ]
    )
    limb = cylinder(rng.uniform(0.035, 0.05), back, top=0.06, sides=12)
    paw = ellipsoid(0.07, 0.052, 0.04, sides=10, rings=6).move(0.025, 0, 0.03)
    legs = [limb.move(x, body * 0.6).both() for x in (-long * 0.85, long * 0.8)]
    paws = [paw.move(x, body * 0.6).both() for x in (-long * 0.85, long * 0.8)]
    head, lift = rng.uniform(0.11, 0.14), rng.uniform(0.12, 0.24)
    x, z = long + rng.uniform(0.1, 0.18), back + lift + body * 0.4
    neck = tube([(long * 0.75, 0, back), (x, 0, z)], [body * 0.75, head * 0.7], sides=12)
    snout = rng.uniform(0.1, 0.2)
    muzzle = loft(
        [
            (0, 0, head * 0.62, head * 0.55),
            (snout * 0.8, -0.02, head * 0.42, head * 0.4),
            (snout, -0.02, head * 0.25, head * 0.25),
        ],
        sides=12,
    ).move(x + head * 0.5, 0, z - 0.02)
    nose = ellipsoid(0.03, 0.035, 0.03, sides=8, rings=5).move(x + head * 0.5 + snout, 0, z)
    ear = ellipsoid(0.045, 0.03, rng.uniform(0.09, 0.13), sides=10, rings=7)
    ear = ear.move(z=0.09).turn("x", rng.choice([-0.25, -2.6])).move(x - 0.03, head * 0.65, z + head * 0.6)
    curl = rng.uniform(-0.1, 0.35)
    tail = tube(
        smooth(
            [
                (-long, 0, back + body * 0.3),
                (-long - 0.14, 0, back + body * 0.3 + curl * 0.4),
                (-long - 0.2, 0, back + 0.1 + curl),
            ],
            8,
        ),
        np.linspace(0.045, 0.022, 8),
    )
    eye = ellipsoid(0.022, 0.022, 0.022, sides=8, rings=5).move(x + head * 0.8, head * 0.45, z + head * 0.4)
    parts = painted(MAIN, trunk, neck, *legs[0], *legs[1], ellipsoid(head, head * 0.9, head).move(x, 0, z), muzzle)
    parts += painted(SECOND, *ear.both(), tail, *paws[0], *paws[1])
    parts += painted(THIRD, nose, *eye.both())
    if rng.random() < 0.5:
        parts += painted(
            THIRD, tube([(x - 0.06, 0, z - lift * 0.55), (x - 0.03, 0, z - lift * 0.3)], head * 0.86, sides=14)
        )
    return parts


@toy("bird")
def bird(rng: np.random.Generator) -> Parts:
    tall, wide = rng.uniform(0.17, 0.23), rng.uniform(0.14, 0.19)
    lean = rng.uniform(0.2, 0.6)
    leg = rng.uniform(0.08, 0.4)
    trunk = loft(
        [
            (-0.36, 0.02, wide * 0.2, tall * 0.15),
            (-0.22, 0, wide * 0.65, tall * 0.6),
            (0.0, 0, wide, tall),
            (0.16, 0, wide * 0.9, tall * 0.9),
            (0.27, 0.02, wide * 0.4, tall * 0.45),
        ]
    )
    fan = rng.uniform(0.05, 0.12)
    tail = extrude([(-0.28, -0.05), (-0.58, -fan), (-0.58, fan), (-0.28, 0.05)], 0.03).turn("x", np.pi / 2).move(z=0.03)
    wing = (
        ellipsoid(rng.uniform(0.2, 0.27), 0.035, tall * 0.62, sides=14, rings=9)
        .turn("z", 0.12)
        .move(-0.09, wide * 0.95, 0.02)
    )
    torso = [(s.turn("y", -lean), p) for s, p in [(trunk, MAIN), (tail, SECOND), *painted(SECOND, *wing.both())]]
    head, reach = rng.uniform(0.1, 0.16), rng.uniform(0.02, 0.3)
    x, z = 0.24 * np.cos(lean), 0.26 * np.sin(lean) + 0.12 + reach
    neck = tube([(0.14 * np.cos(lean), 0, 0.12 * np.sin(lean)), (x, 0, z)], [0.13, head * 0.75], sides=12)
    beak = (
        cylinder(head * 0.45, rng.uniform(0.1, 0.3), top=0.008, sides=10)
        .turn("y", np.pi / 2 + 0.1)
        .move(x + head * 0.75, 0, z)
    )
    eye = ellipsoid(0.025, 0.02, 0.025, sides=8, rings=5).move(x + head * 0.5, head * 0.75, z + head * 0.35)
    shank = cylinder(0.02, leg + tall * 0.5, sides=8).move(0, wide * 0.45, -tall - leg)
    foot = ellipsoid(0.09, 0.05, 0.018, sides=10, rings=5).move(0.05, wide * 0.45, -tall - leg)
    parts = [*torso, *painted(MAIN, neck, ellipsoid(head, head, head).move(x, 0, z))]
    return parts + painted(THIRD, beak, *eye.both(), *shank.both(), *foot.both())
