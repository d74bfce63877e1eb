"""The dataset on disk: a folder of shards, a `dataset.json` that says how they were made, and a README card.

`Dataset` reads one; `agent.writer` writes one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from agent import shards
from agent.encoded import size_of
from agent.encoding import IMAGE_FORMATS
from agent.episode import Episode
from agent.files import read_json
from sim.errors import InputError
from sim.objects.splits import stable_hash

FORMAT = "armplay-episodes"
VERSION = 1


class Dataset:
    """Episodes stored in the folder `root`, read one row group at a time. A collection under way may be read too:
    what is stored when the dataset is opened is what it holds."""

    def __init__(self, root: Path | str) -> None:
        self.root = Path(root)
        self.metadata: dict[str, Any] = read_header(self.root)
        self._per_shard: int = self.metadata["episodes_per_shard"]
        self._counts = shards.scan(self.root, episodes_per_shard=self._per_shard)
        if not self._counts:
            raise InputError(f"{self.root}: 0 episodes stored: at least 1 is needed; collect some with --resume")

    def __len__(self) -> int:
        return sum(self._counts.values())

    def __contains__(self, number: int) -> bool:
        index, position = divmod(number, self._per_shard)
        return position < self._counts.get(index, 0)

    @property
    def numbers(self) -> Iterator[int]:
        """The stored episode numbers, ascending: 0, 1, 2, ..., with gaps where a collection was interrupted."""
        for index in sorted(self._counts):
            first = index * self._per_shard
            yield from range(first, first + self._counts[index])

    @property
    def shard_indices(self) -> list[int]:
        """The shards that are there, ascending."""
        return sorted(self._counts)

    @cached_property
    def image_size(self) -> tuple[int, int]:
        """(width, height) of the first image, in pixels; it is not decoded."""
        first = self.images(next(self.numbers))[0]
        try:
            return size_of(first)
        except ValueError as error:
            raise InputError(f"{self.root}: the first image cannot be read ({error}); see what verify says") from error

    def objects(self) -> dict[int, tuple[str, str]]:
        """Episode number -> (category, instance); no image is read."""
        found: dict[int, tuple[str, str]] = {}
        for index in sorted(self._counts):
            found |= shards.objects(shards.path_of(self.root, index))
        return found

    @property
    def frame_counts(self) -> dict[int, int]:
        """Episode number -> number of frames T; reads the footers only."""
        found: dict[int, int] = {}
        for index in sorted(self._counts):
            path, first = shards.path_of(self.root, index), index * self._per_shard
            found |= enumerate(shards.frame_counts(path, index, episodes_per_shard=self._per_shard), first)
        return found

    @property
    def size_bytes(self) -> int:
        """Bytes of all shards on disk."""
        return sum(shards.path_of(self.root, index).stat().st_size for index in self._counts)

    def episode(self, number: int) -> Episode:
        """One episode; reads its row group only."""
        return next(self.episodes([number]))

    def frame(self, number: int, index: int) -> np.ndarray:
        """One frame uint8 [H, W, 3] of an episode; as `frames`."""
        return self.frames(number, [index])[0]

    def frames(self, number: int, indices: Sequence[int]) -> np.ndarray:
        """The frames uint8 [N, H, W, 3] of an episode that are asked for, N >= 1, in that order. Reads the images of
        the episode and nothing else, and decodes those asked for."""
        if not indices:
            raise ValueError("0 frames asked for: at least 1 is needed")
        return shards.read_frames(*self._place(number), indices)

    def images(self, number: int) -> list[bytes]:
        """The encoded images of an episode, as they are stored; nothing else is read."""
        table = next(self.tables([number], columns=["image.bytes"]))
        return table["image"].combine_chunks().field("bytes").to_pylist()

    def vectors(self, number: int, name: str) -> np.ndarray:
        """A column of vectors of an episode, such as `object_pose` float32 [T, 7]; nothing else is read."""
        return shards.read_vectors(*self._place(number), name)

    def commands(self, number: int) -> np.ndarray:
        """The clean commands float32 [T-1, D] rad/s of one episode; no image is read."""
        return self.vectors(number, "clean")

    def episodes(self, numbers: Iterable[int] | None = None) -> Iterator[Episode]:
        """Episodes in the order of `numbers` (default: all, ascending). A shard stays open while numbers stay in it."""
        for path, positions in self._places(numbers):
            yield from shards.read_episodes(path, positions)

    def tables(self, numbers: Iterable[int] | None = None, *, columns: list[str] | None = None) -> Iterator[pa.Table]:
        """The rows of episodes as they are stored, images encoded; as `episodes`. By default, all columns."""
        for path, positions in self._places(numbers):
            yield from shards.read(path, positions, columns=columns)

    def origin(self, number: int) -> tuple[str, int]:
        """Where an episode of a merged dataset comes from: the name of the source, and its number there."""
        self._stored(number)
        for source in self.metadata.get("sources", []):
            if number < source["episodes"]:
                for first, end in source["numbers"]:
                    if number < end - first:
                        return source["name"], first + number
                    number -= end - first
            number -= source["episodes"]
        return self.root.name, number

    def _places(self, numbers: Iterable[int] | None) -> Iterator[tuple[Path, Iterator[int]]]:
        """(shard, positions in it) for runs of numbers of the same shard."""
        wanted = self.numbers if numbers is None else map(self._stored, numbers)
        for index, group in groupby(wanted, lambda number: number // self._per_shard):
            yield shards.path_of(self.root, index), (number % self._per_shard for number in group)

    def _place(self, number: int) -> tuple[Path, int]:
        index, position = divmod(self._stored(number), self._per_shard)
        return shards.path_of(self.root, index), position

    def _stored(self, number: int) -> int:
        if number not in self:
            raise InputError(f"{self.root}: episode {number} is not among the {len(self)} stored episodes")
        return number

    def verify(self) -> None:
        """Reads and decodes every episode. Raises an InputError that names the first bad shard; `agent.verify` looks
        at everything, and names all that is wrong."""
        for number, episode in zip(self.numbers, self.episodes(), strict=True):
            if episode.number != number:
                raise InputError(f"{self.root}: episode {episode.number} stands in the place of {number}")


def read_header(root: Path) -> dict[str, Any]:
    """The content of `dataset.json`, of a version that this code reads."""
    path = root / "dataset.json"
    if not root.exists():
        raise InputError(f"{root}: no such folder, so there are no episodes to read")
    if not root.is_dir():
        raise InputError(f"{root}: a file, where the folder of a dataset is expected")
    try:
        header = read_json(path)
    except FileNotFoundError as error:
        raise InputError(f"{root}: holds no dataset.json, so it is not a dataset of armplay") from error
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read ({error}), so the shards beside it cannot be understood") from error
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise InputError(f"{path}: its format is not {FORMAT!r}, so it is not a dataset of armplay")
    version, per_shard = header.get("version"), header.get("episodes_per_shard")
    if not isinstance(version, int) or version > VERSION:
        raise InputError(f"{path}: version {version}: at most {VERSION} is read here; update armplay")
    if not isinstance(per_shard, int) or per_shard < 1:
        raise InputError(f"{path}: episodes_per_shard={per_shard}: at least 1 is needed to find an episode's shard")
    if header.get("image_format") not in [*IMAGE_FORMATS]:
        known = " and ".join(IMAGE_FORMATS)
        raise InputError(
            f"{path}: image_format={header.get('image_format')!r}: {known} are known, so its images cannot be read"
        )
    for name in ("settings", "objects", "chain"):
        if not isinstance(header.get(name, {}), dict):
            raise InputError(
                f"{path}: {name} is no JSON object, so how its episodes were made is not known; restore it"
            )
    if not _are_versions(header.get("versions", [])):
        raise InputError(f"{path}: 'versions' are not what made its episodes; restore them")
    if not _are_sources(header.get("sources", [])):
        raise InputError(f"{path}: 'sources' are not what was merged, so no episode's origin is known; restore it")
    return header


def _are_versions(found: Any) -> bool:
    """Whether these are versions of packages, or a list of such and from which episode on each was used."""
    entries = found if isinstance(found, list) else [found]
    return all(isinstance(entry, dict) and type(entry.get("after_episodes", 0)) is int for entry in entries)


def _are_sources(found: Any) -> bool:
    """Whether these are names of datasets, and which of their episodes came from each."""
    try:
        runs = [run for source in found for run in [(0, source["episodes"]), *source["numbers"]]]
        whole = all(type(number) is int for run in runs for number in run) and all(len(run) == 2 for run in runs)
        return isinstance(found, list) and whole and all(isinstance(source["name"], str) for source in found)
    except (KeyError, TypeError):
        return False


def held_out(instance: str) -> str:
    """The split of an instance within stored data: train, validation or test, the latter a tenth each. Its category
    has no part in it, because no encoder may depend on that; nor have the other instances."""
    tenth = stable_hash(f"held out of recorded data/{instance}") % 10
    return {0: "test", 1: "validation"}.get(tenth, "train")
