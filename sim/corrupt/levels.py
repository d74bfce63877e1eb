"""How much of a corruption: which levels a kind takes, and how `KIND:LEVEL` is read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from sim.errors import InputError


class Levels(NamedTuple):
    """What may be asked for of one kind. Level 0 always means: nothing is corrupted."""

    unit: str
    highest: float
    grid: tuple[float, ...]
    """Levels from mild to severe, ascending: what robustness is measured at."""
    default: float | None = None
    """The level where none is given; None where one must be given."""
    whole: bool = False
    """Only whole numbers."""


class _HasLevels(Protocol):
    @property
    def levels(self) -> Levels: ...


def check(option: str, kind: str, level: float, known: Mapping[str, _HasLevels]) -> None:
    """Raises InputError, which names the option, for an unknown kind and for a level that it does not take."""
    if kind not in known:
        raise InputError(f"{option}={kind}: unknown kind, known are {', '.join(sorted(known))}")
    unit, highest, _, _, whole = known[kind].levels
    if not 0.0 <= level <= highest:
        raise InputError(f"{option}={kind}:{level:g}: the level must be from 0 to {highest:g} ({unit})")
    if whole and level != int(level):
        raise InputError(f"{option}={kind}:{level:g}: the level must be a whole number ({unit})")


def read(option: str, text: str, known: Mapping[str, _HasLevels]) -> tuple[str, float]:
    """Kind and level of `KIND:LEVEL`, or of `KIND` alone where there is a default. Raises InputError."""
    kind, _, level = text.partition(":")
    if kind not in known:
        check(option, kind, 0.0, known)
    levels = known[kind].levels
    if not level and levels.default is not None:
        return kind, levels.default
    example = f"{kind}:{levels.grid[1]:g}"
    if not level:
        raise InputError(f"{option}={text}: give a level in {levels.unit}, as in {example}")
    try:
        return kind, float(level)
    except ValueError:
        raise InputError(f"{option}={text}: the level is not a number, write {example}") from None
