"""When each episode entered the replay buffer of a live run, so that the run can be repeated.

A live run is asynchronous: which episodes a batch is drawn from depends on how fast the arms were. `insertions.jsonl`
in its folder says, a line an episode, between which two draws from the buffer it came in; given that, and the episodes,
everything repeats. The first draw of a run (number 0) measures the actions for their standardisation, draw s + 1 is the
batch of step s. A line `{"session": d, "steps": n}` says that a session began before draw d, with an empty buffer and
a learning rate laid out for n steps.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from agent.files import append_lines, read_lines, write_text
from learner.replay import Entry
from sim.errors import InputError

NAME = "insertions.jsonl"


class Logged(NamedTuple):
    """A line of the log."""

    draw: int
    """Before which it happened."""
    episode: int | None
    """Number of the episode that came in; None where a session began."""
    steps: int = 0
    """Of a session: what the learning rate was laid out for."""
    interest: int | None = None
    """Of an episode: version of what it sought (`learner.interests`); None where it sought nothing."""


class ReplayLog:
    """Writes the log of a run in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME
        self._offset = 0
        self._waiting: list[Entry] = []
        """Not written yet: the disk may be full."""

    def begin(self, taken: int, *, steps: int) -> None:
        """A session of a run of `steps` steps begins after those that are `taken`; what was noted beyond them is of
        steps that are taken anew."""
        kept = [row for row in read_log(self._path) if row.draw <= taken] if taken and self._path.exists() else []
        self._offset, self._waiting = (taken + 1 if taken else 0), []
        write_text(self._path, "".join(map(_line, [*kept, Logged(self._offset, None, steps)])))

    def write(self, new: Sequence[Entry]) -> None:
        """Add insertions, after those that could not be written before. Raises OSError where they do not fit."""
        self._waiting += new
        if self._waiting:
            rows = (Logged(each.draws + self._offset, each.number, interest=each.interest) for each in self._waiting)
            append_lines(self._path, map(_line, rows))
            self._waiting = []


def read_log(path: Path) -> list[Logged]:
    """The log, in order. A last line that a kill has cut is left out. Raises InputError for a file that is no log."""
    if not path.is_file():
        raise InputError(f"{path}: no such file, and without it the run cannot be repeated")
    return read_lines(path, _logged, wrong="is no insertion, so nothing can be repeated")


def _logged(row: dict[str, Any]) -> Logged:
    if "session" in row:
        return Logged(int(row["session"]), None, int(row["steps"]))
    sought = int(row["interest"]) if "interest" in row else None
    return Logged(int(row["draw"]), int(row["episode"]), interest=sought)


def _line(row: Logged) -> str:
    if row.episode is None:
        return json.dumps({"session": row.draw, "steps": row.steps}) + "\n"
    sought = {} if row.interest is None else {"interest": row.interest}
    return json.dumps({"episode": row.episode, "draw": row.draw, **sought}) + "\n"
