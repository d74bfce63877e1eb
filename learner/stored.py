"""Stored episodes for a training: all of them in the buffer at once, or as a live run had them, moment for moment."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import fields
from pathlib import Path

from agent.episode import Episode
from agent.settings import differences, to_json
from learner.checkpoint import Checkpoints
from learner.parts import buffer_for, check_buffer
from learner.replay import ReplayBuffer
from learner.replay_log import NAME, read_log
from learner.run import stored_processes, stored_settings
from learner.settings import FREE_ON_RESUME, LearnSettings, OnlineSettings, TrainSettings, recorded_settings
from learner.source import RecordedSource, Source, open_source
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
    horizon: int
    """Steps that the learning rate is laid out for, at the last draw that `at` was asked for."""
    told: str = ""
    """What the user should know beforehand."""

    @property
    def layout(self) -> Layout:
        """What a buffer keeps of each episode."""
        return self.source.layout

    @abstractmethod
    def open(self, *, watch: Watch, told: Callable[[int], None]) -> None:
        """Claims the buffer's memory and reads what is needed before the first step. Each of `watch` sees each episode
        once, now or when it comes in; `told` is called with the number of episodes read so far."""

    @abstractmethod
    def at(self, draw: int) -> ReplayBuffer:
        """The buffer as it is before the `draw`-th time (from 0, ascending) that it is drawn from."""

    def __enter__(self) -> Stored:
        return self

    def __exit__(self, *exception: object) -> None:
        self.source.rest()


class Whole(Stored):
    """All training episodes of a dataset, from the beginning."""

    def __init__(self, settings: TrainSettings, folder: Path, team: Team) -> None:
        self._settings, self._folder, self._device = settings, folder, team.device
        self.source = source = RecordedSource(Path(settings.data), settings.record, team=team)
        self.episodes = self.capacity = source.training_episodes
        self.horizon = settings.steps
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
    """The episodes of a live run, which come in when they came in then: on a CPU its losses repeat.

    What was in the buffer and is not on disk, as the run was killed, is played again.
    """

    episodes = 0

    def __init__(self, settings: TrainSettings, folder: Path, team: Team) -> None:
        live = Path(settings.replay_log)
        self._played: OnlineSettings = stored_settings(live, OnlineSettings)
        processes = stored_processes(live, OnlineSettings)
        if team.size > 1 or processes > 1:
            raise InputError(f"replay_log={live}: {processes} processes made it and {team.size} repeat it, 1 can")
        self.told = check_same(settings, repeated_settings(live), live)
        self._settings, self._folder, self._device = settings, folder, team.device
        self.source = open_source(self._played, live / "episodes", resume=True)
        self.capacity, self.horizon = self._played.capacity, self._played.steps
        self._log = iter(read_log(live / NAME))
        self._next = next(self._log, None)
        self._buffer: ReplayBuffer | None = None
        self._seen: set[int] = set()
        check_buffer(settings, self.layout, self.capacity, folder)

    def open(self, *, watch: Watch, told: Callable[[int], None]) -> None:
        self._watch = watch

    def at(self, draw: int) -> ReplayBuffer:
        while self._next is not None and self._next.draw <= draw:
            if self._next.episode is None:
                self._begin_session(self._next.steps)
            else:
                self._insert(self._next.episode)
            self._next = next(self._log, None)
        if not self._buffer:
            raise InputError(f"{self._settings.replay_log}/{NAME}: nothing came in before draw {draw}: it is not whole")
        return self._buffer

    def _begin_session(self, steps: int) -> None:
        if self._buffer is not None:
            self._buffer.close()
        self.horizon = steps
        self._buffer = buffer_for(
            self._settings,
            self.source,
            self.capacity,
            self._folder,
            device=self._device,
            eviction=self._played.eviction,
        )

    def _insert(self, number: int) -> None:
        if self._buffer is None:
            raise InputError(f"{self._settings.replay_log}/{NAME}: line 1 begins no session: it is not whole")
        episode = self.source.episode(number)
        if number not in self._seen:  # a resumed run is given its last episodes again
            self._seen.add(number)
            for look in self._watch:
                look(episode)
        self._buffer.insert(episode)


def open_stored(settings: TrainSettings, folder: Path, team: Team) -> Stored:
    """What the settings ask for, of a run in `folder`. Raises InputError for what cannot be used."""
    return (Repeated if settings.replay_log else Whole)(settings, folder, team)


def repeated_settings(live: Path) -> TrainSettings:
    """Settings that repeat the live run in the folder `live`, as far as its last checkpoint, up to which its log is
    whole. Raises InputError for a run that cannot be repeated."""
    played: OnlineSettings = stored_settings(live, OnlineSettings)
    kept = Checkpoints(live / "checkpoints").steps
    if not kept or not kept[-1]:
        raise InputError(f"replay_log={live}: no step was kept, so there is nothing to repeat")
    if played.engine != "recorded" and not played.store:
        raise InputError(f"replay_log={live}: its episodes were not kept (--no-store), so it cannot be repeated")
    data = Path(played.data) if played.engine == "recorded" else live / "episodes"
    shared = {item.name: getattr(played, item.name) for item in fields(LearnSettings)}
    stored, told = recorded_settings(data), played.record
    for name in ("corrupt", "corrupt_time", "time_told"):
        if getattr(told, name) != getattr(stored, name):
            shared[name] = getattr(told, name)
    return TrainSettings(**{**shared, "steps": kept[-1]}, data=str(data), replay_log=str(live), seed=told.seed)


def check_same(settings: TrainSettings, repeated: TrainSettings, live: Path) -> str:
    """What to tell of settings that may end other than the live run did; nothing for those that do not. Raises
    InputError for settings of another run."""
    found = differences(to_json(repeated), to_json(settings))
    for name, old, new in found:
        if name not in FREE_ON_RESUME:
            raise InputError(f"{name}={new}: the run in {live} had {old}, and with another it is not repeated")
    if settings.steps > repeated.steps:
        raise InputError(
            f"steps={settings.steps}: the run in {live} was kept at step {repeated.steps}, after which there is "
            "nothing to repeat"
        )
    changed = [f"{name}={new} (was {old})" for name, old, new in found if name in ("device", "threads")]
    return f"{', '.join(changed)}: only the same device and threads repeat losses exactly" if changed else ""
