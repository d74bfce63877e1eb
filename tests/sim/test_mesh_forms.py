"""Simplified meshes keep their form and colours, and show their outer side."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sim.objects.mesh import Toy
from tests.references import meshfiles as files
from tests.references.rays import first_hit
from tests.sim.test_meshes import check_box, check_sound, toy_of


def _rough(toy: Toy, color: object, count: int, tolerance: float) -> float:
    """Share of `count` rays at the toy's centre that show a colour within the tolerance of `color(direction)`."""
    rng = np.random.default_rng(0)
    right = 0
    for _ in range(count):
        direction = rng.normal(size=3)
        direction /= np.linalg.norm(direction)
        hit = first_hit(toy, -2 * direction, direction)
        assert hit is not None
        assert hit[0]
        right += np.abs(hit[1] - color(-direction)).max() <= tolerance  # type: ignore[operator]
    return right / count


def test_colours_are_right_after_simplification(tmp_path: Path) -> None:
    """A ball of 28,000 triangles, painted smoothly by direction; the texture has its seam."""
    rows, columns = 120, 120
    theta, phi = np.meshgrid(np.linspace(0, np.pi, rows), np.linspace(0, 2 * np.pi, columns), indexing="ij")
    points = np.stack([np.sin(theta) * np.cos(phi), np.sin(theta) * np.sin(phi), np.cos(theta)], axis=-1)
    files.put(tmp_path, "ball/one/map.png", files.png(np.round(127.5 * (1 + points))))
    number = np.arange(rows * columns).reshape(rows, columns) + 1
    lines = ["mtllib m.mtl", "usemtl m"]
    lines += ["v {} {} {}".format(*point) for point in points.reshape(-1, 3)]
    lines += [f"vt {(c + 0.5) / columns} {1 - (r + 0.5) / rows}" for r in range(rows) for c in range(columns)]
    for r in range(rows - 1):
        for c in range(columns - 1):
            quad = (number[r, c], number[r + 1, c], number[r + 1, c + 1], number[r, c + 1])
            lines.append("f " + " ".join(f"{n}/{n}" for n in quad))
    files.put(tmp_path, "ball/one/m.mtl", "newmtl m\nmap_Kd map.png")
    files.put(tmp_path, "ball/one/ball.obj", "\n".join(lines))
    toy = toy_of(tmp_path, "ball/one/ball.obj", triangles=300)
    check_sound(toy, 300)
    assert len(toy.faces) > 200
    assert _rough(toy, lambda towards: 127.5 * (1 + towards), 60, 25) == 1.0


def _sheets(*boxes: tuple[tuple[float, float, float], tuple[float, float, float], int]) -> str:
    """OBJ of boxes, each with its lowest and highest corner and the number of times its sides are cut in two."""
    lines, count = [], 0
    for k, (low, high, cuts) in enumerate(boxes):
        lines.append(f"usemtl m{k}")
        steps = 2**cuts
        for quad in files.QUADS.values():
            a, b, c, d = (np.where(files.CORNERS[n] > 0, high, low) for n in quad)
            for i in range(steps):
                for j in range(steps):
                    for u, v in ((i, j), (i + 1, j), (i + 1, j + 1), (i, j + 1)):
                        place = a + (b - a) * u / steps + (d - a) * v / steps + (a - b + c - d) * u * v / steps**2
                        lines.append("v {} {} {}".format(*place))
                    lines.append(f"f {count + 1} {count + 2} {count + 3} {count + 4}")
                    count += 4
    return "\n".join(["mtllib m.mtl", *lines])


def test_thin_layers_keep_their_colours_after_simplification(tmp_path: Path) -> None:
    """A dark plate a thousandth above a white wall, and a red one below it."""
    files.put(tmp_path, "wall/one/m.mtl", "newmtl m0\nKd 1 1 1\nnewmtl m1\nKd 0 0 0\nnewmtl m2\nKd 1 0 0")
    boxes = [
        ((-1, -1, -0.02), (1, 1, 0.02), 4),
        ((-0.6, -0.6, 0.0), (0.6, 0.6, 0.022), 4),
        ((-1, -1, 0), (1, 1, 0.018), 4),
    ]
    files.put(tmp_path, "wall/one/wall.obj", _sheets(*boxes))
    toy = toy_of(tmp_path, "wall/one/wall.obj", triangles=400)
    for x in np.linspace(-0.45, 0.45, 9):
        for y in np.linspace(-0.43, 0.47, 7):
            hit = first_hit(toy, np.array([x, y, 1.0]), np.array([0.0, 0.0, -1.0]))
            assert hit is not None
            if abs(max(abs(x), abs(y)) - 0.3) > 0.02:
                assert hit[1].max() == (0 if max(abs(x), abs(y)) < 0.3 else 255), (x, y)
                assert hit[1].min() == hit[1].max()


def test_what_is_inside_out_is_turned_and_open_sheets_show_both_sides(tmp_path: Path) -> None:
    inside_out = files.obj("box.mtl").splitlines()
    for k, line in enumerate(inside_out):
        if line.startswith("f "):
            inside_out[k] = "f " + " ".join(reversed(line.split()[1:]))
    lidless = [line for line in files.obj("box.mtl").splitlines() if not line.startswith("f 2/")]
    files.put(tmp_path, "box/box.mtl", files.mtl())
    files.put(tmp_path, "box/inside_out.obj", "\n".join(inside_out))
    files.put(tmp_path, "box/lidless.obj", "\n".join(lidless))
    turned = toy_of(tmp_path, "box/inside_out.obj")
    check_box(turned)
    assert len(turned.faces) == 12
    lidless_toy = toy_of(tmp_path, "box/lidless.obj")
    check_box(lidless_toy, {**files.COLORS, "+z": files.COLORS["-z"]})
    assert len(lidless_toy.faces) == 20


def test_the_budget_counts_both_sides(tmp_path: Path) -> None:
    """A sheet of 2048 triangles in waves."""
    points = [(x / 32, y / 32, 0.1 * np.sin(x / 5) * np.cos(y / 4)) for x in range(33) for y in range(33)]
    quads = [(33 * x + y + 1, 33 * x + y + 34, 33 * x + y + 35, 33 * x + y + 2) for x in range(32) for y in range(32)]
    lines = ["v {} {} {}".format(*point) for point in points] + ["f {} {} {} {}".format(*quad) for quad in quads]
    files.put(tmp_path, "sheet/one.obj", "\n".join(lines))
    toy = toy_of(tmp_path, "sheet/one.obj", triangles=500)
    check_sound(toy, 500)
    assert len(toy.faces) > 300


def test_conversion_repeats_byte_for_byte(tmp_path: Path) -> None:
    files.put(tmp_path, "box/box.mtl", files.mtl())
    files.put(tmp_path, "box/one.obj", _sheets(((0, 0, 0), (1, 2, 3), 4), ((0, 0, 3), (1, 1, 4), 4)))
    first, second = (toy_of(tmp_path, "box/one.obj", triangles=100) for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(first[:4], second[:4], strict=True))
