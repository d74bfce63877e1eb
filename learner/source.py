"""Where a run's episodes come from: arms at play, or a stored dataset; and which are held out for the probes."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from itertools import chain, count, islice
from pathlib import Path
from typing import Any

from agent.collect import Engine, LocalEngine, ProcessEngine
from agent.collect.recorded import RecordedEngine
from agent.dataset import Dataset
from agent.episode import Episode
from agent.record import RecordSettings
from agent.settings import to_json
from agent.writer import DatasetWriter
from learner.evaluation import Gallery, gallery_of
from learner.settings import OnlineSettings
from sim.errors import InputError
from sim.kinematics import Chain
from sim.objects.splits import stable_hash


class Source:
    """The training episodes of a run, in a context, and what is known of them."""

    categories: tuple[str, ...]
    chain: Chain
    stored: int
    """Episodes that a resumed run has already: they come first."""

    def episodes(self) -> Iterator[Episode]:
        """Training episodes; the stored ones first."""
        raise NotImplementedError

    def held_out(self, split: str, episodes: int) -> Gallery:
        """Frames of objects that the encoder never sees; `split` is validation or test."""
        raise NotImplementedError

    def __enter__(self) -> Source:
        return self

    def __exit__(self, *exception: object) -> None:
        return None


class LiveSource(Source):
    """Arms play while the learner learns; what they see is stored in the run's folder as a dataset."""

    def __init__(self, settings: OnlineSettings, store: Path, *, resume: bool) -> None:
        self._settings, self._store = settings, store
        recorder = settings.record()
        self._about = recorder.describe()
        self.categories, self.chain = recorder.catalogue.categories, recorder.chain
        self._resume = resume and (store / "dataset.json").exists()
        self.stored = len(Dataset(store)) if self._resume and any(store.glob("data/*.parquet")) else 0
        self._open = ExitStack()
        self._engine: Engine | None = None

    def episodes(self) -> Iterator[Episode]:
        before: Iterable[Episode] = ()
        if self.stored:
            # In lockstep all of them are needed: where an episode lies in the buffer depends on those before it.
            kept = list(Dataset(self._store).numbers)
            room = len(kept) if self._settings.lockstep else self._settings.buffer_episodes
            wanted = sorted({*kept[: self._settings.bank_episodes], *kept[-room:]})
            before = Dataset(self._store).episodes(wanted)
        return chain(before, self._play())

    def _play(self) -> Iterator[Episode]:
        self._engine = self._open.enter_context(engine_for(self._settings, self._settings.record))
        if not self._settings.store:
            yield from self._engine.episodes(count())
            return
        metadata = {"settings": to_json(self._settings.record), **self._about}
        writer = self._open.enter_context(
            DatasetWriter(self._store, metadata=metadata, image_format="png", resume=self._resume)
        )
        first_free = 1 + max(Dataset(self._store).numbers, default=-1) if self.stored else 0
        for episode in self._engine.episodes(chain(writer.missing(first_free), count(first_free))):
            writer.add(episode)
            yield episode

    def held_out(self, split: str, episodes: int) -> Gallery:
        record = replace(self._settings.record, split=split, corrupt="")
        with engine_for(self._settings, record) as engine:
            return gallery_of(engine.episodes(range(episodes)), self.categories, count=episodes)

    def __exit__(self, *exception: object) -> None:
        if self._engine is not None:
            self._engine.close()
        self._open.close()


class RecordedSource(Source):
    """A stored dataset, played as if live; a tenth of its instances is held out for validation, a tenth for test."""

    def __init__(self, settings: OnlineSettings) -> None:
        self._root = Path(settings.data)
        dataset = Dataset(self._root)
        try:
            about: dict[str, Any] = dataset.metadata
            self.categories, self.chain = tuple(about["categories"]), Chain.from_json(about["chain"])
            size = about["settings"]["scene"]["image_size"]
        except (KeyError, TypeError) as error:
            raise InputError(
                f"{self._root}: dataset.json lacks {error}, and without it nothing can be learned"
            ) from None
        if size != settings.record.scene.image_size:
            raise InputError(f"image_size={settings.record.scene.image_size}: the frames in {self._root} have {size}")
        self.stored = 0

    def episodes(self) -> Iterator[Episode]:
        return (episode for episode in self._all() if self._split(episode) == "train")

    def held_out(self, split: str, episodes: int) -> Gallery:
        chosen = (episode for episode in self._all() if self._split(episode) == split)
        return gallery_of(islice(chosen, episodes), self.categories, count=sys.maxsize)

    def _all(self) -> Iterator[Episode]:
        return RecordedEngine(self._root).episodes(count())

    @staticmethod
    def _split(episode: Episode) -> str:
        tenth = stable_hash(f"held out of recorded data/{episode.category}/{episode.instance}") % 10
        return {0: "test", 1: "validation"}.get(tenth, "train")


def open_source(settings: OnlineSettings, store: Path, *, resume: bool) -> Source:
    """The source that the settings ask for."""
    if settings.engine == "recorded":
        return RecordedSource(settings)
    return LiveSource(settings, store, resume=resume)


def engine_for(settings: OnlineSettings, record: RecordSettings) -> Engine:
    """The engine that plays `record`."""
    if settings.engine == "local":
        return LocalEngine(record)
    return ProcessEngine(record, workers=settings.workers)
