"""Episodes made by worker processes on this machine, which may die, hang or raise without losing an episode.

Workers are new interpreters: `multiprocessing` would import the main script in each of them, and torch with it.
"""

from __future__ import annotations

import os
import pickle
import socket
import subprocess
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from agent.collect.engine import Engine, Make
from agent.episode import Episode
from sim.errors import InputError

GRACE_S = 2.0
"""Time between asking a worker to end and killing it."""
AHEAD = 2
"""Episodes given to a worker: the one in progress and the next, so that it never waits for the parent."""
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


class WorkerFailed(Exception):
    """A worker died, hung or raised; says how."""


class ProcessEngine(Engine):
    """`workers` processes, each with its own `make()`. An episode that takes longer than `deadline_s`, or fails in any
    other way, is made again by a new worker; after `attempts` failures a RuntimeError tells the last one."""

    def __init__(self, make: Make, *, workers: int, deadline_s: float = 120.0, attempts: int = 3) -> None:
        if workers < 1:
            raise InputError(f"workers={workers}: at least 1 is needed, or nothing is collected")
        if not deadline_s > 0:
            raise InputError(f"deadline_s={deadline_s}: more than 0 is needed, or no episode is ever in time")
        if attempts < 1:
            raise InputError(f"attempts={attempts}: at least 1 is needed, or no episode is ever begun")
        self.restarts = 0
        """Workers replaced so far."""
        self._factory = pickle.dumps(make)
        self._size = workers
        self._deadline_s = deadline_s
        self._attempts = attempts
        self._workers: list[_Worker] = []
        self._lock = threading.Lock()  # close() may come from another thread, but a closed engine starts no worker
        self._closed = False
        self._iterating = False

    def episodes(self, numbers: Iterable[int]) -> Iterator[Episode]:
        with self._lock:
            if self._closed or self._iterating:
                raise RuntimeError(f"the engine is {'closed' if self._closed else 'in another iteration'}")
            self._iterating = True
        pending: deque[int] = deque()  # to be made again, before any other
        source = iter(numbers)
        failures: Counter[int] = Counter()
        try:
            while not self._closed:
                self._feed(pending, source)
                busy = [worker for worker in self._workers if worker.numbers]
                if not busy:
                    return
                for worker in _ready(busy):
                    if self._closed:
                        return
                    try:
                        episode = worker.receive(self._deadline_s)
                    except WorkerFailed as error:
                        if not self._closed:
                            self._replace(worker, str(error), pending, failures)
                    else:
                        yield episode
        finally:
            # Workers still busy would answer the next iteration with episodes it did not ask for.
            self._drop([worker for worker in self._workers if worker.numbers])
            self._iterating = False

    def close(self) -> None:
        """Ends the workers; may come from another thread, and then ends the iteration under way."""
        with self._lock:
            self._closed = True
        _end(self._workers)

    def _feed(self, pending: deque[int], source: Iterator[int]) -> None:
        """Gives numbers to workers, to each its first before any gets its second; starts those that are needed."""
        for depth in range(1, AHEAD + 1):
            for slot in range(self._size):
                if slot < len(self._workers) and len(self._workers[slot].numbers) >= depth:
                    continue
                number = pending.popleft() if pending else next(source, None)
                if number is None:
                    return
                if slot >= len(self._workers):
                    with self._lock:
                        if self._closed:
                            return
                        self._workers.append(_Worker(self._factory))
                self._workers[slot].send(number, self._deadline_s)

    def _replace(self, worker: _Worker, reason: str, pending: deque[int], failures: Counter[int]) -> None:
        """Ends a worker; its episodes wait for others, unless the one in progress failed too often."""
        self._drop([worker])
        self.restarts += 1
        number = worker.numbers[0]
        failures[number] += 1
        if failures[number] >= self._attempts:
            raise RuntimeError(f"episode {number} failed {failures[number]} times; the last time: {reason}")
        pending.extend(worker.numbers)

    def _drop(self, workers: list[_Worker]) -> None:
        _end(workers)
        self._workers = [worker for worker in self._workers if worker not in workers]


class _Worker:
    """A process, the socket to it, and the numbers it has to answer."""

    def __init__(self, factory: bytes) -> None:
        ours, theirs = socket.socketpair()
        root = str(Path(__file__).resolve().parents[2])  # where `agent` is; the worker then takes all of sys.path
        path = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "agent.collect.worker", str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                env=os.environ | ONE_THREAD | {"PYTHONPATH": path},
                start_new_session=True,  # Ctrl-C in the terminal must not reach it, not even while it starts
            )
        self.connection = Connection(ours.detach())
        self.numbers: deque[int] = deque()
        self.deadline = 0.0
        """On the monotonic clock, in s; of the first of `numbers`."""
        self._send((sys.path, factory))

    def send(self, number: int, deadline_s: float) -> None:
        if not self.numbers:
            self.deadline = time.monotonic() + deadline_s
        self.numbers.append(number)
        self._send(number)

    def _send(self, message: Any) -> None:
        with suppress(OSError):  # a dead worker is noticed, and replaced, where its answer is awaited
            self.connection.send_bytes(pickle.dumps(message))

    def receive(self, deadline_s: float) -> Episode:
        """Its answer for the first of `numbers`. Raises WorkerFailed where there is none."""
        if not self.connection.poll():  # one that has answered is in time, even if the caller was away meanwhile
            raise WorkerFailed(f"no answer within {deadline_s:g} s")
        try:
            kind, *content = pickle.loads(self.connection.recv_bytes())
            buffers = [_receive_buffer(self.connection) for _ in range(content[1])] if kind == "episode" else []
        except (EOFError, OSError) as error:
            raise WorkerFailed(f"its worker ended with exit status {_reap(self.process)}") from error
        if kind == "input error":
            raise InputError(content[0])
        if kind == "error":
            raise WorkerFailed(content[0])
        self.numbers.popleft()
        self.deadline = time.monotonic() + deadline_s
        return pickle.loads(content[0], buffers=buffers)


def _receive_buffer(connection: Connection) -> bytearray:
    """Writable memory, so that the arrays in it are as writable as those of any other engine."""
    return bytearray(connection.recv_bytes())


def _ready(busy: list[_Worker]) -> list[_Worker]:
    """Waits for the workers that have something to say, or have said nothing for too long."""
    remaining = min(worker.deadline for worker in busy) - time.monotonic()
    answered = wait([worker.connection for worker in busy], max(0.0, remaining))
    now = time.monotonic()
    return [worker for worker in busy if worker.connection in answered or worker.deadline <= now]


def _end(workers: list[_Worker]) -> None:
    """Ends workers whatever they do, and leaves no zombies. Their sockets close with the last reference to them."""
    for worker in workers:
        worker.process.terminate()
    for worker in workers:
        _reap(worker.process)


def _reap(process: subprocess.Popen[bytes]) -> int:
    """The exit status of a process that is ending."""
    try:
        return process.wait(GRACE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()
