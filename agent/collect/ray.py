"""Episodes made on many machines, by Ray: nodes may come, go and die without losing an episode.

All nodes run the Python (3.10 or 3.11) and the Ray of this process; Ray checks it. Code and settings travel there with
the first episode, so nothing of ours has to be installed, only what it imports.
"""

from __future__ import annotations

import logging
import os
import pickle
import socket
import sys
import threading
import time
from collections import deque
from collections.abc import Sequence
from typing import Any

import numpy as np

from agent.collect.engine import Make, Order
from agent.collect.player import Player, Trouble, resident
from agent.collect.processes import ONE_THREAD, ROOT
from agent.collect.supervisor import DEFAULT_LIMITS, GRACE_S, Answer, Limits, Supervisor, Worker, WorkerFailed
from sim.errors import InputError

# Ray reads these when it is imported: it would tell of each worker that dies, which is our business, on stdout.
for _name, _value in {
    "RAY_DEDUP_LOGS_SKIP_REGEX": ".*",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_NUM_REDIS_GET_RETRIES": "1",  # a cluster that is gone is 40 s of waiting, not 20 times that
}.items():
    os.environ.setdefault(_name, _value)

try:
    import ray
except ImportError as _error:
    raise InputError("engine=ray: Ray is not installed: pip install -e .[ray]") from _error

CONNECT_S = 10.0
POLL_S = 0.5
"""Longest time in Ray during which the engine cannot be closed."""
START_S = 120.0
"""Time without any worker, because no node has a free CPU, before that is an error."""
STARTS = 3
"""Workers in a row that may die before they are ready."""


class Actor:
    """Where an episode is made, on whatever machine."""

    def __init__(self, path: list[str], factory: bytes) -> None:
        sys.path.extend(entry for entry in path if entry not in sys.path)
        self._player = Player(factory)

    def ready(self) -> None:
        """Answers when the actor runs."""

    def play(self, order: Order) -> Answer | Trouble:
        episode = self._player(order)
        return episode if isinstance(episode, Trouble) else Answer(episode, resident())

    def close(self) -> None:
        self._player.close()


class RayWorker(Worker):
    """An actor, and what it was asked and has not answered yet."""

    def __init__(self, actor: Any) -> None:
        super().__init__()
        self.ready = False
        self.actor = actor
        self.since = time.monotonic()
        self.answers: deque[Any] = deque([actor.ready.remote()])

    def send(self, order: Order) -> None:
        self.answers.append(self.actor.play.remote(order))

    def answered(self) -> bool:
        return bool(ray.wait([self.answers[0]], timeout=0)[0])

    def receive(self) -> Answer:
        answer = self.next_answer()
        if isinstance(answer, Trouble):
            raise InputError(answer.text) if answer.users else WorkerFailed(answer.text)
        # Arrays lie in Ray's store, and cannot be written to: it is to be free again, and they are to be ours.
        arrays = {k: np.array(v) for k, v in answer.episode._asdict().items() if isinstance(v, np.ndarray)}
        return Answer(answer.episode._replace(**arrays), answer.resident)

    def next_answer(self) -> Any:
        try:
            return ray.get(self.answers.popleft(), timeout=GRACE_S)  # it is here, or else lost
        except ray.exceptions.RayError as error:
            line = next(iter(str(error).splitlines()), "no reason given")
            raise WorkerFailed(f"its Ray actor is lost ({type(error).__name__}: {line})") from error


class RayCrew:
    """Actors of one cluster that all play what the same factory makes. Ray may be used by one thread at a time."""

    def __init__(self, make: Make, *, workers: int, address: str | None) -> None:
        self._factory, self._workers = pickle.dumps(make), workers
        self._lock = threading.RLock()
        self._closed = False
        self._failed_starts = 0
        self._began = not ray.is_initialized()
        if self._began:
            _connect(address, workers)
        path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
        self._class = ray.remote(Actor).options(
            num_cpus=1, max_restarts=0, max_task_retries=0, runtime_env={"env_vars": ONE_THREAD | {"PYTHONPATH": path}}
        )

    def hire(self) -> RayWorker:
        with self._lock:
            return RayWorker(self._class.remote(sys.path, self._factory))

    def wait(self, workers: Sequence[RayWorker], seconds: float) -> Sequence[RayWorker]:
        with self._lock:
            if self._closed:
                return []
            firsts = [worker.answers[0] for worker in workers]
            ray.wait(firsts, timeout=min(seconds, POLL_S))
            arrived = set(ray.wait(firsts, num_returns=len(firsts), timeout=0)[0])
            found = [worker for worker, first in zip(workers, firsts, strict=True) if first in arrived]
            starting = [worker for worker in found if not worker.ready]
            for worker in starting:
                self._begin(worker)
        if not found and all(time.monotonic() - worker.since > START_S and not worker.ready for worker in workers):
            raise InputError(
                f"workers={self._workers}: no node of the Ray cluster has had a free CPU for any of them for "
                f"{START_S:g} s, so nothing is collected"
            )
        return [worker for worker in found if worker not in starting]

    def _begin(self, worker: RayWorker) -> None:
        """Makes a worker ready, or another one in its place if it died on the way."""
        try:
            worker.next_answer()
        except WorkerFailed as error:
            self._failed_starts += 1
            if self._failed_starts >= STARTS:
                raise RuntimeError(f"{STARTS} workers in a row did not start; the last one: {error}") from error
            worker.actor = self._class.remote(sys.path, self._factory)
            worker.answers.append(worker.actor.ready.remote())
        else:
            worker.ready, self._failed_starts = True, 0

    def end(self, workers: Sequence[RayWorker]) -> None:
        with self._lock:
            if self._closed:
                return
            idle = [worker.actor.close.remote() for worker in workers if worker.ready and not worker.numbers]
            if idle:
                ray.wait(idle, num_returns=len(idle), timeout=GRACE_S)
            for worker in workers:
                ray.kill(worker.actor)

    def close(self) -> None:
        """Leaves the cluster; ends it where it was begun here."""
        with self._lock:
            if self._began and not self._closed:
                ray.shutdown()
            self._closed = True


class RayEngine(Supervisor[RayWorker]):
    """`workers` Ray actors of one CPU each, each with its own `make()`, in the cluster at `address` ("auto",
    "HOST:PORT" or "ray://HOST:PORT"), or in one of this machine alone. A process that has connected to Ray already
    stays where it is, and has to see to it that `agent` and `sim` are found on the nodes."""

    def __init__(
        self, make: Make, *, workers: int, address: str | None = None, limits: Limits = DEFAULT_LIMITS
    ) -> None:
        if workers < 1:
            raise InputError(f"workers={workers}: at least 1 is needed, or nothing is collected")
        super().__init__(RayCrew(make, workers=workers, address=address), workers, limits)


def _connect(address: str | None, workers: int) -> None:
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.CRITICAL}
    if address is None:
        ray.init("local", num_cpus=workers, include_dashboard=False, **quiet)
        return
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if address != "auto" and not port.isdigit():
        raise InputError(f"address={address}: auto, HOST:PORT or ray://HOST:PORT is needed to find a Ray cluster")
    modules = [str(ROOT / name) for name in ("agent", "sim")]
    try:
        if address != "auto":  # Ray itself would take minutes to find nobody there
            socket.create_connection((host, int(port)), CONNECT_S).close()
        ray.init(address, runtime_env={"py_modules": modules}, **quiet)
    except (OSError, RuntimeError, ValueError) as error:
        line = " ".join(str(error).split())[:300]
        raise InputError(f"address={address}: no Ray cluster can be used there ({line}), so no worker can") from error
