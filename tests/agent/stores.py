"""Small datasets of made-up episodes."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from agent.writer import DatasetWriter
from tests.agent.episodes import fake_episode

PER_SHARD = 4
SETTINGS = {"arm": "kuka", "camera": {"size": 16, "rate": 5.0}, "tilt": (0.1, 0.2)}


def open_writer(root: Path, **options: Any) -> DatasetWriter:
    return DatasetWriter(root, **{"metadata": {"settings": SETTINGS}, "episodes_per_shard": PER_SHARD, **options})


def store(root: Path, numbers: Iterable[int], **options: Any) -> None:
    with open_writer(root, **options) as writer:
        for number in numbers:
            writer.add(fake_episode(number))


def contents(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def shard(root: Path, index: int) -> Path:
    return root / "data" / f"shard-{index:06d}.parquet"
