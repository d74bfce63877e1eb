"""Finds everything that is wrong with a stored dataset: files, bytes, images and numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from agent import shards
from agent.checksums import HEADER, NAME, read_checksums
from agent.dataset import read_header
from agent.episode import Episode
from agent.files import sha256_of
from agent.schema import AT_END
from sim.errors import InputError

OURS = (HEADER, NAME, "README.md", "contact_sheet.png", "data")
"""What may lie in the folder of a dataset; the card and the picture are the user's to change, and have no checksum."""
_SAME_THROUGHOUT = ("category", "instance", "seed", "intrinsics", "grasp")


class Problem(NamedTuple):
    """What is wrong with a file."""

    name: str
    """Its path within the dataset."""
    what: str

    def __str__(self) -> str:
        return f"{self.name}: {self.what}"


def problems(root: Path, *, progress: Callable[[int, int], object] = lambda done, total: None) -> list[Problem]:
    """What is wrong with the dataset in `root`, at most one line for each file: checksums, missing and foreign files,
    images that cannot be decoded, values that no recording has. `progress` is told (shards done, shards in all).

    Raises InputError for a folder that is no dataset, or one of a later version.
    """
    found: list[Problem] = []
    header: dict[str, Any] = {}
    try:
        digests = read_checksums(root)
    except InputError as error:
        digests, found = {}, [Problem(NAME, _reason(error, root / NAME))]
    else:
        if not (root / NAME).exists():
            found.append(Problem(NAME, "missing, so changed bytes go unnoticed; resuming or merging writes it anew"))
    try:
        header = read_header(root)
    except InputError as error:
        if not (root / NAME).exists() or _is_sound(root, digests):
            raise
        found.append(Problem(HEADER, _reason(error, root / HEADER)))
    else:
        if not _is_sound(root, digests):
            found.append(Problem(HEADER, "not the bytes that were written"))
    found += _foreign(root)
    files = {index: path for path in sorted((root / "data").glob("*")) if (index := shards.index_of(path)) is not None}
    expected = {name for name in digests if name != HEADER}
    found += [Problem(name, "missing") for name in sorted(expected - {shards.name_of(index) for index in files})]
    counts: dict[int, int] = {}
    look: dict[str, Any] = {}
    for done, (index, path) in enumerate(files.items(), start=1):
        name = shards.name_of(index)
        try:
            if name in digests and sha256_of(path) != digests[name]:
                raise ValueError("not the bytes that were written")
            if header:
                counts[index] = _examine(path, index, header["episodes_per_shard"], look)
            if name not in digests and digests:
                raise ValueError("without a checksum, as an interruption leaves it; resuming adds it")
        except InputError as error:
            found.append(Problem(name, _reason(error, path)))
        except (OSError, ValueError) as error:
            found.append(Problem(name, str(error)))
        progress(done, len(files))
    if header and not found:
        found += _incomplete(header, counts)
    return found


def _is_sound(root: Path, digests: dict[str, str]) -> bool:
    """`dataset.json` is there, with the bytes that it was written with as far as is known."""
    path = root / HEADER
    return path.is_file() and digests.get(HEADER) in (None, sha256_of(path))


def _reason(error: InputError, path: Path) -> str:
    """What an error says beside the path."""
    return str(error).removeprefix(f"{path}: ").split("; restore it")[0]


def _foreign(root: Path) -> Iterator[Problem]:
    """Files that are not of the dataset."""
    remains = set(shards.leftovers(root))
    for path in sorted(root.iterdir()) + sorted((root / "data").glob("*")):
        name = str(path.relative_to(root))
        if path in remains:
            yield Problem(name, "left by an interruption; resuming removes it")
        elif name not in OURS and (path.parent == root or shards.index_of(path) is None):
            yield Problem(name, "foreign: no part of the dataset")


def _incomplete(header: dict[str, Any], counts: dict[int, int]) -> Iterator[Problem]:
    """Whether a merge was interrupted."""
    if "sources" in header:
        planned, stored = sum(source["episodes"] for source in header["sources"]), sum(counts.values())
        if stored != planned:
            yield Problem(HEADER, f"{stored} of {planned} episodes merged; the same command again adds the others")


def _examine(path: Path, index: int, per_shard: int, look: dict[str, Any]) -> int:
    """The number of episodes in a shard. Raises InputError or ValueError for what is wrong with it. `look` holds what
    all episodes have in common, as the first one has it."""
    counts = shards.frame_counts(path, index, episodes_per_shard=per_shard)
    for number, table in enumerate(shards.read(path, range(len(counts)), whole=False), start=index * per_shard):
        try:
            _check_rows(table)
            episode = shards.decode(table)
            _check_values(episode)
            for name, value in (("image size", episode.frames.shape[1:]), ("joints", episode.joints.shape[1])):
                if look.setdefault(name, value) != value:
                    raise ValueError(f"{name} {value}, others have {look[name]}")
        except shards.UNREADABLE as error:
            raise ValueError(f"episode {number}: {' '.join(str(error).split())}") from error
    return len(counts)


def _check_rows(table: pa.Table) -> None:
    """Raises ValueError where the rows [T] are not those of one episode."""
    count = len(table)
    if table["frame"].to_pylist() != list(range(count)):
        raise ValueError("its frames are not numbered 0, 1, 2, ...")
    for name in _SAME_THROUGHOUT:
        if any(value != table[name][0] for value in table[name]):
            raise ValueError(f"{name} is not the same in all frames")
    for name in table.column_names:
        empty = np.asarray(table[name].is_null())
        allowed = {0, count} if name == "mask" else {1} if name in AT_END else {0}
        if empty.sum() not in allowed or (name in AT_END and not empty[-1]):
            raise ValueError(f"{name} is null where it should not be, or the other way round")


def _check_values(episode: Episode) -> None:
    """Raises ValueError for values that no recording has."""
    for name, value in episode._asdict().items():
        if isinstance(value, np.ndarray) and value.dtype.kind == "f" and not np.isfinite(value).all():
            raise ValueError(f"{name} has values that are not finite")
    for name in ("object_poses", "camera_poses", "grasp"):
        if np.abs(np.linalg.norm(getattr(episode, name)[..., 3:], axis=-1) - 1).max() > 1e-3:
            raise ValueError(f"{name} has quaternions that are not of length 1")
    if episode.times[0] != 0 or (np.diff(episode.times) <= 0).any():
        raise ValueError("times do not ascend from 0")
    if episode.visible.min() < 0 or episode.visible.max() > 1:
        raise ValueError("visible shares are not in [0, 1]")
    if episode.intrinsics[2].tolist() != [0, 0, 1] or min(episode.intrinsics[0, 0], episode.intrinsics[1, 1]) <= 0:
        raise ValueError("intrinsics are no pinhole matrix")
