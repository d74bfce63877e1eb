"""When each episode entered the replay buffer of a live run, so that the run can be repeated.

A live run is asynchronous: which episodes a batch is drawn from depends on how fast the arms were. `insertions.jsonl`
in its folder says, a line an episode, between which two draws from the buffer it came in; given that, and the episodes,
everything repeats. The first draw of a run (number 0) measures the actions for their standardisation, draw s + 1 is the
batch of step s. A line `{"session": d}` says that the run was resumed before draw d, with an empty buffer.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from agent.files import write_text
from learner.replay import Entry
from sim.errors import InputError

NAME = "insertions.jsonl"


class ReplayLog:
    """Writes the log of a run in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME
        self._offset = self._written = 0

    def begin(self, steps: int) -> None:
        """A session begins after `steps` steps; what was noted beyond them is of steps that are taken anew."""
        kept = [entry for entry in read_log(self._path) if entry[1] <= steps] if steps and self._path.exists() else []
        self._offset, self._written = (steps + 1 if steps else 0), 0
        lines = [_line(*entry) for entry in kept]
        write_text(self._path, "".join([*lines, json.dumps({"session": self._offset}) + "\n"]))

    def write(self, entries: Sequence[Entry]) -> None:
        """Add what is new of a buffer's entries."""
        new = list(entries[self._written :])
        if new:
            with self._path.open("a") as file:
                file.writelines(_line(entry.number, entry.draws + self._offset) for entry in new)
            self._written += len(new)


def read_log(path: Path) -> list[tuple[int | None, int]]:
    """(episode number, draw before which it came in), in order; None for the begin of a session.

    A last line that a kill has cut is left out. Raises InputError for a file that is no such log.
    """
    found: list[tuple[int | None, int]] = []
    try:
        lines = path.read_text().splitlines(keepends=True)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}, and without it the run cannot be repeated") from None
    for line in lines:
        try:
            row = json.loads(line)
            entry = (None, row["session"]) if "session" in row else (row["episode"], row["draw"])
            found.append((None if entry[0] is None else int(entry[0]), int(entry[1])))
        except (ValueError, TypeError, KeyError):
            if line is not lines[-1]:
                raise InputError(f"{path}: line {len(found) + 1} is no insertion, so nothing can be repeated") from None
    return found


def _line(number: int | None, draw: int) -> str:
    return json.dumps({"session": draw} if number is None else {"episode": number, "draw": draw}) + "\n"
