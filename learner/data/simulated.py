"""Episodes that are played when they are asked for, as images with views and motion; nothing is kept on the disk."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from agent.collect import engine_for
from agent.episode import Episode
from agent.export.views import angles
from agent.record import RecordSettings
from learner.data.armplay import POSE
from learner.data.base import Frames, check_split
from learner.data.indexed import IndexedData
from learner.encoders import check_image_size
from learner.settings import recorded_settings
from learner.storage import free_memory, size_text
from sim.cores import cores
from sim.errors import InputError
from sim.objects.splits import SPLITS

SHARES = {"train": 0.6, "validation": 0.1, "test": 0.3}
"""Of the episodes."""
FEWEST = 10
"""Episodes, so that each split has one."""
Told = Callable[[int, int], object]


class Simulated(IndexedData):
    """Arms at play: of `episodes` six tenths with training objects of the catalogue, a tenth with validation and three
    tenths with test objects. An episode is a clip; views, motion and action are as in `Armplay`.

    `root` is what is held (`toys`, or a folder of meshes; of that a `fold` may be tested, as in 2/5), played with the
    settings that `scripts/collect.py` has by default; or a dataset of ours, such as `runs/x/episodes`, whose settings
    are taken, without corruption. An episode is a function of these, `seed`, its split and its number, so that all
    repeats. `play` makes the images, in the size asked for; what comes first without it plays in `image_size`. They are
    held in memory as PNG.
    """

    kind = "sim"
    on_disk = False

    def __init__(self, root: Path, *, episodes: str = "200", seed: str = "0", fold: str = "") -> None:
        """Raises InputError for objects that are not there, or numbers that are none."""
        super().__init__(root)
        self._episodes, seed_number = _whole("episodes", episodes, FEWEST), _whole("seed", seed, 0)
        stored = (root / "dataset.json").exists()
        if stored and fold:
            raise InputError(f"fold={fold}: {root} is a dataset, whose objects have the splits that it was begun with")
        objects = f"{root}?fold={fold}" if fold else str(root)
        record = recorded_settings(root) if stored else RecordSettings(objects=objects)
        self._record = replace(record, seed=seed_number, corrupt="", corrupt_time="")
        with closing(self._record()) as recorder:
            self.catalogue = recorder.catalogue
        self.image_size = self._record.scene.image_size
        self.action = POSE
        self._images: list[bytes] = []

    def play(self, size: int, told: Told = lambda done, total: None) -> None:
        """Play all episodes in images of `size` pixels a side; `told` is given the episodes done, and their number.
        Raises InputError where they would not fit into memory, or one cannot be played."""
        check_image_size(size)
        scene = replace(self._record.scene, image_size=size)
        taken, free = self._episodes * scene.frames * 3 * size**2, free_memory()
        if taken > free:
            raise InputError(f"episodes={self._episodes}: {size_text(taken)} of images, {size_text(free)} are free")
        found: list[tuple[str, Episode, list[bytes]]] = []
        told(0, self._episodes)
        for split, count in zip(SPLITS, _counts(self._episodes), strict=True):
            record = replace(self._record, scene=scene, split=split)
            with engine_for("processes", record, workers=min(cores(), count)) as engine:
                played = []
                for episode in engine.episodes(range(count)):
                    images = [_png(frame) for frame in episode.frames]
                    played.append((split, episode._replace(frames=np.empty(0)), images))
                    told(len(found) + len(played), self._episodes)
                if engine.failures:
                    raise InputError(f"{self.kind}:{self.root}: {engine.failures[0]}; without it nothing repeats")
            found += sorted(played, key=lambda each: each[1].number)
        self._list(found)
        self.image_size = size

    def _list(self, found: list[tuple[str, Episode, list[bytes]]]) -> None:
        """Say which frames there are."""
        counts = [len(images) for _, _, images in found]
        motion = np.concatenate([episode.object_poses for _, episode, _ in found])
        self._images = [image for _, _, images in found for image in images]
        self.index(
            category=np.repeat([episode.category for _, episode, _ in found], counts),
            instance=np.repeat([f"{episode.category}/{episode.instance}" for _, episode, _ in found], counts),
            split=np.repeat([split for split, _, _ in found], counts),
            time=np.concatenate([episode.times for _, episode, _ in found]),
            clip=np.repeat(np.arange(len(found)), counts),
            view=angles(motion),
            motion=motion,
        )

    def frames(self, split: str) -> Frames:
        check_split(split)
        if not self._images:
            self.play(self.image_size)
        return super().frames(split)

    def read(self, rows: np.ndarray) -> list[bytes]:
        return [self._images[row] for row in rows]

    def turns(self, split: str) -> np.ndarray:
        return self.frames(split).motion[:, 3:]


def _png(frame: np.ndarray) -> bytes:
    return cv2.imencode(".png", cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))[1].tobytes()


def _counts(episodes: int) -> list[int]:
    """Episodes of each split, which add up."""
    others = {split: round(share * episodes) for split, share in SHARES.items() if split != "train"}
    return [episodes - sum(others.values()) if split == "train" else others[split] for split in SPLITS]


def _whole(name: str, text: str, least: int) -> int:
    if not text.isdecimal() or int(text) < least:
        raise InputError(f"{name}={text}: a whole number of {least} or more is needed")
    return int(text)
