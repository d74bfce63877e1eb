"""Look at things: `python scripts/view.py toys --out toys.png` draws a labelled sheet of the built-in toys."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
import tyro
from _cli import run

from sim.errors import InputError
from sim.objects import ProceduralToys
from sim.objects.portrait import BACKGROUND, portrait


@dataclass(frozen=True)
class Toys:
    """A sheet with a row of instances for each built-in category."""

    out: Path
    """The picture to write; the ending names the format."""
    per_category: int = 6
    """Instances in a row."""
    seed: int = 0
    """Draws the instances."""
    image_size: int = 128
    """Pixels a side of each toy's picture."""
    columns: int = 3
    """Categories side by side."""
    yaw: float = 0.9
    """Radians of the camera from the front towards the toy's left."""
    pitch: float = 0.4
    """Radians of the camera above the horizon."""

    def __call__(self) -> None:
        check_writable(self.out)
        if self.per_category < 1 or self.columns < 1:
            raise InputError(
                f"per_category={self.per_category}, columns={self.columns}: at least 1, or the sheet is empty"
            )
        catalogue = ProceduralToys()
        rng = np.random.default_rng(self.seed)
        toys = [
            catalogue.toy(category, catalogue.draw(category, rng))
            for category in catalogue.categories
            for _ in range(self.per_category)
        ]
        pictures = portrait(toys, image_size=self.image_size, yaw=self.yaw, pitch=self.pitch)
        save(self.out, sheet(pictures, catalogue.categories, columns=self.columns))


@dataclass(frozen=True)
class Turntable:
    """One toy from all around, beginning at its front."""

    instance: tyro.conf.Positional[str]
    """Its name, such as mug_0123456."""
    out: Path
    """The picture to write; the ending names the format."""
    views: int = 8
    """Directions, at equal angles."""
    image_size: int = 128
    """Pixels a side of each picture."""
    pitch: float = 0.4
    """Radians of the camera above the horizon."""

    def __call__(self) -> None:
        check_writable(self.out)
        if self.views < 1:
            raise InputError(f"views={self.views}: at least 1, or the picture is empty")
        toy = ProceduralToys().toy(self.instance.rsplit("_", 1)[0], self.instance)
        yaws = np.arange(self.views) * 2 * np.pi / self.views
        pictures = [portrait([toy], image_size=self.image_size, yaw=yaw, pitch=self.pitch)[0] for yaw in yaws]
        save(self.out, np.concatenate(pictures, axis=1))


def sheet(pictures: np.ndarray, names: tuple[str, ...], *, columns: int) -> np.ndarray:
    """Rows of pictures [names * N, H, H, 3], each row after its name, in `columns` columns of rows: uint8 [h, w, 3]."""
    size, label = pictures.shape[1], 96
    rows = []
    for name, row in zip(names, np.split(pictures, len(names)), strict=True):
        title = np.full((size, label, 3), BACKGROUND, np.uint8)
        cv2.putText(title, name, (8, size // 2 + 5), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (40, 40, 40), 1, cv2.LINE_AA)
        rows.append(np.concatenate([title, *row], axis=1))
    rows += [np.full_like(rows[0], BACKGROUND)] * (-len(rows) % columns)
    tall = len(rows) // columns
    return np.concatenate([np.concatenate(rows[i * tall : (i + 1) * tall]) for i in range(columns)], axis=1)


def check_writable(path: Path) -> None:
    """Before the rendering, so that nobody waits for a picture that cannot be kept."""
    if not cv2.haveImageWriter(str(path)):
        raise InputError(f"out={path}: an ending such as .png is needed, or the format of the picture is unknown")


def save(path: Path, picture: np.ndarray) -> None:
    """Write an RGB picture."""
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))


def main(command: Annotated[Toys | Turntable, tyro.conf.arg(name="")]) -> None:
    command()


if __name__ == "__main__":
    run(main)
