"""What drives and sails: car, truck, train, tractor, bicycle, boat. The front is at +x."""

from __future__ import annotations

import numpy as np

from sim.objects.toys.build import MAIN, SECOND, THIRD, Parts, painted, toy
from sim.objects.toys.shapes import (
    Shape,
    box,
    cylinder,
    ellipsoid,
    extrude,
    lathe,
    loft,
    offset,
    skin,
    smooth,
    torus,
    tube,
)


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


@toy("tractor")
def tractor(rng: np.random.Generator) -> Parts:
    large, small = rng.uniform(0.22, 0.28), rng.uniform(0.1, 0.15)
    width, hood = rng.uniform(0.2, 0.26), rng.uniform(0.17, 0.23)
    floor = large * 0.85
    nose = rng.uniform(0.34, 0.44)
    engine = box(nose + 0.2, width, hood, top=(0.97, rng.uniform(0.75, 0.95))).move(nose / 2, 0, floor)
    parts = painted(MAIN, engine)
    grille = box(0.03, width * 0.8, hood * 0.75).move(nose + 0.1, 0, floor + 0.03)
    parts += painted(SECOND, grille, box(nose + 0.35, width * 0.6, 0.1).move(0.06, 0, floor - 0.08))
    y = width / 2 + 0.09
    tyres = [(-0.16, large, 0.13), (nose, small, 0.09)]
    for x, radius, wide in tyres:
        wheel = cylinder(radius, wide, sides=18).move(z=-wide / 2).turn("x", np.pi / 2)
        hub = cylinder(radius * 0.5, wide + 0.03, sides=12).move(z=-wide / 2 - 0.015).turn("x", np.pi / 2)
        parts += painted(THIRD, *wheel.move(x, y, radius).both()) + painted(MAIN, *hub.move(x, y, radius).both())
        parts += painted(SECOND, cylinder(0.03, 2 * y, sides=8).move(z=-y).turn("x", np.pi / 2).move(x, 0, radius))
    # Treads stand out of the large wheels.
    tread = box(0.05, 0.14, 0.05).move(z=large - 0.02)
    treads = [tread.turn("y", np.pi * i / 5).move(-0.16, y, large) for i in range(10)]
    parts += painted(THIRD, *(side for piece in treads for side in piece.both()))
    guard = np.linspace(0.15 * np.pi, 0.85 * np.pi, 7)
    arc = np.stack([np.cos(guard), 0 * guard, np.sin(guard)], 1) * (large + 0.05)
    parts += painted(MAIN, *tube(arc, [(0.02, 0.085)] * 7, sides=4).move(-0.16, y, large).both())
    base = floor + hood * 0.4
    style = rng.integers(3)  # a cabin, a roof on posts, an open seat
    high = rng.uniform(0.3, 0.4)
    if style < 2:
        posts = [box(0.03, 0.03, high).move(x, width * 0.5) for x in (-0.1, 0.1)]
        parts += painted(MAIN, *(q.move(-0.18, 0, base) for post in posts for q in post.both()))
        parts += painted(MAIN, box(0.34, width * 1.35, 0.045).move(-0.18, 0, base + high))
    if style == 0:
        parts += painted(SECOND, box(0.26, width * 1.05, high, top=(0.85, 0.9)).move(-0.18, 0, base))
    else:
        parts += painted(SECOND, box(0.16, 0.18, 0.06).move(-0.2, 0, base + 0.1))
        parts += painted(SECOND, box(0.05, 0.18, 0.2).turn("y", -0.2).move(-0.27, 0, base + 0.1))
        rod = tube([(0.04, 0, base), (-0.05, 0, base + 0.22)], 0.016, sides=6)
        steer = torus(0.075, 0.016, sides=12, around=6).turn("y", -0.4).move(-0.05, 0, base + 0.22)
        parts += painted(THIRD, rod, steer)
    pipe = rng.uniform(0.2, 0.34)
    parts += painted(THIRD, cylinder(0.024, pipe, sides=10).move(nose * 0.75, 0, floor + hood - 0.01))
    parts += painted(THIRD, cylinder(0.036, pipe * 0.4, sides=10).move(nose * 0.75, 0, floor + hood + pipe * 0.3))
    if rng.random() < 0.35:
        # A shovel in front, on two arms.
        lift = rng.uniform(0.05, 0.3)
        bowl = extrude([(0.0, 0.0), (0.18, 0.02), (0.05, 0.07), (0.03, 0.2), (-0.03, 0.2)], width + 0.3)
        front = nose + 0.24
        arm = tube([(0.05, 0, floor + 0.12), (nose, 0, floor + 0.1), (front, 0, lift + 0.1)], 0.024, sides=6)
        parts += painted(SECOND, bowl.move(front, 0, lift), *arm.move(y=width / 2 + 0.03).both())
    return parts


