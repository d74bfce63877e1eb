"""Stored episodes for a training: all of them in the buffer at once, or as a live run had them, moment for moment."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path

from agent.dataset import Dataset
from agent.episode import Episode
from learner.parts import buffer_for, check_buffer
from learner.replay import ReplayBuffer
from learner.replay_log import NAME, read_log
from learner.run import stored_settings
from learner.settings import OnlineSettings, TrainSettings
from learner.source import LiveSource, RecordedSource, Source
from learner.storage import Layout
from learner.team import Team
from sim.errors import InputError

Watch = Sequence[Callable[[Episode], None]]


class Stored(ABC):
    """Where a training on stored episodes draws its batches from, in a context."""

    source: Source
    episodes: int
    """Episodes of this process that are read before the first step."""
    capacity: int
    """Episodes that a buffer holds."""

    @property
    def layout(self) -> Layout:
        """What a buffer keeps of each episode."""
        return self.source.layout

    @abstractmethod
    def open(self, *, watch: Watch, told: Callable[[int], None]) -> None:
        """Claims the buffer's memory and reads what is needed before the first step. Each of `watch` sees each episode
        that comes in, now or later; `told` is called with the number of episodes read so far."""

    @abstractmethod
    def at(self, draw: int) -> ReplayBuffer:
        """The buffer as it is before the `draw`-th time (from 0, ascending) that it is drawn from."""

    def __enter__(self) -> Stored:
        return self

    def __exit__(self, *exception: object) -> None:
        return None


class Whole(Stored):
    """All training episodes of a dataset, from the beginning."""

    def __init__(self, settings: TrainSettings, folder: Path, team: Team) -> None:
        self._settings, self._folder, self._device = settings, folder, team.device
        self.source = self._source = RecordedSource(Path(settings.data), settings.record, team=team)
        self.episodes = self.capacity = self._source.training_episodes
        if not self.episodes:
            raise InputError(
                f"{settings.data}: fewer training episodes than the {team.size} processes: more are needed"
            )
        check_buffer(settings, self.layout, self.capacity, folder)

    def open(self, *, watch: Watch, told: Callable[[int], None]) -> None:
        self._buffer = buffer_for(self._settings, self.source, self.capacity, self._folder, device=self._device)
        for done, episode in enumerate(self.source.episodes(), start=1):
            for look in watch:
                look(episode)
            self._buffer.insert(episode)
            told(done)

    def at(self, draw: int) -> ReplayBuffer:
        return self._buffer


class Repeated(Stored):
    """The episodes of a live run, which come in when they came in then: on a CPU its losses repeat."""

    episodes = 0

    def __init__(self, settings: TrainSettings, folder: Path, team: Team) -> None:
        live = Path(settings.replay_log)
        self._played = stored_settings(live, OnlineSettings)
        processes = json.loads((live / "settings.json").read_text()).get("processes", 1)
        if team.size > 1 or processes > 1:
            raise InputError(f"replay_log={live}: {processes} processes made it and {team.size} repeat it, 1 can")
        self._settings, self._folder, self._device = settings, folder, team.device
        store = live / "episodes"
        self.source = LiveSource(self._played, store, resume=True)
        self._dataset = Dataset(store)
        self.capacity = self._played.capacity
        self._log = iter(read_log(live / NAME))
        self._next = next(self._log, None)
        check_buffer(settings, self.layout, self.capacity, folder)

    def open(self, *, watch: Watch, told: Callable[[int], None]) -> None:
        self._watch = watch
        self._buffer = self._empty()

    def at(self, draw: int) -> ReplayBuffer:
        while self._next is not None and self._next[1] <= draw:
            number, _ = self._next
            if number is None:  # the run was resumed, with an empty buffer
                self._buffer.close()
                self._buffer = self._empty()
            else:
                self._insert(number)
            self._next = next(self._log, None)
        if not len(self._buffer):
            raise InputError(f"{self._settings.replay_log}/{NAME}: nothing came in before draw {draw}: it is not whole")
        return self._buffer

    def _insert(self, number: int) -> None:
        if number not in self._dataset:
            raise InputError(f"{self._dataset.root}: episode {number} is missing, so the run cannot be repeated")
        episode = self._dataset.episode(number)
        for look in self._watch:
            look(episode)
        self._buffer.insert(episode)

    def _empty(self) -> ReplayBuffer:
        return buffer_for(
            self._settings,
            self.source,
            self.capacity,
            self._folder,
            device=self._device,
            eviction=self._played.eviction,
        )

    def __exit__(self, *exception: object) -> None:
        self.source.rest()


def open_stored(settings: TrainSettings, folder: Path, team: Team) -> Stored:
    """What the settings ask for, of a run in `folder`. Raises InputError for what cannot be used."""
    return (Repeated if settings.replay_log else Whole)(settings, folder, team)
