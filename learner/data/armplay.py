"""Our own datasets, as images with views and motion."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from agent.dataset import Dataset, held_out
from agent.export.views import angles
from learner.data.base import ActionFormula, check_split
from learner.data.indexed import IndexedData
from sim import poses
from sim.errors import InputError

POSE = ActionFormula(7, poses.relative)
"""The relative pose that happened, as the representation `pose` has it; `efference` is the same where nothing is
corrupted."""
COLUMNS = ("category", "instance", "time", "object_pose")


class Armplay(IndexedData):
    """The episodes of an `agent.dataset.Dataset`, each a clip; splits are `held_out`'s, as everywhere for stored
    episodes. Motion is the object's pose [7] in the camera frame, and the action the relative pose [7], as in the
    representation `pose`. Where a dataset was collected of instances that are in no other, `split` says which all of
    them are in."""

    kind = "armplay"

    def __init__(self, root: Path, *, split: str = "") -> None:
        super().__init__(root)
        if split:
            check_split(split)
        self._data = Dataset(root)
        self.image_size = min(self._data.image_size)
        self.action = POSE
        numbers = np.array(list(self._data.numbers))
        category: list[str] = []
        instance: list[str] = []
        times, moved, counts = [], [], []
        for rows in self._data.tables(columns=list(COLUMNS)):
            category += rows["category"].to_pylist()
            instance += rows["instance"].to_pylist()
            times.append(rows["time"].to_numpy())
            moved.append(rows["object_pose"].combine_chunks().flatten().to_numpy())
            counts.append(len(rows))
            if len(moved[-1]) != 7 * counts[-1]:
                raise InputError(f"{root}: episode {numbers[len(counts) - 1]} lacks object poses; see what verify says")
        self._episode = np.repeat(numbers, counts)
        self._frame = np.concatenate([np.arange(count) for count in counts])
        motion = np.concatenate(moved).reshape(-1, 7)
        self.index(
            category=category,
            instance=[f"{one}/{other}" for one, other in zip(category, instance, strict=True)],
            split=np.array([split or held_out(name) for name in instance]),
            time=np.concatenate(times),
            clip=self._episode,
            view=angles(motion),
            motion=motion,
        )

    def read(self, rows: np.ndarray) -> list[bytes]:
        held = {number: self._data.images(number) for number in dict.fromkeys(self._episode[rows].tolist())}
        return [held[self._episode[row]][self._frame[row]] for row in rows]

    def turns(self, split: str) -> np.ndarray:
        return self.frames(split).motion[:, 3:]
