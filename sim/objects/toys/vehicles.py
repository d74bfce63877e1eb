"""What drives, flies and sails: car, truck, train, airplane, boat. The front is at +x."""

from __future__ import annotations

import numpy as np

from sim.objects.toys.build import MAIN, SECOND, THIRD, Parts, painted, toy
from sim.objects.toys.shapes import Shape, box, cylinder, ellipsoid, extrude, lathe, loft, skin, tube


def wheels(at: list[float], y: float, radius: float, width: float) -> list[Shape]:
    """Pairs of wheels that stand on z = 0 at the given x and at plus and minus y."""
    wheel = cylinder(radius, width, sides=16).move(z=-width / 2).turn("x", np.pi / 2)
    return [pair for x in at for pair in wheel.move(x, y, radius).both()]


@toy("car")
def car(rng: np.random.Generator) -> Parts:
    width, tall = rng.uniform(0.38, 0.46), rng.uniform(0.13, 0.19)
    radius = rng.uniform(0.085, 0.12)
    nose, tail = rng.uniform(0.55, 0.95), rng.uniform(0.7, 1.0)
    floor = radius * 0.7
    stations = [
        (-0.5, 0.75, tail * 0.8),
        (-0.46, 0.95, tail),
        (0.1, 1.0, 1.0),
        (0.42, 0.97, nose),
        (0.5, 0.8, nose * 0.75),
    ]
    body = loft(
        [(x, floor + tall * h / 2, width / 2 * w, tall * h / 2) for x, w, h in stations], exponent=5.0, sides=20
    )
    long, roof = rng.uniform(0.38, 0.72), rng.uniform(0.11, 0.21)
    back = rng.uniform(-0.48, -0.32)
    cabin = box(long, width * 0.88, roof, top=(rng.uniform(0.55, 0.75), 0.82), shift=rng.uniform(-0.06, 0.0))
    cabin = cabin.move(back + long / 2, 0, floor + tall * 0.95)
    top = cabin.vertices[:, 2].max()
    upper = cabin.vertices[cabin.vertices[:, 2] > top - 1e-6]
    lid = box(np.ptp(upper[:, 0]) * 1.04, np.ptp(upper[:, 1]) * 1.04, 0.03).move(upper[:, 0].mean(), 0, top)
    parts = painted(MAIN, body, lid) + painted(SECOND, cabin)
    parts += painted(THIRD, *wheels([-0.3, 0.3], width / 2 - 0.02, radius, 0.09))
    light = ellipsoid(0.03, 0.04, 0.03, sides=8, rings=5).move(0.49, width * 0.33, floor + tall * nose * 0.6)
    parts += painted(SECOND, *light.both())
    if rng.random() < 0.3:
        parts += painted(THIRD, box(0.08, width * 0.9, 0.02).move(-0.46, 0, floor + tall * tail + 0.07))
        parts += painted(THIRD, *box(0.03, 0.03, 0.09).move(-0.46, width * 0.3, floor + tall * tail - 0.01).both())
    return parts


@toy("truck")
def truck(rng: np.random.Generator) -> Parts:
    width, radius = rng.uniform(0.34, 0.4), rng.uniform(0.075, 0.1)
    floor, cab = radius * 1.2, rng.uniform(0.24, 0.3)
    tall = rng.uniform(0.34, 0.42)
    parts = painted(SECOND, box(1.0, width * 0.8, 0.06).move(0, 0, floor - 0.03))
    parts += painted(
        MAIN, box(cab, width, tall, top=(rng.uniform(0.75, 0.95), 0.95), shift=-0.02).move(0.5 - cab / 2, 0, floor)
    )
    parts += painted(
        THIRD,
        box(cab * 0.9, width * 1.02, tall * 0.3, top=(0.95, 0.97)).move(0.5 - cab / 2 + 0.02, 0, floor + tall * 0.55),
    )
    long = 0.97 - cab
    middle = -0.5 + long / 2
    style = rng.integers(3)
    if style == 0:
        cargo = [box(long, width * 1.08, rng.uniform(0.42, 0.56))]
    elif style == 1:
        round_ = rng.uniform(0.17, 0.21)
        cargo = [
            lathe(
                [
                    (0.0, 0.0),
                    (round_ * 0.8, 0.01),
                    (round_, 0.05),
                    (round_, long - 0.05),
                    (round_ * 0.8, long - 0.01),
                    (0.0, long),
                ],
                sides=18,
            )
        ]
        cargo = [cargo[0].turn("y", np.pi / 2).move(-long / 2, 0, round_)]
    else:
        # A tipper: a bed that widens upward, with a heap in it.
        bed = rng.uniform(0.2, 0.3)
        cargo = [box(long * 0.9, width, bed, top=(1.1, 1.12))]
        parts += painted(THIRD, ellipsoid(long * 0.42, width * 0.42, 0.12).move(middle, 0, floor + 0.03 + bed))
    parts += painted(SECOND, *(piece.move(middle, 0, floor + 0.03) for piece in cargo))
    axles = [0.33, -0.25, -0.25 - 2.15 * radius] if rng.random() < 0.6 else [0.33, -0.32]
    return parts + painted(THIRD, *wheels(axles, width / 2 - 0.02, radius, 0.09))


