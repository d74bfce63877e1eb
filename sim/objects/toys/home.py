"""At home: chair, table, sofa, lamp, bed."""

from __future__ import annotations

import numpy as np

from sim.objects.toys.build import MAIN, SECOND, THIRD, Parts, painted, toy
from sim.objects.toys.shapes import Shape, box, cylinder, ellipsoid, extrude, lathe, loft, tube


def cushion(x: float, y: float, z: float) -> Shape:
    """A box of sides x, y, z with soft edges, on z = 0."""
    ends = [(-0.5, 0.8), (-0.44, 0.97), (0.44, 0.97), (0.5, 0.8)]
    return loft([(x * at, z / 2, y / 2 * s, z / 2 * s) for at, s in ends], sides=16, exponent=6.0)


def legs(x: float, y: float, height: float, rng: np.random.Generator) -> list[Shape]:
    """Four legs under the corners of a rectangle of half sides x, y, round or square, upright or splayed."""
    thick, splay = rng.uniform(0.025, 0.045), rng.choice([0.0, 0.06, 0.1])
    if splay == 0 and rng.random() < 0.5:
        return [box(2 * thick, 2 * thick, height).move(i * x, j * y) for i in (-1, 1) for j in (-1, 1)]
    return [
        tube([(i * (x + splay), j * (y + splay), 0.0), (i * x, j * y, height)], [thick * 0.7, thick])
        for i in (-1, 1)
        for j in (-1, 1)
    ]


@toy("chair")
def chair(rng: np.random.Generator) -> Parts:
    depth, width = rng.uniform(0.4, 0.52), rng.uniform(0.4, 0.56)
    seat, top = rng.uniform(0.36, 0.48), rng.uniform(0.5, 0.72)
    x, y = depth / 2 - 0.05, width / 2 - 0.05
    parts = painted(SECOND, *legs(x, y, seat, rng)) + painted(MAIN, cushion(depth, width, 0.08).move(z=seat))
    lean = rng.uniform(0.0, 0.14)
    style = rng.integers(3)
    back: list[Shape] = []
    if style == 0:
        back = [box(0.06, width * 0.95, top).move(-x)]
    else:
        parts += painted(SECOND, *box(0.06, 0.06, top).move(y=y).turn("y", -lean).move(-x, 0, seat + 0.05).both())
        if style == 1:
            count = rng.integers(2, 5)
            back = [
                box(0.04, width * 0.85, 0.45 * top / count).move(-x, 0, top * (i + 0.6) / count) for i in range(count)
            ]
        else:
            count = rng.integers(3, 5)
            back = [box(0.03, 0.05, top).move(-x, at) for at in np.linspace(-y, y, count + 2)[1:-1]]
            back.append(box(0.06, width, 0.1).move(-x, 0, top - 0.03))
    # The back leans about its lower edge.
    parts += painted(THIRD, *(piece.move(x).turn("y", -lean).move(-x, 0, seat + 0.05) for piece in back))
    if rng.random() < 0.35:
        arm = box(depth * 0.9, 0.06, 0.05).move(0, y + 0.02, seat + 0.28)
        post = box(0.05, 0.05, 0.26).move(x * 0.7, y + 0.02, seat + 0.03)
        parts += painted(SECOND, *arm.both(), *post.both())
    return parts


@toy("table")
def table(rng: np.random.Generator) -> Parts:
    length, width, height = rng.uniform(0.8, 1.2), rng.uniform(0.55, 0.8), rng.uniform(0.4, 0.7)
    thick = rng.uniform(0.04, 0.09)
    round_top = rng.random() < 0.4
    top = cylinder(0.5, thick, sides=24).scale(width, length) if round_top else box(width, length, thick)
    parts = painted(MAIN, top.move(z=height))
    inset = 0.32 if round_top else 0.43
    if rng.random() < 0.75:
        parts += painted(SECOND, *legs(width * inset, length * inset, height, rng))
        parts += painted(THIRD, box(width * inset * 1.9, length * inset * 1.9, 0.08).move(z=height - 0.08))
    else:
        side = box(width * inset * 1.6, 0.06, height).move(0, length * inset * 0.75)
        parts += painted(SECOND, *side.both())
        parts += painted(THIRD, box(0.05, length * inset * 1.5, 0.1).move(z=height * 0.35))
    return parts


