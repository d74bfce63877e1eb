"""To go out in: hat, shoe, umbrella, glasses."""

from __future__ import annotations

import numpy as np

from sim.objects.toys.build import MAIN, SECOND, THIRD, Parts, painted, toy
from sim.objects.toys.shapes import Shape, box, cylinder, ellipsoid, extrude, lathe, skin, smooth, tube


@toy("hat")
def hat(rng: np.random.Generator) -> Parts:
    radius, brim = rng.uniform(0.24, 0.29), rng.uniform(0.4, 0.55)
    tall = rng.uniform(0.28, 0.55)
    style = rng.integers(3)
    top = radius * rng.uniform(0.75, 1.1)
    if style == 0:
        crown = lathe([(radius, 0.0), (top, tall), (top * 0.92, tall + 0.02), (0.0, tall + 0.02)], sides=24)
    elif style == 1:
        tall = rng.uniform(0.26, 0.34)
        crown = lathe(
            smooth([(radius, 0.0), (radius * 0.97, tall * 0.5), (radius * 0.7, tall * 0.9), (0.0, tall)], 9), sides=24
        )
    else:
        # A dent along the top, as in a felt hat.
        crown = lathe(
            [(radius, 0.0), (radius * 0.9, tall * 0.75), (radius * 0.75, tall * 0.85), (0.0, tall * 0.72)], sides=24
        )
        crown = crown.scale(x=1.15, y=0.95)
    rim = lathe(
        [
            (radius * 0.9, 0.0),
            (brim * 0.8, 0.0),
            (brim, 0.012),
            (brim, 0.042),
            (brim * 0.8, 0.03),
            (radius * 0.9, 0.03),
        ],
        sides=24,
        loop=True,
    )
    roll = rng.choice([0.0, 0.25, 0.6]) * rng.uniform(0.6, 1.2)
    points = rim.vertices.copy()
    points[:, 2] += roll * np.maximum(np.abs(points[:, 1]) - radius * 0.8, 0) - 0.4 * roll * np.maximum(
        np.abs(points[:, 0]) - radius, 0
    )
    rim = Shape(points * [1.1, 1.0, 1.0], rim.faces, rim.uvs)
    band = lathe([(radius + 0.008, 0.03), (radius * 0.97 + 0.008, rng.uniform(0.08, 0.13))], sides=24)
    if style == 2:
        band = band.scale(x=1.15, y=0.97)
    return [*painted(MAIN, crown), *painted(SECOND, rim), *painted(THIRD, band)]


@toy("shoe")
def shoe(rng: np.random.Generator) -> Parts:
    width, toe = rng.uniform(0.14, 0.19), rng.uniform(0.45, 1.0)
    ankle, vamp = rng.choice([rng.uniform(0.2, 0.4), rng.uniform(0.5, 0.8)]), rng.uniform(0.12, 0.18)
    angle = np.linspace(0, 2 * np.pi, 24, endpoint=False)

    def ring(back: float, front: float, half: float, z: float, lift: float = 0.0) -> np.ndarray:
        """A foot's outline from x = back to x = front; `lift` lowers its front."""
        x = (back + front) / 2 + (front - back) / 2 * np.cos(angle)
        waist = 1 - 0.22 * np.exp(-(((x + 0.08) / 0.16) ** 2)) * (front > 0.3)
        blunt = np.sign(np.sin(angle)) * np.abs(np.sin(angle)) ** toe
        return np.stack([x, half * blunt * waist, z - lift * (x - back) / (front - back)], 1)

    heel = rng.choice([0.0, 0.0, 0.08, 0.16])
    sole = rng.uniform(0.05, 0.09)
    upper = [
        ring(-0.48, 0.5, width, 0.0),
        ring(-0.49, 0.5, width * 1.02, vamp * 0.5),
        ring(-0.48, 0.42, width * 0.92, vamp, 0.02),
        ring(-0.47, 0.22, width * 0.8, vamp * 1.35, 0.03),
        ring(-0.46, 0.08, width * 0.7, max(ankle * 0.7, vamp * 1.5), 0.02),
        ring(-0.47, 0.02, width * 0.72, max(ankle, vamp * 1.8), 0.0),
    ]
    opening = [
        ring(-0.44, -0.01, width * 0.6, upper[-1][0, 2]),
        ring(-0.42, -0.03, width * 0.55, upper[-1][0, 2] - 0.1),
    ]
    body = skin(np.array([*upper, *opening]))
    lace = [
        tube([(x, -width * 0.42, z - 0.03), (x, 0.0, z + 0.02), (x, width * 0.42, z - 0.03)], 0.018, sides=8)
        for x, z in ((0.31, vamp * 1.12), (0.22, vamp * 1.3), (0.14, vamp * 1.45))
    ]
    base = skin(np.array([ring(-0.5, 0.52, width * 1.05, -sole), ring(-0.5, 0.52, width * 1.08, 0.02)]))
    parts = [*painted(MAIN, body), *painted(SECOND, base), *painted(THIRD, *lace)]
    if heel:
        slope = 1.1 * heel
        tall = 0.88 * slope + 0.02
        parts = [(shape.turn("y", slope), paint) for shape, paint in parts]
        block = box(0.18, width * 1.6, tall, top=(1.2, 1.2)).move(-0.36, 0, -sole - 0.5 * slope)
        parts += painted(SECOND, block)
    return parts


