"""What all scripts share: one line and exit status 2 for a user's mistake, signals, and what to print where."""

from __future__ import annotations

import io
import os
import re
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, NoReturn

import tyro
from _progress import waits_shown

from sim.errors import InputError


def parse(kind: Any, **options: Any) -> Any:
    """The settings (a dataclass), or one of several commands (a union of such), that the command line gives.

    The help shows the script's own docstring, its examples a line each. Raises InputError for what cannot be parsed.
    """
    about = as_started_here(sys.modules["__main__"].__doc__ or "")
    options |= {"config": (tyro.conf.OmitArgPrefixes,), "description": re.sub("\n+", "\n\n", about.strip())}
    if {"-h", "--help"} & {*sys.argv[1:]}:
        return tyro.cli(kind, **options)
    said = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    try:
        with redirect_stdout(said), redirect_stderr(said):
            return tyro.cli(kind, **options)
    except SystemExit as ended:
        said.seek(0)
        raise InputError(in_one_line(said.read())) from ended


def as_started_here(text: str) -> str:
    """The same with commands as they are given here: `armplay collect` where these scripts are those of a wheel."""
    if Path(__file__).parent.name != "armplay":
        return text
    text = re.sub(r"(torchrun [^\n]*?)scripts/(\w+)\.py", r"\1--no-python armplay \2", text)
    return re.sub(r"python scripts/(\w+)\.py", r"armplay \1", text)


def in_one_line(box: str) -> str:
    """What tyro says of a mistake, without the frame around it and the help beneath it."""
    lines = [line.strip("│ ") for line in box.splitlines() if line.startswith("│")]
    parts = " ".join(lines).split("─" * 3)
    told, rest = parts[0].strip().rstrip("."), " ".join(parts[1:])
    meant = re.search(r"Perhaps you meant.*?(--[\w-]+)|(Available subcommands: [\w, ]+)", rest)
    hint = f" ({meant[2].strip()})" if meant and meant[2] else f" (perhaps you meant {meant[1]})" if meant else ""
    return f"{told}{hint}; see --help"


def program(main: Callable[[], int | None], *, tells: Callable[[], bool] = lambda: True) -> NoReturn:
    """Run `main` and end the program with its status; what the user got wrong is one line on stderr, and status 2.

    `tells` is asked whether this process, of several with one terminal, is the one to say what went wrong.
    """
    quiet = bool({"--quiet", "--json"} & {*sys.argv}) or os.environ.get("RANK", "0") != "0"
    try:
        with waits_shown(quiet=quiet):
            status = main() or 0
        sys.stdout.flush()
    except BrokenPipeError:  # whoever was reading, `head` say, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 1
    except (InputError, FloatingPointError, ConnectionError) as error:
        # The second is of a learner that has diverged, the third of a team that has lost a process.
        if tells():
            print(f"error: {as_started_here(str(error))}", file=sys.stderr)
        status = 2 if isinstance(error, InputError) else 1
    sys.exit(status)


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

    def __bool__(self) -> bool:
        return self.signal != 0

    def call(self, then: Callable[[], None]) -> None:
        """Have `then` called from the signal handler, or now if that was before: it ends a wait that nothing else would
        end."""
        self.then = then
        if self:
            then()

    @property
    def status(self) -> int:
        """The exit status that tells a shell which signal ended the program."""
        return 128 + self.signal if self.signal else 0


@contextmanager
def stop_on_signal(*, aloud: bool = True) -> Iterator[Stop]:
    """Catch SIGINT and SIGTERM once each, and say so `aloud`; a second one ends the program at once."""
    stop = Stop()

    def catch(number: int, _: object) -> None:
        stop.signal = number
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
        if aloud:
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
