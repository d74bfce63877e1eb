"""In the wild: rabbit, elephant, giraffe, turtle. The head is at +x."""

from __future__ import annotations

import numpy as np

from sim.objects.toys.build import MAIN, SECOND, THIRD, Parts, painted, toy
from sim.objects.toys.shapes import Shape, cylinder, ellipsoid, lathe, loft, smooth, torus, tube


def eyes(x: float, y: float, z: float, size: float = 0.022) -> list[Shape]:
    return ellipsoid(size, size, size, sides=8, rings=5).move(x, y, z).both()


@toy("rabbit")
def rabbit(rng: np.random.Generator) -> Parts:
    posture = rng.integers(3)  # lies, sits, stands on its hind legs
    long = (0.29, 0.22, 0.16)[posture] * rng.uniform(0.9, 1.1)
    tall = (0.18, 0.24, 0.31)[posture] * rng.uniform(0.9, 1.1)
    wide = rng.uniform(0.14, 0.2)
    x, z = ((long * 0.95, tall * 1.75), (long * 0.6, tall * 2.1), (0.05, tall * 2.1))[posture]
    head = rng.uniform(0.11, 0.14)
    skull = ellipsoid(head * 1.1, head * 0.9, head).move(x, 0, z)
    muzzle = ellipsoid(head * 0.5, head * 0.55, head * 0.42, sides=12, rings=7).move(x + head * 0.75, 0, z - head * 0.3)
    haunch = ellipsoid(0.14, 0.07, 0.13, sides=12, rings=7).move(-long * 0.35, wide * 0.75, 0.12)
    foot = ellipsoid(0.13, 0.045, 0.04, sides=10, rings=6).move(long * 0.1, wide * 0.8, 0.03)
    if posture == 2:
        fore = [(long * 0.6, wide * 0.7, tall * 1.5), (long + 0.1, wide * 0.4, tall * rng.uniform(1.0, 1.5))]
    else:
        fore = [(long * 0.6, wide * 0.45, tall), (long * rng.uniform(0.85, 1.1), wide * 0.45, 0.03)]
    size = rng.uniform(0.24, 0.4)
    bends = rng.choice([(0.0, 0.0), (0.45, 0.45), (0.0, 1.6)], axis=0)[:: rng.choice([-1, 1])]
    spread = rng.uniform(0.08, 0.35)
    ears: list[Shape] = []
    linings: list[Shape] = []
    for side, bend in zip((1, -1), bends, strict=True):
        # The upper half bends to the back or falls to the front.
        top = (0.6 * np.cos(bend) + 0.4, np.sin(bend) * 0.6 * (1 if bend > 1 else -1))
        path = size * np.array([(0.0, 0.0, 0.0), (0.0, 0.0, 0.4), (top[1], 0.0, top[0])])
        widths = rng.uniform(0.85, 1.15) * np.array([0.028, 0.045, 0.055, 0.055, 0.045, 0.012])
        flap = tube(smooth(path, 6), np.stack([widths * 0.45, widths], 1))
        lining = tube(smooth(path, 6) * [1, 1, 0.9] + [0.015, 0, 0.01], np.stack([widths * 0.4, widths * 0.6], 1))
        for piece, kind in ((flap, ears), (lining, linings)):
            kind.append(piece.turn("x", -side * spread).move(x - 0.02, side * head * 0.4, z + head * 0.75))
    tail = ellipsoid(0.07, 0.07, 0.07, sides=10, rings=7).move(-long - 0.02, 0, tall * 0.6)
    nose = ellipsoid(0.025, 0.03, 0.025, sides=8, rings=5).move(x + head * 1.22, 0, z - head * 0.15)
    parts = painted(MAIN, ellipsoid(long, wide, tall).move(z=tall), skull, *haunch.both(), *ears)
    parts += painted(SECOND, tail, muzzle, *foot.both(), *tube(fore, [0.055, 0.045]).both())
    return parts + painted(THIRD, nose, *linings, *eyes(x + head * 0.75, head * 0.62, z + head * 0.3))


