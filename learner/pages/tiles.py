"""Rows of small pictures with names under them, for a page and as a file of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import fill
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure

from learner.charts import PAPER, RIGHT, WRONG
from learner.data import ImageData
from learner.examination import Looked
from sim.objects.splits import SPLITS

SIDE = 96
"""Pixels of a picture, at most."""
DEEP = 1.45
"""Inches of a row; a picture is an inch wide."""


class Tile(NamedTuple):
    """A frame with what is said of it."""

    row: int
    """In `Looked`."""
    name: str
    """Of its category."""
    instance: str
    """Of its object."""
    right: bool | None
    """Framed green or red; not at all for None."""


class Row(NamedTuple):
    """Tiles that belong together."""

    title: str
    note: str
    tiles: tuple[Tile, ...]


Sheet = Mapping[str, Sequence[Row]]
"""Rows of each encoder."""


def tile(data: ImageData, looked: Looked, row: int, *, right: bool | None = None) -> Tile:
    """The tile of a frame."""
    category = data.categories[looked.labels[row]]
    return Tile(int(row), category, data.instances[looked.instances[row]].removeprefix(f"{category}/"), right)


def read_pictures(data: ImageData, looked: Looked, sheets: Sequence[Sheet]) -> dict[int, np.ndarray]:
    """The pictures of all tiles, uint8 [S, S, 3] RGB, by their rows in `looked`; each is read once."""
    wanted = {tile.row for sheet in sheets for rows in sheet.values() for row in rows for tile in row.tiles}
    found: dict[int, np.ndarray] = {}
    for number, split in enumerate(SPLITS):
        rows = np.array([row for row in sorted(wanted) if looked.split[row] == number], dtype=np.int64)
        if len(rows):
            images = data.images(split, looked.row[rows], size=min(data.image_size, SIDE))
            found.update(zip(rows.tolist(), images, strict=True))
    return found


def draw_sheet(sheet: Sheet, pictures: Mapping[int, np.ndarray], *, title: str) -> Figure | None:
    """All rows under each other, the encoders beside each other, as a picture of its own; None where there are none."""
    if not any(sheet.values()):
        return None
    wide = max(len(row.tiles) for rows in sheet.values() for row in rows)
    deep = max(map(len, sheet.values()))
    width, height = max(4.6, len(sheet) * (wide + 0.5)), DEEP * deep + 0.8
    figure = Figure(figsize=(width, height))
    figure.text(0.1 / width, 1 - 0.1 / height, fill(title, int(width * 12)), va="top", fontsize=10, color=PAPER.ink)
    for column, (name, rows) in enumerate(sheet.items()):
        left = 0.1 + column * (wide + 0.5)
        figure.text(left / width, 1 - 0.72 / height, name[-14 * wide :], va="bottom", fontsize=9, color=PAPER.ink)
        for line, row in enumerate(rows):
            top = height - 0.95 - line * DEEP
            said = f"{row.title}: {row.note}"
            figure.text(left / width, (top + 0.06) / height, said, fontsize=7.5, color=PAPER.muted)
            for place, shown in enumerate(row.tiles):
                cell = figure.add_axes(((left + place) / width, (top - 0.94) / height, 0.94 / width, 0.94 / height))
                cell.imshow(pictures[shown.row])
                cell.set(xticks=[], yticks=[])
                cell.spines[:].set(
                    visible=shown.right is not None, color=RIGHT if shown.right else WRONG, linewidth=2.5
                )
                cell.set_xlabel(f"{shown.name[:16]}\n{shown.instance[:16]}", fontsize=6.5, color=PAPER.ink, labelpad=3)
    return figure
