"""Settings as JSON and back: frozen dataclasses, checked again when they are read."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from sim.errors import InputError

Settings = TypeVar("Settings")


_adapter: Callable[[Any], TypeAdapter[Any]] = lru_cache(TypeAdapter)
"""Making one takes a hundred times as long as using it."""


def to_json(settings: Any) -> dict[str, Any]:
    """Plain JSON values of a settings dataclass."""
    return _adapter(type(settings)).dump_python(settings, mode="json")


def from_json(kind: type[Settings], stored: dict[str, Any], *, where: str) -> Settings:
    """The settings stored as `stored`. Raises InputError that names `where` and the first wrong value."""
    try:
        return _adapter(kind).validate_python(stored)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(map(str, first["loc"]))
        raise InputError(f"{where}: setting {name}: {first['msg']}") from None
    except InputError as error:
        raise InputError(f"{where}: {error}") from None


def differences(old: dict[str, Any], new: dict[str, Any], prefix: str = "") -> list[tuple[str, Any, Any]]:
    """Where two nested settings differ: (dotted name, old value, new value)."""
    found: list[tuple[str, Any, Any]] = []
    for name in sorted(old.keys() | new.keys()):
        before, after = old.get(name), new.get(name)
        if isinstance(before, dict) and isinstance(after, dict):
            found += differences(before, after, f"{prefix}{name}.")
        elif before != after:
            found.append((f"{prefix}{name}", before, after))
    return found
