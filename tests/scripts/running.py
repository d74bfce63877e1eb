"""Runs the scripts as a user does: in this process where that is enough, in one of its own where it is to be ended."""

from __future__ import annotations

import contextlib
import io
import os
import runpy
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import torch
from threadpoolctl import threadpool_limits

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 120.0


class Outcome(NamedTuple):
    """What a script left on the terminal."""

    status: int
    out: str
    err: str


def run_here(script: str, *arguments: object) -> Outcome:
    """Run `scripts/<script>.py` in this process, with one thread."""
    out, err = io.StringIO(), io.StringIO()
    argv, path, threads = sys.argv, sys.path[:], torch.get_num_threads()
    status: object
    sys.argv, status = [script, *map(str, arguments)], None
    sys.path.insert(0, str(ROOT / "scripts"))
    torch.set_num_threads(1)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), threadpool_limits(1):
            runpy.run_path(str(ROOT / "scripts" / f"{script}.py"), run_name="__main__")
    except SystemExit as ended:
        status = ended.code
    finally:
        sys.argv, sys.path[:] = argv, path
        torch.set_num_threads(threads)
    assert isinstance(status, int), status
    return Outcome(status, out.getvalue(), err.getvalue())


def start(script: str, *arguments: object, **environment: str) -> subprocess.Popen[str]:
    """Start `scripts/<script>.py` in a process of its own."""
    return subprocess.Popen(
        [sys.executable, str(ROOT / "scripts" / f"{script}.py"), *map(str, arguments)],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1"} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def end_of(process: subprocess.Popen[str]) -> Outcome:
    """Wait for a started script."""
    out, err = process.communicate(timeout=PATIENCE_S)
    return Outcome(process.returncode, out, err)


def wait_until(ready: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    """Look again and again, while the process lives."""
    pause = threading.Event()
    while not ready():
        assert process.poll() is None, process.communicate()
        pause.wait(0.01)


def assert_one_line(outcome: Outcome) -> None:
    """What a user's mistake looks like: one line on stderr, and exit status 2."""
    assert outcome.status == 2, outcome
    assert outcome.err.startswith("error: "), outcome.err
    assert outcome.err.count("\n") == 1, outcome.err
    assert outcome.err.endswith("\n")
    assert outcome.out == ""


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
