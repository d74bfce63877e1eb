"""Views of objects: contact sheets, turntables, splits."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tyro
from _progress import prepare

from agent.pictures import PAPER, check_picture, save_picture, write
from sim.errors import InputError
from sim.objects import Catalogue, catalogue_of, splits_table
from sim.objects.portrait import portrait


@dataclass(frozen=True)
class Toys:
    """A sheet with a row of instances for each category."""

    out: Path
    """The picture to write; the ending names the format."""
    objects: str = "toys"
    """toys (built in), or a folder of meshes: category/instance/mesh."""
    categories: tuple[str, ...] = ()
    """Which categories; none means all."""
    split: str = "train"
    """Which instances: train, validation or test."""
    per_category: int = 6
    """Instances in a row."""
    seed: int = 0
    """Draws the instances."""
    image_size: int = 128
    """Pixels a side of each picture."""
    columns: int = 3
    """Categories side by side."""
    yaw: float = 0.9
    """Radians of the camera from the front towards the object's left."""
    pitch: float = 0.4
    """Radians of the camera above the horizon."""

    def __call__(self) -> None:
        check_picture(self.out)
        for name in ("per_category", "columns"):
            if getattr(self, name) < 1:
                raise InputError(f"{name}={getattr(self, name)}: at least 1, or the sheet is empty")
        catalogue = catalogue_of(self.objects, self.categories or None)
        prepare(catalogue, quiet=False)
        rng, rows = np.random.default_rng(self.seed), []
        for category in catalogue.categories:
            names = instances(catalogue, category, self.split, self.per_category, rng)
            toys = [catalogue.toy(category, name) for name in names]
            rows.append((category, portrait(toys, image_size=self.image_size, yaw=self.yaw, pitch=self.pitch)))
        save_picture(self.out, sheet(rows, per_row=self.per_category, size=self.image_size, columns=self.columns))


@dataclass(frozen=True)
class Turntable:
    """One object from all around, beginning at its front."""

    instance: tyro.conf.Positional[str]
    """Its name, such as mug_0123456, or category/instance in a folder of meshes."""
    out: Path
    """The picture to write; the ending names the format."""
    objects: str = "toys"
    """toys (built in), or a folder of meshes: category/instance/mesh."""
    views: int = 8
    """Directions, at equal angles."""
    image_size: int = 128
    """Pixels a side of each picture."""
    pitch: float = 0.4
    """Radians of the camera above the horizon."""

    def __call__(self) -> None:
        check_picture(self.out)
        if self.views < 1:
            raise InputError(f"views={self.views}: at least 1, or the picture is empty")
        category, slash, instance = self.instance.partition("/")
        if not slash:
            category, instance = self.instance.rsplit("_", 1)[0], self.instance
        toy = catalogue_of(self.objects, None).toy(category, instance)
        yaws = np.arange(self.views) * 2 * np.pi / self.views
        pictures = [portrait([toy], image_size=self.image_size, yaw=yaw, pitch=self.pitch)[0] for yaw in yaws]
        save_picture(self.out, np.concatenate(pictures, axis=1))


@dataclass(frozen=True)
class Splits:
    """Which instances are for training, for choosing settings, and for the final test."""

    objects: str = "toys"
    """toys (built in), or a folder of meshes: category/instance/mesh; DIR?fold=1/5 is the first of five folds."""
    names: bool = False
    """List the instances too."""

    def __call__(self) -> None:
        catalogue = catalogue_of(self.objects, None)
        prepare(catalogue, quiet=False)
        print(splits_table(catalogue, names=self.names), end="")


def instances(catalogue: Catalogue, category: str, split: str, most: int, rng: np.random.Generator) -> list[str]:
    """Up to `most` different instances of a split: the first ones where they can be listed, drawn ones otherwise."""
    listed = catalogue.instances(category, split=split)
    if listed is not None:
        return list(listed[:most])
    return [catalogue.draw(category, rng, split=split) for _ in range(most)]


def sheet(rows: list[tuple[str, np.ndarray]], *, per_row: int, size: int, columns: int) -> np.ndarray:
    """Named rows of pictures [N, size, size, 3] in `columns` columns of rows, uint8 [h, w, 3]."""
    lines = []
    for name, pictures in rows:
        line = np.full((size, 96 + per_row * size, 3), PAPER, np.uint8)
        write(line, name, (8, size // 2 + 5), 0.5 if len(name) < 11 else 0.4)
        for number, picture in enumerate(pictures):
            line[:, 96 + number * size :][:, :size] = picture
        lines.append(line)
    lines += [np.full_like(lines[0], PAPER)] * (-len(lines) % columns)
    tall = len(lines) // columns
    return np.concatenate([np.concatenate(lines[i * tall : (i + 1) * tall]) for i in range(columns)], axis=1)
