"""What each episode of a live run sought, in a file of the run: with it, an episode is a function of its number.

A line an episode, as it comes in: `{"episode": 3, "version": 7, "weights": [...]}`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from agent.episode import Episode, Interest
from agent.files import append_lines, read_lines, unwritable, write_text


class InterestLog:
    """The file at `path`; nothing is written before an episode sought something."""

    def __init__(self, path: Path, *, resume: bool) -> None:
        """With `resume`, `before` is what the file holds. Raises InputError for a file that is no such log."""
        self._path = path
        self.before: dict[int, Interest] = {}
        """Number of each episode of earlier sessions -> what it sought."""
        if resume and path.exists():
            self.before = dict(read_lines(path, _sought, wrong="tells of no episode what it sought"))
        self._begun = False

    def note(self, episode: Episode) -> None:
        """An episode has come in. Raises InputError where that cannot be written."""
        if episode.interest is None:
            return
        try:
            if not self._begun:  # without the line that a kill has cut
                write_text(self._path, "".join(_line(*each) for each in self.before.items()))
                self._begun = True
            append_lines(self._path, [_line(episode.number, episode.interest)])
        except OSError as error:
            raise unwritable(self._path, error) from error


def _sought(row: dict[str, Any]) -> tuple[int, Interest]:
    return int(row["episode"]), Interest(int(row["version"]), tuple(map(float, row["weights"])))


def _line(number: int, interest: Interest) -> str:
    return json.dumps({"episode": number, **interest._asdict()}) + "\n"
