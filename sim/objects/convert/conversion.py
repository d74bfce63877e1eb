"""What becomes of a mesh file, and where in the cache it is kept."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Literal, NamedTuple, get_args

from sim.cache import cached
from sim.errors import InputError

FORMAT = 2
"""Counts the changes of what is converted: the cache keeps the results of each apart."""
FORMATS = (".glb", ".gltf", ".obj", ".ply", ".off", ".stl")
"""Endings of the files that are read; of several mesh files of one object, the first in this order."""
Up = Literal["auto", "y", "z"]


class Settings(NamedTuple):
    """What a toy depends on besides its files."""

    triangles: int
    """At most, with those that are drawn from both sides counted twice."""
    up: Up
    """Axis of the files that points up: "auto" is y for glTF, z otherwise."""


class Outcome(NamedTuple):
    """What became of one object."""

    digest: str
    """SHA-256 of the contents of its files; empty where the mesh file cannot be read."""
    refusal: str
    """Why there is no toy; empty where there is one."""
    stamps: dict[str, list[int]]
    """Files that this depends on, as `sim.objects.convert.source.Source.stamps`."""


def check(settings: Settings) -> None:
    """Raises InputError where the settings are out of bounds."""
    if not 20 <= settings.triangles <= 20_000:
        raise InputError(f"triangles={settings.triangles}: between 20 and 20000, or form or speed is lost")
    if settings.up not in get_args(Up):
        raise InputError(f"up={settings.up!r}: known are {', '.join(get_args(Up))}; the files' axis that points up")


def cache_name(digest: str, settings: Settings) -> str:
    """Name in the cache of what files with that digest become."""
    name = hashlib.sha256(json.dumps([FORMAT, digest, *settings]).encode()).hexdigest()
    return f"meshes/{name[:2]}/{name[2:34]}"


def keep_refusal(digest: str, settings: Settings, refusal: str) -> None:
    """Remember that files with that digest cannot be converted."""
    cached(cache_name(digest, settings), lambda draft: write_refusal(draft, refusal))


def refusal_in(folder: Path) -> str:
    """Why a folder of the cache holds no toy; empty where it holds one."""
    path = folder / "refusal.txt"
    return path.read_text("utf-8") if path.exists() else ""


def write_refusal(draft: Path, refusal: str) -> None:
    """Say in a folder of the cache that no toy can be made."""
    (draft / "refusal.txt").write_text(refusal, "utf-8")