@toy("bicycle")
def bicycle(rng: np.random.Generator) -> Parts:
    style = rng.integers(3)  # a diamond frame, a low step, a penny-farthing
    radius = rng.uniform(0.2, 0.25)
    base = rng.uniform(0.56, 0.66)
    thick = rng.uniform(0.018, 0.026)
    sizes = (0.4 * radius, 1.55 * radius) if style == 2 else (radius, radius)
    base = 0.5 if style == 2 else base
    hubs = [np.array([x, 0.0, size]) for x, size in zip((-base / 2, base / 2), sizes, strict=True)]
    parts: Parts = []
    for hub, size in zip(hubs, sizes, strict=True):
        parts += painted(MAIN, torus(size - 0.02, 0.024, sides=18, around=6).turn("x", np.pi / 2).move(*hub))
        spoke = cylinder(0.007, 2 * size - 0.06, sides=4).move(z=0.03 - size)
        parts += painted(SECOND, *(spoke.turn("y", np.pi * i / 4).move(*hub) for i in range(4)))
        parts += painted(THIRD, cylinder(0.03, 0.1, sides=8).move(z=-0.05).turn("x", np.pi / 2).move(*hub))
    rear, front = hubs
    crank = np.array([-0.04, 0, radius * 0.9]) if style < 2 else front
    saddle = np.array([-0.16, 0.0, rng.uniform(0.52, 0.62)]) if style < 2 else offset(front, -0.16, z=sizes[1] + 0.05)
    steer = np.array([base / 2 - 0.1, 0.0, rng.uniform(0.54, 0.62)]) if style < 2 else offset(front, z=sizes[1] + 0.1)
    if style < 2:
        sink = 0.0 if style == 0 else 0.24
        seat, head = 0.85 * saddle + 0.15 * crank, 0.85 * steer + 0.15 * front
        bars = [(crank, saddle), (crank, offset(head, z=-sink * 0.25)), (rear, crank), (rear, seat), (front, steer)]
        bars.append((offset(seat, z=-sink * 1.1), offset(head, z=-sink * 0.2)))
    else:
        back = smooth(
            [
                rear,
                offset(rear, z=0.16),
                offset(front, -sizes[1] * 0.85, z=sizes[1] * 0.6),
                saddle,
                offset(steer, -0.03, z=-0.06),
            ],
            10,
        )
        parts += painted(SECOND, tube(back, thick))
        bars = [(front, steer)]
    parts += painted(SECOND, *(tube(pair, thick, sides=8) for pair in bars))
    wide, rise = rng.uniform(0.14, 0.22), rng.choice([-0.1, 0.0, 0.08])
    grip = tube(
        smooth([(0.02, 0, 0), (0.05, wide * 0.6, rise * 0.3), (-0.05 if rise > 0 else 0.08, wide, rise)], 6),
        0.018,
        sides=8,
    )
    parts += painted(THIRD, *grip.move(*steer).both())
    parts += painted(THIRD, ellipsoid(0.11, 0.06, 0.03, sides=12, rings=6).move(*offset(saddle, -0.02, z=0.02)))
    arm = tube([(0, 0.05, 0), (0.08, 0.07, -0.05)], 0.014, sides=6)
    pedal = box(0.07, 0.07, 0.025).move(0.08, 0.11, -0.06)
    for piece in (arm, pedal):
        parts += painted(THIRD, piece.move(*crank), piece.scale(x=-1, y=-1, z=-1).move(*crank))
    if style < 2:
        parts += painted(THIRD, cylinder(0.06, 0.02, sides=12).turn("x", np.pi / 2).move(*offset(crank, y=-0.03)))
        extra = rng.random()
        if extra < 0.35:
            parts += painted(MAIN, box(0.16, 0.22, 0.14, top=(1.2, 1.2)).move(*offset(steer, 0.16, z=-0.1)))
        elif extra < 0.6:
            parts += painted(MAIN, box(0.24, 0.12, 0.03).move(*offset(rear, -0.02, z=radius + 0.04)))
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