@toy("umbrella")
def umbrella(rng: np.random.Generator) -> Parts:
    ribs = rng.integers(6, 9)
    dome, radius = rng.uniform(0.15, 0.4), 0.5
    sides = 4 * ribs
    angle = np.linspace(0, 2 * np.pi, sides, endpoint=False)
    # The edge hangs between the ribs, and the cloth sags there.
    sag = 0.5 - 0.5 * np.cos(ribs * angle)
    scallop = rng.uniform(0.08, 0.16)
    rings = []
    steps = np.linspace(0, 1, 7)
    for t, lift in [*((t, 0.0) for t in steps), *((t, -0.02) for t in steps[::-1])]:
        r = radius * np.sin(t * 1.35) / np.sin(1.35) * (1 - scallop * sag * t**2)
        z = dome * (np.cos(t * 1.35) - np.cos(1.35)) / (1 - np.cos(1.35)) + lift + 0.06 * sag * t**3
        rings.append(np.stack([r * np.cos(angle), r * np.sin(angle), z], 1))
    canopy = skin(np.array(rings), caps=False)
    down = rng.uniform(0.5, 0.65)
    hook = rng.uniform(0.06, 0.09)
    bend = np.linspace(0, np.pi * rng.uniform(0.9, 1.1), 8)
    handle = np.stack([np.zeros(8), hook - hook * np.cos(bend), -hook * np.sin(bend)], 1)
    parts = painted(MAIN, canopy) + painted(SECOND, cylinder(0.018, down + dome, sides=10).move(z=-down))
    grip = rng.uniform(0.1, 0.18)
    if rng.random() < 0.7:
        parts += painted(THIRD, tube(handle, 0.034).move(z=-down), cylinder(0.034, grip, sides=10).move(z=-down))
    else:
        parts += painted(THIRD, cylinder(0.04, grip, top=0.03).move(z=-down), ellipsoid(0.06, 0.06, 0.06).move(z=-down))
    parts += painted(THIRD, cylinder(0.03, rng.uniform(0.06, 0.12), top=0.01, sides=10).move(z=dome - 0.01))
    return parts


@toy("glasses")
def glasses(rng: np.random.Generator) -> Parts:
    """They look to the front."""
    wide, tall = rng.uniform(0.19, 0.23), rng.uniform(0.12, 0.22)
    thick, gap = rng.uniform(0.02, 0.034), rng.uniform(0.03, 0.07)
    style = rng.integers(3)  # oval, boxy, winged like a cat's
    angle = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    power = (1.0, 0.45, 0.8)[style]
    y = np.sign(np.cos(angle)) * np.abs(np.cos(angle)) ** power * wide
    z = np.sign(np.sin(angle)) * np.abs(np.sin(angle)) ** power * tall
    if style == 2:
        z = z + rng.uniform(0.3, 0.5) * tall * np.clip(y / wide, 0, 1) ** 2 * (z > -tall * 0.5)
    outline = np.stack([0 * y, y + wide + gap, z], 1)
    around = np.linspace(0, 2 * np.pi, 6, endpoint=False)[:, None, None]
    middle = outline.mean(axis=0)
    # The rim: the outline, larger and smaller, to the front and back, joined to a ring.
    grow = 1 + np.cos(around) * thick / (outline - middle).max()
    rim = skin(middle + (outline - middle) * grow + np.array([1.0, 0, 0]) * np.sin(around) * thick, loop=True)
    lens = extrude(outline[:, 1:], 0.012).turn("z", np.pi / 2)
    parts = painted(MAIN, *rim.both()) + painted(THIRD, *lens.both())
    arch = rng.uniform(0.0, 0.07)
    bridge = smooth([(0, -gap - 0.01, 0.02), (0.01, 0, 0.02 + arch), (0, gap + 0.01, 0.02)], 7)
    parts += painted(SECOND, tube(bridge, thick * 0.9, sides=8))
    at, high = 2 * wide + gap + 0.005, float(outline[outline[:, 1] > gap + 1.9 * wide, 2].max()) * 0.8
    long, drop = rng.uniform(0.6, 0.8), rng.uniform(0.05, 0.22)
    inward = rng.uniform(0.0, 0.12)
    temple = [
        (0, at, high),
        (-long * 0.7, at - inward * 0.7, high),
        (-long * 0.85, at - inward, high - 0.03),
        (-long, at - inward, high - drop),
    ]
    parts += painted(SECOND, *tube(smooth(temple, 9), [(thick, thick * 0.7)] * 9, sides=8).both())
    return parts + painted(SECOND, *box(0.06, 0.05, 0.05).move(-0.01, at - 0.01, high - 0.025).both())
