"""Writes a dataset as its episodes come, in any order, so that stopping it at any moment loses little and damages
nothing, and a resumed collection ends with the bytes of one that was never interrupted."""

from __future__ import annotations

import json
import os
import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow as pa

from agent import shards
from agent.checksums import HEADER, Checksums
from agent.dataset import FORMAT, VERSION, read_header
from agent.episode import Episode
from agent.files import open_folder, unwritable, write_text
from agent.record import RecordSettings
from agent.settings import to_json
from sim.errors import InputError

ENCODERS = 2
"""Threads that encode and write; twice as many episodes wait for them at most."""

CARD = """\
---
configs:
- config_name: default
  data_files: data/shard-*.parquet
---
# Episodes of a simulated robot arm that turns objects before its camera

Collected with armplay. One row is a frame, one row group an episode; rows are in the order of episode numbers.
`dataset.json` holds the settings, seeds and versions that these bytes follow from; `sha256sum -c checksums.txt` finds
what has changed since.

```python
from datasets import load_dataset

frames = load_dataset("parquet", data_files="data/shard-*.parquet", split="train")
```

| column | unit | meaning |
|---|---|---|
| episode, frame | | episode number, and frame within the episode |
| time | s | since the first frame of the episode |
| image, mask | | the frame, and the pixels of arm and object (null where not kept) |
| category, instance, seed | | of the object, and of the collection |
| clean | rad/s | joint velocities from this frame to the next, within limits (null at the last frame) |
| recorded, executed | rad/s | the same as the learner is told of it, and as the motors were given it |
| limited | | limits changed the requested action (null at the last frame) |
| joints | rad | measured joint positions |
| object_pose | m | x, y, z and quaternion x, y, z, w of the object in the camera frame (x right, y down, z forward) |
| camera_pose | m | the camera in the arm's base frame |
| intrinsics | pixels | 3 x 3 pinhole matrix, row by row |
| grasp | m | the object in the hand frame (on a table: nothing, the identity) |
| visible | | share of the object's silhouette that is seen |
"""


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
        if image_format not in shards.IMAGE_FORMATS:
            known = " and ".join(shards.IMAGE_FORMATS)
            raise InputError(f"image_format={image_format!r}: {known} are known, others cannot be encoded")
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
            header = _prepare(self.root, header, resume=resume)
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


def _prepare(root: Path, header: dict[str, Any], *, resume: bool) -> dict[str, Any]:
    """Makes `root` a dataset with this header, or makes sure that it is one and may be continued; returns the header
    that is stored."""
    started = (root / HEADER).exists()
    refuse_foreign(root)
    if started and not resume:
        raise InputError(f"{root}: holds a dataset already; pass --resume to continue it, or give another folder")
    if started:
        stored = read_header(root)
        _compare(root, stored, json.loads(json.dumps(header)))
        header = stored
    begin(root, header)
    return header


def refuse_foreign(root: Path) -> None:
    """Raises InputError for a folder that is neither empty nor a dataset, or what is left of one just begun."""
    foreign = set(root.iterdir()) - {*shards.leftovers(root), root / "data"}
    if not (root / HEADER).exists() and (foreign or any((root / "data").glob("*"))):
        raise InputError(f"{root}: not empty and no dataset of armplay (no dataset.json); give another folder")


def begin(root: Path, header: dict[str, Any]) -> None:
    """Writes what is missing of a dataset without episodes, and removes what an interruption left of other files."""
    remains = shards.leftovers(root)
    if not (root / HEADER).exists():
        write_text(root / HEADER, text_of(header))
    for path in remains:
        path.unlink(missing_ok=True)
    if not (root / "README.md").exists():
        write_text(root / "README.md", CARD)
    (root / "data").mkdir(exist_ok=True)


def replace_header(root: Path, header: dict[str, Any], checksums: Checksums) -> None:
    """Writes `dataset.json` anew where it changes."""
    if read_header(root) != header:
        checksums.forget(HEADER)
        write_text(root / HEADER, text_of(header))
        checksums.add(HEADER)


def text_of(header: dict[str, Any]) -> str:
    """The content of `dataset.json`."""
    return json.dumps(header, indent=2) + "\n"


def noted(before: list[dict[str, Any]] | dict[str, Any], now: dict[str, str], *, episodes: int) -> list[dict[str, Any]]:
    """The versions that made a dataset, with those that go on `now` that `episodes` are stored; versions that made
    none are left out."""
    before = [{"after_episodes": 0, **before}] if isinstance(before, dict) else before
    kept = [entry for entry in before if entry.get("after_episodes", 0) < episodes]
    if kept and {**kept[-1], "after_episodes": 0} == {"after_episodes": 0, **now}:
        return kept
    return [*kept, {"after_episodes": episodes, **now}]


def _compare(root: Path, stored: dict[str, Any], given: dict[str, Any]) -> None:
    """Refuses to continue a dataset with other settings than it was begun with."""
    # What was no setting yet was what it is by default now.
    stored = {**stored, "settings": _filled(stored.get("settings", {}), to_json(RecordSettings()))}
    if "sources" in stored:
        raise InputError(
            f"{root}: merged from {len(stored['sources'])} datasets, so nothing can be collected into it; collect into "
            f"another folder, and add that with: python scripts/dataset.py append {root} FOLDER"
        )
    for key in ("episodes_per_shard", "image_format", "settings"):
        difference = _first_difference(key, stored.get(key, {}), given.get(key, {}))
        if difference:
            raise InputError(
                f"{root}: begun with {difference}: a dataset has one setting throughout; give that, or another folder"
            )
    before, now = (header.get("objects", {}).get("digest") for header in (stored, given))
    if before != now:
        raise InputError(
            f"{root}: begun with other objects in the folder than are there now; restore those, or begin anew"
        )


def _filled(stored: Any, defaults: dict[str, Any]) -> Any:
    """Stored settings and, where they are those of a recorder, the defaults of those that are absent."""
    if not stored.keys() & defaults.keys():
        return stored
    parts = {
        name: _filled(value, defaults[name]) for name, value in stored.items() if isinstance(defaults.get(name), dict)
    }
    return {**defaults, **stored, **parts}


def _first_difference(key: str, stored: Any, given: Any) -> str:
    """'key=value, resumed with key=value', or nothing."""
    if isinstance(stored, dict) and isinstance(given, dict):
        for name in stored | given:
            found = _first_difference(f"{key}.{name}", stored.get(name, "(absent)"), given.get(name, "(absent)"))
            if found:
                return found
        return ""
    return "" if stored == given else f"{key}={json.dumps(stored)}, resumed with {json.dumps(given)}"