@toy("elephant")
def elephant(rng: np.random.Generator) -> Parts:
    leg, body = rng.uniform(0.2, 0.3), rng.uniform(0.19, 0.25)
    long = rng.uniform(0.28, 0.36)
    middle = leg + body * 0.75
    hump = rng.uniform(-0.04, 0.05)
    trunk = loft(
        [
            (x * long, middle + hump * (1 - x * x), body * w * 0.85, body * w)
            for x, w in ((-1.1, 0.35), (-0.95, 0.75), (-0.4, 1.0), (0.4, 1.0), (0.9, 0.8), (1.1, 0.4))
        ]
    )
    limb = cylinder(rng.uniform(0.08, 0.1), leg + 0.1, top=0.1, sides=12)
    limbs = [piece for x in (-long * 0.75, long * 0.72) for piece in limb.move(x, body * 0.5).both()]
    hoof = cylinder(0.115, 0.045, top=0.1, sides=12)
    hooves = [piece for x in (-long * 0.75, long * 0.72) for piece in hoof.move(x, body * 0.5).both()]
    head = rng.uniform(0.16, 0.2)
    x, z = long + head * 0.6, middle + body * rng.uniform(0.45, 0.8)
    reach = rng.uniform(0.9, 1.15)
    # The trunk hangs, curls to the front, or is raised.
    nose = (
        [(0.0, 0.0), (0.2, -0.08), (0.24, -0.3), (0.2, -z + 0.08)],
        [(0.0, 0.0), (0.2, -0.12), (0.24, -0.34), (0.36, -0.44), (0.44, -0.34)],
        [(0.0, 0.0), (0.2, -0.08), (0.34, 0.04), (0.38, 0.26), (0.32, 0.4)],
    )[rng.integers(3)]
    path = smooth([(a * reach, 0.0, b) for a, b in nose], 11)
    snout = tube(path, np.linspace(0.1, 0.038, 11), sides=12).move(x, 0, z - 0.02)
    ear = ellipsoid(0.035, rng.uniform(0.14, 0.22), rng.uniform(0.17, 0.25), sides=16, rings=8)
    ear = ear.move(y=0.12).turn("z", rng.uniform(0.2, 0.8)).move(x - 0.06, head * 0.6, z - 0.02)
    tail = smooth([(-long, 0, middle), (-long - 0.12, 0, middle - 0.02), (-long - 0.14, 0, middle - 0.22)], 6)
    tuft = ellipsoid(0.03, 0.03, 0.06, sides=8, rings=6).move(*tail[-1])
    parts = painted(int(rng.integers(2)), *limbs)  # of the body's paint, or of the ears'
    parts += painted(MAIN, trunk, ellipsoid(head, head * 0.85, head * 1.1).move(x, 0, z), snout)
    parts += painted(SECOND, *ear.both(), *hooves, tube(tail, 0.02, sides=8))
    if rng.random() < 0.7:
        bend = [(0, 0, 0), (0.12, 0, -0.07), (0.22, 0, rng.uniform(-0.06, 0.0))]
        tusk = tube(smooth(bend, 5), np.linspace(0.03, 0.008, 5), sides=8).move(x + head * 0.6, 0.09, z - 0.12)
        parts += painted(THIRD, *tusk.both())
    if rng.random() < 0.4:
        cloth = lathe([(body * 0.98, -0.12), (body, 0.12)], sides=20).turn("y", np.pi / 2).scale(y=0.88, z=1.03)
        parts += painted(THIRD, cloth.move(-0.02, 0, middle + hump))
    return parts + painted(THIRD, tuft, *eyes(x + head * 0.7, head * 0.6, z + head * 0.35))


