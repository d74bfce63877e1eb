"""What flies: airplane, helicopter, rocket. The front is at +x."""

from __future__ import annotations

import numpy as np

from sim.objects.toys.build import MAIN, SECOND, THIRD, Parts, painted, toy
from sim.objects.toys.shapes import Shape, box, cylinder, ellipsoid, extrude, lathe, loft, plate, smooth, torus, tube


@toy("airplane")
def airplane(rng: np.random.Generator) -> Parts:
    radius = rng.uniform(0.055, 0.085)
    stations = [
        (-0.5, 0.03, 0.15),
        (-0.3, 0.015, 0.6),
        (-0.12, 0.0, 1.0),
        (0.3, 0.0, 1.0),
        (0.44, -0.01, 0.75),
        (0.49, -0.015, 0.4),
        (0.51, -0.02, 0.0),
    ]
    fuselage = loft([(x, z, radius * r, radius * r * 1.1) for x, z, r in stations])
    span, sweep = rng.uniform(0.38, 0.52), rng.uniform(0.02, 0.25)
    root, tip, at = rng.uniform(0.18, 0.26), rng.uniform(0.06, 0.14), rng.uniform(0.06, 0.16)
    height = rng.choice([-0.5, 0.0, 0.9]) * radius

    def plane(root: float, tip: float, span: float, sweep: float, thick: float) -> Shape:
        """A flat wing along +y whose front edge starts at the origin."""
        return plate([(0.0, 0.0), (-root, 0.0), (-sweep - tip, span), (-sweep, span)], thick)

    wing = plane(root, tip, span, sweep, 0.03)
    small = plane(0.12, 0.07, rng.uniform(0.16, 0.2), rng.uniform(0.03, 0.09), 0.025)
    fin = (
        extrude([(-0.33, 0.0), (-0.5, 0.0), (-0.54, 0.22), (-0.45, 0.22)], 0.03)
        .scale(z=rng.uniform(0.85, 1.15))
        .move(z=0.03)
    )
    tee = rng.random() < 0.25
    parts = painted(MAIN, fuselage) + painted(SECOND, *wing.move(at, 0, height).both())
    parts += painted(THIRD, fin, *small.move(-0.39, 0, fin.vertices[:, 2].max() - 0.01 if tee else 0.03).both())
    if rng.random() < 0.25:
        # A biplane.
        upper = wing.move(at, 0, height + 0.2)
        strut = cylinder(0.012, 0.2, sides=8).move(at - 0.08 - sweep * 0.6, span * 0.6, height)
        parts += painted(SECOND, *upper.both()) + painted(THIRD, *strut.both(), strut.move(0, -span * 0.6, 0))
    if rng.random() < 0.5:
        engine = loft([(-0.07, 0, 0.02, 0.02), (0.03, 0, 0.036, 0.036), (0.07, 0, 0.032, 0.032)], sides=12)
        spread = 0.36 * span
        parts += painted(THIRD, *engine.move(at - sweep * 0.36, spread, height - 0.05).both())
    else:
        blade = ellipsoid(0.012, 0.022, rng.uniform(0.13, 0.17), sides=8, rings=5).turn("x", rng.uniform(0, np.pi))
        parts += painted(THIRD, blade.move(0.52, 0, -0.02), blade.turn("x", np.pi / 2).move(0.52, 0, -0.02))
    return parts