@toy("sofa")
def sofa(rng: np.random.Generator) -> Parts:
    seats = rng.integers(2, 4)
    length, depth = rng.uniform(1.1, 1.5), rng.uniform(0.48, 0.6)
    base, back = rng.uniform(0.16, 0.24), rng.uniform(0.5, 0.72)
    arm, arm_height = rng.uniform(0.1, 0.2), rng.uniform(0.36, 0.48)
    parts = painted(MAIN, box(depth, length, base), cushion(0.2, length, back).move(-depth / 2))
    if rng.random() < 0.5:
        side = cushion(depth + 0.12, arm, arm_height)
    else:
        roll = cylinder(arm * 0.62, depth + 0.1).turn("y", np.pi / 2).move(-depth / 2 - 0.05, 0, arm_height)
        parts += painted(MAIN, *roll.move(0, length / 2).both())
        side = box(depth + 0.08, arm * 0.9, arm_height)
    parts += painted(MAIN, *side.move(0, length / 2).both())
    each = (length - arm) / seats
    for i in range(seats):
        y = (i - (seats - 1) / 2) * each
        parts += painted(SECOND, cushion(depth * 0.85, each * 0.96, 0.14).move(0.05, y, base))
        parts += painted(
            SECOND, cushion(0.14, each * 0.94, back * 0.55).turn("y", -0.15).move(-depth / 2 + 0.2, y, base + 0.1)
        )
    foot = cylinder(0.03, rng.uniform(0.06, 0.14), sides=10)
    parts += painted(THIRD, *(foot.move(i * depth * 0.4, j * length * 0.45, -0.1) for i in (-1, 1) for j in (-1, 1)))
    if rng.random() < 0.6:
        pillow = cushion(0.1, 0.26, 0.24).turn("y", -0.4).move(0.02, rng.choice([-1, 1]) * length * 0.36, base + 0.14)
        parts += painted(THIRD, pillow)
    return parts


@toy("lamp")
def lamp(rng: np.random.Generator) -> Parts:
    height, base = rng.uniform(0.7, 1.0), rng.uniform(0.16, 0.24)
    low, high, tall = rng.uniform(0.24, 0.36), rng.uniform(0.08, 0.2), rng.uniform(0.2, 0.36)
    if rng.random() < 0.3:
        high = low  # a drum
    sides = int(rng.choice([4, 6, 24, 24]))
    shade = lathe([(low, 0.0), (high, tall), (high - 0.02, tall), (low - 0.02, 0.0)], sides=sides, loop=True)
    parts = painted(MAIN, shade.move(z=height - tall * 0.6))
    parts += painted(SECOND, cylinder(base, 0.05, top=base * rng.uniform(0.5, 1.0), sides=20))
    parts += painted(SECOND, cylinder(0.025, height, sides=10))
    parts += painted(THIRD, ellipsoid(0.07, 0.07, 0.1).move(z=height - tall * 0.35))
    bulge = rng.integers(0, 4)
    for i in range(bulge):
        size = rng.uniform(0.05, 0.09)
        parts += painted(THIRD, ellipsoid(size, size, size * 0.8, sides=12, rings=7).move(z=0.1 + 0.11 * i))
    return parts


@toy("bed")
def bed(rng: np.random.Generator) -> Parts:
    """The head is at the back."""
    long, wide = rng.uniform(0.95, 1.1), rng.uniform(0.5, 0.85)
    low, thick = rng.uniform(0.1, 0.18), rng.uniform(0.1, 0.16)
    x, y = long / 2, wide / 2
    parts = painted(SECOND, box(long, wide * 1.04, 0.09).move(z=low))
    parts += painted(MAIN, cushion(long * 0.97, wide, thick).move(z=low + 0.06))
    top = low + 0.06 + thick
    cover = rng.uniform(0.5, 0.7)
    parts += painted(THIRD, cushion(long * cover, wide * 1.06, thick * 1.05).move(x - long * cover / 2, 0, low + 0.09))
    count = 1 if wide < 0.65 else 2
    for i in range(count):
        pillow = cushion(0.2, wide / count * 0.8, 0.12).turn("y", -0.25)
        parts += painted(THIRD, pillow.move(-x + 0.15, (i - (count - 1) / 2) * wide / count, top - 0.01))
    head = top + rng.uniform(0.2, 0.34)
    foot = top + rng.uniform(-0.02, 0.14)
    style = rng.integers(4)  # boards, arches, bars, a roof on four posts
    posts = [cylinder(0.035, z, sides=10).move(at, y) for at, z in ((-x, head), (x, foot))]
    if style == 3:
        high = rng.uniform(0.75, 0.95)
        posts = [cylinder(0.03, high, sides=10).move(at, y) for at in (-x, x)]
        parts += painted(MAIN, box(long + 0.1, wide + 0.12, 0.06).move(z=high))
    parts += painted(SECOND, *(q for post in posts for q in post.both()))
    for at, z in ((-x, head), (x, foot)):
        if style == 2:
            parts += painted(SECOND, box(0.05, wide, 0.05).move(at, 0, z - 0.06))
            bars = np.linspace(-y, y, 8)[1:-1]
            parts += painted(SECOND, *(cylinder(0.013, z - low - 0.02, sides=6).move(at, b, low) for b in bars))
        elif style == 1:
            angle = np.linspace(0, np.pi, 12)
            arch = np.stack([np.cos(angle) * y, z - 0.1 + np.sin(angle) * 0.16], 1).tolist()
            parts += painted(SECOND, extrude([(-y, low), (y, low), *arch], 0.05).turn("z", np.pi / 2).move(at))
        else:
            parts += painted(SECOND, box(0.05, wide, z - low - 0.03).move(at, 0, low))
    return parts
