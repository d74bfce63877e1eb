"""A process that reads what is given to it, within bounds of time and memory, and the one that gives it."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import traceback
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from tests.scripts.running import ROOT

MEMORY = 2 << 30
"""Bytes of address space beyond what the libraries have taken."""
GROWTH = 300 << 20
"""Bytes of memory that a small folder may take."""
SECONDS = 20
"""Of processor time, for one folder."""
DEADLINE_S = 120.0
"""After which one that waits for something is ended."""
LONGEST = 1000
"""Characters of what is told of a folder, its own name left out."""


class Answer(NamedTuple):
    """What became of one folder."""

    outcome: str
    """read, refused, or raised."""
    told: str
    """The message of the refusal, or the traceback."""
    grown: int
    """Bytes of memory that were taken meanwhile; 0 where the system does not tell."""


class Child:
    """Reads folders in a process of its own, which is replaced when one brings it down."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115

    def read(self, reader: str, folder: Path) -> Answer:
        """Give the folder to a reader."""
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.fuzz.child"],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                text=True,
                env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)},
            )
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        deadline = threading.Timer(DEADLINE_S, process.kill)
        deadline.start()
        try:
            process.stdin.write(json.dumps([reader, str(folder)]) + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
        except BrokenPipeError:
            line = ""
        finally:
            deadline.cancel()
        if not line:
            status = process.wait()
            self.close()
            return Answer("raised", f"{reader}: the process ended with status {status}: {self._said()}", 0)
        return Answer(*json.loads(line))

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            with self._process as process:
                process.kill()
            self._process = None

    def _said(self) -> str:
        self._errors.seek(0)
        return self._errors.read().decode("utf-8", "replace")[-2000:]


def check(answer: Answer, folder: Path) -> None:
    """That a folder was read, or refused in one line; and that it took no more memory than it may."""
    assert answer.outcome != "raised", answer.told
    assert answer.grown <= GROWTH, f"{answer.grown >> 20} MiB: {answer.told}"
    if answer.outcome == "refused":
        told = answer.told.replace(str(folder), "")
        assert told.isprintable(), repr(told)
        assert 0 < len(told) <= LONGEST, told


def main() -> None:
    """Answer requests, a line each, until there are no more."""
    from sim.errors import InputError
    from tests.fuzz.readers import READERS

    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    _limit(resource.RLIMIT_AS, _bytes("VmSize") + MEMORY)
    for line in sys.stdin:
        reader, folder = json.loads(line)
        used = resource.getrusage(resource.RUSAGE_SELF)
        _limit(resource.RLIMIT_CPU, int(used.ru_utime + used.ru_stime) + SECONDS)
        before, outcome, told = _from_now_on(), "read", ""
        try:
            READERS[reader](Path(folder))
        except InputError as error:
            outcome, told = "refused", str(error)
        except BaseException:
            outcome, told = "raised", traceback.format_exc()
        answers.write(json.dumps([outcome, told, _bytes("VmHWM") - before]) + "\n")
        answers.flush()


def _from_now_on() -> int:
    """Have the system measure the peak of this process's memory anew; the bytes that it takes now."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
    return _bytes("VmRSS")


def _bytes(name: str) -> int:
    """A size in bytes of this process, as Linux calls it."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith(f"{name}:"))


def _limit(what: int, amount: int) -> None:
    with suppress(OSError, ValueError):
        resource.setrlimit(what, (amount, resource.getrlimit(what)[1]))


if __name__ == "__main__":
    main()
