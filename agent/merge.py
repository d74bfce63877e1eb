"""Makes one dataset of several: into a new folder, or into the first of them.

What is to come is written into `dataset.json` first, then shard after shard: a process that was killed leaves a dataset
that can be read, and the same command goes on with it. Episodes are numbered anew, from 0 and without gaps; rows and
encoded images are copied as they are.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby, islice
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from agent import shards
from agent.checksums import HEADER, Checksums, text_of
from agent.dataset import Dataset, read_header
from agent.files import open_folder, unwritable
from agent.header import begin, noted, refuse_foreign, replace_header
from agent.settings import differences
from agent.versions import versions
from sim.errors import InputError

MAY_DIFFER = (
    *("seed", "play", "objects", "categories", "instances_per_category", "scene.draw", "scene.drive"),
    *("scene.renderer", "scene.object_size", "scene.arm_triangles", "scene.camera", "scene.randomize"),
)
"""Settings in which merged datasets need not agree; the rest says what a frame is and what a learner is told."""
_KEPT = ("settings", "objects", "renderer", "versions")
Told = Callable[[int, int], object]
"""(episodes done, episodes in all)."""


class Part(NamedTuple):
    """A dataset that is merged."""

    data: Dataset
    digest: str

    @property
    def sources(self) -> list[dict[str, Any]]:
        """Where its episodes come from: entries of `sources` in `dataset.json`, in the order of its episodes."""
        about = self.data.metadata
        if "sources" in about:
            return about["sources"]
        kept: dict[str, Any] = {name: about[name] for name in _KEPT if name in about}
        own: dict[str, Any] = {"name": self.data.root.resolve().name, "digest": self.digest, "episodes": len(self.data)}
        return [{**own, "numbers": runs(self.data.numbers), **kept}]


def merge(root: Path, inputs: Sequence[Path], *, told: Told = lambda done, total: None) -> int:
    """Makes the dataset `root` of all episodes of `inputs`, in that order; goes on with one that was interrupted.
    Returns the number of episodes added."""
    parts = _parts(inputs, root)
    header = _header(parts, [], episodes=0)
    lock = open_folder(root)
    try:
        refuse_foreign(root)
        if (root / HEADER).exists() and read_header(root).get("sources") != header["sources"]:
            raise InputError(f"{root}: holds a dataset already, of other episodes; give another folder")
        begin(root, header)
        return _fill(root, read_header(root), parts, first=0, told=told)
    except OSError as error:
        raise unwritable(root, error) from error
    finally:
        os.close(lock)


def append(root: Path, inputs: Sequence[Path], *, told: Told = lambda done, total: None) -> int:
    """Adds all episodes of `inputs` to the dataset `root`, in that order; goes on where it was interrupted. Returns
    the number of episodes added."""
    data = Dataset(root)
    lock = open_folder(root)
    try:
        parts = _parts(inputs, root)
        added = [source for part in parts for source in part.sources]
        planned = _planned(data)
        if data.metadata.get("sources", [])[-len(added) :] == added:  # interrupted, or done before
            first = planned - sum(source["episodes"] for source in added)
            return _fill(root, data.metadata, parts, first=first, told=told)
        if planned > len(data):
            raise InputError(
                f"{root}: {len(data)} of {planned} episodes merged, so that is to be finished first, with the command "
                "that was interrupted"
            )
        if runs(data.numbers) != [[0, len(data)]]:
            raise InputError(
                f"{root}: episodes are missing between those stored, so none can follow; collect them with --resume, "
                "or merge into a new folder"
            )
        Checksums(root).catch_up(shards.scan(root, episodes_per_shard=data.metadata["episodes_per_shard"]))
        whole = _part(root)
        header = _header([whole, *parts], data.metadata.get("versions", []), episodes=len(data))
        replace_header(root, header, Checksums(root))
        return _fill(root, header, parts, first=len(data), told=told)
    except OSError as error:
        raise unwritable(root, error) from error
    finally:
        os.close(lock)


def runs(numbers: Iterator[int]) -> list[list[int]]:
    """Ascending numbers as runs [first, end) without a gap."""
    found: list[list[int]] = []
    for number in numbers:
        if found and found[-1][1] == number:
            found[-1][1] += 1
        else:
            found.append([number, number + 1])
    return found


def _parts(inputs: Sequence[Path], root: Path) -> list[Part]:
    """The datasets to be added, whole and each another."""
    if not inputs:
        raise InputError("inputs: 0 datasets, at least 1 is needed, or there is nothing to add")
    parts: list[Part] = []
    for path in inputs:
        if path.resolve() == root.resolve():
            raise InputError(f"{path}: cannot be added to itself; its episodes would be in it twice")
        part = _part(path)
        if _planned(part.data) > len(part.data):
            raise InputError(f"{path}: {len(part.data)} of {_planned(part.data)} episodes merged; finish that first")
        parts.append(part)
    return parts


def _part(path: Path) -> Part:
    """A dataset with all its bytes checked, and what identifies them wherever it lies."""
    data = Dataset(path)
    checksums = Checksums(path)
    names = [HEADER, *(shards.name_of(index) for index in data.shard_indices)]
    digests = checksums.checked(names)
    return Part(data, hashlib.sha256(text_of(digests).encode()).hexdigest())


def _planned(data: Dataset) -> int:
    """Episodes that a dataset has when it is complete, as far as it says."""
    return sum(source["episodes"] for source in data.metadata["sources"]) if "sources" in data.metadata else len(data)


def _header(parts: list[Part], before: list[dict[str, Any]], *, episodes: int) -> dict[str, Any]:
    """The `dataset.json` of the merged dataset. Raises InputError where datasets do not fit together, or one is there
    twice."""
    first = parts[0]
    sources: list[dict[str, Any]] = []
    for part in parts:
        _check_fit(first.data, part.data)
        for source in part.sources:
            for other in sources:
                _check_folds(part, source, other)
                if _overlap(source, other):
                    raise InputError(
                        f"{part.data.root}: episodes of {source['name']} are in {other['name']} already; twice they "
                        "would count double"
                    )
            sources.append(source)
    about = first.data.metadata
    header = {
        name: value for name, value in about.items() if name not in ("objects", "renderer", "versions", "sources")
    }
    if any(part.data.metadata.get("scene") != about.get("scene") for part in parts):
        header.pop("scene", None)  # of some episodes only
    header["categories"] = list(dict.fromkeys(name for part in parts for name in _categories(part.data)))
    header["versions"] = noted(before, versions(), episodes=episodes)
    return {**header, "sources": sources}


def _overlap(one: dict[str, Any], two: dict[str, Any]) -> bool:
    """Whether two sources have an episode in common: what it is follows from settings, objects and its number."""
    if one["digest"] == two["digest"]:
        return True
    if "settings" not in one or any(one.get(name) != two.get(name) for name in ("settings", "objects")):
        return False
    return any(max(a, c) < min(b, d) for a, b in one["numbers"] for c, d in two["numbers"])


def _check_folds(part: Part, source: dict[str, Any], other: dict[str, Any]) -> None:
    """Raises InputError where two sources are of other folds of the same folder of objects."""
    one, two = (each.get("objects", {}) for each in (source, other))
    folds = [each.get("fold", "none") for each in (one, two)]
    if one.get("root") == two.get("root") and folds[0] != folds[1]:
        raise InputError(
            f"{part.data.root}: fold={folds[0]} of {one['root']}, {other['name']} has fold={folds[1]}: what one "
            "tests would be learned in the other"
        )


def _categories(data: Dataset) -> list[str]:
    """Its categories in the order that learners number them."""
    return data.metadata.get("categories") or sorted({category for category, _ in data.objects().values()})


def _check_fit(first: Dataset, other: Dataset) -> None:
    """Raises InputError that names the first thing in which two datasets differ but must not."""
    found = [
        (name, first.metadata.get(name), other.metadata.get(name))
        for name in ("image_format", "arm", "chain")
        if first.metadata.get(name) != other.metadata.get(name)
    ]
    settings = (data.metadata.get("settings", {}) for data in (first, other))
    for name, one, two in differences(*settings):
        if name == "scene.randomize.background" or not name.startswith(MAY_DIFFER):
            found.append((f"settings.{name}", one, two))
    found += [("image size", a, b) for a, b in [(first.image_size, other.image_size)] if a != b]
    if found:
        name, one, two = found[0]
        values = f"{name}={json.dumps(two)}, {json.dumps(one)} in {first.root}"
        told = values if len(values) < 200 else f"another {name} than {first.root}"
        raise InputError(f"{other.root}: {told}: merged episodes must agree in it, or no learner can use them together")


def _fill(root: Path, header: dict[str, Any], parts: list[Part], *, first: int, told: Told) -> int:
    """Writes the shards that are missing; the episodes of `parts` have the numbers from `first` on."""
    per_shard = header["episodes_per_shard"]
    counts = shards.scan(root, episodes_per_shard=per_shard)
    checksums = Checksums(root)
    checksums.catch_up(counts)
    stored, total = sum(counts.values()), first + sum(len(part.data) for part in parts)
    tables, number = _tables(parts, skip=stored - first), stored
    while number < total:
        index, position = divmod(number, per_shard)
        name, path = shards.name_of(index), shards.path_of(root, index)
        rows = list(shards.read(path, range(position))) if position else []
        for table in islice(tables, per_shard - position):
            rows.append(shards.renumbered(table, number))
            number += 1
        checksums.forget(name)
        shards.write(path, rows)
        checksums.add(name)
        told(number - first, total - first)
    return total - stored


def _tables(parts: list[Part], *, skip: int) -> Iterator[pa.Table]:
    """The rows of all episodes of `parts` after the first `skip`."""
    pairs = ((part.data, number) for part in parts for number in part.data.numbers)
    for data, group in groupby(islice(pairs, skip, None), key=lambda pair: pair[0]):
        yield from data.tables(number for _, number in group)
