"""Options behind a name, as users write them: NAME?OPTION=VALUE&OPTION=VALUE."""

from __future__ import annotations

from collections.abc import Collection

from sim.errors import InputError


def with_options(text: str) -> tuple[str, dict[str, str]]:
    """The name, and the options by theirs; none where nothing is asked for."""
    name, _, asked = text.partition("?")
    return name, dict(part.partition("=")[::2] for part in asked.split("&")) if asked else {}


def check_options(options: Collection[str], known: Collection[str], *, given: str, kind: str) -> None:
    """Raises InputError, which quotes what was `given`, for an option that such a `kind` of thing does not have."""
    for name in options:
        if name not in known:
            raise InputError(f"{given}: option {name} is unknown, {kind} has {', '.join(known) or 'none'}")
