"""To make music with: guitar, drum, trumpet, piano."""

from __future__ import annotations

import numpy as np

from sim.objects.toys.build import MAIN, SECOND, THIRD, Parts, painted, toy
from sim.objects.toys.shapes import box, cylinder, ellipsoid, extrude, lathe, offset, plate, smooth, torus, tube


@toy("guitar")
def guitar(rng: np.random.Generator) -> Parts:
    lower, upper, waist = rng.uniform(0.2, 0.29), rng.uniform(0.15, 0.21), rng.uniform(0.11, 0.15)
    body, long = rng.uniform(0.42, 0.54), rng.uniform(0.26, 0.4)
    electric = rng.random() < 0.4
    shoulder = [(lower * 0.8, 0.03), (lower, 0.3 * body), (waist, 0.62 * body)]
    if electric:
        horn = rng.uniform(0.95, 1.25)
        shoulder += [(upper, 0.85 * body), (upper * 0.9, horn * body), (0.05, 0.8 * body)]
        half = smooth([(0.0, 0.0), *shoulder], 15)[1:]
        outline = np.concatenate([[(0.0, 0.0)], half, half[::-1] * [-1, rng.uniform(0.85, 1.0)]])
        thick = 0.06
    else:
        shoulder += [(upper, 0.85 * body), (upper * 0.5, body), (0.0, body)]
        half = smooth([(0.0, 0.0), *shoulder], 15)[1:-1]
        other = half[::-1] * [-1, 1]
        if rng.random() < 0.4:
            other[:4, 0] *= rng.uniform(0.3, 0.6)  # a cutaway beside the neck
        outline = np.concatenate([[(0.0, 0.0)], half, [(0.0, body)], other])
        thick = rng.uniform(0.08, 0.13)
    front = thick / 2
    parts = painted(MAIN, extrude(outline, thick).turn("z", np.pi / 2))
    parts += painted(SECOND, box(0.035, rng.uniform(0.05, 0.07), long + 0.14).move(front, 0, body - 0.14))
    head = box(0.035, 0.08, 0.14, top=(1.0, rng.uniform(0.6, 1.5))).turn("y", -0.2).move(front, 0, body + long)
    if electric:
        pickups = [box(0.03, 0.12, 0.035).move(front, 0, body * at) for at in (0.35, 0.5)]
    else:
        pickups = [cylinder(rng.uniform(0.05, 0.07), 0.01, sides=18).turn("y", np.pi / 2).move(front, 0, body * 0.62)]
    bridge = box(0.03, rng.uniform(0.12, 0.18), 0.035).move(front, 0, body * 0.2)
    peg = cylinder(0.014, 0.05, sides=8).turn("x", -np.pi / 2)
    pegs = [p for z in (0.03, 0.07, 0.11) for p in peg.move(front - 0.2 * z, 0.035, body + long + z).both()]
    return parts + painted(THIRD, head, bridge, *pickups, *pegs)


