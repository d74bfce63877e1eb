"""The one interface of everything that collects episodes: numbers in, episodes out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol, TypeAlias, TypeVar

from agent.episode import Episode

_Engine = TypeVar("_Engine", bound="Engine")

Play: TypeAlias = Callable[[int], Episode]
"""Makes the episode with this number. It may have a `close()`, called when its engine closes."""

Make: TypeAlias = Callable[[], Play]
"""Makes a `Play`. Picklable, where it is sent to other processes: settings, not the simulator itself."""


class Engine(Protocol):
    """Collects episodes. Which engine it is changes when an episode comes, never what is in it."""

    def episodes(self, numbers: Iterable[int]) -> Iterator[Episode]:
        """The episodes with these numbers, in order of completion. `numbers` may have no end, and is read a little
        ahead of what is yielded. Only one iteration is under way at a time; it may be left at any point."""
        ...

    def close(self) -> None:
        """Frees what the engine holds. May be called again."""
        ...

    def __enter__(self: _Engine) -> _Engine:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()
