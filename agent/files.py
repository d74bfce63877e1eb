"""Files and folders that appear whole or not at all, whenever the process is killed or the power fails."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from sim.errors import InputError

_Made = TypeVar("_Made")
DEEPEST = 32
"""Levels of lists and objects in a file of JSON."""


def write_whole(path: Path, fill: Callable[[BinaryIO], object]) -> None:
    """Write `path` through a temporary file beside it: written, synced, renamed, and the folder synced."""
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        with temporary.open("wb") as file:
            fill(file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def write_text(path: Path, text: str) -> None:
    """As `write_whole`, for text in UTF-8."""
    write_whole(path, lambda file: file.write(text.encode()))


def append_lines(path: Path, lines: Iterable[str]) -> None:
    """Add lines, each with its end, to a file in UTF-8; a kill may cut the last one. Raises OSError where they do not
    fit: the file is as it was then."""
    rest = memoryview("".join(lines).encode())
    with path.open("ab", buffering=0) as file:
        before = file.tell()
        try:
            while rest:
                rest = rest[file.write(rest) :]
        except OSError:
            file.truncate(before)
            raise


def read_json(path: Path) -> Any:
    """The JSON value in a file. Raises OSError, and ValueError as `parse_json`."""
    return parse_json(path.read_text(encoding="utf-8"))


def parse_json(text: str) -> Any:
    """The JSON value that the text is. Raises ValueError for what is none, or is nested deeper than anything of ours:
    what would follow it down might not come back."""
    try:
        value = json.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    level = [value]
    for _ in range(DEEPEST):
        level = [part for each in level for part in _parts(each)]
        if not level:
            return value
    raise ValueError(f"nested more than {DEEPEST} deep")


def read_lines(path: Path, made: Callable[[Any], _Made], *, wrong: str) -> list[_Made]:
    """What `made` makes of each line of JSON; a last line that a kill has cut is left out. Raises InputError that says
    what is `wrong` with any other line that is none, and for a file that cannot be read."""
    found: list[_Made] = []
    try:
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: {error.strerror if isinstance(error, OSError) else error}") from None
    for line in lines:
        try:
            found.append(made(parse_json(line)))
        except (ValueError, TypeError, KeyError, OverflowError):
            if line is not lines[-1]:
                raise InputError(f"{path}: line {len(found) + 1} {wrong}") from None
    return found


def _parts(value: Any) -> Iterable[Any]:
    return value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def open_folder(root: Path, what: str = "dataset") -> int:
    """Creates and locks the folder of a `what`; returns a descriptor whose closing ends the lock, as the end of the
    process does, even of one that is killed. Raises InputError where another process holds the lock."""
    if root.exists() and not root.is_dir():
        raise InputError(f"{root}: a file, where the folder of the {what} should be; give another folder")
    try:
        root.mkdir(parents=True, exist_ok=True)
        folder = os.open(root, os.O_RDONLY)
    except OSError as error:
        raise unwritable(root, error) from error
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(folder)
        raise InputError(f"{root}: another process writes there; wait for it, or give another folder") from error
    except OSError:
        pass  # some network file systems have no locks
    return folder


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """A folder to be filled, which becomes `path` at the end; nothing is left of it where filling it fails.

    Raises InputError where `path` exists, and for what the file system cannot do.
    """
    if path.exists() or path.is_symlink():
        raise InputError(f"{path}: exists already, and nothing in it is to be lost; give another folder")
    draft = path.absolute().parent / f".{path.name}.tmp"
    lock = open_folder(draft, "export")
    try:
        for left in draft.iterdir():  # by a process that was killed
            shutil.rmtree(left) if left.is_dir() and not left.is_symlink() else left.unlink()
        yield draft
        os.sync()  # thousands of small files: one by one would take minutes
        os.rename(draft, path)
    except BaseException as error:
        shutil.rmtree(draft, ignore_errors=True)
        if isinstance(error, OSError):
            raise unwritable(path, error) from error
        raise
    finally:
        os.close(lock)


def unwritable(path: Path, error: OSError) -> InputError:
    """What to tell a user whose disk is full, or whose folder is read-only."""
    return InputError(f"{path}: cannot be written ({error.strerror or error}), so nothing can be kept there")