@toy("drum")
def drum(rng: np.random.Generator) -> Parts:
    style = rng.integers(3)  # flat, deep and on legs, waisted
    radius = rng.uniform(0.36, 0.44)
    tall = (rng.uniform(0.26, 0.4), rng.uniform(0.45, 0.6), rng.uniform(0.7, 0.95))[style]
    low = radius * rng.uniform(0.7, 0.85) if style == 2 else radius
    waist = low * 0.55 if style == 2 else radius
    shell = lathe([(low, 0.0), (waist, tall * 0.35), (radius, tall)], sides=24)
    parts = painted(MAIN, shell)
    parts += painted(SECOND, torus(radius, 0.03, sides=24, around=6).move(z=tall - 0.03))
    parts += painted(SECOND, torus(low, 0.03, sides=24, around=6).move(z=0.03))
    # Cords run zigzag between the hoops.
    count = int(rng.integers(6, 9))
    half = np.pi / count
    foot, head = (np.array([np.cos(half), np.sin(half), 0.0]) * low * 1.02, np.array([radius * 1.02, 0.0, tall]))
    bend = (foot + head) / 2 * ([0.72, 0.72, 0.75] if style == 2 else [1.0, 1.0, 1.0])
    cord = tube([offset(foot, z=0.03), bend, offset(head, z=-0.03)], 0.014, sides=4)
    parts += painted(SECOND, *cord.around(count), *cord.scale(y=-1).around(count))
    if style == 1:
        leg = tube(
            [(radius + 0.02, 0, tall * 0.4), (radius + 0.02, 0, -0.1), (radius + 0.14, 0, -0.24)], 0.026, sides=8
        )
        parts += painted(THIRD, *leg.around(3, start=np.pi / 3))
    long, out = rng.uniform(0.62, 0.8), rng.uniform(0.2, 0.34)
    stick = cylinder(0.026, long, top=0.018, sides=8)
    tip = ellipsoid(0.045, 0.045, 0.06, sides=8, rings=6).move(z=long)
    cross = rng.uniform(0.15, 0.6)
    for side in (-1, 1):
        for piece in (stick, tip):
            # From the hand, out and above, to the head of the drum.
            laid = piece.turn("y", np.pi + 1.15).move(out + 0.5 * long, 0, 0.4 * long)
            parts += painted(THIRD, laid.turn("z", side * cross).move(z=tall + 0.03))
    return parts


@toy("trumpet")
def trumpet(rng: np.random.Generator) -> Parts:
    """The bell is at +x."""
    bore, flare = rng.uniform(0.024, 0.032), rng.uniform(0.15, 0.21)
    wide, high = rng.uniform(0.16, 0.26), rng.uniform(0.09, 0.14)
    bell = lathe(
        [
            (bore, 0.0),
            (bore * 1.4, 0.16),
            (bore * 2.2, 0.28),
            (flare * 0.6, 0.36),
            (flare, 0.4),
            (flare * 0.9, 0.4),
            (bore, 0.3),
        ],
        sides=20,
    ).turn("y", np.pi / 2)
    long = rng.uniform(0.12, 0.22)
    parts = painted(MAIN, bell.move(long, 0, high), tube([(-wide, 0, high), (long + 0.02, 0, high)], bore))
    angle = np.linspace(-np.pi / 2, np.pi / 2, 8)
    bow = np.stack([np.cos(angle) * high, 0 * angle, np.sin(angle) * high], 1)
    parts += painted(
        MAIN, tube(bow * [-1, 1, 1] - np.array([wide, 0, 0]), bore), tube(bow + np.array([wide, 0, 0]), bore)
    )
    parts += painted(MAIN, tube([(-wide, 0, -high), (wide, 0, -high)], bore))
    reach = rng.uniform(0.2, 0.34)
    lead = 0.05  # the mouth pipe lies beside the bell's
    parts += painted(SECOND, tube([(-wide - reach, lead, high), (wide, lead, high)], bore * 0.9))
    parts += painted(SECOND, tube(bow * [1, 0, 1] + np.array([wide, lead, 0]), bore * 0.9))
    cup = lathe([(bore, 0.0), (bore * 1.1, 0.05), (0.055, 0.1), (0.055, 0.12), (0.0, 0.09)], sides=12)
    parts += painted(THIRD, cup.turn("y", -np.pi / 2).move(-wide - reach + 0.01, lead, high))
    valves = rng.integers(3, 5)
    spread = rng.uniform(0.085, 0.1)
    for i in range(valves):
        x = (i - (valves - 1) / 2) * spread - 0.01
        case = cylinder(0.04, 2 * high + 0.14, sides=12).move(x, lead / 2, -high - 0.07)
        stem = cylinder(0.012, 0.09, sides=6).move(x, lead / 2, high + 0.06)
        button = cylinder(0.036, 0.022, sides=10).move(x, lead / 2, high + rng.uniform(0.11, 0.14))
        parts += painted(SECOND, case) + painted(THIRD, stem, button)
    style = rng.integers(3)
    if style == 0:
        ring = torus(0.045, 0.014, sides=12, around=6).turn("x", np.pi / 2).move(wide * 0.6, lead, high + 0.06)
        parts += painted(THIRD, ring)
    elif style == 1:
        # A flag hangs from the bell's pipe.
        drop = rng.uniform(0.3, 0.42)
        side = wide + long - 0.02
        flag = [(0, 0), (-side * 0.9, 0), (-side * 0.9, -drop), (-side * 0.45, -drop * 0.75), (0, -drop)]
        parts += painted(THIRD, extrude(flag, 0.02).move(long + 0.06, -0.03, high))
    else:
        # A second loop hangs below.
        parts += painted(
            MAIN, torus(high * 0.75, bore, sides=16, around=6).turn("x", np.pi / 2).move(0, -0.04, -high * 1.6)
        )
    return parts


