"""Stored data for a training: all episodes in the buffer at once, or as a live run had them; or images on disk."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import fields
from pathlib import Path
from typing import Literal

import numpy as np
import torch

from agent.episode import Pairs
from agent.settings import differences, to_json
from agent.watch import Watch
from learner.checkpoint import Checkpoints
from learner.data import PairSet, open_data
from learner.parts import buffer_for, buffer_text, check_buffer
from learner.replay import PairSource, ReplayBuffer
from learner.replay_log import NAME, read_log
from learner.run import stored_processes, stored_settings
from learner.settings import FREE_ON_RESUME, LearnSettings, OnlineSettings, TrainSettings, recorded_settings
from learner.source import RecordedSource, Source, open_source
from learner.team import Team
from learner.training import Learner
from learner.training_data import EpisodeData, ImageTrainingData, TrainingData
from sim.errors import InputError
from sim.seeding import stream

MEASURED = 4096
"""Actions whose mean and spread are taken where no one has published them."""


class Stored(ABC):
    """What a training on stored data draws its batches from, in a context."""

    data: TrainingData
    episodes: int = 0
    """Episodes of this process that are read before the first step."""
    horizon: int
    """Steps that the learning rate is laid out for, at the last draw that `at` was asked for."""
    room: str
    """Where the frames are, in words."""
    told: str = ""
    """What the user should know beforehand."""
    source: Source | None = None
    """Where episodes come from; None for images, of which no arm is known."""
    watch = Watch()
    """Shows the episodes as they come in."""

    def __init__(self, settings: TrainSettings, team: Team) -> None:
        self._settings, self._team = settings, team
        self._batch, self.horizon = team.share(settings.batch), settings.steps

    def read(self) -> Iterator[int]:
        """Claims memory and reads what is needed before the first step; gives the number of episodes read so far."""
        return iter(())

    @abstractmethod
    def at(self, draw: int) -> PairSource:
        """What there is to draw from before the `draw`-th time (from 0, ascending) that it is drawn from."""

    def standardise(self, learner: Learner) -> None:
        """Settle mean and spread of the actions, which is the first draw."""
        rng = stream("standardise", self._settings.seed)
        learner.freeze_standardisation(self.at(0).sample_actions(MEASURED, rng))

    def batch(self, step: int, *, second: Literal["other", "same"]) -> Pairs:
        """This process's pairs of a step (from 0), which depend on the seed, the step and the rank alone."""
        rng = stream("replay", self._settings.seed, step, self._team.rank)
        return self.at(step + 1).sample(self._batch, rng, second=second)

    def __enter__(self) -> Stored:
        return self

    @abstractmethod
    def __exit__(self, *exception: object) -> None:
        """Ends what reads."""


class OnDisk(Stored):
    """A dataset of images. Those of the next step are read and decoded while the learner is at this one."""

    def __init__(self, settings: TrainSettings, team: Team) -> None:
        super().__init__(settings, team)
        images = open_data(settings.data)
        self._formula, self.data = images.action, ImageTrainingData(images, settings)
        self._pairs = PairSet(images, "train", image_size=self.data.image_size, sampling=settings.sampling, team=team)
        self.room = f"{len(self._pairs)} clips, whose frames are read from disk as they are drawn"
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="next batch")
        self._ahead: dict[tuple[int, str], Future[Pairs]] = {}

    def at(self, draw: int) -> PairSource:
        return self._pairs

    def standardise(self, learner: Learner) -> None:
        formula = self._formula
        if formula is None:
            return
        if formula.mean is None or formula.std is None:
            super().standardise(learner)
        else:
            moments = (torch.from_numpy(of.astype(np.float32)) for of in (formula.mean, formula.std))
            learner.action_mean, learner.action_std = moments

    def batch(self, step: int, *, second: Literal["other", "same"]) -> Pairs:
        ready = self._ahead.get((step, second))
        pairs = super().batch(step, second=second) if ready is None else ready.result()
        self._ahead.clear()
        if step + 1 < self.horizon:
            self._ahead[step + 1, second] = self._reader.submit(super().batch, step + 1, second=second)
        return pairs

    def __exit__(self, *exception: object) -> None:
        self._reader.shutdown(cancel_futures=True)


