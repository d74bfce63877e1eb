"""Episodes made by worker processes on this machine, which may die, hang or raise without losing an episode.

Workers are new interpreters: `multiprocessing` would import the main script in each of them, and torch with it.
"""

from __future__ import annotations

import math
import os
import pickle
import socket
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from itertools import cycle
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from agent.collect.engine import Make, Order
from agent.collect.player import Trouble
from agent.collect.slot import Slot
from agent.collect.supervisor import AHEAD, DEFAULT_LIMITS, GRACE_S, Answer, Limits, Supervisor, Worker, WorkerFailed
from sim.errors import InputError

ROOT = Path(__file__).resolve().parents[2]
"""Where `agent` and `sim` are."""
ONE_THREAD = dict.fromkeys(
    (
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "MKL_NUM_THREADS",
        "VECLIB_MAXIMUM_THREADS",
        "NUMEXPR_NUM_THREADS",
        "OPENCV_FOR_THREADS_NUM",
    ),
    "1",
)
"""Environment of a worker: N workers with N threads each would only wait for one another."""


class ProcessWorker(Worker):
    """A process, the socket to it, and the memory in which it leaves the arrays of episodes."""

    def __init__(self, factory: bytes) -> None:
        super().__init__()
        slots = [Slot() for _ in range(AHEAD)]
        self._slots = cycle(slots)
        ours, theirs = socket.socketpair()
        path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
        with theirs:
            passed = [theirs.fileno(), *(slot.descriptor for slot in slots)]
            self.process = subprocess.Popen(
                [sys.executable, "-m", "agent.collect.worker", *map(str, passed)],
                stdin=subprocess.DEVNULL,
                pass_fds=passed,
                env=os.environ | ONE_THREAD | {"PYTHONPATH": path},
                start_new_session=True,  # Ctrl-C in the terminal must not reach it, not even while it starts
            )
        self.connection = Connection(ours.detach())
        self._send((sys.path, factory))  # the worker takes all of sys.path

    def send(self, order: Order) -> None:
        self._send(order)

    def _send(self, message: Any) -> None:
        with suppress(OSError):
            self.connection.send_bytes(pickle.dumps(message))

    def answered(self) -> bool:
        return self.connection.poll()

    def receive(self) -> Answer:
        try:
            answer = pickle.loads(self.connection.recv_bytes())
        except (EOFError, OSError) as error:
            raise WorkerFailed(f"its worker ended with exit status {_reap(self.process)}") from error
        if isinstance(answer, Trouble):
            raise InputError(answer.text) if answer.users else WorkerFailed(answer.text)
        pickled, lengths, resident = answer
        return Answer(pickle.loads(pickled, buffers=next(self._slots).read(lengths)), resident)


class ProcessCrew:
    """Worker processes that all play what the same factory makes."""

    def __init__(self, make: Make) -> None:
        self._factory = pickle.dumps(make)

    def hire(self) -> ProcessWorker:
        return ProcessWorker(self._factory)

    def wait(self, workers: Sequence[ProcessWorker], seconds: float) -> Sequence[ProcessWorker]:
        answered = wait([worker.connection for worker in workers], None if math.isinf(seconds) else seconds)
        return [worker for worker in workers if worker.connection in answered]

    def end(self, workers: Sequence[ProcessWorker]) -> None:
        """Leaves no zombies. Sockets and memory go with the last reference to a worker."""
        for worker in workers:
            worker.process.terminate()
        for worker in workers:
            _reap(worker.process)

    def close(self) -> None:
        """Nothing is shared by the workers."""


class ProcessEngine(Supervisor[ProcessWorker]):
    """`workers` processes, each with its own `make()`."""

    def __init__(self, make: Make, *, workers: int, limits: Limits = DEFAULT_LIMITS) -> None:
        super().__init__(ProcessCrew(make), workers, limits)


def _reap(process: subprocess.Popen[bytes]) -> int:
    """The exit status of a process that is ending."""
    try:
        return process.wait(GRACE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()
