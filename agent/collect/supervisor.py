"""What all engines with workers share: who makes what, and what is done about workers that die, hang, raise or grow.

How a worker is reached is the business of its `Crew`: another process (`processes.py`) or another machine (`ray.py`).
"""

from __future__ import annotations

import math
import threading
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, NamedTuple, Protocol, TypeVar

from agent.collect.engine import Engine, Failure, Health, Order
from agent.collect.work import Work
from agent.episode import Episode
from sim.errors import InputError

GRACE_S = 2.0
"""Time between asking a worker to end and killing it."""
AHEAD = 2
"""Episodes given to a worker: the one in progress and the next, so that it never waits for the parent."""


@dataclass(frozen=True)
class Limits:
    """What a worker may do before it is replaced."""

    deadline_s: float = 120.0
    """Seconds for an episode; then its worker hangs."""
    attempts: int = 3
    """Failures of an episode before it is given up."""
    recycle_after: int = 2000
    """Episodes of a worker before a new one takes its place."""
    recycle_bytes: int = 2 * 10**9
    """Resident memory of a worker before a new one takes its place."""

    def __post_init__(self) -> None:
        if not self.deadline_s > 0:
            raise InputError(f"deadline_s={self.deadline_s}: more than 0 is needed, or no episode is ever in time")
        for name in ("attempts", "recycle_after", "recycle_bytes"):
            if getattr(self, name) < 1:
                raise InputError(f"{name}={getattr(self, name)}: at least 1 is needed, or no episode is ever begun")


DEFAULT_LIMITS = Limits()


class WorkerFailed(Exception):
    """A worker died, hung or raised; says how."""


class Answer(NamedTuple):
    """What a worker made, and its resident memory in bytes after it."""

    episode: Episode
    resident: int


class Worker(ABC):
    """Whoever makes episodes, as seen from here."""

    ready = True
    """It may be given numbers."""

    def __init__(self) -> None:
        self.numbers: deque[int] = deque()
        """Given to it and not answered yet."""
        self.deadline = math.inf
        """Of the first of `numbers`; on the monotonic clock, in s."""
        self.made = 0
        self.resident = 0
        """Its memory in bytes when it last answered; 0 before."""
        self.retiring = False
        """It gets no more numbers, and is ended when it has answered those it has."""

    @abstractmethod
    def send(self, order: Order) -> None:
        """Asks for an episode. Where the worker is dead, that shows when its answer is awaited."""

    @abstractmethod
    def answered(self) -> bool:
        """It has an answer, or will never have one."""

    @abstractmethod
    def receive(self) -> Answer:
        """Its answer for the first of `numbers`; waits for it. Raises WorkerFailed where there will be none, InputError
        where no worker could give one."""


_Worker = TypeVar("_Worker", bound=Worker)


class Crew(Protocol[_Worker]):
    """Workers of one kind. All but `end` and `close` is called from one thread."""

    def hire(self) -> _Worker:
        """A new worker; one that is not ready becomes so during some `wait`."""
        ...

    def wait(self, workers: Sequence[_Worker], seconds: float) -> Sequence[_Worker]:
        """Those of `workers` that have an answer or have died; waits for the first of them, `seconds` at most, which
        may be infinite. May return early with none."""
        ...

    def end(self, workers: Sequence[_Worker]) -> None:
        """Ends workers, whatever they do; again, where they were ended before."""
        ...

    def close(self) -> None:
        """Frees what is shared by the workers, all of which have ended."""
        ...