class Whole(Stored):
    """All training episodes of a dataset, from the beginning."""

    def __init__(self, settings: TrainSettings, folder: Path, team: Team) -> None:
        super().__init__(settings, team)
        self._folder = folder
        self.source: RecordedSource = RecordedSource(Path(settings.data), settings.record, team=team)
        source = self.source
        if settings.image_size not in (0, source.layout.image_size):
            raise InputError(
                f"image_size={settings.image_size}: the episodes in {settings.data} have {source.layout.image_size}; "
                f"images of armplay:{settings.data} are scaled"
            )
        self.data = self._shown = EpisodeData(source, settings)
        self.episodes = source.training_episodes
        if not self.episodes:
            raise InputError(
                f"{settings.data}: fewer training episodes than the {team.size} processes: more are needed"
            )
        check_buffer(settings, source.layout, self.episodes, folder)
        self.room = buffer_text(settings, source.layout, self.episodes)

    def read(self) -> Iterator[int]:
        device = self._team.device
        self._buffer = buffer_for(self._settings, self.source, self.episodes, self._folder, device=device)
        for done, episode in enumerate(self.source.episodes(), start=1):
            self._shown.watch(episode)
            self.watch.episode(episode)
            self._buffer.insert(episode)
            yield done

    def at(self, draw: int) -> ReplayBuffer:
        return self._buffer

    def __exit__(self, *exception: object) -> None:
        self.source.rest()


class Repeated(Stored):
    """The episodes of a live run, which come in when they came in then: on a CPU its losses repeat.

    What was in the buffer and is not on disk, as the run was killed, is played again.
    """

    def __init__(self, settings: TrainSettings, folder: Path, team: Team) -> None:
        live = Path(settings.replay_log)
        self._played: OnlineSettings = stored_settings(live, OnlineSettings)
        processes = stored_processes(live, OnlineSettings)
        if team.size > 1 or processes > 1:
            raise InputError(f"replay_log={live}: {processes} processes made it and {team.size} repeat it, 1 can")
        self.told = check_same(settings, repeated_settings(live), live)
        super().__init__(settings, team)
        self._folder = folder
        self.source: Source = open_source(self._played, live / "episodes", resume=True)
        self.data = self._shown = EpisodeData(self.source, settings)
        self.horizon = self._played.steps
        self._log = iter(read_log(live / NAME))
        self._next = next(self._log, None)
        self._buffer: ReplayBuffer | None = None
        self._seen: set[int] = set()
        check_buffer(settings, self.source.layout, self._played.capacity, folder)
        self.room = buffer_text(settings, self.source.layout, self._played.capacity)

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

    def __exit__(self, *exception: object) -> None:
        self.source.rest()

    def _begin_session(self, steps: int) -> None:
        if self._buffer is not None:
            self._buffer.close()
        self.horizon = steps
        self._buffer = buffer_for(
            self._settings,
            self.source,
            self._played.capacity,
            self._folder,
            device=self._team.device,
            eviction=self._played.eviction,
        )

    def _insert(self, number: int) -> None:
        if self._buffer is None:
            raise InputError(f"{self._settings.replay_log}/{NAME}: line 1 begins no session: it is not whole")
        episode = self.source.episode(number)
        if number not in self._seen:  # a resumed run is given its last episodes again
            self._seen.add(number)
            self._shown.watch(episode)
        self.watch.episode(episode)
        self._buffer.insert(episode)


def open_stored(settings: TrainSettings, folder: Path, team: Team) -> Stored:
    """What the settings ask for, of a run in `folder`. Raises InputError for what cannot be used."""
    if settings.replay_log:
        return Repeated(settings, folder, team)
    return OnDisk(settings, team) if settings.of_images else Whole(settings, folder, team)


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
