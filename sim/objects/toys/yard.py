"""In the yard and the harbour: ladder, anchor. They show their flat side to the front."""

from __future__ import annotations

import numpy as np

from sim.objects.toys.build import MAIN, SECOND, THIRD, Parts, painted, toy
from sim.objects.toys.shapes import box, cylinder, ellipsoid, extrude, smooth, torus, tube


@toy("ladder")
def ladder(rng: np.random.Generator) -> Parts:
    low, high = rng.uniform(0.16, 0.22), rng.uniform(0.1, 0.16)
    count, thick = int(rng.integers(5, 9)), rng.uniform(0.022, 0.034)
    style = rng.integers(3)  # leans, stands on four legs, on three
    lean = rng.uniform(0.1, 0.3)
    top = np.cos(lean)

    rail = tube([(0, low, 0.0), (0, high, 1.0)], [(thick, thick * 1.4)] * 2, sides=4 if rng.random() < 0.5 else 10)
    rungs = []
    for z in (np.arange(count) + 0.6) / (count + 0.2):
        half = low + (high - low) * z
        if style == 1:
            rungs.append(box(0.1, 2 * half, 0.03).move(0.01, 0, z))
        else:
            rungs.append(cylinder(thick * 0.8, 2 * half, sides=8).move(z=-half).turn("x", np.pi / 2).move(z=z))
    parts = painted(MAIN, *(r.turn("y", -lean) for r in rail.both())) + painted(
        SECOND, *(r.turn("y", -lean) for r in rungs)
    )
    foot = box(0.09, 0.075, 0.05).move(0, low, -0.02)
    parts += painted(THIRD, *foot.both())
    back = -2 * np.sin(lean)
    if style == 1:
        stay = tube([(back, low, 0.0), (-np.sin(lean), high, top)], thick, sides=8)
        bar = cylinder(thick * 0.8, 2 * low, sides=8).move(z=-low).turn("x", np.pi / 2)
        parts += painted(MAIN, *stay.both())
        parts += painted(SECOND, *(bar.scale(y=0.95).move(back * (1 - t / 2), 0, t * top) for t in (0.25, 0.5)))
        parts += painted(THIRD, box(0.2, 2 * high + 0.08, 0.05).move(-np.sin(lean), 0, top - 0.01))
        parts += painted(THIRD, *foot.move(back).both())
    elif style == 2:
        stay = tube([(back, 0, 0.0), (-np.sin(lean), 0, top)], thick * 1.2, sides=8)
        parts += painted(MAIN, stay) + painted(THIRD, box(0.09, 0.09, 0.05).move(back, 0, -0.02))
        parts += painted(THIRD, box(0.08, 2 * high + 0.08, 0.07).move(-np.sin(lean), 0, top - 0.03))
    else:
        hook = tube(
            smooth([(0, high, 0.0), (-0.02, high, 0.08), (-0.12, high, 0.08), (-0.16, high, 0.0)], 7), thick, sides=8
        )
        parts += painted(THIRD, *hook.move(-np.sin(lean), 0, top - 0.02).both())
    return parts


@toy("anchor")
def anchor(rng: np.random.Generator) -> Parts:
    long, wide = 1.0, rng.uniform(0.3, 0.42)
    thick, rise = rng.uniform(0.04, 0.055), rng.uniform(0.22, 0.4)
    shank = tube([(0, 0, 0.0), (0, 0, long)], [thick * 1.2, thick * 0.9])
    bend = rng.choice([0.5, 0.85])  # a wedge or a bow
    arms = smooth(
        [(0, -wide, rise), (0, -wide * bend, rise * 0.35), (0, 0, 0.0), (0, wide * bend, rise * 0.35), (0, wide, rise)],
        15,
    )
    parts = painted(MAIN, shank, tube(arms, thick * np.interp(np.linspace(-1, 1, 15), [-1, 0, 1], [0.7, 1.15, 0.7])))
    style = rng.integers(3)  # flukes: arrow heads, leaves, palms
    if style == 0:
        fluke = extrude([(-0.13, -0.06), (0.0, 0.15), (0.13, -0.06), (0.0, -0.02)], 0.07).turn("z", np.pi / 2)
    elif style == 1:
        fluke = ellipsoid(0.06, 0.09, 0.15, sides=10, rings=8)
    else:
        fluke = box(0.18, 0.05, 0.16, top=(0.15, 0.8))
    parts += painted(SECOND, *fluke.turn("x", -rng.uniform(0.2, 0.6)).move(0, wide, rise).both())
    stock, at = rng.uniform(0.2, 0.34), long * rng.uniform(0.78, 0.88)
    bar = cylinder(thick * 0.8, 2 * stock, sides=10).move(z=-stock).turn("x", np.pi / 2).move(z=at)
    parts += painted(SECOND, bar)
    if rng.random() < 0.6:
        ball = ellipsoid(*[thick * rng.uniform(1.2, 1.6)] * 3, sides=10, rings=7).move(0, stock, at)
        parts += painted(THIRD, *ball.both())
    eye = rng.uniform(0.08, 0.12)
    parts += painted(THIRD, torus(eye, 0.03, sides=18).turn("y", np.pi / 2).move(z=long + eye * 0.9))
    if rng.random() < 0.4:
        # A rope winds down from the ring.
        t = np.linspace(0, 1, 24)
        wind = np.stack([np.cos(12 * t) * thick * 1.9, np.sin(12 * t) * thick * 1.9, at + 0.1 - t * 0.6], 1)
        parts += painted(THIRD, tube(wind, 0.024, sides=6))
    return parts
