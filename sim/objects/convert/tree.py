"""Where the objects of a folder lie."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from sim.errors import InputError
from sim.objects.convert.conversion import FORMATS
from sim.objects.convert.source import walk

LONGEST_NAME = 100
"""Bytes of a category's or an instance's name: both become parts of one file's name."""


class Tree(NamedTuple):
    """The mesh files of a folder."""

    meshes: dict[str, dict[str, str]]
    """Path from the root by category and instance, sorted."""
    skipped: dict[str, str]
    """Why a folder or file holds no object, by path from the root."""


def find_meshes(root: Path) -> Tree:
    """Look for mesh files in `root`/category/instance/ and below, and for `root`/category/instance.obj and the like.

    Of several mesh files of an instance, one in the uppermost folder is taken, first one that is named as the instance,
    then by format. Links are followed within `root` only. Raises InputError where `root` cannot be listed.
    """
    try:
        categories = _entries(root)
    except OSError as error:
        raise InputError(f"objects={root}: {error.strerror}, so there are no objects") from None
    tree = Tree({}, {})
    for category in categories:
        if category.is_file():
            continue
        try:
            _check(category, root)
            instances = _entries(category)
        except (OSError, ValueError) as error:
            tree.skipped[_shown(category.name)] = getattr(error, "strerror", None) or str(error)
            continue
        found: dict[str, list[tuple[int, Path]]] = {}
        for entry in instances:
            try:
                for name, depth, path in _candidates(entry, root):
                    found.setdefault(name, []).append((depth, path))
            except (OSError, ValueError) as error:
                reason = getattr(error, "strerror", None) or str(error)
                tree.skipped[f"{category.name}/{_shown(entry.name)}"] = reason
        if found:
            tree.meshes[category.name] = {
                name: str(min((_rank(path, name), path[1]) for path in paths)[1].relative_to(root))
                for name, paths in sorted(found.items())
            }
    return tree


def _entries(folder: Path) -> list[Path]:
    """What a folder holds, sorted, without hidden names."""
    return sorted(Path(entry.path) for entry in os.scandir(folder) if not entry.name.startswith("."))


def _candidates(entry: Path, root: Path) -> Iterator[tuple[str, int, Path]]:
    """Instance, depth and path of the mesh files that an entry of a category's folder is or holds."""
    if not entry.is_dir():
        if entry.suffix.lower() in FORMATS:
            _check(entry.with_suffix(""), root, link=entry)
            yield entry.stem, 0, entry
        return
    _check(entry, root)
    meshes = [(depth, path) for depth, path in walk(entry) if path.suffix.lower() in FORMATS]
    if not meshes:
        raise ValueError(f"holds no mesh file ({', '.join(FORMATS)})")
    for depth, path in meshes:
        if not str(path.relative_to(entry)).isprintable():
            raise ValueError("holds a mesh file with control characters in its name")
        yield entry.name, depth + 1, path


def _rank(found: tuple[int, Path], instance: str) -> tuple[int, bool, int, str]:
    depth, path = found
    return depth, path.stem != instance, list(FORMATS).index(path.suffix.lower()), path.name


def _check(path: Path, root: Path, link: Path | None = None) -> None:
    """Raises ValueError where a name cannot be one of a category or instance, or a link leads out of the root."""
    real = Path(os.path.realpath(link or path))
    if not real.is_relative_to(os.path.realpath(root)):
        raise ValueError("is a link that leads out of the folder of objects")
    if Path(os.path.realpath(path.parent)).is_relative_to(real):
        raise ValueError("is a link to a folder that it lies in")
    if not path.name.isprintable():
        raise ValueError("has a name with control characters, or one that is not UTF-8")
    if len(path.name.encode()) > LONGEST_NAME:
        raise ValueError(f"has a name of {len(path.name.encode())} bytes: at most {LONGEST_NAME} are possible")


def _shown(name: str) -> str:
    """A name that can be printed in one line."""
    return name if name.isprintable() else ascii(name)
