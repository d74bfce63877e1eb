"""A mesh file and the files that it refers to: found, checked and read. Nothing else is ever opened."""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

from sim.objects.convert.mtl import library_names, picture_names

MAX_BYTES = 256 << 20
"""Of one file, and twice that of all files of one object."""
MAX_LIBRARY_BYTES = 8 << 20
"""Of one material library."""
MAX_REFERENCES = 500
"""Names that one object may look for."""
SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
URI = re.compile(rb'"uri"\s*:\s*("(?!data:)[^"]{1,4096}")')
NESTING = 4
"""Folders below an instance's that are searched."""
ENTRIES = 2000
"""Files and folders of an instance that are looked at."""


class Refused(Exception):
    """An object cannot be shown. The message is one line and says why, without naming the object."""


class Source(NamedTuple):
    """What an object is made from, and nothing of where it lies."""

    suffix: str
    """Lower case, with its dot."""
    data: bytes
    """Of the mesh file."""
    references: dict[str, bytes]
    """Contents of the files that it names, by name as written there; of those that do not exist nothing."""
    refusal: str
    """Why it must not be converted; empty where it may."""
    digest: str
    """SHA-256 of all of these; empty where the mesh file cannot be read at all."""
    stamps: dict[str, list[int]]
    """`stamp` of every file that was looked for, by path from the root."""


def examine(root: Path, mesh: str) -> Source:
    """Read the mesh file `mesh`, a path from `root` that begins with the category, and what it refers to.

    Never raises for what the files hold, and takes time and memory in proportion to their size: it is safe to call
    for a file that brought a reader down. `refusal` says what is wrong.
    """
    reading = _Reading(root, mesh)
    data, refusal = b"", ""
    suffix = Path(mesh).suffix.lower()
    try:
        data = reading.read(mesh, MAX_BYTES)
        reading.follow(suffix, data)
    except Refused as error:
        refusal = str(error)
    digest = ""
    if data:
        contents = sorted((name, hashlib.sha256(content).hexdigest()) for name, content in reading.contents.items())
        everything = [suffix, hashlib.sha256(data).hexdigest(), contents, refusal]
        digest = hashlib.sha256(json.dumps(everything).encode()).hexdigest()
    return Source(suffix, data, reading.contents, refusal, digest, reading.stamps)


def stamp(path: Path) -> list[int]:
    """Size and modification time in ns of a file, or [] where there is none."""
    try:
        info = os.stat(path)
    except (OSError, ValueError):
        return []
    return [info.st_size, info.st_mtime_ns]


def walk(folder: Path) -> Iterator[tuple[int, Path]]:
    """The files in a folder and the folders below it with their depth, in order; links to folders are not followed."""
    waiting, seen = [(0, folder)], 0
    for depth, here in waiting:
        try:
            entries = sorted(os.scandir(here), key=lambda entry: entry.name)
        except OSError:
            continue
        for entry in entries[: ENTRIES - seen]:
            if not entry.is_dir(follow_symlinks=False):
                yield depth, Path(entry.path)
            elif depth < NESTING:
                waiting.append((depth + 1, Path(entry.path)))
        seen += len(entries)


class _Reading:
    """Follows the references of one object. Paths are strings, from the root."""

    def __init__(self, root: Path, mesh: str) -> None:
        self.contents: dict[str, bytes] = {}
        self.stamps: dict[str, list[int]] = {}
        self._root = root
        self._real_root = os.path.realpath(root)
        self._mesh = mesh
        self._category = Path(mesh).parts[0]
        self._left = 2 * MAX_BYTES

    def read(self, path: str, limit: int) -> bytes:
        """The content of a file of at most `limit` bytes. Raises Refused where it is none that may be read."""
        name = os.path.basename(path)
        self.stamps[path] = stamp(self._root / path)
        real = Path(os.path.realpath(self._root / path))
        if not real.is_relative_to(self._real_root):
            raise Refused(f"{name!r} is a link that leads out of the folder of objects")
        try:
            info = real.stat()
            if not stat.S_ISREG(info.st_mode):
                raise Refused(f"{name!r} is not a file")
            if info.st_size > min(limit, self._left):
                raise Refused(f"{name!r} is too large: {info.st_size / 2**20:.0f} MB, {limit >> 20} MB are read")
            content = real.read_bytes()
        except OSError as error:
            raise Refused(f"{name!r} cannot be read: {error.strerror}") from None
        if not content:
            raise Refused(f"{name!r} is empty")
        self._left -= len(content)
        return content

    def follow(self, suffix: str, data: bytes) -> None:
        """Read what a mesh file of that kind names. Raises Refused where it must not."""
        folder = os.path.dirname(self._mesh)
        if suffix == ".obj":
            for library in library_names(data):
                if self._fetch(folder, library, MAX_LIBRARY_BYTES):
                    inner = os.path.join(folder, os.path.dirname(library.replace("\\", "/")))
                    for name, used in picture_names(self.contents[library]).items():
                        self._fetch(inner, name, MAX_BYTES if used else 0)
        elif suffix in (".gltf", ".glb"):
            header = data if suffix == ".gltf" else data[20 : 20 + int.from_bytes(data[12:16], "little")]
            for quoted in URI.findall(header):
                try:
                    name = str(json.loads(quoted))
                except ValueError:
                    raise Refused("names a file in a way that is not JSON") from None
                self._fetch(folder, name, MAX_BYTES)
        elif suffix == ".ply":
            for line in data[:65536].partition(b"end_header")[0].splitlines():
                if line.startswith(b"comment TextureFile "):
                    self._fetch(folder, line[20:].decode("utf-8", "replace").strip(), MAX_BYTES)

    def _fetch(self, folder: str, name: str, limit: int) -> bool:
        """Whether there is a file of that name, which is then read unless `limit` is 0."""
        if not self.contents.get(name):
            if len(self.stamps) > MAX_REFERENCES:
                raise Refused(f"refers to more than {MAX_REFERENCES} files")
            path = self._locate(folder, name)
            self.contents[name] = self.read(path, limit) if path is not None and limit else b""
        return bool(self.contents[name])

    def _locate(self, folder: str, name: str) -> str | None:
        for plain in dict.fromkeys((name.replace("\\", "/"), unquote(name).replace("\\", "/"))):
            if SCHEME.match(plain) or plain.startswith("/") or not plain.isprintable():
                raise Refused(f"refers to {name[:100]!r}: only files in its category's folder may be named")
            path = os.path.normpath(os.path.join(folder, plain))
            if Path(path).parts[:1] != (self._category,):
                raise Refused(f"refers to {name[:100]!r}, which lies outside its category's folder")
            self.stamps[path] = stamp(self._root / path)
            if self.stamps[path]:
                return path
        # In Google Scanned Objects the texture lies in another folder of the same object.
        return self._by_name.get(os.path.basename(plain))

    @cached_property
    def _by_name(self) -> dict[str, str]:
        """The files of the instance's folder; of two with one name, the one that lies higher."""
        if len(Path(self._mesh).parts) < 3:
            return {}
        files = [file for _, file in walk(self._root.joinpath(*Path(self._mesh).parts[:2]))]
        return {file.name: str(file.relative_to(self._root)) for file in reversed(files)}
