"""Lets someone else show things, in a thread that neither slows down nor stops those who have something to show."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Mapping
from queue import Full, Queue

import numpy as np

from agent.episode import Episode, Pairs
from agent.watch.watch import Watch

SHARE = 0.01
"""Of a core's time that showing episodes may take; and pairs, and features."""
WAITING = 1000
"""Rows of figures that wait at most; what waits beside them is one of a kind."""
PATIENCE_S = 10.0
"""How long `close` waits for a viewer that does not answer."""


class Background(Watch):
    """Shows what `watch` shows, as far as there is time for it.

    All figures are shown. Of episodes, pairs and features one is left out while another of its kind is on its way, or
    was until a moment ago: they take a hundredth of a core's time each. Where `watch` raises, that is said on stderr
    and nothing more is shown.
    """

    def __init__(
        self, watch: Watch, *, abandon: Callable[[], None] = lambda: None, patience: float = PATIENCE_S
    ) -> None:
        """`abandon` is called where `watch` has not come to an end within `patience` s of the end."""
        self._watch, self._abandon, self._patience = watch, abandon, patience
        self._due: dict[str, float] = {}
        self._queue: Queue[tuple[str, Callable[[], None]] | None] = Queue(WAITING)
        self._gone = self._closed = False
        self._thread = threading.Thread(target=self._work, name="watch", daemon=True)
        self._thread.start()

    def episode(self, episode: Episode) -> None:
        self._offer("episode", lambda: self._watch.episode(episode))

    def figures(self, step: int, values: Mapping[str, float]) -> None:
        values = dict(values)
        self._put("figures", lambda: self._watch.figures(step, values))

    def pairs(self, step: int, pairs: Pairs) -> None:
        self._offer("pairs", lambda: self._watch.pairs(step, pairs))

    def features(self, step: int, features: np.ndarray, frames: np.ndarray, labels: np.ndarray) -> None:
        self._offer("features", lambda: self._watch.features(step, features, frames, labels))

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        try:
            self._queue.put(None, timeout=self._patience)
        except Full:
            pass
        else:
            self._thread.join(self._patience)
        if self._thread.is_alive():
            self._say("does not answer, so the last that was to be shown may be missing")
            self._abandon()

    def _offer(self, kind: str, show: Callable[[], None]) -> None:
        if time.monotonic() >= self._due.get(kind, 0.0):
            self._due[kind] = float("inf")
            self._put(kind, show)

    def _put(self, kind: str, show: Callable[[], None]) -> None:
        if not self._gone:
            try:
                self._queue.put_nowait((kind, show))
            except Full:  # the viewer hangs
                self._due[kind] = 0.0

    def _work(self) -> None:
        for part in (self._show, self._watch.close):
            try:
                part()
            except Exception as error:
                self._gone = True
                self._say(f"has failed, and the run goes on without it ({type(error).__name__}: {error})")

    def _show(self) -> None:
        while (found := self._queue.get()) is not None:
            kind, show = found
            began = time.thread_time()
            show()
            del found, show  # an episode is not kept until the next one
            self._due[kind] = time.monotonic() + (time.thread_time() - began) / SHARE

    def _say(self, what: str) -> None:
        print(f"look: the viewer {what}", file=sys.stderr, flush=True)
