"""To live and work in: house, windmill."""

from __future__ import annotations

import numpy as np

from sim.objects.toys.build import MAIN, SECOND, THIRD, Parts, painted, toy
from sim.objects.toys.shapes import box, cylinder, ellipsoid, extrude, lathe, tube


@toy("house")
def house(rng: np.random.Generator) -> Parts:
    storeys = rng.choice([1, 1, 2])
    depth, width, height = rng.uniform(0.45, 0.75), rng.uniform(0.5, 0.95), rng.uniform(0.34, 0.46) * storeys
    roof, over = rng.uniform(0.22, 0.48), 0.07
    style = rng.integers(3)
    if style == 0:
        top = extrude([(-depth / 2 - over, 0.0), (depth / 2 + over, 0.0), (0.0, roof)], width + 2 * over)
    elif style == 1:
        top = extrude([(-width / 2 - over, 0.0), (width / 2 + over, 0.0), (0.0, roof)], depth + 2 * over).turn(
            "z", np.pi / 2
        )
    else:
        top = box(depth + 2 * over, width + 2 * over, roof, top=(0.04, rng.uniform(0.04, 0.5)))
    parts = painted(MAIN, box(depth, width, height)) + painted(SECOND, top.move(z=height))
    side = rng.choice([-1, 1])
    parts += painted(THIRD, box(0.1, 0.1, roof * 0.9).move(-depth * 0.15, side * width * 0.2, height + roof * 0.3))
    door = rng.uniform(-0.15, 0.15) * width
    parts += painted(THIRD, box(0.03, 0.15, 0.2).move(depth / 2, door))
    pane = box(0.03, 0.13, 0.13)
    for z in height * (np.arange(storeys) + 0.45) / storeys:
        ys = [y for y in (-0.33 * width, 0.33 * width) if z > 0.3 or abs(y - door) > 0.16]
        parts += painted(THIRD, *(pane.move(depth / 2, y, z) for y in ys))
        parts += painted(THIRD, *pane.turn("z", np.pi / 2).move(0, width / 2, z).both())
    if rng.random() < 0.35:
        # A lower wing at the side.
        low, wide = 0.3, rng.uniform(0.25, 0.4)
        eaves = extrude([(-depth * 0.4 - over, 0.0), (depth * 0.4 + over, 0.0), (0.0, roof * 0.6)], wide + over)
        parts += painted(MAIN, box(depth * 0.8, wide, low).move(0, -side * (width + wide) / 2))
        parts += painted(SECOND, eaves.move(0, -side * (width + wide + over) / 2, low))
    return parts


@toy("windmill")
def windmill(rng: np.random.Generator) -> Parts:
    """The sails look to the front."""
    style = rng.integers(3)  # a tower with a cap, a house on a post, a wind pump of many blades on a mast
    low, tall = rng.uniform(0.2, 0.27), rng.uniform(0.6, 0.75)
    sides = int(rng.choice([6, 8, 20]))
    out = 0.2
    if style == 0:
        high = low * rng.uniform(0.5, 0.65)
        parts = painted(MAIN, lathe([(low, 0.0), (high, tall)], sides=sides))
        cap = (
            ellipsoid(high * 1.15, high * 1.15, rng.uniform(0.13, 0.2), sides=16).move(z=tall)
            if rng.random() < 0.5
            else cylinder(high * 1.2, rng.uniform(0.16, 0.24), top=0.01, sides=sides).move(z=tall)
        )
        parts += painted(SECOND, cap)
        if rng.random() < 0.5:
            parts += painted(SECOND, cylinder(low * 1.25, 0.035, sides=sides).move(z=tall * 0.3))
        hub, out = tall + 0.04, high + 0.04
        door = box(0.06, 0.1, 0.18).move(low * 0.9)
    elif style == 1:
        wide, base = rng.uniform(0.26, 0.34), tall * rng.uniform(0.28, 0.4)
        leg = tube([(0.2, 0.2, 0.0), (0.04, 0.04, base + 0.02)], [0.035, 0.03], sides=6)
        parts = painted(SECOND, *leg.around(4), cylinder(0.05, base + 0.02, sides=8))
        parts += painted(MAIN, box(wide, wide, tall - base + 0.1).move(z=base))
        roof = extrude([(-wide * 0.62, 0.0), (wide * 0.62, 0.0), (0.0, rng.uniform(0.14, 0.2))], wide * 1.15)
        parts += painted(SECOND, roof.turn("z", np.pi / 2).move(z=tall + 0.1))
        hub, out = tall + 0.02, wide / 2
        door = box(0.03, 0.1, 0.14).move(wide / 2, 0, base + 0.02)
    else:
        leg = tube([(low * 0.8, low * 0.8, 0.0), (0.02, 0.02, tall)], [0.03, 0.022], sides=6)
        parts = painted(MAIN, *leg.around(4))
        for z in (0.2, 0.45, 0.7):
            half = low * 0.8 * (1 - z) + 0.01
            bar = box(0.02, 2 * half, 0.025).move(half, 0, z * tall)
            parts += painted(MAIN, *bar.around(4))
        vane = extrude([(-0.08, -0.01), (-0.3, -0.1), (-0.36, 0.12), (-0.3, 0.1), (-0.08, 0.02)], 0.025)
        parts += painted(SECOND, vane.move(z=tall), box(0.26, 0.07, 0.07).move(0.02, 0, tall - 0.03))
        hub, out = tall, 0.1
        door = box(low * 1.9, low * 1.9, 0.04)
    reach, turn = rng.uniform(0.42, 0.5), rng.uniform(0.1, 1.4)
    if style == 2:
        count = int(rng.integers(8, 13))
        blade = box(0.018, 0.06, reach * 0.55, top=(1.0, 1.9)).turn("z", 0.4).move(z=0.09)
        sails = [blade.turn("x", turn + 2 * np.pi * i / count) for i in range(count)]
    else:
        count = int(rng.choice([4, 4, 3]))
        wide, side = rng.uniform(0.1, 0.14), rng.choice([0.0, 0.5])
        cloth = box(0.015, wide, reach * 0.74).move(0.008, side * wide, reach * 0.26)
        sails = [cloth.turn("x", turn + 2 * np.pi * i / count) for i in range(count)]
        arm = box(0.03, 0.03, reach)
        parts += painted(
            SECOND, *(arm.turn("x", turn + 2 * np.pi * i / count).move(out + 0.03, 0, hub) for i in range(count))
        )
    parts += painted(THIRD, *(sail.move(out + 0.04, 0, hub) for sail in sails), door)
    axle = cylinder(0.035, out + 0.1, sides=10).turn("y", np.pi / 2)
    return parts + painted(
        SECOND, axle.move(0, 0, hub), ellipsoid(0.05, 0.05, 0.05, sides=10, rings=6).move(out + 0.08, 0, hub)
    )
