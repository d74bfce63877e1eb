"""A dataset whose frames are all known when it is opened."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from agent.dataset import held_out
from learner.data.base import Frames, ImageData, check_split
from sim.errors import InputError
from sim.objects.splits import SPLITS

Names = Sequence[str] | np.ndarray
"""Of N frames, one each."""


class IndexedData(ImageData):
    """Says which frames there are by one call of `index`, and how some of them are read."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self._frames: dict[str, Frames] = {}
        self._rows: dict[str, np.ndarray] = {}

    def index(
        self,
        *,
        category: Names,
        instance: Names,
        split: np.ndarray,
        time: np.ndarray,
        clip: np.ndarray | None = None,
        view: np.ndarray | None = None,
        motion: np.ndarray | None = None,
    ) -> None:
        """What is known of all N frames, in any order, as in `Frames`; `split` has the names of their splits, `clip`
        any numbers, by default one an instance. Raises InputError where there are none, or an object of two categories.
        """
        if not len(category):
            raise InputError(f"{self.kind}:{self.root}: 0 images listed: at least 1 is needed")
        self.categories, self.instances = tuple(sorted(set(category))), tuple(dict.fromkeys(instance))
        labels, objects = _numbers(self.categories, category), _numbers(self.instances, instance)
        first = np.unique(objects, return_index=True)[1]
        if (wrong := np.flatnonzero(labels != labels[first][objects])).size:
            one, other = (self.categories[labels[row]] for row in (first[objects[wrong[0]]], wrong[0]))
            raise InputError(f"{self.kind}:{self.root}: object {instance[wrong[0]]} is listed as {one} and as {other}")
        clip = objects if clip is None else clip
        view = np.full((len(labels), 2), np.nan) if view is None else view
        motion = np.zeros((len(labels), 0)) if motion is None else motion
        order = np.lexsort((time, clip))
        for name in SPLITS:
            rows = self._rows[name] = order[split[order] == name]
            self._frames[name] = Frames(
                category=labels[rows],
                instance=objects[rows],
                clip=np.unique(clip[rows], return_inverse=True)[1].astype(np.int64),
                time=time[rows].astype(np.float64),
                view=view[rows].astype(np.float64),
                motion=motion[rows].astype(np.float64),
            )

    @abstractmethod
    def read(self, rows: np.ndarray) -> list[bytes]:
        """The encoded images of frames, by their places in what `index` was given. Called from several threads."""

    def frames(self, split: str) -> Frames:
        check_split(split)
        return self._frames[split]

    def encoded(self, split: str, rows: np.ndarray) -> list[bytes]:
        check_split(split)
        return self.read(self._rows[split][rows])


def carved(split: np.ndarray, instance: Names) -> np.ndarray:
    """The splits [N] of frames after a tenth of the objects for training went to validation, by `held_out`'s hash of
    their names: for datasets that are published without a validation split."""
    chosen = {name for name in dict.fromkeys(instance) if held_out(name) == "validation"}
    out = np.fromiter((name in chosen for name in instance), dtype=bool, count=len(instance))
    return np.where(out & (split == "train"), "validation", split)


def _numbers(known: Iterable[str], names: Names) -> np.ndarray:
    """Index [N] of each name among the known ones."""
    places = {name: place for place, name in enumerate(known)}
    return np.fromiter((places[name] for name in names), dtype=np.int64, count=len(names))
