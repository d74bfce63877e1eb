"""Writes a dataset as its episodes come, in any order, so that stopping it at any moment loses little and damages
nothing, and a resumed collection ends with the bytes of one that was never interrupted."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow as pa

from agent import shards
from agent.checksums import Checksums
from agent.dataset import FORMAT, VERSION
from agent.encoding import check_format
from agent.episode import Episode
from agent.files import open_folder, unwritable
from agent.header import noted, prepare, replace_header
from sim.errors import InputError

ENCODERS = 2
"""Threads that encode and write; twice as many episodes wait for them at most."""


class DatasetWriter:
    """Writes episodes into the folder `root`. `metadata` goes into `dataset.json`; with `resume`, a collection goes on
    if its `metadata["settings"]` are those given, and `missing` says with what."""

    def __init__(
        self,
        root: Path | str,
        *,
        metadata: dict[str, Any],
        episodes_per_shard: int = 16,
        image_format: str = "jpeg",
        resume: bool = False,
    ) -> None:
        if episodes_per_shard < 1:
            raise InputError(f"episodes_per_shard={episodes_per_shard}: at least 1 is needed, or no shard is ever full")
        check_format(image_format)
        layout = {"episodes_per_shard": episodes_per_shard, "image_format": image_format}
        header = {"format": FORMAT, "version": VERSION, **layout, **metadata}
        if len(header) != 4 + len(metadata):
            raise ValueError("format, version, episodes_per_shard and image_format are not for the caller to set")
        now: dict[str, str] = metadata.get("versions", {})
        if now:
            header["versions"] = noted([], now, episodes=0)
        self.root = Path(root)
        self._per_shard = episodes_per_shard
        self._format = image_format
        self._folder = open_folder(self.root)
        try:
            header = prepare(self.root, header, resume=resume)
            self._counts = shards.scan(self.root, episodes_per_shard=episodes_per_shard)
            self._checksums = Checksums(self.root)
            self._checksums.catch_up(self._counts)
            if now:
                header["versions"] = noted(header.get("versions", []), now, episodes=sum(self._counts.values()))
            replace_header(self.root, header, self._checksums)
        except OSError as error:
            os.close(self._folder)
            raise unwritable(self.root, error) from error
        except BaseException:
            os.close(self._folder)
            raise
        self._sizes = {index: shards.path_of(self.root, index).stat().st_size for index in self._counts}
        self._hands: dict[int, dict[int, pa.Table | None]] = {}  # shard -> position -> rows, None until encoded
        self._lock = threading.Lock()  # guards the three above
        self._slots = threading.Semaphore(2 * ENCODERS)
        self._pool = ThreadPoolExecutor(ENCODERS, thread_name_prefix="dataset-writer")
        self._tasks: deque[Future[None]] = deque()
        self._closed = False

    def __enter__(self) -> DatasetWriter:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    @property
    def stored(self) -> int:
        """Number of episodes that are on disk."""
        with self._lock:
            return sum(self._counts.values())

    @property
    def bytes(self) -> int:
        """Size of all shards on disk."""
        with self._lock:
            return sum(self._sizes.values())

    def missing(self, count: int) -> Iterator[int]:
        """The episode numbers of [0, count) that are not on disk, ascending."""
        for number in range(count):
            index, position = divmod(number, self._per_shard)
            if position >= self._counts.get(index, 0):
                yield number

    def add(self, episode: Episode) -> None:
        """Takes an episode, whatever its number; returns before it is encoded. Raises what went wrong with earlier
        ones, and then does so at each call."""
        if self._closed:
            raise ValueError("the writer is closed")
        while self._tasks and self._tasks[0].done():
            self._settle()
        index, position = divmod(episode.number, self._per_shard)
        with self._lock:
            hand = self._hands.setdefault(index, {})
            if position in hand or position < self._counts.get(index, 0):
                raise ValueError(f"episode {episode.number} was added before")
            hand[position] = None
        self._slots.acquire()
        self._tasks.append(self._pool.submit(self._keep, episode))

    def close(self) -> None:
        """Writes what is in hand: of each shard the episodes up to the first that is missing. Those after it are
        dropped, and `missing` names them after a resume."""
        if self._closed:
            return
        self._closed = True
        try:
            while self._tasks:
                self._settle()
            for index, hand in sorted(self._hands.items()):
                position = self._counts.get(index, 0)
                tables: list[pa.Table] = []
                while (table := hand.get(position + len(tables))) is not None:
                    tables.append(table)
                if tables:
                    self._write(index, tables)
        finally:
            self._pool.shutdown(cancel_futures=True)
            os.close(self._folder)

    def _settle(self) -> None:
        """Waits for the oldest task. A failed one stays, so that no later call passes over it."""
        self._tasks[0].result()
        self._tasks.popleft()

    def _keep(self, episode: Episode) -> None:
        """Encodes an episode; the thread that completes a shard writes it."""
        try:
            table = shards.encode(episode, self._format)
        finally:
            self._slots.release()
        index, position = divmod(episode.number, self._per_shard)
        with self._lock:
            hand = self._hands[index]
            hand[position] = table
            tables = [hand[key] for key in sorted(hand)]
            size = self._counts.get(index, 0) + len(tables)
        if size == self._per_shard and all(table is not None for table in tables):
            self._write(index, tables)

    def _write(self, index: int, tables: list[pa.Table]) -> None:
        """Writes a shard: the rows already in it, as they are, and `tables` after them."""
        name, path = shards.name_of(index), shards.path_of(self.root, index)
        count = self._counts.get(index, 0)
        stored = list(shards.read(path, range(count))) if count else []
        try:
            self._checksums.forget(name)
            shards.write(path, [*stored, *tables])
            self._checksums.add(name)
            size = path.stat().st_size
        except OSError as error:
            raise unwritable(path, error) from error
        with self._lock:
            self._sizes[index] = size
            self._counts[index] = count + len(tables)
            del self._hands[index]