@toy("train")
def train(rng: np.random.Generator) -> Parts:
    """A steam locomotive."""
    radius, wheel = rng.uniform(0.13, 0.17), rng.uniform(0.07, 0.1)
    floor, cab = wheel * 1.5, rng.uniform(0.2, 0.28)
    width = radius * 2.1
    boiler = cylinder(radius, 0.95 - cab, sides=20).turn("y", np.pi / 2).move(-0.5 + cab, 0, floor + radius)
    front = cylinder(radius * 1.06, 0.06, sides=20).turn("y", np.pi / 2).move(0.42, 0, floor + radius)
    tall = rng.uniform(0.4, 0.52)
    parts = painted(MAIN, boiler, box(cab, width, tall).move(-0.5 + cab / 2, 0, floor))
    parts += painted(SECOND, front, box(cab * 1.3, width * 1.2, 0.05).move(-0.5 + cab / 2, 0, floor + tall))
    parts += painted(SECOND, box(1.0, width * 0.95, 0.07).move(0, 0, floor - 0.04))
    bottom, top = rng.uniform(0.04, 0.06), rng.uniform(0.05, 0.11)
    chimney = cylinder(bottom, rng.uniform(0.16, 0.28), top=top).move(0.33, 0, floor + 2 * radius - 0.02)
    parts += painted(THIRD, chimney)
    for x in ([0.1], [0.14, -0.06])[rng.integers(2)]:
        parts += painted(THIRD, ellipsoid(0.07, 0.07, 0.1).move(x, 0, floor + 2 * radius))
    parts += painted(SECOND, box(0.12, width, 0.1, top=(0.2, 0.8), shift=-0.05).move(0.55, 0, floor - 0.1))
    count = rng.integers(3, 5)
    parts += painted(THIRD, *wheels(list(np.linspace(-0.38, 0.36, count)), radius, wheel, 0.06))
    window = box(cab * 0.55, width * 1.03, tall * 0.3).move(-0.5 + cab / 2, 0, floor + tall * 0.55)
    return parts + painted(SECOND, window)


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
        return extrude([(0.0, 0.0), (-root, 0.0), (-sweep - tip, span), (-sweep, span)], thick).turn("x", -np.pi / 2)

    wing = plane(root, tip, span, sweep, 0.03)
    wing = wing if wing.vertices[:, 1].max() > 1e-3 else wing.scale(y=-1)
    small = plane(0.12, 0.07, rng.uniform(0.16, 0.2), rng.uniform(0.03, 0.09), 0.025)
    small = small if small.vertices[:, 1].max() > 1e-3 else small.scale(y=-1)
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


@toy("boat")
def boat(rng: np.random.Generator) -> Parts:
    """A sailing boat."""
    beam, depth = rng.uniform(0.28, 0.38), rng.uniform(0.14, 0.22)
    stern, sheer = rng.uniform(0.5, 0.85), rng.uniform(0.02, 0.1)
    angle = np.linspace(-np.pi, 0, 9)
    rings = []
    for x, share in [(-0.45, stern), (-0.2, 0.95), (0.05, 1.0), (0.28, 0.72), (0.42, 0.38), (0.52, 0.02)]:
        top = sheer * (x / 0.5) ** 2
        low = top + np.sin(angle) * (depth + top) * share**0.4 * (1 - 0.25 * (x > 0.4))
        rings.append(np.stack([np.full(9, x), np.cos(angle) * beam / 2 * share, low], 1))
    parts = painted(MAIN, skin(np.array(rings)))
    tall, mast = rng.uniform(0.75, 1.0), rng.uniform(0.0, 0.12)
    parts += painted(THIRD, cylinder(0.02, tall, sides=10).move(mast))
    boom = rng.uniform(0.38, 0.48)
    belly = rng.uniform(0.1, 0.3)
    peak = [(-boom * belly, tall * 0.85)]
    if rng.random() < 0.4:
        peak = [(-boom * rng.uniform(0.5, 0.8), tall * 0.82), (0.0, tall * 0.6)]  # a gaff sail
    main = extrude([(0.0, 0.0), (-boom, 0.02), *peak], 0.02).move(mast - 0.02, 0, 0.12)
    parts += painted(SECOND, main)
    if rng.random() < 0.7:
        parts += painted(
            SECOND,
            extrude([(0.0, 0.0), (0.44 - mast, -0.05), (0.0, tall * rng.uniform(0.5, 0.75))], 0.02).move(
                mast + 0.04, 0, 0.13
            ),
        )
    parts += painted(THIRD, tube([(mast, 0, 0.1), (mast - boom - 0.03, 0, 0.12)], 0.018))
    if rng.random() < 0.5:
        parts += painted(THIRD, box(0.22, beam * 0.5, 0.09, top=(0.8, 0.8)).move(-0.22, 0, -0.01))
    return parts
