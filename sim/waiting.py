"""What takes long tells how far it is, and whoever has a terminal shows it: nothing is shown unless someone listens."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeAlias, TypeVar

Item = TypeVar("Item")
Listener: TypeAlias = Callable[[str, str, int, int], object]
"""(title, unit, done, in all); it is told in the thread that it listens in, and in no other."""

_listener: ContextVar[Listener | None] = ContextVar("listener", default=None)


def tell(title: str, unit: str, done: int, total: int) -> None:
    """So many of so many are done."""
    listener = _listener.get()
    if listener is not None:
        listener(title, unit, done, total)


def counted(items: Iterable[Item], total: int, *, title: str, unit: str) -> Iterator[Item]:
    """The same items, each told once the next one is asked for."""
    for done, item in enumerate(items, start=1):
        yield item
        tell(title, unit, done, total)


@contextmanager
def heard_by(listener: Listener) -> Iterator[None]:
    """Within, `listener` is told, and nobody else."""
    before = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(before)
