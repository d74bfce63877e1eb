"""The parent's side of `sim.objects.convert.worker`."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import IO

from sim.cores import cores
from sim.errors import InputError
from sim.objects.convert.conversion import Outcome, Settings, keep_refusal
from sim.objects.convert.source import examine

DEADLINE_S = 600.0
"""Time after which a worker is ended that takes no processor time either."""
START = (
    "import sys; sys.path = [path for path in sys.path if path]; from sim.objects.convert.worker import main; main()"
)
"""Without the working directory in the path: it may be the folder of objects."""
FROM_OUTSIDE = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
"""Signals that say nothing of the object."""


def convert_all(root: Path, meshes: Sequence[str], settings: Settings) -> Iterator[Outcome]:
    """Convert mesh files, paths from `root`, in as many processes as there are cores; yields in their order.

    Raises InputError where the cache cannot be written.
    """
    converters = [Converter(root, settings) for _ in range(min(cores(), len(meshes)))]
    free: SimpleQueue[Converter] = SimpleQueue()
    for converter in converters:
        free.put(converter)

    def convert(mesh: str) -> Outcome:
        converter = free.get()
        try:
            return converter(mesh)
        finally:
            free.put(converter)

    pool = ThreadPoolExecutor(len(converters))
    try:
        yield from pool.map(convert, meshes)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        for converter in converters:
            converter.kill()
        pool.shutdown()
        for converter in converters:
            converter.close()


class Converter:
    """Converts objects of one folder in a process of its own, which is replaced when it dies. Close it at the end."""

    def __init__(self, root: Path, settings: Settings) -> None:
        self._root = root
        self._settings = settings
        self._process: subprocess.Popen[str] | None = None
        self._errors: IO[bytes] | None = None

    def __call__(self, mesh: str) -> Outcome:
        """Convert the mesh file `mesh`, a path from the folder. Raises InputError where the cache cannot be written.

        What brings the process down is remembered as the object's refusal, unless it was ended from outside.
        """
        process = self._running()
        assert process.stdin is not None
        assert process.stdout is not None
        deadline = threading.Timer(DEADLINE_S, process.kill)
        deadline.start()
        try:
            process.stdin.write(json.dumps(mesh) + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
        except BrokenPipeError:
            line = ""
        finally:
            deadline.cancel()
        if line.endswith("\n"):
            kind, *content = json.loads(line)
            if kind == "error":
                raise InputError(content[0])
            return Outcome(*content)
        return self._fallen(mesh, process.wait())

    def kill(self) -> None:
        """End the process, also while another thread waits for its answer."""
        if (process := self._process) is not None:
            process.kill()

    def close(self) -> None:
        """End the process and free what belongs to it. May be called twice."""
        self.kill()
        if self._process is not None:
            with self._process:  # waits, and closes its pipes
                self._process = None
        if self._errors is not None:
            self._errors.close()
            self._errors = None

    def _running(self) -> subprocess.Popen[str]:
        if self._process is None:
            self._errors = tempfile.TemporaryFile()  # noqa: SIM115
            self._process = subprocess.Popen(
                [sys.executable, "-c", START, json.dumps([str(self._root), self._settings])],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                text=True,
                env={
                    **os.environ,
                    "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
                    **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
                },
                start_new_session=True,  # Ctrl-C is for the parent alone
            )
        return self._process

    def _fallen(self, mesh: str, status: int) -> Outcome:
        assert self._errors is not None
        self._errors.seek(0)
        said = self._errors.read().decode("utf-8", "replace").strip().splitlines()
        self.close()
        if status >= 0:
            raise RuntimeError(f"the converter of mesh files failed at {mesh}: {said[-1] if said else 'no message'}")
        source = examine(self._root, mesh)
        number = signal.Signals(-status)
        if number in FROM_OUTSIDE:
            return Outcome(source.digest, f"its conversion was ended from outside ({number.name})", {})
        reason = "takes too much time" if number == signal.SIGXCPU else f"brings its reader down ({number.name})"
        if source.digest:
            keep_refusal(source.digest, self._settings, reason)
        return Outcome(source.digest, reason, source.stamps)
