"""Progress that suits where it is shown: a bar on a terminal, plain lines in a file, nothing when quiet."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from tqdm import tqdm

from sim.objects import Catalogue
from sim.waiting import heard_by

PLAIN_EVERY_S = 5.0
SOON_S = 3.0
"""What takes less shows nothing."""


class Progress:
    """Counts to `total`; `note` is shown beside the count."""

    def __init__(
        self, total: int, *, unit: str, title: str, start: int = 0, quiet: bool = False, as_json: bool = False
    ) -> None:
        self._title, self._unit, self._total = title, unit, total
        self._done = start
        self._quiet = quiet
        self._json = as_json
        self._bar = None
        self._spoke = self._began = time.monotonic()
        self._first = start
        if not quiet and not as_json and sys.stderr.isatty():
            self._bar = tqdm(total=total, initial=start, unit=f" {unit}", desc=title, dynamic_ncols=True)

    def advance(self, done: int, note: str, **facts: float) -> None:
        """Show that `done` are done in all; `facts` stand in the place of `note` where JSON is asked for."""
        step, self._done = done - self._done, done
        if self._bar is not None:
            self._bar.set_postfix_str(note, refresh=False)
            self._bar.update(step)
            return
        now = time.monotonic()
        if not self._quiet and (now - self._spoke >= PLAIN_EVERY_S or done >= self._total):
            self._spoke = now
            left = (now - self._began) / max(1, done - self._first) * (self._total - done)
            if self._json:
                row = {"task": self._title, "done": done, "total": self._total, "seconds_left": round(left, 1), **facts}
                print(json.dumps(row), flush=True)
                return
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


@contextmanager
def shown(title: str, unit: str, *, quiet: bool) -> Iterator[Callable[[int, int], None]]:
    """Progress whose length is told with the first step: what it gives is called with steps done, and their number."""
    with ExitStack() as stack:
        bars: list[Progress] = []

        def told(done: int, total: int) -> None:
            if not bars:
                bars.append(stack.enter_context(Progress(total, unit=unit, title=title, quiet=quiet)))
            bars[0].advance(done, f"{done / max(total, 1):.0%}")

        yield told


@contextmanager
def waits_shown(*, quiet: bool) -> Iterator[None]:
    """Within, what tells `sim.waiting` how far it is, and takes longer than 3 s, has a bar or lines of its own."""
    began: dict[str, float] = {}
    bars: dict[str, Progress] = {}

    def told(title: str, unit: str, done: int, total: int) -> None:
        now = time.monotonic()
        waited = now - began.setdefault(title, now)
        if title not in bars and waited >= SOON_S and done < total:
            bars[title] = Progress(total, unit=unit, title=title, start=done)
        if title in bars:
            bars[title].advance(done, f"{done / total:.0%}")
        if done >= total:
            began.pop(title)
            if title in bars:
                bars.pop(title).__exit__()

    with ExitStack() as stack:
        if not quiet:
            stack.enter_context(heard_by(told))
        yield
        for bar in bars.values():
            bar.__exit__()


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