@toy("giraffe")
def giraffe(rng: np.random.Generator) -> Parts:
    leg, body, long = rng.uniform(0.42, 0.56), rng.uniform(0.1, 0.13), rng.uniform(0.18, 0.24)
    rear, front = leg + body * 0.5, leg + body
    trunk = loft(
        [
            (x * long, (rear + front) / 2 + x * (front - rear) / 2, body * w * 0.8, body * w)
            for x, w in ((-1.15, 0.3), (-1.0, 0.72), (-0.4, 0.92), (0.5, 1.05), (0.95, 0.9), (1.15, 0.4))
        ]
    )
    step = rng.choice([0.0, 0.1]) * rng.uniform(0.6, 1.3)
    limbs, hooves = [], []
    for x, high in ((-long * 0.85, rear), (long * 0.8, front)):
        for side in (-1, 1):
            hoof = (x + side * step, side * body * 0.6, 0.0)
            limbs.append(tube([hoof, (x, side * body * 0.5, high)], [0.032, 0.05]))
            hooves.append(cylinder(0.05, 0.07, top=0.04, sides=10).move(*hoof))
    neck, bow = rng.uniform(0.5, 0.72), rng.uniform(0.15, 0.75)
    curve = rng.choice([-0.12, 0.0, 0.12])  # arched, straight, or like a swan's
    start = np.array([long * 0.85, 0.0, front])
    tip = start + neck * np.array([np.sin(bow), 0.0, np.cos(bow)])
    bend = (start + tip) / 2 + curve * np.array([np.cos(bow), 0.0, -np.sin(bow)])
    path = smooth([start, bend, tip], 8)
    head = rng.uniform(0.1, 0.13)
    skull = loft(
        [
            (x * head, z * head, w * head, h * head)
            for x, z, w, h in (
                (-0.6, 0, 0.2, 0.2),
                (-0.3, 0, 0.5, 0.5),
                (0.3, 0, 0.45, 0.45),
                (1.2, -0.1, 0.3, 0.25),
                (1.4, -0.1, 0.15, 0.12),
            )
        ],
        sides=12,
    ).turn("y", rng.uniform(0.1, 0.5))
    horn = tube([(0, 0, 0), (-0.02, 0.02, 0.09)], 0.016, sides=8).move(-0.02, 0.03, head * 0.4)
    knob = ellipsoid(0.026, 0.026, 0.026, sides=8, rings=6).move(-0.04, 0.05, head * 0.4 + 0.1)
    ear = ellipsoid(0.025, 0.07, 0.03, sides=8, rings=6).turn("x", 0.4).move(-0.05, 0.09, head * 0.35)
    mane = tube(path + np.array([-0.055, 0.0, 0.02]), np.stack([np.full(8, 0.035), np.full(8, 0.016)], 1), sides=8)
    tail = tube(
        smooth([(-long, 0, rear), (-long - 0.09, 0, rear - 0.05), (-long - 0.09, 0, rear - 0.25)], 5), 0.015, sides=8
    )
    tuft = ellipsoid(0.03, 0.03, 0.06, sides=8, rings=6).move(-long - 0.09, 0, rear - 0.28)
    parts = painted(MAIN, trunk, tube(path, np.linspace(0.085, 0.055, 8), sides=12), skull.move(*tip))
    parts += painted(int(rng.integers(2)), *limbs)  # of the body's paint, or of the mane's
    parts += painted(SECOND, mane, tail, *(piece.move(*tip) for piece in ear.both()), *hooves)
    top = [*horn.both(), *knob.both(), *eyes(head * 0.35, head * 0.4, head * 0.3)]
    return parts + painted(THIRD, tuft, *(piece.move(*tip) for piece in top))


@toy("turtle")
def turtle(rng: np.random.Generator) -> Parts:
    wide, tall = rng.uniform(0.28, 0.36), rng.uniform(0.14, 0.3)
    style = rng.integers(3)  # a smooth dome, one with edges, one with knobs
    sides = 8 if style == 1 else 24
    dome = [(0.0, 0.0), (1.0, 0.0), (0.93, 0.4), (0.7, 0.78), (0.35, 0.97), (0.0, 1.0)]
    low = rng.uniform(0.08, 0.14)
    shell = lathe(dome if style == 1 else smooth(dome[1:], 8), sides=sides).scale(0.38, wide, tall)
    rim = torus(1.0, 0.07, sides=sides).scale(0.39, wide * 1.02, 0.5)
    parts = painted(MAIN, shell.move(z=low)) + painted(SECOND, rim.move(z=low + 0.02))
    if style == 2:
        knob = cylinder(0.075, 0.08, top=0.02, sides=6).turn("y", 0.75).move(0.22, 0, tall * 0.78)
        knobs = [cylinder(0.08, 0.09, top=0.02, sides=6).move(z=tall * 0.96), *knob.around(6)]
        parts += painted(THIRD, *(k.scale(y=wide / 0.38).move(z=low) for k in knobs))
    reach, lift = rng.uniform(0.06, 0.14), rng.uniform(0.02, 0.2)
    x, z = 0.4 + reach, low + lift
    head = rng.uniform(0.085, 0.115)
    neck = tube(smooth([(0.28, 0, low + 0.03), (x - 0.06, 0, low + 0.04), (x, 0, z)], 6), head * 0.6)
    skull = ellipsoid(head * 1.2, head * 0.85, head * 0.85, sides=12, rings=8).move(x + head * 0.5, 0, z)
    if rng.random() < 0.5:
        limb = cylinder(0.08, low + 0.06, top=0.07, sides=10)
        limbs = [piece for at in (-0.26, 0.26) for piece in limb.move(at, wide * 0.72).both()]
    else:
        fore = ellipsoid(0.075, rng.uniform(0.17, 0.24), 0.025, sides=12, rings=7).move(y=0.14).turn("z", 0.5)
        hind = ellipsoid(0.06, 0.12, 0.025, sides=12, rings=7).move(y=0.08).turn("z", 1.0)
        limbs = fore.turn("x", -0.3).move(0.24, wide * 0.75, low).both() + hind.move(-0.28, wide * 0.7, low).both()
    tail = cylinder(0.045, 0.14, top=0.005, sides=8).turn("y", -np.pi / 2 - 0.2).move(-0.36, 0, low + 0.01)
    parts += painted(SECOND, neck, skull, *limbs, tail)
    return parts + painted(THIRD, *eyes(x + head * 1.1, head * 0.6, z + head * 0.35, 0.028))
