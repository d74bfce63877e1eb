"""What became of the objects of a folder, remembered by their files' sizes and times, so that a start reads no mesh."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import time
from pathlib import Path

from sim.cache import cached
from sim.objects.convert.conversion import FORMAT, Outcome, Settings
from sim.objects.convert.source import stamp

SETTLED_NS = 2_000_000_000
"""A file that was changed later than this before it was read may change again without a new time."""


class Ledger:
    """Outcomes by the path of the mesh file.

    Processes may write at the same time: the last one's ledger stays, and what it lacks is only found out again.
    """

    def __init__(self, root: Path, settings: Settings) -> None:
        name = hashlib.sha256(json.dumps([FORMAT, os.path.realpath(root), *settings]).encode()).hexdigest()[:32]
        self._root = root
        self._folder = cached(f"folders/{name}", lambda draft: None)
        self._changed = False
        try:
            self._outcomes = json.loads((self._folder / "outcomes.json").read_bytes())
        except (OSError, ValueError):
            self._outcomes = {}

    def __getitem__(self, mesh: str) -> Outcome | None:
        """What became of a mesh file, or None where that is not known, or its files have changed."""
        known = self._outcomes.get(mesh)
        if known is None or any(stamp(self._root / path) != then for path, then in known[2].items()):
            return None
        return Outcome(*known)

    def __setitem__(self, mesh: str, outcome: Outcome) -> None:
        """Remember an outcome, unless one of its files is so new that it may be changing still."""
        newest = max((then[1] for then in outcome.stamps.values() if then), default=time.time_ns())
        if newest < time.time_ns() - SETTLED_NS:
            self._outcomes[mesh] = outcome
            self._changed = True

    def save(self) -> None:
        """Write what is new. A ledger that cannot be written is only slower."""
        if not self._changed:
            return
        descriptor, draft = tempfile.mkstemp(dir=self._folder)
        try:
            with os.fdopen(descriptor, "w") as file:
                json.dump(self._outcomes, file)
            os.replace(draft, self._folder / "outcomes.json")
            self._changed = False
        except OSError:
            os.unlink(draft)
