"""What ticks and whirrs: clock, robot, camera. Their faces are at +x."""

from __future__ import annotations

import numpy as np

from sim.objects.toys.build import MAIN, SECOND, THIRD, Parts, painted, toy
from sim.objects.toys.shapes import Shape, box, cylinder, ellipsoid, extrude, lathe, torus, tube


def disc(radius: float, thick: float, *, sides: int = 20) -> Shape:
    """A round plate that faces x, its back at x = 0."""
    return cylinder(radius, thick, sides=sides).turn("y", np.pi / 2)


@toy("clock")
def clock(rng: np.random.Generator) -> Parts:
    """An alarm clock."""
    radius, deep = rng.uniform(0.34, 0.4), rng.uniform(0.14, 0.24)
    sides = int(rng.choice([24, 24, 8]))
    turn = np.pi / sides
    case = cylinder(radius, deep, sides=sides).turn("z", turn).turn("y", np.pi / 2).move(-deep / 2)
    parts = painted(MAIN, case)
    front = deep / 2
    parts += painted(SECOND, disc(radius * 0.84, 0.015, sides=24).move(front))
    parts += painted(MAIN, torus(radius * 0.88, 0.03, sides=24, around=6).turn("y", np.pi / 2).move(front))
    for hand, long, wide in zip(rng.uniform(0, 2 * np.pi, 2), (0.5, 0.7), (0.045, 0.03), strict=True):
        needle = box(0.015, wide, radius * long, top=(1.0, 0.3)).turn("x", hand)
        parts += painted(THIRD, needle.move(front + 0.022))
    mark = box(0.012, 0.025, 0.05).move(0, 0, radius * 0.66)
    step = int(rng.choice([1, 3]))
    parts += painted(THIRD, *(mark.turn("x", np.pi * i / 6).move(front + 0.012) for i in range(0, 12, step)))
    parts += painted(THIRD, disc(0.03, 0.04, sides=10).move(front))
    style = rng.integers(3)  # two bells and a hammer, one bell, two bells and a handle
    tilt, size = rng.uniform(0.45, 0.7), rng.uniform(0.13, 0.17)
    dome = lathe([(size, 0.0), (size * 0.9, 0.06), (size * 0.5, 0.11), (0.0, 0.125)], sides=16)
    post = cylinder(0.022, 0.12, sides=8)
    if style == 1:
        parts += painted(SECOND, dome.scale(1.2, 1.2, 1.3).move(z=radius + 0.06))
        parts += painted(
            THIRD, post.move(z=radius - 0.04), ellipsoid(0.03, 0.03, 0.03, sides=8, rings=6).move(z=radius + 0.24)
        )
    else:
        bell, rod = (s.turn("x", -tilt) for s in (dome.move(z=radius + 0.07), post.move(z=radius - 0.03)))
        parts += painted(SECOND, *bell.both()) + painted(THIRD, *rod.both())
        if style == 0:
            parts += painted(THIRD, post.move(z=radius), box(0.05, 0.13, 0.05).move(z=radius + 0.1))
        else:
            angle = np.linspace(0, np.pi, 10)
            y, z = 0.9 * radius * np.sin(tilt), (radius + 0.18) * np.cos(tilt)
            arch = np.stack([0 * angle, np.cos(angle) * y, z + np.sin(angle) * 0.2], 1)
            parts += painted(THIRD, tube(arch, 0.022, sides=8))
    foot = tube([(0, 0.05, -radius * 0.8), (0, 0.24, -radius - rng.uniform(0.08, 0.14))], [0.04, 0.028], sides=8)
    knob = ellipsoid(0.04, 0.04, 0.04, sides=8, rings=6).move(0, 0.24, -radius - 0.1)
    return parts + painted(SECOND, *foot.both()) + painted(THIRD, *knob.both())


