"""What is made once and kept on disk: arms with light meshes, meshes made ready to be held."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from sim.errors import InputError


def cached(name: str, fill: Callable[[Path], None]) -> Path:
    """The folder `name` of the cache; where it is not there yet, `fill` is given an empty folder to write into.

    The cache is `$ARMPLAY_CACHE`, or `armplay` in `$XDG_CACHE_HOME` or `~/.cache`. A folder appears whole or not at
    all, so any number of processes may ask for the same one at the same time. `fill` decides by `name` alone what it
    writes. Raises InputError where the cache cannot be written; what `fill` raises leaves nothing behind.
    """
    folder = _root() / name
    if folder.exists():
        return folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix="draft-", dir=folder.parent))
    except OSError as error:
        raise InputError(
            f"cache folder {folder.parent}: {error.strerror}, set ARMPLAY_CACHE to a folder that can be written"
        ) from None
    try:
        fill(draft)
        draft.rename(folder)
    except OSError:
        shutil.rmtree(draft, ignore_errors=True)
        if not folder.exists():  # otherwise another process was first
            raise
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    return folder


def _root() -> Path:
    if "ARMPLAY_CACHE" in os.environ:
        return Path(os.environ["ARMPLAY_CACHE"])
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "armplay"
