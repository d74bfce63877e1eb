"""The one interface of everything that collects episodes: numbers in, episodes out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, Protocol, TypeAlias, TypeVar

from agent.episode import Episode, Interest

_Engine = TypeVar("_Engine", bound="Engine")

Play: TypeAlias = Callable[..., Episode]
"""Makes the episode with the number that it is called with; where its engine was asked to `seek` an interest, it is
called with that too. It may have a `close()`, called when its engine closes."""

Order: TypeAlias = "tuple[int] | tuple[int, Interest]"
"""What a `Play` is called with."""

Make: TypeAlias = Callable[[], Play]
"""Makes a `Play`. Picklable, where it is sent to other processes: settings, not the simulator itself."""


class Failure(NamedTuple):
    """An episode that was given up. A dataset has a hole there, which a resumed collection tries to fill."""

    number: int
    attempts: int
    reason: str
    """Of the last failure; may be a traceback of many lines."""

    def __str__(self) -> str:
        """One line: the last of a traceback says what went wrong."""
        lines = self.reason.splitlines() or ["no reason given"]
        return f"episode {self.number} failed {self.attempts} times; the last time: {lines[-1]}"


class Health(NamedTuple):
    """How the workers of an engine are."""

    restarts: int = 0
    """Workers replaced because they died, hung or failed."""
    recycled: int = 0
    """Workers replaced because they had made many episodes or had grown large; nothing is lost by it."""
    resident: tuple[int, ...] = ()
    """Resident memory in bytes of each worker at work, as of its last episode."""


class Engine(Protocol):
    """Collects episodes. Which engine it is changes when an episode comes, never what is in it."""

    failures: list[Failure]
    """Episodes that were given up, in the order in which they were; the others go on coming."""
    interest: Interest | None = None
    """What episodes that are begun from now on seek; None where nobody was asked."""

    @property
    def health(self) -> Health:
        """How the workers are; an engine without workers is always well."""
        return Health()

    def seek(self, interest: Interest | None) -> None:
        """Episodes that are begun from now on seek that, those under way do not; may come from another thread. Raises
        InputError where nothing is played."""
        self.interest = interest

    def order(self, number: int) -> Order:
        """What the `Play` is to be called with now, for the episode with this number."""
        interest = self.interest
        return (number,) if interest is None else (number, interest)

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
