"""A live run whose arms can be held back, for benchmarks: who waits, and how fast the learner goes."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import torch
from _bench import Round
from _bench_step import now

from agent.episode import Episode
from learner.feeder import Feeder
from learner.parts import buffer_for, learner_for, limiter_for
from learner.settings import OnlineSettings
from learner.source import LiveSource
from learner.team import Team
from learner.training_data import EpisodeData
from sim.cores import cores
from sim.seeding import stream

SETTLING = 1.0
"""s after which arms that are held back have finished what they were at."""


def with_a_core_each(settings: OnlineSettings) -> OnlineSettings:
    """On a CPU one arm, and as many threads of the learner as there are other cores; else as given."""
    if settings.device != "cpu":
        return settings
    threads = max(1, cores() - 1)
    torch.set_num_threads(threads)
    return replace(settings, workers=1, threads=threads)


class LiveRun:
    """Arms, feeder, buffer and learner as in `train_online`, in a context that begins when the buffer has enough."""

    def __init__(self, settings: OnlineSettings) -> None:
        self._settings, self._device = settings, settings.device
        self._collecting = threading.Event()
        self._collecting.set()
        self._open = ExitStack()
        self._inflow: list[float] = []

    def __enter__(self) -> LiveRun:
        settings = self._settings
        with ExitStack() as opening:
            folder = Path(opening.enter_context(TemporaryDirectory()))
            source = opening.enter_context(LiveSource(settings, folder / "episodes", resume=False))
            self._buffer = buffer_for(settings, source, settings.capacity, folder, device=self._device)
            self._learner = learner_for(settings, EpisodeData(source, settings), Team(device=self._device))
            self._limiter = limiter_for(settings, source)
            opening.callback(self._collecting.set)
            feeder = Feeder(self._held_back(source.episodes()), self._buffer, self._limiter, lockstep=False)
            self._feeder = opening.enter_context(feeder)
            self._step()
            self._open = opening.pop_all()
        return self

    def __exit__(self, *exception: object) -> None:
        self._collecting.set()
        self._open.close()

    def _held_back(self, episodes: Iterable[Episode]) -> Iterator[Episode]:
        for episode in episodes:
            yield episode
            self._collecting.wait()

    def _step(self) -> tuple[float, bool]:
        """How long the learner waited before it could sample, in s, and whether the limiter had told it to."""
        learner, batch = self._learner, self._settings.batch
        began, told = now(self._device), not self._limiter.may_sample(batch)
        self._feeder.before_sampling(learner.steps, batch)
        waited = now(self._device) - began
        rng = stream("replay", 0, learner.steps)
        learner.step(self._buffer.sample(batch, rng, second=learner.method.second_view))
        return waited, told

    def waits(self, steps: int) -> dict[str, float]:
        """Shares of the time that these steps take, at the settings' replay ratio."""
        began, arms = now(self._device), self._limiter.arm_waited
        found = [self._step() for _ in range(steps)]
        seconds = now(self._device) - began
        return {
            "the learner waits though the limiter lets it go": sum(time for time, told in found if not told) / seconds,
            "the learner waits for frames, as the limiter says": sum(time for time, told in found if told) / seconds,
            "the arms wait for the learner": min(1.0, (self._limiter.arm_waited - arms) / seconds),
        }

    def go_without_limit(self) -> None:
        """From here on neither side waits for the other."""
        self._limiter.slack = math.inf
        self._limiter.count_inserted(0)  # whoever waits looks again

    def steps(self, count: int, *, collecting: bool) -> Round:
        """Steps of the learner, while arms collect or are at rest."""

        def once() -> tuple[int, float]:
            (self._collecting.set if collecting else self._collecting.clear)()
            threading.Event().wait(SETTLING)
            self._step()
            began, frames = now(self._device), self._limiter.inserted
            for _ in range(count):
                self._step()
            seconds = now(self._device) - began
            if collecting:
                self._inflow.append((self._limiter.inserted - frames) / seconds)
            return count, seconds

        return once

    @property
    def inflow(self) -> float:
        """Frames/s that were collected beside the learner without limit."""
        return median(self._inflow)
