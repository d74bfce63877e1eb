"""Meshes of many shapes: heaps of boxes, written by hand."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from tests.references import meshfiles as files


def heap(number: int, stretch: tuple[float, float, float] = (1.0, 1.0, 1.0)) -> str:
    """OBJ of five boxes whose places and sizes are drawn by the number, stretched along each axis."""
    rng = np.random.default_rng(number)
    lines, count = [], 0
    for _ in range(5):
        place, size = rng.uniform(-1, 1, 3), rng.uniform(0.1, 1, 3)
        lines += ["v {} {} {}".format(*point) for point in (place + size * files.CORNERS / files.SIZE) * stretch]
        lines += ["f " + " ".join(str(count + corner + 1) for corner in quad) for quad in files.QUADS.values()]
        count += len(files.CORNERS)
    return "\n".join(lines) + "\n"


def heaps(root: Path, sizes: dict[str, int], alike: dict[str, tuple[str, ...]] | None = None) -> Path:
    """Categories of so many heaps, `CATEGORY_00` and so on, each another shape but those that are named `alike`, by the
    instance that they are stretched copies of. Their files are old enough to be remembered by their times."""
    for at, (category, count) in enumerate(sizes.items()):
        for number in range(count):
            add(root, f"{category}/{category}_{number:02d}", heap(1000 * at + number))
    for name, copies in (alike or {}).items():
        category, number = name.rsplit("_", 1)
        at = [*sizes].index(category)
        for k, copy in enumerate(copies, start=1):
            add(root, f"{category}/{copy}", heap(1000 * at + int(number), stretch=(1.0, 1.0 + 0.5 * k, 2.0)))
    return root


def add(root: Path, name: str, text: str) -> None:
    """A mesh of 2001."""
    os.utime(files.put(root, f"{name}/heap.obj", text), (1e9, 1e9))
