"""Where a run's episodes come from: arms at play, or a stored dataset; and which are held out for the probes."""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from itertools import chain, count, groupby
from pathlib import Path
from typing import Any

from agent.collect import Encoding, Engine, Failure, Make, engine_for
from agent.collect.recorded import RecordedEngine
from agent.corrupted import corrupt_episode, thin_episode
from agent.dataset import Dataset, held_out
from agent.episode import Episode, Interest
from agent.play import asks
from agent.record import RecordSettings
from agent.settings import to_json
from agent.versions import versions
from agent.writer import DatasetWriter
from learner.evaluation import Gallery, gallery_of
from learner.feeder import in_order
from learner.interests import InterestLog
from learner.settings import OnlineSettings, recorded_settings
from learner.storage import Layout
from learner.team import Team
from sim.corrupt import Corruption, Timing
from sim.errors import InputError
from sim.kinematics import Chain
from sim.objects.splits import SPLITS
from sim.waiting import counted

STORED = "png"
"""How the pictures of a live run are kept: what was seen comes again to the bit."""
ROUND = 32
"""Episodes that seek the same, in lockstep: enough for the workers of a machine to be at work at the same time."""


class Source(ABC):
    """The training episodes of a run, in a context, and what is known of them."""

    categories: tuple[str, ...]
    chain: Chain
    layout: Layout
    """What a replay buffer keeps of each episode."""
    told: str
    """What it is, in a few words."""
    stored: int
    """Episodes of an earlier session that a resumed run is given again, before any new one."""

    @property
    def failures(self) -> list[Failure]:
        """Episodes that were given up so far."""
        return []

    @abstractmethod
    def episodes(self) -> Iterator[Episode]:
        """Training episodes; the stored ones first. In lockstep, in the same order in every run."""

    @abstractmethod
    def held_out(self, split: str, episodes: int) -> Gallery:
        """Frames of objects that the encoder never sees; `split` is validation or test."""

    @abstractmethod
    def episode(self, number: int) -> Episode:
        """A training episode of an earlier session again. Raises InputError where it cannot be had."""

    def seek(self, interest: Interest | None) -> None:
        """What the learner would like to see from now on; None where it was not asked. Raises InputError for a source
        that cannot see to it."""
        if interest is not None:
            raise InputError(f"play=curious: {self.told} cannot seek what a learner would like to see")

    def rest(self) -> None:
        """Training is over: nothing is played any more, and what played is free for `held_out`."""
        return

    def __enter__(self) -> Source:
        return self

    def __exit__(self, *exception: object) -> None:
        self.rest()


