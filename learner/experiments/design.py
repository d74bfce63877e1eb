"""What an experiment is made of: conditions, each a dataset and a training, that are repeated with several seeds."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from agent.record import RecordSettings
from agent.settings import to_json
from learner.augment import AugmentSettings
from learner.limiter import episodes_before
from learner.methods import MethodSettings
from learner.settings import LearnSettings, OnlineSettings, TrainSettings, suited_training
from sim.camera import Camera
from sim.errors import InputError
from sim.objects.toys import CATEGORIES
from sim.randomize import Randomization
from sim.scene import SceneSettings

MAIN = ("simclr", "simclr-tt", "aa-simclr")
"""The methods that every question is about."""
LOOKS = 5
"""Checkpoints of a live run that are scored, evenly spaced, where it keeps as many."""
MACHINE = ("device", "storage", "data", "checkpoint_every", "keep_checkpoints")
"""Settings that results do not depend on; `threads` is none of them."""


@dataclass(frozen=True)
class Data:
    """Episodes that are collected once, and used by all experiments that ask for them."""

    record: RecordSettings
    episodes: int
    beside: RecordSettings | None = None
    """How the second half of the episodes is recorded, where that is otherwise: they are collected and merged."""

    def __post_init__(self) -> None:
        if self.beside is not None and self.episodes < 2:
            raise InputError(f"episodes={self.episodes}: at least 2 are needed, or there is no second half")

    @property
    def made_of(self) -> dict[str, Any]:
        """What it is made of, as JSON values."""
        second = {} if self.beside is None else {"beside": to_json(self.beside)}
        return {"record": to_json(self.record), "episodes": self.episodes, **second}

    @property
    def key(self) -> str:
        """Names what it is made of: other settings, another key."""
        return digest(self.made_of)

    @property
    def parts(self) -> tuple[Data, ...]:
        """The halves that it is merged from; empty where it is collected as one."""
        if self.beside is None:
            return ()
        second = self.episodes // 2
        return Data(self.record, self.episodes - second), Data(self.beside, second)


@dataclass(frozen=True)
class Condition:
    """One point of a grid: a training on a dataset, scored on instances that are held out from all datasets."""

    name: str
    """No other condition of the experiment has it."""
    data: Data
    """What is learned from; of no meaning where it is `live`."""
    settings: LearnSettings
    """All that is learned and how, but for seed, data and device."""
    scored: Data
    """What is scored on: all its instances are held out."""
    bank: Data
    """Training instances, seen as the scored ones are: labels of their frames are what the probes are fitted on."""
    panel: str = ""
    """What is shown together."""
    x: float | None = None
    """Its place on the axis of its panel, where that has one."""
    against: tuple[str, ...] = ()
    """Conditions that it is compared with, seed by seed and instance by instance."""
    rank: int = 0
    """0 is always in the grid; of others, the highest go first where there is no time for all."""
    pool: str = ""
    """What it is told as, together with the others that have it: the folds of a cross-validation. Empty: as itself."""

    @property
    def method(self) -> str:
        """The loss."""
        return self.settings.method

    @property
    def live(self) -> bool:
        """It plays while it learns, and learns from nothing that is stored."""
        return isinstance(self.settings, OnlineSettings) and self.settings.engine != "recorded"

    @property
    def record(self) -> RecordSettings:
        """What it learns from."""
        return self.settings.record if self.live else self.data.record

    @property
    def play(self) -> str:
        """The policy that plays what it learns from; both, where two did."""
        second = None if self.live else self.data.beside
        return self.record.play if second is None else f"{self.record.play}+{second.play}"


@dataclass(frozen=True)
class Scale:
    """How large a grid is: what the machine suits, and what a budget leaves of it."""

    steps: int
    ladder: tuple[int, ...]
    """Steps that a smaller grid may have, descending."""
    seeds: int = 5
    """Of the conditions that are always in the grid."""
    other_seeds: int = 3
    """Of the others."""
    highest_rank: int = 99
    """Conditions beyond it are left out."""
    episodes: int = 2000
    """That are learned from; a fifth is held out by instance, as in every training."""
    validation_per_category: int = 10
    """Instances that settings are chosen on."""
    test_per_category: int = 25
    """Instances that results are told of."""
    image_size: int = 64
    frames: int = 32
    categories: tuple[str, ...] = ()
    """None means all."""
    threads: int = 1
    """Of each training: they are part of its numbers."""
    base: TrainSettings = field(default_factory=suited_training)
    """What all trainings begin from."""

    def __post_init__(self) -> None:
        for name in ("steps", "seeds", "other_seeds", "episodes", "validation_per_category", "test_per_category"):
            if getattr(self, name) < 1:
                raise InputError(f"{name}={getattr(self, name)}: at least 1 is needed, or the grid is empty")


@dataclass(frozen=True)
class ActionTerm:
    """What is chosen for the action term, at any number of steps."""

    settings: MethodSettings = field(default_factory=MethodSettings)
    warmup: float = 0.0
    """Share of the steps in which its weight rises."""

    def at(self, steps: int) -> MethodSettings:
        """The settings of a training of so many steps."""
        return replace(self.settings, action_warmup=round(self.warmup * steps))


@dataclass(frozen=True)
class Base:
    """What the conditions of an experiment are made from, at a scale."""

    scale: Scale
    split: Literal["validation", "test"]
    """Which instances are scored: validation to choose, test to tell."""
    term: ActionTerm = field(default_factory=ActionTerm)
    """As settled on validation instances, or by default."""
    objects: str = ""
    """Folder of meshes, of an experiment with folds."""
    folds: int = 5
    """Of that folder."""

    def data(self, *, play: str = "turntable", draw: Any = "hidden", background: Any = "fixed", **changes: Any) -> Data:
        """Episodes to learn from; by default the paper's own case: turned upright, the arm not seen, one background.
        `changes` are of the scene, or of the recording where the scene has no such setting."""
        scale = self.scale
        of_scene = {name: value for name, value in changes.items() if name in SceneSettings.__dataclass_fields__}
        of_record = {name: value for name, value in changes.items() if name not in of_scene}
        looks = {"image_size": scale.image_size, "frames": scale.frames, "camera": Camera(field_of_view=8.5)}
        scene = SceneSettings(**{**looks, "draw": draw, "randomize": Randomization(background=background), **of_scene})
        record = RecordSettings(scene=scene, play=play, categories=scale.categories, **of_record)
        return Data(record, scale.episodes)

    def train(self, method: str, *, loss: Any = None, augment: Any = None, **changes: Any) -> TrainSettings:
        """A training; `loss` and `augment` change the settled ones. The action is the rotation, unless it is changed:
        crops destroy translation."""
        scale, base = self.scale, self.scale.base
        every = max(1, min(1000, scale.steps // 10))
        log = max(1, every // 10)
        return replace(
            base,
            method=method,
            steps=scale.steps,
            loss=replace(self.term.at(scale.steps), **(loss or {})),
            augment=replace(base.augment, **(augment or {})),
            precision="float32",
            threads=scale.threads,
            log_every=log,
            validate_every=every - every % log,
            checkpoint_every=every,
            **{"action": "rotation", **changes},
        )

    def condition(
        self, name: str, settings: LearnSettings, data: Data, *, like: Data | None = None, **about: Any
    ) -> Condition:
        """A condition that is scored on what looks like `like`; by default as what it learns from, uncorrupted."""
        record = replace((like or data).record, corrupt="", corrupt_time="", corrupt_what="recorded")
        count = len(self.scale.categories or CATEGORIES)
        each = self.scale.test_per_category if self.split == "test" else self.scale.validation_per_category
        scored = Data(replace(record, split=self.split), each * count)
        return Condition(name, data, settings, scored, Data(record, self.scale.episodes), **about)


@dataclass(frozen=True)
class Experiment:
    """A question, and the grid that answers it."""

    name: str
    title: str
    asks: str
    """The question, in a sentence or two, for those who read the results."""
    split: Literal["validation", "test"]
    conditions: Callable[[Base], list[Condition]]
    scale: Callable[[Scale], Scale] = replace
    """Makes its own scale of that of the machine."""
    folded: bool = False
    """It learns from a folder of meshes that is cut into folds, and says of which one when it is asked for."""


def main_methods(
    base: Base, data: Data, *, panel: str, suffix: str = "", methods: Iterable[str] = MAIN, **about: Any
) -> list[Condition]:
    """SimCLR, SimCLR-TT and AA-SimCLR on the same data, the last compared with the others."""
    train: dict[str, Any] = about.pop("train", {})
    against = tuple(f"{method}{suffix}" for method in methods if method in MAIN[:2])
    return [
        base.condition(
            f"{method}{suffix}",
            base.train(method, **train),
            data,
            panel=panel,
            against=against if method not in MAIN[:2] else (),
            **about,
        )
        for method in methods
    ]


def frames_seen(settings: OnlineSettings, steps: int) -> int:
    """Frames that a live run in lockstep has seen after so many steps, at least 1."""
    frames = settings.record.scene.frames
    sizes = {"minimum": settings.minimum_episodes * frames, "batch": settings.batch, "episode_frames": frames}
    return frames * episodes_before(steps - 1, ratio=settings.replay_ratio, **sizes)


def augmented(augment: AugmentSettings, *without: str) -> dict[str, Any]:
    """The changes that take operations away from `augment`: crop, jitter (all four of them), grey, or one jitter."""
    changes: dict[str, Any] = {}
    for name in without:
        changes[name if hasattr(augment, name) else f"{name}_probability"] = 0.0
    return changes


def digest(values: Any) -> str:
    """Twelve hexadecimal digits that change with the JSON values."""
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:12]
