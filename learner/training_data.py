"""What a training has to know of what it learns from: episodes of an arm, or a dataset of images."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from functools import cached_property

import numpy as np

from agent.episode import Episode
from learner.actions import Mirror, action_error, representation
from learner.data import ImageData, PairSet
from learner.evaluation import Gallery, GalleryBuilder, gallery_from
from learner.methods import METHODS
from learner.pictured import PairPicture
from learner.settings import LearnSettings, TrainSettings
from learner.source import Source
from sim import poses
from sim.errors import InputError

PICTURES = 12
"""Pairs that the report shows, of different categories where there are as many."""


class TrainingData(ABC):
    """What is learned from: sizes for the networks, labelled frames for the probes, words and pictures for people."""

    categories: tuple[str, ...]
    image_size: int
    """Height and width in pixels of the frames that are learned from."""
    action: str
    """What an action is, in a few words."""
    action_size: int
    """Length A of an action; 0 where nothing is known of the motion."""
    mirror: Mirror | None
    """Makes the action of a pair that is mirrored; None where there is no such action."""
    told: str
    """What it is, in a few words."""
    about: str
    """What it is, for those who are handed the encoder alone."""

    @abstractmethod
    def bank(self) -> Gallery:
        """Training frames, as far as they have come in, that probes are fitted on."""

    @abstractmethod
    def held_out(self, split: str, episodes: int) -> Gallery:
        """Frames of objects that the encoder never sees; `split` is validation or test."""

    @abstractmethod
    def pictures(self, rng: np.random.Generator) -> list[PairPicture]:
        """A few pairs, to be looked at."""

    def notes(self) -> list[str]:
        """Sentences about what was done to the data on its way to the learner."""
        return []


class EpisodeData(TrainingData):
    """Episodes of a source, which has to show each of them to `watch`."""

    def __init__(self, source: Source, settings: LearnSettings) -> None:
        self._source, self._record = source, settings.record
        told = representation(settings.action)
        self.categories, self.image_size = source.categories, source.layout.image_size
        self.action, self.action_size, self.mirror = settings.action, told.size(source.chain.joints), told.mirror
        self.told = source.told
        self._corrupted = [kind for kind in (self._record.corruption, self._record.timing) if kind]
        self.about = "; ".join([f"{source.told}, objects: {self._record.objects}", *map(str, self._corrupted)])
        self._bank = GalleryBuilder(source.categories, episodes=settings.bank_episodes)
        self._shown: dict[str, Episode] = {}

    def watch(self, episode: Episode) -> None:
        """A training episode has come in."""
        self._bank.add(episode)
        if len(self._shown) < PICTURES:
            self._shown.setdefault(episode.category, episode)

    def bank(self) -> Gallery:
        return self._bank.build()

    def held_out(self, split: str, episodes: int) -> Gallery:
        return self._source.held_out(split, episodes)

    def pictures(self, rng: np.random.Generator) -> list[PairPicture]:
        """One uniform pair of each episode."""
        return [_pictured(episode, rng) for episode in sorted(self._shown.values(), key=lambda kept: kept.number)]

    def notes(self) -> list[str]:
        """What was corrupted, and how wrong that made what the learner was told of an action."""
        said = [f"Commands are corrupted: {self._record.corruption}."] if self._record.corruption else []
        said += [f"Times are corrupted: {self._record.timing}."] if self._record.timing else []
        if said and self._shown:
            error = action_error(self._shown.values(), self._source.chain, action=self.action)
            said.append(f"Over {len(self._shown)} episodes, {error}.")
        return said


def _pictured(episode: Episode, rng: np.random.Generator) -> PairPicture:
    here, there = rng.choice(len(episode.frames), 2, replace=False)
    turn = poses.relative(episode.object_poses[here], episode.object_poses[there])[3:]
    return PairPicture(
        first=episode.frames[here],
        second=episode.frames[there],
        clean=episode.clean,
        recorded=episode.recorded,
        span=(int(here), int(there)),
        category=episode.category,
        gap=float(episode.times[there] - episode.times[here]),
        turn=float(poses.angle(turn)),
    )


class ImageTrainingData(TrainingData):
    """A dataset of images on disk; its action is its own, and has no mirror image."""

    mirror = None

    def __init__(self, images: ImageData, settings: TrainSettings) -> None:
        """Raises InputError for a method that needs an action where there is none, and for splits without frames."""
        self._images, self._settings = images, settings
        self.categories, self.image_size = images.categories, settings.image_size or images.image_size
        self.action_size = images.action.size if images.action else 0
        self.action = f"of {images.kind} ({self.action_size} numbers)" if images.action else "unknown"
        self.told = self.about = settings.data
        if not images.action and METHODS[settings.method].uses_action:
            able = ", ".join(name for name, recipe in METHODS.items() if not recipe.uses_action)
            raise InputError(
                f"method={settings.method}: nothing is known of the motion between frames of {settings.data}, and "
                f"only {able} learn without"
            )
        for split in ("train", "validation", "test"):
            if not len(images.frames(split)):
                raise InputError(f"{settings.data}: no frames for {split}: more objects are needed")
        if len(np.unique(images.frames("train").category)) < 2:
            raise InputError(f"{settings.data}: 1 category for train, at least 2 are needed to tell them apart")

    @cached_property
    def _bank(self) -> Gallery:
        return gallery_from(self._images, "train", clips=self._settings.bank_episodes, image_size=self.image_size)

    def bank(self) -> Gallery:
        return self._bank

    def held_out(self, split: str, episodes: int) -> Gallery:
        return gallery_from(self._images, split, clips=episodes, image_size=self.image_size)

    def pictures(self, rng: np.random.Generator) -> list[PairPicture]:
        """Pairs as the learner draws them, the first of each category."""
        pairs_of = PairSet(self._images, "train", sampling=self._settings.sampling)
        here, there = pairs_of.draw(20 * PICTURES, rng)
        labels = self._images.frames("train").category[here]
        chosen = np.sort(np.unique(labels, return_index=True)[1])[:PICTURES]
        return [self._pictured(int(here[row]), int(there[row])) for row in chosen]

    def _pictured(self, here: int, there: int) -> PairPicture:
        looks = self._images.images("train", np.array([here, there]), size=self.image_size)
        label = self._images.frames("train").category[here]
        turn = math.nan
        if self._turns is not None:
            turn = float(poses.angle(poses.multiply(self._turns[there], poses.conjugate(self._turns[here]))))
        nothing = np.zeros((0, 0), dtype=np.float32)
        return PairPicture(looks[0], looks[1], nothing, nothing, (0, 0), self.categories[label], math.nan, turn)

    @cached_property
    def _turns(self) -> np.ndarray | None:
        """How the object is turned in each training frame; None where that is not known."""
        try:
            return self._images.turns("train")
        except InputError:
            return None