class LiveSource(Source):
    """Arms play while the learner learns; what they see is stored in the run's folder as a dataset."""

    def __init__(self, settings: OnlineSettings, store: Path, *, resume: bool) -> None:
        self._settings, self._store = settings, store
        self._recorder = settings.record()
        self._about = self._recorder.describe()
        self.categories, self.chain = self._recorder.catalogue.categories, self._recorder.chain
        self.layout = settings.layout
        self.told = f"live play, {settings.record.scene.arm}, {settings.record.play}"
        self._resume = resume and (store / "dataset.json").exists()
        self._kept = Dataset(store) if self._resume and any(store.glob("data/*.parquet")) else None
        kept = list(self._kept.numbers) if self._kept else []
        self._first_free = 1 + max(kept, default=-1)
        # In lockstep all of them are needed: where an episode lies in the buffer depends on those before it. And where
        # random ones are evicted, an old one may still be there.
        whole = settings.lockstep or settings.eviction == "random"
        room = len(kept) if whole else settings.capacity
        self._again = sorted({*kept[: settings.bank_episodes], *kept[-room:]})
        self.stored = len(self._again)
        self._open = ExitStack()
        self._engine: Engine | None = None
        self._sought = InterestLog(
            store.with_name(f"{store.name.replace('episodes', 'interests')}.jsonl"), resume=resume
        )
        self._interest: Interest | None = None
        self._follows = False
        """Episodes that are begun seek what the learner would like to see at that moment."""

    def seek(self, interest: Interest | None) -> None:
        self._interest = interest
        if self._follows and self._engine is not None:
            self._engine.seek(interest)

    def episodes(self) -> Iterator[Episode]:
        before = map(self._as_sought, Dataset(self._store).episodes(self._again)) if self._again else ()
        found = chain(before, self._play())
        return in_order(found) if self._settings.lockstep else found

    def _play(self) -> Iterator[Episode]:
        make = Encoding(self._settings.record, STORED) if self._settings.store else self._settings.record
        self._engine = self._open.enter_context(engine_of(self._settings, make))
        if not self._settings.store:
            yield from self._played(self._engine, count())
            return
        metadata = {"settings": to_json(self._settings.record), **self._about, "versions": versions()}
        writer = self._open.enter_context(
            DatasetWriter(self._store, metadata=metadata, image_format=STORED, resume=self._resume)
        )
        numbers = chain(writer.missing(self._first_free), count(self._first_free))
        for episode in self._played(self._engine, numbers):
            writer.add(episode)
            yield episode._replace(encoded=None)

    def _played(self, engine: Engine, numbers: Iterator[int]) -> Iterator[Episode]:
        """Episodes as they are played. What those of earlier sessions sought, as far as they came in, they seek again.

        In lockstep a round of episodes seeks what the learner would like to see when the first of them is asked for;
        that they all do makes it a function of their numbers, whatever workers are ahead of the learner.
        """
        lockstep, before = self._settings.lockstep, self._sought.before
        rounds = groupby(numbers, lambda number: number // ROUND if lockstep else before.get(number))
        for key, some in rounds:
            self._follows = key is None
            sought = self._of_round(key) if isinstance(key, int) else key
            engine.seek(self._interest if sought is None else sought)
            for episode in engine.episodes(some):
                self._sought.note(episode)
                yield episode
                self._check_order()

    def _of_round(self, which: int) -> Interest | None:
        """What this round sought in an earlier session; None where there was none."""
        before = self._sought.before
        return next((before[n] for n in range(which * ROUND, (which + 1) * ROUND) if n in before), None)

    def _as_sought(self, episode: Episode) -> Episode:
        """A stored episode, with what it sought."""
        return episode._replace(interest=self._sought.before.get(episode.number))

    @property
    def failures(self) -> list[Failure]:
        return [] if self._engine is None else self._engine.failures

    def _check_order(self) -> None:
        """In lockstep the episodes after one that was given up would wait for it for ever."""
        if self._settings.lockstep and self.failures:
            raise InputError(f"lockstep: {self.failures[0]}; without it no later one may be used")

    def episode(self, number: int) -> Episode:
        if self._kept is not None and number in self._kept:
            return self._kept.episode(number)
        # The run ended before its shard was whole; it is a function of its number and of what it sought.
        return self._recorder(number, self._sought.before.get(number))

    def held_out(self, split: str, episodes: int) -> Gallery:
        record = replace(self._settings.record, split=split, corrupt="", corrupt_time="")
        with engine_of(self._settings, record) as engine:
            played = counted(engine.episodes(range(episodes)), episodes, title=f"play for {split}", unit="episodes")
            return gallery_of(played, self.categories, count=episodes)

    def rest(self) -> None:
        if self._engine is not None:
            self._engine.close()
        self._recorder.close()
        self._open.close()


class RecordedSource(Source):
    """A stored dataset, played as if live; a tenth of its instances is held out for validation, a tenth for test."""

    def __init__(
        self, root: Path, given: RecordSettings, *, repeat: bool = False, rate: float = 0.0, team: Team | None = None
    ) -> None:
        """`given` is what the dataset in the folder `root` was recorded with, and what is to be corrupted on the way
        to the learner; `repeat` and `rate` are as for `RecordedEngine`, 0 is no rate. Of a team, each process gets its
        share of the training episodes."""
        dataset, team = Dataset(root), team or Team()
        try:
            about: dict[str, Any] = dataset.metadata
            self.categories, self.chain = tuple(about["categories"]), Chain.from_json(about["chain"])
        except (KeyError, TypeError) as error:
            raise InputError(f"{root}: dataset.json lacks {error}, and without it nothing can be learned") from None
        stored = recorded_settings(root)
        self._seed, self._dataset = given.seed, dataset
        if given.play != stored.play and asks(given.play):
            raise InputError(f"play={given.play}: the episodes in {root} were played already ({stored.play})")
        for name in ("image_size", "frames"):
            if getattr(given.scene, name) != getattr(stored.scene, name):
                have = getattr(stored.scene, name)
                raise InputError(f"{name}={getattr(given.scene, name)}: the episodes in {root} have {have}")
        self._corruption, self._timing = _left_to_do(given, stored, root)
        scene = stored.scene
        masks = scene.randomize.background == "frame"
        self.layout = Layout(scene.frames, scene.image_size, self.chain.joints, masks)
        self.told = f"stored episodes, {root}"
        self._engine = RecordedEngine(root, repeat=repeat, rate=rate or None)
        self._numbers: dict[str, list[int]] = {split: [] for split in SPLITS}
        for number, (_, instance) in dataset.objects().items():
            self._numbers[held_out(instance)].append(number)
        for split, numbers in self._numbers.items():
            if not numbers:
                raise InputError(f"{root}: {len(dataset)} episodes, none of them for {split}: more are needed")
        self._numbers["train"] = self._numbers["train"][team.rank :: team.size]
        self.stored = 0

    @property
    def training_episodes(self) -> int:
        """Training episodes of this process."""
        return len(self._numbers["train"])

    def episodes(self) -> Iterator[Episode]:
        return map(self._misled, self._engine.episodes(self._numbers["train"]))

    def episode(self, number: int) -> Episode:
        if number not in self._dataset:
            raise InputError(f"{self._dataset.root}: episode {number} is missing")
        return self._misled(self._dataset.episode(number))

    def held_out(self, split: str, episodes: int) -> Gallery:
        chosen = self._numbers[split][:episodes]
        read = counted(self._dataset.episodes(chosen), len(chosen), title=f"read for {split}", unit="episodes")
        return gallery_of(read, self.categories, count=sys.maxsize)

    def _misled(self, episode: Episode) -> Episode:
        """The episode as the learner is told it."""
        if self._corruption is not None:
            other, exists = self._dataset.commands, self._dataset.__contains__
            episode = corrupt_episode(episode, self._corruption, seed=self._seed, other=other, exists=exists)
        return episode if self._timing is None else thin_episode(episode, self._timing, seed=self._seed)


def _left_to_do(given: RecordSettings, stored: RecordSettings, root: Path) -> tuple[Corruption | None, Timing | None]:
    """What is to be done to stored episodes so that they are as the settings ask. Raises InputError for what cannot."""
    if (given.corruption, given.timing) == (stored.corruption, stored.timing):
        return None, None
    if stored.corruption or stored.timing:
        before = "; ".join(str(found) for found in (stored.corruption, stored.timing) if found)
        raise InputError(
            f"corrupt={given.corrupt}, corrupt_time={given.corrupt_time}: the episodes in {root} were corrupted when "
            f"they were collected ({before}), and can only be used as they are"
        )
    if given.corruption and given.corruption.what == "executed":
        raise InputError(
            f"corrupt={given.corrupt}, corrupt_what=executed: the motors in {root} were given clean commands; "
            "collect anew with it"
        )
    return given.corruption, given.timing


def open_source(settings: OnlineSettings, store: Path, *, resume: bool, team: Team | None = None) -> Source:
    """The source that the settings ask for; of a team, for this process."""
    if settings.engine == "recorded":
        return RecordedSource(
            Path(settings.data), settings.record, repeat=settings.data_repeat, rate=settings.data_rate, team=team
        )
    return LiveSource(settings, store, resume=resume)


def engine_of(settings: OnlineSettings, make: Make) -> Engine:
    """The engine that plays what `make` makes."""
    assert settings.engine != "recorded"
    return engine_for(settings.engine, make, workers=settings.workers, address=settings.address)
