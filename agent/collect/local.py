"""Episodes made in this process: no parallelism, and the debugger sees everything."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from agent.collect.engine import Engine, Make
from agent.episode import Episode


class LocalEngine(Engine):
    """Plays one episode after the other, in the order of their numbers. What goes wrong is raised where it happens:
    nothing is tried again, and `failures` stays empty."""

    def __init__(self, make: Make) -> None:
        self.failures = []
        self._play = make()

    def episodes(self, numbers: Iterable[int]) -> Iterator[Episode]:
        return (self._play(*self.order(number)) for number in numbers)

    def close(self) -> None:
        close = getattr(self._play, "close", None)
        if close is not None:
            close()
