"""`checksums.txt`: the SHA-256 of each file of a dataset, as `sha256sum -c checksums.txt` reads it.

A line is taken out before its file is replaced, and put in after that: whenever the process is killed, a line that is
there is true. What a killed process left without a line gets one when the dataset is continued. Lines are sorted, so
that the file is the same whatever the order in which shards were completed.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable
from pathlib import Path

from agent import shards
from agent.files import sha256_of, write_text
from sim.errors import InputError
from sim.waiting import counted

NAME = "checksums.txt"
HEADER = "dataset.json"
_LINE = re.compile(r"([0-9a-f]{64})  (\S+)\n")


def text_of(digests: dict[str, str]) -> str:
    """The content of the file, for path within the dataset -> SHA-256 in hexadecimal."""
    return "".join(f"{digests[name]}  {name}\n" for name in sorted(digests))


def read_checksums(root: Path) -> dict[str, str]:
    """Path within the dataset -> SHA-256 in hexadecimal; empty where there is no such file.

    Raises InputError for a file that is not exactly as `Checksums` writes it.
    """
    path = root / NAME
    try:
        text = path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read ({error}), so no file can be checked; restore it") from error
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(keepends=True), start=1):
        match = _LINE.fullmatch(line)
        if match is None:
            raise InputError(f"{path}: line {number} is no checksum and file, so no file can be checked; restore it")
        found[match[2]] = match[1]
    if text != text_of(found):
        raise InputError(f"{path}: its lines are not sorted by file, as they were written; restore it")
    return found


class Checksums:
    """The checksums of the dataset in `root`, for whoever writes it; may be used from several threads."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._digests = read_checksums(root)
        self._lock = threading.Lock()

    def __contains__(self, name: str) -> bool:
        return name in self._digests

    def add(self, *names: str) -> None:
        """Files that are complete."""
        digests = {name: sha256_of(self._root / name) for name in names}
        with self._lock:
            self._change(self._digests | digests)

    def forget(self, *names: str) -> None:
        """Files that are about to be replaced, or are gone."""
        with self._lock:
            self._change({name: digest for name, digest in self._digests.items() if name not in names})

    def catch_up(self, stored: dict[int, int]) -> None:
        """Gives a line to each file that an interruption left without one, shards once the checksums of their pages
        are verified, and forgets shards that are gone. `stored`: shard index -> number of episodes in it.

        Raises InputError for a shard that is damaged, and for a `dataset.json` that is not as it was written.
        """
        if not self.fits(HEADER):
            raise InputError(
                f"{self._root / HEADER}: not as it was written, so what it says of the episodes may be wrong; restore "
                f"it, or delete its line in {NAME} to keep it as it is"
            )
        present = {shards.name_of(index): index for index in stored}
        self.forget(*(self._digests.keys() - present.keys() - {HEADER}))
        new = present.keys() - self._digests.keys()
        for name in sorted(new):
            for _ in shards.read(self._root / name, range(stored[present[name]])):
                pass
        self.add(*new, *({HEADER} - self._digests.keys()))

    def fits(self, name: str) -> bool:
        """The file has the bytes that it was written with, or no line."""
        return name not in self._digests or self._digests[name] == sha256_of(self._root / name)

    def checked(self, names: Iterable[str]) -> dict[str, str]:
        """The digests of these files, computed anew. Raises InputError for one that is not as it was written."""
        names = [*names]
        listed = counted(names, len(names), title=f"check {self._root.name}", unit="files")
        found = {name: sha256_of(self._root / name) for name in listed}
        for name, digest in found.items():
            if self._digests.get(name, digest) != digest:
                raise InputError(
                    f"{self._root / name}: not the bytes that were written, so they are not used; restore it"
                )
        return found

    def _change(self, digests: dict[str, str]) -> None:
        if digests != self._digests:
            write_text(self._root / NAME, text_of(digests))
            self._digests = digests
