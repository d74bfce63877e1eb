"""A folder of photographs by category and instance, with or without a table of the angles they were taken from."""

from __future__ import annotations

import csv
import math
from pathlib import Path
from typing import NamedTuple

import numpy as np

from agent.dataset import held_out
from agent.encoded import size_of
from learner.data.base import ActionFormula, read_file
from learner.data.indexed import IndexedData
from learner.data.views import orientations
from sim.errors import InputError

SUFFIXES = (".jpg", ".jpeg", ".png")
MANIFEST = "manifest.csv"


class _Listed(NamedTuple):
    """An image, as a folder or a manifest has it."""

    category: str
    instance: str
    path: str
    polar: float
    azimuth: float


class ImageFolder(IndexedData):
    """`<category>/<instance>/*.jpg` or `*.png`. Where there is a `manifest.csv`, the images that it lists: columns
    `category`, `object` or `instance`, `image` (a path below the folder) and, where they are known, `polar_deg` and
    `azimuth_deg`, as `agent.export.views.angles` defines them; others are ignored.

    The frames of an instance are one clip, in the order of the manifest or of their names. Splits are `held_out`'s.
    With angles, the action of a pair is the rotation R' R^T that turns the object from how the camera sees it in t to
    how it sees it in t', row by row [9], in camera axes (x right, y down, z forward). R, from the object's frame to the
    camera's, is that of a camera that looks at the object from these angles, upright (`learner.data.views`).
    `image_size` is the shorter side of the first image.
    """

    kind = "images"

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        manifest = root / MANIFEST
        listed = _read_manifest(manifest) if manifest.exists() else _walk(root)
        if not listed:
            raise InputError(f"{root}: 0 images: <category>/<instance>/*.jpg or *.png, or a {MANIFEST}, is expected")
        view = np.array([(image.polar, image.azimuth) for image in listed])
        known = not np.isnan(view).any()
        self._paths = [image.path for image in listed]
        self.action = ActionFormula(9, _turn) if known else None
        self.index(
            category=[image.category for image in listed],
            instance=[f"{image.category}/{image.instance}" for image in listed],
            split=np.array([held_out(image.instance) for image in listed]),
            time=_positions(listed),
            view=view % [np.inf, 360.0],
            motion=orientations(view).reshape(-1, 9) if known else None,
        )
        self.image_size = self._shorter_side(self._paths[0])

    def read(self, rows: np.ndarray) -> list[bytes]:
        return [read_file(self.root, self._paths[row]) for row in rows]

    def _shorter_side(self, path: str) -> int:
        """In pixels; the image is not decoded."""
        try:
            return min(size_of(read_file(self.root, path)))
        except ValueError as error:
            raise InputError(f"{self.root / path}: no image that can be read; restore it") from error


def _turn(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """R' R^T [B, 9] of rotations [B, 9], row by row."""
    return (second.reshape(-1, 3, 3) @ first.reshape(-1, 3, 3).swapaxes(1, 2)).reshape(-1, 9)


def _positions(listed: list[_Listed]) -> np.ndarray:
    """Number [N] of each image within its instance."""
    counts: dict[tuple[str, str], int] = {}
    found = []
    for image in listed:
        owner = image.category, image.instance
        found.append(counts.get(owner, 0))
        counts[owner] = found[-1] + 1
    return np.array(found)


def _walk(root: Path) -> list[_Listed]:
    """Every image two folders down; nothing is known of its view."""
    paths = (path for path in root.glob("*/*/*") if path.suffix.lower() in SUFFIXES)
    names = sorted(path.relative_to(root).as_posix() for path in paths)
    owners = [name.split("/") for name in names]
    return [_Listed(parts[0], parts[1], name, math.nan, math.nan) for name, parts in zip(names, owners, strict=True)]


def _read_manifest(path: Path) -> list[_Listed]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            table = csv.DictReader(file)
            columns = _columns(table.fieldnames or (), path)
            return [_listed(row, columns, f"{path}: line {table.line_num}") for row in table]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: no CSV table that can be read ({error})") from error


def _columns(found: object, path: Path) -> list[str]:
    """The columns that are used: category, object or instance, image and, where they are there, both angles."""
    names = list(found) if isinstance(found, list | tuple) else []
    owner = "object" if "object" in names and "instance" not in names else "instance"
    angles = ["polar_deg", "azimuth_deg"] if {"polar_deg", "azimuth_deg"} & set(names) else []
    wanted = ["category", owner, "image", *angles]
    for name in wanted:
        if name not in names:
            said = "object or instance" if name == "instance" else name
            raise InputError(f"{path}: column {said} is missing: it has {', '.join(map(str, names)) or 'none'}")
    return wanted


def _listed(row: dict[str, str], columns: list[str], where: str) -> _Listed:
    cells = [(row[name] or "").strip() for name in columns]
    for name, cell in zip(columns, cells, strict=True):
        if not cell:
            raise InputError(f"{where}: {name} is empty: each image needs it")
    angles = [_number(cell, f"{where}: {name}") for name, cell in zip(columns[3:], cells[3:], strict=True)]
    return _Listed(cells[0], cells[1], cells[2], *(angles or (math.nan, math.nan)))


def _number(cell: str, what: str) -> float:
    try:
        value = float(cell)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InputError(f"{what}={cell}: an angle in degrees is expected")
    if "polar" in what.rpartition(" ")[2] and not 0 <= value <= 180:
        raise InputError(f"{what}={cell}: 0 to 180 is expected")
    return value
