"""On the table: ice cream, cake."""

from __future__ import annotations

import numpy as np

from sim.objects.toys.build import MAIN, SECOND, THIRD, Parts, painted, toy
from sim.objects.toys.shapes import box, cylinder, ellipsoid, lathe, skin, torus, tube


@toy("icecream")
def icecream(rng: np.random.Generator) -> Parts:
    """A cone with scoops."""
    radius, tall = rng.uniform(0.17, 0.23), rng.uniform(0.5, 0.66)
    cup = rng.random() < 0.35
    if cup:
        # A wafer cup with a flat foot.
        tall *= 0.75
        profile = [(radius * 0.55, 0.0), (radius * 0.7, tall * 0.6), (radius * 1.15, tall * 0.62), (radius * 1.2, tall)]
        cone = lathe(profile, sides=20)
    else:
        cone = lathe([(0.012, 0.0), (radius * 1.05, tall * 0.95), (radius * 1.1, tall)], sides=20)
    parts = painted(SECOND, cone, torus(radius * 1.08, 0.03, sides=20, around=6).move(z=tall - 0.03))
    top = tall
    if rng.random() < 0.35:
        # Soft ice, wound to a point.
        t = np.linspace(0, 1, 9)
        sides = 20
        angle = np.linspace(0, 2 * np.pi, sides, endpoint=False)
        lobes = 1 + 0.12 * np.cos(5 * (angle[None] - 2.2 * t[:, None]))
        high = rng.uniform(0.38, 0.55)
        r = radius * 1.25 * (1 - t[:, None]) ** 0.7 * lobes + 0.004
        z = tall - 0.02 + np.broadcast_to(high * t[:, None], r.shape)
        parts += painted(MAIN, skin(np.stack([r * np.cos(angle), r * np.sin(angle), z], 2)))
        top = tall + high
    else:
        count = int(rng.choice([1, 2, 3]))
        for i in range(count):
            size = radius * rng.uniform(1.12, 1.25) * (1 - 0.1 * i)
            at = tall + size * 0.45 + 1.25 * radius * i
            y = rng.uniform(-0.03, 0.03) if i else 0.0
            parts += painted((MAIN, THIRD, MAIN)[i], ellipsoid(size, size, size, sides=16).move(0, y, at))
            parts += painted(
                (MAIN, THIRD, MAIN)[i], torus(size * 0.93, 0.04, sides=16, around=6).move(0, y, at - size * 0.3)
            )
            top = at + size
    extra = rng.integers(3)
    if extra == 0:
        parts += painted(THIRD, ellipsoid(0.06, 0.06, 0.06, sides=10, rings=7).move(z=top + 0.03))
        parts += painted(
            SECOND, tube([(0, 0, top + 0.06), (0.0, 0.02, top + 0.1), (0, 0.06, top + 0.16)], 0.012, sides=6)
        )
    elif extra == 1:
        stick = cylinder(0.03, 0.4, sides=8).turn("x", -rng.uniform(0.3, 0.6)).move(0, radius * 0.4, top - 0.22)
        parts += painted(THIRD, stick)
    else:
        flake = box(0.02, 0.16, 0.24, top=(1.0, 0.3)).turn("x", rng.uniform(0.3, 0.6))
        parts += painted(THIRD, flake.move(0, -radius * 0.6, top - 0.2))
    return parts


@toy("cake")
def cake(rng: np.random.Generator) -> Parts:
    tiers = int(rng.integers(1, 4))
    sides = int(rng.choice([4, 24, 24]))
    radius, z = rng.uniform(0.4, 0.46), 0.06
    parts = painted(THIRD, cylinder(radius * 1.2, 0.05, top=radius * 1.25, sides=24 if sides > 4 else 4))
    foot = rng.random() < 0.4
    if foot:
        parts += painted(THIRD, cylinder(0.22, 0.14, top=0.08, sides=16).move(z=-0.14))
    for i in range(tiers):
        tall = (0.32, 0.21, 0.16)[tiers - 1] * rng.uniform(0.85, 1.15)
        parts += painted((MAIN, SECOND)[i % 2], cylinder(radius, tall, sides=sides).move(z=z))
        z += tall
        if i + 1 == tiers:
            break
        radius *= rng.uniform(0.62, 0.72)
    icing = cylinder(radius * 1.06, 0.07, top=radius * 1.03, sides=sides).move(z=z - 0.04)
    drip = ellipsoid(0.06, 0.05, rng.uniform(0.08, 0.14), sides=8, rings=5).move(radius if sides > 4 else radius * 0.76)
    parts += painted(SECOND, icing)
    if sides > 4:
        parts += painted(SECOND, *(d.move(z=z - 0.04) for d in drip.around(7)))
    z += 0.02
    style = rng.integers(3)  # one candle, a ring of candles, cherries
    candle = cylinder(0.026, rng.uniform(0.18, 0.26), sides=8)
    flame = ellipsoid(0.028, 0.028, 0.05, sides=8, rings=6).move(z=np.ptp(candle.vertices[:, 2]) + 0.04)
    if style == 0:
        for paint, piece in ((MAIN, candle), (THIRD, flame)):
            parts += painted(paint, piece.scale(1.5, 1.5, 1.4).move(z=z))
    elif style == 1:
        count = int(rng.integers(4, 7)) if sides > 4 else 4
        for paint, piece in ((MAIN, candle), (THIRD, flame)):
            parts += painted(paint, *(p.move(z=z) for p in piece.move(radius * 0.65).around(count)))
    else:
        berry = ellipsoid(0.07, 0.07, 0.07, sides=8, rings=6).move(radius * 0.7, 0, z + 0.06)
        parts += painted(THIRD, *berry.around(int(rng.integers(4, 7)), start=0.4), berry.move(-radius * 0.7))
    return parts
