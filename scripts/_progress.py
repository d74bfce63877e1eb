"""Progress that suits where it is shown: a bar on a terminal, plain lines in a file, nothing when quiet."""

from __future__ import annotations

import sys
import time

from tqdm import tqdm

from sim.objects import Catalogue

PLAIN_EVERY_S = 5.0


class Progress:
    """Counts to `total`; `note` is shown beside the count."""

    def __init__(self, total: int, *, unit: str, title: str, start: int = 0, quiet: bool = False) -> None:
        self._title, self._unit, self._total = title, unit, total
        self._done = start
        self._quiet = quiet
        self._bar = None
        self._spoke = self._began = time.monotonic()
        self._first = start
        if not quiet and sys.stderr.isatty():
            self._bar = tqdm(total=total, initial=start, unit=f" {unit}", desc=title, dynamic_ncols=True)

    def advance(self, done: int, note: str) -> None:
        """Show that `done` are done in all."""
        step, self._done = done - self._done, done
        if self._bar is not None:
            self._bar.set_postfix_str(note, refresh=False)
            self._bar.update(step)
            return
        now = time.monotonic()
        if not self._quiet and (now - self._spoke >= PLAIN_EVERY_S or done >= self._total):
            self._spoke = now
            left = (now - self._began) / max(1, done - self._first) * (self._total - done)
            print(
                f"{self._title}: {done}/{self._total} {self._unit}, {note}, {left:.0f} s left",
                file=sys.stderr,
                flush=True,
            )

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *exception: object) -> None:
        if self._bar is not None:
            self._bar.close()


def prepare(catalogue: Catalogue, *, quiet: bool) -> None:
    """Make all objects ready before anyone waits for an episode; says what there is."""
    bar: Progress | None = None

    def advance(done: int, total: int) -> None:
        nonlocal bar
        bar = bar or Progress(total, unit="objects", title="objects", quiet=quiet)
        bar.advance(done, "converted once, kept in the cache")

    said = catalogue.prepare(advance)
    if bar is not None:
        bar.__exit__()
    if said and not quiet:
        print(said, flush=True)
