"""A folder of boxes, written by hand."""

from __future__ import annotations

import os
from pathlib import Path

from sim.objects.splits import split_of
from tests.references import meshfiles as files


def color_of(category: str, instance: str) -> tuple[int, int, int]:
    """Of the side +x of the box with these names."""
    number = sum(map(ord, category + instance))
    return number * 3 % 256, number * 5 % 256, number * 7 % 256


def add(root: Path, category: str, instance: str, *, old: bool = True) -> None:
    """A box, whose files are old enough to be remembered by their times, or not."""
    red, green, blue = (value / 255 for value in color_of(category, instance))
    library = f"newmtl +x\nKd {red} {green} {blue}"
    for name, content in (("m.mtl", library), ("a.obj", files.obj("m.mtl"))):
        path = files.put(root, f"{category}/{instance}/{name}", content)
        time = 1e9 if old else 4e9  # 2001, or 2096: never older than a slow machine takes to look
        os.utime(path, (time, time))


def boxes(root: Path) -> Path:
    """Twelve mugs, three cups, and a category with one instance, which is for training."""
    for number in range(12):
        add(root, "mug", f"m{number}")
    for number in range(3):
        add(root, "cup", f"c{number}")
    add(root, "lone", next(name for name in "abcdef" if split_of("lone", name) == "train"))
    return root
