"""A stored dataset, played as if it were collected now."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from itertools import cycle
from pathlib import Path

from agent.collect.engine import Engine
from agent.dataset import Dataset
from agent.episode import Episode, Interest
from sim.errors import InputError


class RecordedEngine(Engine):
    """Reads the episodes of the dataset in the folder `root`, in the order asked for; holes are passed over. It ends
    with the first number beyond all that are stored, so that endless numbers give the whole dataset once; with
    `repeat`, it begins again there, for ever.

    `rate`, in frames/s: an episode comes when so many frames would have been recorded; None gives them as fast as they
    are read. A caller who is away longer than that is not given more at once afterwards.
    """

    def __init__(self, root: Path | str, *, repeat: bool = False, rate: float | None = None) -> None:
        if rate is not None and not 0 < rate < float("inf"):
            raise InputError(f"rate={rate}: more than 0 frames/s is needed, or no episode ever comes")
        self.failures = []
        self._dataset = Dataset(root)
        self._repeat, self._rate = repeat, rate
        self._closed = threading.Event()

    def episodes(self, numbers: Iterable[int]) -> Iterator[Episode]:
        stored = self._stored(numbers)
        due = time.monotonic()
        for episode in self._dataset.episodes(cycle(stored) if self._repeat else stored):
            if self._rate is not None:
                now = time.monotonic()
                due = max(due, now) + len(episode.frames) / self._rate
                self._closed.wait(due - now)
            if self._closed.is_set():
                return
            yield episode

    def _stored(self, numbers: Iterable[int]) -> Iterator[int]:
        last = max(self._dataset.numbers)
        for number in numbers:
            if number > last:
                return
            if number in self._dataset:
                yield number

    def seek(self, interest: Interest | None) -> None:
        if interest is not None:
            raise InputError("play=curious: stored episodes were played already, so no motion can be sought among them")

    def close(self) -> None:
        """Ends the iterations under way, also from another thread."""
        self._closed.set()