@toy("helicopter")
def helicopter(rng: np.random.Generator) -> Parts:
    tall, wide = rng.uniform(0.13, 0.18), rng.uniform(0.11, 0.15)
    style = rng.integers(3)  # a cabin with a tail, a bubble with a tail of rods, a van
    boom = rng.uniform(0.4, 0.55)
    long = (0.24, 0.17, 0.32)[style] * rng.uniform(0.9, 1.1)
    if style == 1:
        cabin = ellipsoid(tall * 1.15, wide * 1.15, tall * 1.1, sides=16, rings=11)
    else:
        stations = [
            (-1.1, 0.03, 0.3),
            (-0.9, 0.01, 0.75),
            (-0.3, 0, 1.0),
            (0.3, 0, 1.0),
            (0.8, -0.02, 0.7),
            (1.0, -0.03, 0.3),
        ]
        cabin = loft([(x * long, z, wide * r, tall * r) for x, z, r in stations], exponent=2.0 if style == 0 else 4.0)
    parts = painted(MAIN, cabin)
    if style < 2:
        glass = ellipsoid(long * 0.5, wide * 0.88, tall * 0.72, sides=14).move(
            long * (0.58 if style == 0 else 0.4), 0, tall * 0.2
        )
        parts += painted(SECOND, glass)
    else:
        pane = box(0.13, wide * 2.03, tall * 0.6)
        parts += painted(
            SECOND,
            *(pane.move(x * long, 0, 0) for x in (-0.4, 0.1)),
            box(0.1, wide * 1.6, tall * 0.6).move(long * 0.72, 0, -0.03),
        )
    end = -long * 0.7 - boom
    if style == 1:
        rods = [
            tube([(-0.05, s * 0.06, z), (end, 0, tall * 0.5)], 0.016, sides=6)
            for s, z in ((-1, -0.04), (1, -0.04), (0, 0.1))
        ]
        braces = [
            cylinder(0.012, 0.12 * (1 - t), sides=6).move(end * t - 0.05 * (1 - t), 0, tall * 0.5 * t - 0.04 * (1 - t))
            for t in (0.4, 0.6, 0.8)
        ]
        parts += painted(MAIN, *rods, *braces)
    else:
        parts += painted(
            MAIN, tube([(-long * 0.6, 0, tall * 0.35), (end, 0, tall * 0.6)], [tall * 0.5, 0.025], sides=12)
        )
    fin = extrude([(0.1, 0.0), (-0.02, 0.0), (-0.1, rng.uniform(0.14, 0.22)), (-0.03, 0.16)], 0.025)
    plane = box(0.09, rng.uniform(0.2, 0.32), 0.02)
    parts += painted(SECOND, fin.move(end, 0, tall * 0.5), plane.move(end + 0.1, 0, tall * 0.5))
    mast = rng.uniform(0.08, 0.14)
    parts += painted(
        SECOND,
        cylinder(0.03, mast + tall * 0.3).move(z=tall * 0.8),
        box(0.2, wide, 0.06, top=(0.7, 0.7)).move(z=tall * 0.9),
    )
    blades, reach = int(rng.integers(2, 5)), rng.uniform(0.46, 0.58)
    blade = box(reach, 0.06, 0.018).move(reach / 2)
    top = tall * 1.1 + mast
    parts += painted(THIRD, *(b.move(z=top) for b in blade.around(blades, start=rng.uniform(0, np.pi))))
    parts += painted(THIRD, cylinder(0.05, 0.05, sides=10).move(z=top - 0.02))
    tail = box(0.03, 0.016, 0.24).move(z=-0.12)
    parts += painted(THIRD, *(tail.turn("y", a).move(end - 0.02, 0.035, tall * 0.6) for a in (0.4, 0.4 + np.pi / 2)))
    y, low = wide * 1.05, -tall - rng.uniform(0.07, 0.11)
    if rng.random() < 0.65:
        skid = tube(smooth([(-0.26, y, low), (0.1, y, low), (0.24, y, low), (0.31, y, low + 0.05)], 8), 0.018, sides=8)
        struts = [tube([(x, wide * 0.5, -tall * 0.6), (x, y, low)], 0.015, sides=6) for x in (-0.13, 0.13)]
        parts += painted(THIRD, *skid.both(), *(q for strut in struts for q in strut.both()))
    else:
        wheel = cylinder(0.06, 0.045, sides=12).move(z=-0.0225).turn("x", np.pi / 2)
        strut = cylinder(0.018, 0.14, sides=6)
        spots = ((-0.14, y * 0.9), (-0.14, -y * 0.9), (long * 0.6, 0.0))
        parts += painted(THIRD, *(piece.move(x, at, low + 0.03) for x, at in spots for piece in (wheel, strut)))
    return parts


@toy("rocket")
def rocket(rng: np.random.Generator) -> Parts:
    """It stands on its fins."""
    radius, tall = rng.uniform(0.11, 0.17), rng.uniform(0.6, 0.74)
    style = rng.integers(3)  # bellied, straight with stages, with boosters
    if style == 0:
        hull = smooth(
            [(radius * 0.6, 0.0), (radius * 1.25, tall * 0.4), (radius * 0.95, tall * 0.75), (radius * 0.5, tall)], 9
        )
        cone = smooth([(radius * 0.5, tall), (radius * 0.3, tall + 0.09), (0.012, tall + 0.16)], 5)
    else:
        slim = rng.uniform(0.65, 1.0)
        hull = np.array([(radius, 0.0), (radius, tall * 0.55), (radius * slim, tall * 0.62), (radius * slim, tall)])
        nose = rng.uniform(0.2, 0.34)
        cone = smooth([(radius * slim, tall), (radius * slim * 0.75, tall + nose * 0.5), (0.01, tall + nose)], 6)
    parts = painted(MAIN, lathe(hull, sides=20)) + painted(SECOND, lathe(cone, sides=20))
    parts += painted(THIRD, cylinder(radius * 0.75, 0.09, top=radius * 0.45, sides=16).move(z=-0.08))
    count = int(rng.integers(3, 5))
    reach, drop, high = rng.uniform(0.16, 0.26), rng.uniform(0.08, 0.2), rng.uniform(0.2, 0.34)
    root = radius * (0.55 if style == 0 else 0.9)
    fin = (
        [
            (root, 0.02),
            (root + reach, -drop),
            (root + reach * 1.05, -drop * 0.3),
            (root + reach * 0.7, high * 0.5),
            (root, high),
        ],
        [(root, 0.0), (root + reach, -drop), (root + reach, high * 0.35), (root, high)],
    )[rng.integers(2)]
    fins = extrude(fin, 0.035).around(count, start=rng.choice([0.0, np.pi / count]))
    parts += painted(SECOND, *fins)
    if style == 2:
        side = radius * rng.uniform(0.5, 0.62)
        pod = lathe(
            [(side * 0.8, 0.0), (side, 0.05), (side, tall * 0.5), (side * 0.6, tall * 0.58), (0.01, tall * 0.68)],
            sides=14,
        )
        parts += painted(THIRD, *pod.move(0, radius + side * 0.9, -0.03).both())
    pane = torus(radius * 0.42, 0.022, sides=14, around=6).turn("y", np.pi / 2)
    glass = cylinder(radius * 0.42, 0.03, sides=14).turn("y", np.pi / 2)
    for z in ([0.62], [0.45, 0.72])[rng.integers(2)]:
        out = float(np.interp(z * tall, hull[:, 1], hull[:, 0])) - 0.012
        parts += painted(SECOND, pane.move(out, 0, z * tall)) + painted(THIRD, glass.move(out - 0.015, 0, z * tall))
    return parts
