"""Fruit and vegetables: banana, pear, cherry, grapes, pineapple, carrot."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from sim.objects.toys.build import MAIN, SECOND, THIRD, Parts, painted, toy
from sim.objects.toys.shapes import Shape, cylinder, ellipsoid, lathe, offset, plate, skin, smooth, tube


def leaf(long: float, wide: float, *, teeth: int = 0) -> Shape:
    """A flat leaf from the origin along +y, with its upper side up; `teeth` points on each side, or none."""
    count = max(2 * teeth, 6)
    y = np.linspace(0, 1, count + 2)[1:-1]
    half = np.sin(np.pi * y**0.8) * (1 - 0.3 * (np.arange(count) % 2 if teeth else 0.0)) * wide / 2
    edge = [(0.0, 0.0), *zip(half, y * long, strict=True), (0.0, long), *zip(-half[::-1], y[::-1] * long, strict=True)]
    return plate(edge, 0.02)


@toy("banana")
def banana(rng: np.random.Generator) -> Parts:
    count = rng.integers(1, 4)
    bend, thick = rng.uniform(1.3, 2.0), rng.uniform(0.085, 0.12)
    radius = 0.9 / bend
    parts: Parts = []
    for i in range(count):
        angle = np.linspace(-bend / 2, bend / 2, 13)
        path = np.stack([np.zeros(13), radius * np.sin(angle), radius - radius * np.cos(angle)], 1)
        sizes = thick * np.array([0.3, 0.32, 0.62, 0.88, 0.98, 1.0, 1.0, 1.0, 0.98, 0.9, 0.7, 0.42, 0.25])
        pieces = [(tube(path, sizes, sides=10), MAIN)]
        pieces += painted(SECOND, tube(path[:2] + (path[:1] - path[1:2]) * 0.7, thick * 0.36))
        pieces += painted(THIRD, tube(path[-2:] + (path[-1:] - path[-2:-1]) * 0.6, thick * 0.33))
        lean = (i - (count - 1) / 2) * rng.uniform(0.38, 0.5)
        # The fruits of a bunch spread from the common stem.
        parts += [(s.move(y=-path[0, 1], z=-path[0, 2]).turn("y", lean).turn("z", lean * 0.6), p) for s, p in pieces]
    return parts


@toy("pear")
def pear(rng: np.random.Generator) -> Parts:
    radius, neck, height = rng.uniform(0.28, 0.42), rng.uniform(0.1, 0.2), rng.uniform(0.65, 1.0)
    profile = smooth(
        [
            (0.0, 0.04),
            (radius * 0.5, 0.0),
            (radius, height * rng.uniform(0.25, 0.38)),
            (neck, height * rng.uniform(0.7, 0.85)),
            (neck * 0.6, height),
            (0.0, height - 0.02),
        ],
        16,
    )
    profile[[0, -1], 0] = 0.0
    lean = rng.uniform(-0.1, 0.1)
    stem = tube(smooth([(0, 0, height - 0.06), (0, lean * 0.4, height + 0.08), (0, lean, height + 0.18)], 6), 0.026)
    leaf = ellipsoid(0.05, rng.uniform(0.13, 0.2), 0.02, sides=12, rings=7).turn("x", rng.uniform(0.2, 0.7))
    parts = painted(MAIN, lathe(profile, sides=24)) + painted(SECOND, stem)
    parts += painted(THIRD, *leaf.move(0, 0.15, height + 0.12).around(int(rng.integers(1, 3)), start=rng.uniform(0, 6)))
    # The neck leans, and the whole fruit with it.
    tilt = rng.uniform(-0.25, 0.25)
    return [(replace(s, vertices=s.vertices + np.outer(tilt * s.vertices[:, 2] ** 2, [0, 1, 0])), p) for s, p in parts]


@toy("cherry")
def cherry(rng: np.random.Generator) -> Parts:
    count = int(rng.integers(2, 4))
    size, high = rng.uniform(0.15, 0.21), rng.uniform(0.5, 0.75)
    heart = rng.uniform(0.0, 0.25)  # how deep the stem sits
    angle = np.linspace(-np.pi / 2, np.pi / 2, 10)
    profile = np.stack([np.cos(angle), np.sin(angle) - heart * np.exp(-((np.cos(angle) / 0.35) ** 2)) * (angle > 0)], 1)
    profile[[0, -1], 0] = 0.0
    ball = lathe(profile * size * [1.0, rng.uniform(0.88, 1.05)], sides=16)
    spread = rng.uniform(0.22, 0.34)
    top = np.array([0.0, 0.0, high])
    parts: Parts = []
    for i in range(count):
        turn = np.pi / 2 + 2 * np.pi * i / count + rng.uniform(-0.25, 0.25)
        foot = np.array([np.cos(turn) * spread, np.sin(turn) * spread, rng.uniform(-0.1, 0.1)])
        bow = offset((foot + top) / 2, np.cos(turn) * 0.06, np.sin(turn) * 0.06, 0.06)
        parts += painted(MAIN, ball.move(*foot))
        parts += painted(SECOND, tube(smooth([offset(foot, z=size * 0.6), bow, top], 8), 0.02, sides=8))
    parts += painted(SECOND, ellipsoid(0.045, 0.05, 0.035, sides=10, rings=6).move(*top))
    long = rng.uniform(0.3, 0.42)
    blade = leaf(long, long * rng.uniform(0.4, 0.6)).turn("x", rng.uniform(-0.3, 0.5))
    leaves = [blade.turn("z", rng.uniform(-0.4, 0.4))]
    if rng.random() < 0.5:
        leaves.append(blade.scale(0.8, -0.8, 0.8).turn("z", rng.uniform(-0.4, 0.4)))
    return parts + painted(THIRD, *(blade.move(*top) for blade in leaves))


@toy("grapes")
def grapes(rng: np.random.Generator) -> Parts:
    size = rng.uniform(0.088, 0.1)
    rows = ((5, 4, 4, 3, 2, 1), (3, 4, 4, 3, 3, 2), (6, 5, 3, 3, 1))[rng.integers(3)]
    berry = ellipsoid(size, size, size * rng.uniform(1.0, 1.25), sides=8, rings=6)
    parts: Parts = []
    z = 0.0
    for row, count in enumerate(rows):
        out = 0.0 if count == 1 else size * 0.92 / np.sin(np.pi / count)
        for piece in berry.move(out).around(count, start=row * 0.9 + rng.uniform(0, 0.4)):
            parts += painted(MAIN, piece.move(0, 0, z + rng.uniform(-0.02, 0.02)))
        z -= size * 1.45
    if rows[0] > 4:
        parts += painted(MAIN, berry.move(z=0.02))
    bend = rng.uniform(-0.08, 0.08)
    stem = tube(smooth([(0, 0, 0.0), (0, bend * 0.3, size + 0.08), (0, bend, size + 0.2)], 6), 0.024, sides=8)
    bar = cylinder(0.026, 0.22, sides=8).move(z=-0.11).turn("x", np.pi / 2 + rng.uniform(-0.3, 0.3))
    parts += painted(SECOND, stem, bar.move(0, bend, size + 0.2))
    long = rng.uniform(0.26, 0.36)
    blade = leaf(long, long * 0.85, teeth=int(rng.integers(2, 4))).turn("x", rng.uniform(-0.6, -0.1))
    blades = [blade.turn("z", rng.uniform(-0.7, 0.7))]
    if rng.random() < 0.5:
        blades.append(blade.turn("z", np.pi + rng.uniform(-0.7, 0.7)))
    return parts + painted(THIRD, *(blade.move(0, 0, size + 0.08) for blade in blades))


@toy("pineapple")
def pineapple(rng: np.random.Generator) -> Parts:
    radius, tall = rng.uniform(0.2, 0.27), rng.uniform(0.5, 0.64)
    belly, sides = rng.uniform(0.35, 0.5), 2 * int(rng.integers(8, 11))
    at = np.linspace(0, 1, 12)
    outline = np.interp(at, [0, 0.08, belly, 0.85, 1], [0.55, 0.78, 1.0, 0.85, 0.55]) * radius
    angle = np.linspace(0, 2 * np.pi, sides, endpoint=False)
    # Every second point of every second ring stands out, as eyes do.
    bump = 1 + rng.uniform(0.06, 0.14) * ((np.arange(sides)[None] + np.arange(12)[:, None]) % 2)
    r = outline[:, None] * bump
    body = skin(np.stack([r * np.cos(angle), r * np.sin(angle), np.broadcast_to(at[:, None] * tall, r.shape)], 2))
    parts = painted(MAIN, body)
    style = rng.integers(3)  # a tuft upright, like a fountain, short and wide
    size = (rng.uniform(0.34, 0.44), rng.uniform(0.36, 0.44), rng.uniform(0.28, 0.34))[style]
    tiers = ((6, 0.5, 0.8), (6, 0.3, 0.95), (4, 0.08, 1.0))
    for tier, (count, lean, share) in enumerate(tiers):
        lean *= (0.8, 1.6, 2.0)[style]
        long = size * share
        droop = lean * (1.0, 2.1, 1.3)[style]
        tip = (0.05 + long * 0.5 * (np.sin(lean) + np.sin(droop)), 0.0, long * 0.5 * (np.cos(lean) + np.cos(droop)))
        half = (0.04 + long * 0.5 * np.sin(lean), 0.0, long * 0.5 * np.cos(lean))
        blade = tube(
            smooth([(0.03, 0, -0.03), half, tip], 5),
            np.array([0.9, 1.1, 1.0, 0.7, 0.08])[:, None] * [0.018, 0.045],
            sides=6,
        )
        parts += painted(
            (SECOND, THIRD, SECOND)[tier], *(b.move(z=tall) for b in blade.around(count, start=0.5 * tier))
        )
    return parts


@toy("carrot")
def carrot(rng: np.random.Generator) -> Parts:
    radius, long = rng.uniform(0.1, 0.16), rng.uniform(0.55, 0.75)
    style = rng.integers(3)  # slim, blunt, with two legs
    taper = (0.75, 0.4, 0.75)[style]
    at = np.linspace(0, 1, 9)
    widths = radius * np.interp(at, [0, 0.06, 0.2, 0.9, 1.0], [0.55, 0.95, 1.0, 1 - taper, 0.06])
    sway = rng.uniform(-0.1, 0.1, 2)
    path = np.stack([sway[0] * at**2, sway[1] * at**2, -long * at], 1)
    parts = painted(MAIN, tube(path, widths, sides=14))
    if style == 2:
        leg = tube(
            smooth([(0, 0, -0.3 * long), (0, 0.12, -0.6 * long), (0, 0.17, -0.95 * long)], 6),
            radius * np.array([0.7, 0.75, 0.6, 0.45, 0.25, 0.05]),
        )
        parts += painted(MAIN, leg.turn("z", rng.choice([0.0, np.pi]) + rng.uniform(-0.4, 0.4)))
    ring = cylinder(radius * 0.6, 0.05, top=radius * 0.5).move(z=-0.02)
    parts += painted(THIRD, ring)
    size = rng.uniform(0.3, 0.45)
    plume = int(rng.integers(3, 6))
    for i in range(plume):
        lean = rng.uniform(0.25, 0.75)
        end = np.array([np.sin(lean), 0.0, np.cos(lean)]) * size * rng.uniform(0.8, 1.1)
        stalk = tube([(0.02, 0, 0.0), offset(end * 0.5, z=0.03), end], [0.024, 0.02, 0.012], sides=6)
        turn = 2 * np.pi * i / plume + rng.uniform(-0.2, 0.2)
        parts += painted(SECOND, stalk.turn("z", turn))
        frond = ellipsoid(0.045, 0.07, 0.1, sides=8, rings=6)
        for share, large in ((0.55, 0.75), (0.8, 1.0), (1.05, 0.85)):
            puff = frond.scale(large, large, large).turn("y", lean).move(*(end * share))
            parts += painted((SECOND, THIRD)[i % 2], puff.turn("z", turn))
    return parts
