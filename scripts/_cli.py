"""What all scripts share: one line and exit status 2 for a user's mistake, signals, and what to print where."""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import tyro

from sim.errors import InputError

Settings = TypeVar("Settings")


def run(main: Callable[..., Any], **options: Any) -> Any:
    """Run `main` (or make the dataclass) with the arguments of the command line; an InputError ends the program.

    The help shows the script's own docstring, its examples a line each.
    """
    about = sys.modules["__main__"].__doc__ or ""
    with one_line_errors():
        return tyro.cli(
            main, config=(tyro.conf.OmitArgPrefixes,), description=re.sub("\n+", "\n\n", about.strip()), **options
        )


@contextmanager
def one_line_errors() -> Iterator[None]:
    """What the user got wrong is one line on stderr and exit status 2."""
    try:
        yield
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)


def resume_folder(arguments: list[str]) -> Path | None:
    """The folder of `--out DIR` where `--resume` is given: its settings are the defaults of the command line."""
    if "--resume" not in arguments:
        return None
    folder = value_of("--out", arguments)
    if not folder:
        raise InputError("resume: --out DIR is needed, or it is not known what to go on with")
    return Path(folder)


def value_of(option: str, arguments: list[str]) -> str:
    """What follows an option on the command line, before it is parsed; empty where it is not given."""
    for here, following in zip(arguments, [*arguments[1:], ""], strict=True):
        if here == option:
            return following
        if here.startswith(f"{option}="):
            return here[len(option) + 1 :]
    return ""


class Stop:
    """Becomes true at the first SIGINT or SIGTERM, so that work ends at a point where everything can be kept."""

    def __init__(self) -> None:
        self.signal = 0
        self.then: Callable[[], None] | None = None
        """Called once, from the signal handler: ends a wait that nothing else would end."""

    def __bool__(self) -> bool:
        return self.signal != 0

    @property
    def status(self) -> int:
        """The exit status that tells a shell which signal ended the program."""
        return 128 + self.signal if self.signal else 0


@contextmanager
def stop_on_signal() -> Iterator[Stop]:
    """Catch SIGINT and SIGTERM once each; a second one ends the program at once."""
    stop = Stop()

    def catch(number: int, _: object) -> None:
        stop.signal = number
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
        # Not print: the main thread may be writing to stderr this moment, and a buffer cannot be entered twice.
        os.write(2, b"\nstopping: keeping everything (again to stop at once)\n")
        if stop.then is not None:
            stop.then()

    before = {number: signal.signal(number, catch) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