@toy("piano")
def piano(rng: np.random.Generator) -> Parts:
    """A grand piano. The keys are at +x."""
    long, wide = rng.uniform(0.75, 1.15), rng.uniform(0.78, 0.95)
    deep, leg = rng.uniform(0.13, 0.2), rng.uniform(0.34, 0.44)
    tail, y = rng.uniform(0.35, 0.5) * wide, wide / 2
    curve = smooth(
        [
            (-0.25 * long, y),
            (-0.5 * long, y * 0.75),
            (-0.68 * long, tail - y),
            (-0.9 * long, tail - y * 1.15),
            (-long, -y + tail * 0.4),
        ],
        12,
    )
    outline = [(0.0, -y), (0.0, y), *curve.tolist(), (-long, -y + 0.02), (-long + 0.02, -y)]
    high = leg + deep
    parts = painted(MAIN, plate(outline, deep).move(z=leg + deep / 2))
    rise = rng.uniform(0.45, 0.85)
    lid = plate(np.array(outline) * [0.97, 1.0], 0.03).move(y=y).turn("x", rise).move(y=-y, z=high + 0.01)
    share = 0.7  # of the lid's width, where a stick holds it
    prop = tube(
        [
            (-0.2 * long, y * 0.75, high),
            (-0.2 * long, share * wide * np.cos(rise) - y, high + share * wide * np.sin(rise)),
        ],
        0.016,
        sides=6,
    )
    parts += painted(SECOND, lid, prop)
    keys = box(0.17, wide * 0.92, 0.06).move(0.08, 0, leg + 0.03)
    cheek = box(0.19, 0.07, deep * 0.9).move(0.085, y - 0.035, leg)
    parts += painted(THIRD, keys) + painted(MAIN, *cheek.both())
    count = 7
    black = box(0.09, wide * 0.045, 0.03)
    parts += painted(MAIN, *(black.move(0.05, at, leg + 0.08) for at in np.linspace(-y * 0.75, y * 0.75, count)))
    desk = box(0.02, wide * 0.5, 0.18).turn("y", -0.3).move(-0.06, 0, high)
    parts += painted(THIRD, desk)
    style = rng.integers(3)
    if style == 0:
        post = box(0.07, 0.07, leg, top=(1.5, 1.5))
    elif style == 1:
        post = lathe([(0.03, 0.0), (0.055, 0.05), (0.03, 0.1), (0.06, leg * 0.7), (0.075, leg)], sides=10)
    else:
        post = cylinder(0.035, leg, top=0.06, sides=10)
    feet = [post.move(-0.08, y - 0.1), post.move(-0.08, -y + 0.1), post.move(-long * 0.85, tail * 0.4 - y)]
    parts += painted(SECOND, *feet, box(0.05, 0.18, leg).move(-0.1 - 0.2 * long))
    if rng.random() < 0.5:
        stool = cylinder(0.15, 0.06, sides=14) if rng.random() < 0.5 else box(0.22, 0.44, 0.06)
        at = 0.38
        parts += painted(THIRD, stool.move(at, 0, leg * 0.68))
        parts += painted(
            SECOND, *(cylinder(0.02, leg * 0.7, sides=6).move(at + i, j) for i in (-0.07, 0.07) for j in (-0.08, 0.08))
        )
    return parts