class Supervisor(Engine, Generic[_Worker]):
    """An engine with up to `size` workers. An episode of a worker that dies, hangs or raises is made again by a new
    one, and given up after `limits.attempts` failures; where the first few are given up and none was made, a
    RuntimeError tells why."""

    def __init__(self, crew: Crew[_Worker], size: int, limits: Limits) -> None:
        self.failures: list[Failure] = []
        if size < 1:
            raise InputError(f"workers={size}: at least 1 is needed, or nothing is collected")
        self._crew, self._size = crew, size
        self._limits = limits
        self._restarts = self._recycled = 0
        self._workers: list[_Worker] = []
        self._lock = threading.Lock()  # close() may come from another thread, but a closed engine starts no worker
        self._closed = False
        self._iterating = False

    @property
    def health(self) -> Health:
        resident = tuple(worker.resident for worker in self._workers if worker.resident)
        return Health(self._restarts, self._recycled, resident)

    def episodes(self, numbers: Iterable[int]) -> Iterator[Episode]:
        with self._lock:
            if self._closed or self._iterating:
                raise RuntimeError(f"the engine is {'closed' if self._closed else 'in another iteration'}")
            self._iterating = True
        work = Work(numbers, attempts=self._limits.attempts, failures=self.failures)
        try:
            while not self._closed:
                self._feed(work)
                waited = [worker for worker in self._workers if worker.numbers or not worker.ready]
                if self._closed or not (work.holds(1) or any(worker.numbers for worker in waited)):
                    return
                for worker in self._due(waited):
                    if self._closed:
                        return
                    try:
                        answer = self._receive(worker)
                    except WorkerFailed as error:
                        if not self._closed:
                            self._drop([worker])
                            self._restarts += 1
                            work.failed(worker.numbers, str(error))
                    else:
                        work.made()
                        self._settle(worker, answer.resident)
                        yield answer.episode
        finally:
            # Workers still busy would answer the next iteration with episodes it did not ask for.
            self._drop([worker for worker in self._workers if worker.numbers])
            self._iterating = False

    def close(self) -> None:
        """Ends the workers; may come from another thread, and then ends the iteration under way."""
        with self._lock:
            self._closed = True
        self._crew.end(self._workers)
        self._crew.close()

    def _feed(self, work: Work) -> None:
        """Gives numbers to workers, to each its first before any gets its second; hires those that are needed."""
        for depth in range(1, AHEAD + 1):
            for worker in self._workers:
                if worker.ready and not worker.retiring and len(worker.numbers) < depth and work.holds(1):
                    self._give(worker, work.take())
            while depth == 1 and len(self._workers) < self._size:
                starting = sum(not worker.ready for worker in self._workers)
                if not work.holds(1 + starting):
                    return
                with self._lock:
                    if self._closed:
                        return
                    worker = self._crew.hire()
                    self._workers.append(worker)
                if worker.ready:
                    self._give(worker, work.take())

    def _give(self, worker: _Worker, number: int) -> None:
        if not worker.numbers:
            worker.deadline = time.monotonic() + self._limits.deadline_s
        worker.numbers.append(number)
        worker.send(self.order(number))

    def _due(self, waited: list[_Worker]) -> list[_Worker]:
        """Waits for the workers that have something to say, or have said nothing for too long."""
        nearest = min(worker.deadline for worker in waited)
        answered = self._crew.wait(waited, max(0.0, nearest - time.monotonic()))
        now = time.monotonic()
        return [worker for worker in waited if worker in answered or worker.deadline <= now]

    def _receive(self, worker: _Worker) -> Answer:
        if not worker.answered():  # one that has is in time, even if the caller was away meanwhile
            raise WorkerFailed(f"no answer within {self._limits.deadline_s:g} s")
        return worker.receive()

    def _settle(self, worker: _Worker, resident: int) -> None:
        """Counts what a worker made, and ends one that has done enough."""
        worker.numbers.popleft()
        worker.deadline = time.monotonic() + self._limits.deadline_s if worker.numbers else math.inf
        worker.made += 1
        worker.resident = resident
        limits = self._limits
        worker.retiring |= worker.made >= limits.recycle_after or resident > limits.recycle_bytes
        if worker.retiring and not worker.numbers:
            self._drop([worker])
            self._recycled += 1

    def _drop(self, workers: list[_Worker]) -> None:
        self._crew.end(workers)
        self._workers = [worker for worker in self._workers if worker not in workers]
