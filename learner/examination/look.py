"""Which frames of a dataset are looked at, and what every representation makes of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from learner.data import ImageData
from learner.examination.settings import ExamSettings
from learner.probes import Embed
from learner.protocols import Embedded, evenly_spaced, nearest_to
from sim.errors import InputError
from sim.objects.splits import SPLITS


class Looked(NamedTuple):
    """N frames of a dataset, and what every representation makes of them."""

    features: dict[str, np.ndarray]
    """Name -> float32 [N, F]."""
    labels: np.ndarray
    """int64 [N]."""
    instances: np.ndarray
    """int64 [N]."""
    clip: np.ndarray
    """int64 [N]."""
    view: np.ndarray
    """float64 [N, 2] degrees; NaN where not known."""
    split: np.ndarray
    """int64 [N]: index in `SPLITS`."""
    row: np.ndarray
    """int64 [N]: the frame's row in that split of the dataset."""
    motion: np.ndarray = np.zeros((0, 0))
    """float64 [N, M]: what actions are computed from; M is 0 where nothing is known of the motion."""
    single: Mapping[str, np.ndarray] = MappingProxyType({})
    """Bool [N]: the frames that show each of the single views which accuracy is told at."""
    spread: np.ndarray | None = None
    """Bool [N]: the evenly spaced frames of each object, which all else is measured on; None: all are."""

    @property
    def objects(self) -> int:
        """How many objects the frames show."""
        return len(np.unique(self.instances))

    @property
    def even(self) -> np.ndarray:
        """`spread`, of all frames: bool [N]."""
        return np.ones(len(self.labels), dtype=bool) if self.spread is None else self.spread

    def of(self, name: str, rows: np.ndarray) -> Embedded:
        """One representation of some frames."""
        return Embedded(self.features[name][rows], self.labels[rows], self.instances[rows])


class _Chosen(NamedTuple):
    """The frames of a split that are looked at."""

    rows: np.ndarray
    """int64 [n], ascending."""
    spread: np.ndarray
    """bool [n]."""
    single: dict[str, np.ndarray]
    """bool [n]."""


def look(
    data: ImageData, embeds: Mapping[str, Embed], settings: ExamSettings, *, size: int, told: Callable[[int, int], None]
) -> Looked:
    """Read each frame once, and embed it by all. `told` is given the frames done, and their number."""
    chosen = {split: _choose(data, split, settings) for split in SPLITS}
    total, done = sum(len(each.rows) for each in chosen.values()), 0
    if not total:
        raise InputError(f"{data.kind}:{data.root}: no frames in any split, so there is nothing to look at")
    features: dict[str, list[np.ndarray]] = {name: [] for name in embeds}
    for split, (rows, *_) in chosen.items():
        for images in data.batches(split, rows, size=size):
            for name, represent in embeds.items():
                features[name].append(represent(images))
            done += len(images)
            told(done, total)

    def known(field: str) -> np.ndarray:
        return np.concatenate([getattr(data.frames(split), field)[each.rows] for split, each in chosen.items()])

    split_of = np.repeat(np.arange(len(SPLITS)), [len(each.rows) for each in chosen.values()])
    single = {name: np.concatenate([each.single[name] for each in chosen.values()]) for name in data.single_views}
    return Looked(
        {name: np.concatenate(parts) for name, parts in features.items()},
        labels=known("category"),
        instances=known("instance"),
        clip=np.unique(np.stack([split_of, known("clip")]), axis=1, return_inverse=True)[1].reshape(-1),
        view=known("view"),
        split=split_of,
        row=np.concatenate([each.rows for each in chosen.values()]),
        motion=known("motion"),
        single={name: rows for name, rows in single.items() if rows.any()},
        spread=np.concatenate([each.spread for each in chosen.values()]),
    )


def _choose(data: ImageData, split: str, settings: ExamSettings) -> _Chosen:
    """Frames evenly spaced, and where objects are tested those nearest to the single views."""
    frames = data.frames(split)
    even = evenly_spaced(frames.instance, settings.frames)
    tested = len(frames) and (settings.leave_one_out or split == "test")
    single = {
        name: nearest_to(azimuth, frames.view, frames.instance) if tested else np.zeros(0, dtype=np.int64)
        for name, azimuth in data.single_views.items()
    }
    rows = np.unique(np.concatenate([even, *single.values()]))
    return _Chosen(rows, np.isin(rows, even), {name: np.isin(rows, these) for name, these in single.items()})
