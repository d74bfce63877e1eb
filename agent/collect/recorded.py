"""A stored dataset, played as if it were collected now."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import takewhile
from pathlib import Path

from agent.collect.engine import Engine
from agent.dataset import Dataset
from agent.episode import Episode


class RecordedEngine(Engine):
    """Reads the episodes of the dataset in the folder `root`, in the order asked for. It ends before the first number
    that is not stored, so that endless numbers give the whole dataset once."""

    def __init__(self, root: Path | str) -> None:
        self._dataset = Dataset(root)

    def episodes(self, numbers: Iterable[int]) -> Iterator[Episode]:
        return self._dataset.episodes(takewhile(self._dataset.__contains__, numbers))

    def close(self) -> None:
        """Nothing is held open between two episodes."""
