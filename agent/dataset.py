"""The dataset on disk: a folder of shards, a `dataset.json` that says how they were made, and a README card.

`Dataset` reads one; `agent.writer` writes one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from agent import shards
from agent.episode import Episode
from sim.errors import InputError

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

    def objects(self) -> dict[int, tuple[str, str]]:
        """Episode number -> (category, instance); no image is read."""
        found: dict[int, tuple[str, str]] = {}
        for index in sorted(self._counts):
            found |= shards.objects(shards.path_of(self.root, index))
        return found

    @property
    def size_bytes(self) -> int:
        """Bytes of all shards on disk."""
        return sum(shards.path_of(self.root, index).stat().st_size for index in self._counts)

    def episode(self, number: int) -> Episode:
        """One episode; reads its row group only."""
        return next(self.episodes([number]))

    def commands(self, number: int) -> np.ndarray:
        """The clean commands float32 [T-1, D] rad/s of one episode; no image is read."""
        index, position = divmod(self._stored(number), self._per_shard)
        return shards.read_commands(shards.path_of(self.root, index), position)

    def episodes(self, numbers: Iterable[int] | None = None) -> Iterator[Episode]:
        """Episodes in the order of `numbers` (default: all, ascending). A shard stays open while numbers stay in it."""
        wanted = self.numbers if numbers is None else map(self._stored, numbers)
        for index, group in groupby(wanted, lambda number: number // self._per_shard):
            path = shards.path_of(self.root, index)
            yield from shards.read_episodes(path, (number % self._per_shard for number in group))

    def _stored(self, number: int) -> int:
        if number not in self:
            raise InputError(f"{self.root}: episode {number} is not among the {len(self)} stored episodes")
        return number

    def verify(self) -> None:
        """Reads and decodes every episode, checksums included. Raises an InputError that names the first bad shard."""
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
        header = json.loads(path.read_text(encoding="utf-8"))
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
    return header