@toy("robot")
def robot(rng: np.random.Generator) -> Parts:
    wide, tall, deep = rng.uniform(0.26, 0.38), rng.uniform(0.28, 0.38), rng.uniform(0.18, 0.26)
    base = rng.uniform(0.24, 0.34)
    chest = rng.integers(3)  # a box, a barrel, a wedge
    if chest == 1:
        body = cylinder(0.5, tall, sides=18).scale(deep, wide)
    else:
        body = box(deep, wide * (1.0 if chest == 0 else 0.75), tall, top=(1.0, 1.0 if chest == 0 else 1.45))
    parts = painted(MAIN, body.move(z=base))
    panel = box(0.03, wide * 0.5, tall * 0.4).move(deep / 2 - 0.005, 0, base + tall * 0.3)
    parts += painted(THIRD, panel)
    neck = base + tall
    head = rng.uniform(0.17, 0.22)
    parts += painted(SECOND, cylinder(0.06, 0.08, sides=10).move(z=neck - 0.02))
    top = neck + 0.05
    if rng.random() < 0.6:
        parts += painted(MAIN, box(deep * 0.85, head * rng.uniform(1.2, 1.6), head).move(z=top))
    else:
        dome = lathe([(0.13, 0.0), (0.13, head * 0.5), (0.1, head * 0.8), (0.05, head * 0.97), (0.0, head)], sides=16)
        parts += painted(MAIN, dome.scale(deep * 0.45 / 0.13, 1.0, 1.0).move(z=top))
    high = top + head
    face = deep * 0.43
    eye = cylinder(0.04, 0.04, sides=10).turn("y", np.pi / 2).move(face - 0.02, 0.065, top + head * 0.55)
    mouth = box(0.03, 0.12, 0.03).move(face - 0.005, 0, top + head * 0.15)
    parts += painted(THIRD, *eye.both(), mouth)
    spike = cylinder(0.014, rng.uniform(0.08, 0.16), sides=6)
    ball = ellipsoid(0.035, 0.035, 0.035, sides=8, rings=6).move(z=float(spike.vertices[:, 2].max()))
    if rng.random() < 0.5:
        parts += painted(THIRD, spike.move(z=high - 0.01), ball.move(z=high))
    else:
        pair = [s.turn("x", -0.4).move(0, 0.06, high - 0.01).both() for s in (spike, ball)]
        parts += painted(THIRD, *pair[0], *pair[1])
    arm, raised = rng.uniform(0.24, 0.32), rng.choice([0.15, 0.15, 1.5, 2.6], 2)
    shoulder = wide / 2 * (1.1 if chest == 2 else 1.0) + 0.03
    for side, lift in zip((1, -1), raised, strict=True):
        limb = box(0.07, 0.07, arm).move(z=-arm)
        claw = [box(0.05, 0.03, 0.1).turn("x", s * 0.25).move(0, s * 0.035, -arm - 0.09) for s in (-1, 1)]
        joint = ellipsoid(0.06, 0.05, 0.06, sides=10, rings=6)
        for pieces, paint in (([limb], SECOND), ([*claw, joint], THIRD)):
            parts += painted(paint, *(p.turn("x", lift).move(0, shoulder, neck - 0.08).scale(y=side) for p in pieces))
    stance = rng.integers(3)  # legs, tracks, a wheel
    if stance == 0:
        leg = box(0.09, 0.09, base).move(0, wide * 0.25)
        foot = box(0.2, 0.13, 0.07).move(0.03, wide * 0.25)
        parts += painted(SECOND, *leg.both()) + painted(THIRD, *foot.both())
    elif stance == 1:
        oval = [
            (np.cos(a) * 0.1 + np.sign(np.cos(a)) * 0.12, np.sin(a) * 0.1)
            for a in np.linspace(0.01, 2 * np.pi, 16)[:-1]
        ]
        track = extrude(oval, 0.1).move(0, wide * 0.4, 0.1)
        parts += painted(THIRD, *track.both()) + painted(SECOND, box(0.16, wide * 0.6, base - 0.08).move(z=0.09))
    else:
        wheel = cylinder(0.13, 0.12, sides=18).move(z=-0.06).turn("x", np.pi / 2).move(z=0.13)
        fork = box(0.06, 0.03, base - 0.1).move(0, 0.085, 0.12)
        parts += painted(THIRD, wheel)
        parts += painted(
            SECOND, *fork.both(), cylinder(0.04, 0.2, sides=8).move(z=-0.1).turn("x", np.pi / 2).move(z=0.13)
        )
        parts += painted(SECOND, box(0.12, 0.22, 0.05).move(z=base - 0.04))
    return parts


@toy("camera")
def camera(rng: np.random.Generator) -> Parts:
    """On a tripod."""
    wide, tall, deep = rng.uniform(0.42, 0.52), rng.uniform(0.26, 0.34), rng.uniform(0.16, 0.24)
    front = deep / 2
    parts = painted(MAIN, box(deep, wide, tall, top=(0.92, 0.97)))
    parts += painted(SECOND, box(deep * 1.03, wide * 1.02, tall * 0.25).move(z=tall * rng.uniform(0.25, 0.4)))
    lens, long = tall * rng.uniform(0.33, 0.42), rng.uniform(0.12, 0.34)
    style = rng.integers(3)  # a prism on top, a flash, bellows
    at, z = rng.uniform(-0.04, 0.04), tall * 0.48
    if style == 2:
        folds = 6
        steps = [(lens * (1.25 - 0.09 * i - 0.14 * (i % 2)), 0.035 * i) for i in range(folds + 1)]
        barrel = [lathe(steps, sides=4).turn("z", np.pi / 4), cylinder(lens * 0.6, 0.1, sides=18).move(z=0.2)]
        long = 0.3
    else:
        barrel = [cylinder(lens, long * 0.55, sides=18), cylinder(lens * 0.86, long, sides=18)]
    parts += painted(SECOND, *(b.turn("y", np.pi / 2).move(front - 0.01, at, z) for b in barrel))
    glass = cylinder(lens * (0.45 if style == 2 else 0.66), 0.012, sides=18).turn("y", np.pi / 2)
    parts += painted(THIRD, glass.move(front + long - 0.012, at, z))
    if style == 0:
        parts += painted(MAIN, box(deep * 0.9, wide * 0.36, tall * 0.36, top=(0.8, 0.55)).move(0, at, tall - 0.01))
    elif style == 1:
        parts += painted(THIRD, box(deep * 0.6, wide * 0.3, 0.16).move(0, wide * 0.2, tall - 0.01))
    else:
        parts += painted(MAIN, box(deep * 0.6, wide * 0.22, 0.08).move(0, at, tall - 0.01))
    dial = cylinder(0.055, 0.045, sides=12)
    parts += painted(THIRD, dial.move(0, -wide * 0.34, tall - 0.01))
    parts += painted(SECOND, cylinder(0.03, 0.08, sides=10).move(0.04, -wide * 0.18, tall - 0.02))
    drop, splay = rng.uniform(0.5, 0.7), rng.uniform(0.22, 0.34)
    leg = tube([(0.03, 0, 0.0), (splay, 0, -drop)], [0.03, 0.02], sides=8)
    parts += painted(THIRD, *leg.around(3, start=np.pi), cylinder(0.07, 0.08, sides=12).move(z=-0.06))
    return parts
