"""How good a trained encoder is on held-out instances, instance by instance, so that methods can be compared."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch

from agent.dataset import Dataset
from learner.analysis import temporal_coherence, viewpoint_alignment
from learner.augment import plain
from learner.checkpoint import Checkpoints, load_checkpoint
from learner.data.armplay import Armplay
from learner.data.base import Frames, ImageData
from learner.encoders import build_encoder
from learner.examination import ExamSettings, Looked, look, representations
from learner.experiments.design import LOOKS, frames_seen
from learner.experiments.told import told_error
from learner.export import load_encoder
from learner.methods import METHODS
from learner.probes import Embed, embed
from learner.protocols import Embedded, Result, evenly_spaced, knn, logistic
from learner.replay import ReplayBuffer
from learner.retrieval import Ranks, Told, rank_by_cosine
from learner.settings import LearnSettings, OnlineSettings, TrainSettings
from learner.training import trained_method
from sim.corrupt import Corruption, Timing
from sim.errors import InputError
from sim.kinematics import Chain
from sim.objects.splits import SPLITS
from sim.seeding import stream

BANK_PER_CATEGORY = 10
"""Labelled training episodes of each category, the first ones, that probes are fitted on."""
FRAMES = 8
"""Frames of each object, evenly spaced, in the bank and among the scored; of folds, of each episode."""
CANDIDATES = 256
"""Pairs among which an action seeks its own."""
DRAWS = 4
"""Times that so many pairs are drawn."""
EXAM = ExamSettings(frames=FRAMES)


class Held(ImageData):
    """Two of our datasets as one: labelled training frames of the first, `train`, and all of the second, `test`.

    Where objects are in folds (`sim.objects.folds`) they are few, and seen in several episodes: the probes are then
    fitted on all objects of the first, those that the training itself held out too, or a category might have none, and
    frames are of each episode.
    """

    kind = "held"
    action = None

    def __init__(self, bank: Path, scored: Path) -> None:
        """Raises InputError for datasets of other categories."""
        super().__init__(scored)
        objects = Dataset(scored).metadata.get("objects", {})
        self.folded = "fold" in objects
        self.alike: dict[str, str] = {name: group[0] for group in objects.get("alike", []) for name in group}
        """The first object of each near-duplicate's group."""
        of_bank = "train" if self.folded else ""
        self._parts = {"train": Armplay(bank, split=of_bank), "test": Armplay(scored, split="test")}
        known, asked = (part.categories for part in self._parts.values())
        if not {*asked} <= {*known} or not (self.folded or known == asked):
            raise InputError(f"{scored}: {len(asked)} categories, those {len(known)} of {bank} are needed")
        self.categories, self.image_size = known, self._parts["test"].image_size
        self.instances = self._parts["train"].instances + self._parts["test"].instances
        self._labels = np.array([known.index(name) for name in asked])
        self._chosen: dict[str, np.ndarray] = {}

    def frames(self, split: str) -> Frames:
        if split not in self._parts:
            return Frames(**{name: values[:0] for name, values in vars(self._parts["train"].frames("train")).items()})
        fields = {name: values[self._rows(split)] for name, values in vars(self._parts[split].frames(split)).items()}
        if split == "test":
            fields["category"] = self._labels[fields["category"]]
            fields["instance"] = fields["instance"] + len(self._parts["train"].instances)
        return Frames(**fields)

    def encoded(self, split: str, rows: np.ndarray) -> list[bytes]:
        return self._parts[split].encoded(split, self._rows(split)[rows])

    def _rows(self, split: str) -> np.ndarray:
        """What is taken of the frames of its dataset, int64 [n]."""
        if split not in self._chosen:
            clip = self._parts[split].frames(split).clip
            most = BANK_PER_CATEGORY * len(self.categories)
            few = np.flatnonzero(clip < most) if split == "train" else np.arange(len(clip))
            self._chosen[split] = evenly_spaced(clip, FRAMES) if self.folded else few
        return self._chosen[split]


def score_run(run: Path, settings: LearnSettings, *, data: Path, bank: Path, scored: Path, device: str) -> dict:
    """All figures of a finished run, of types that JSON knows: accuracy of each instance under each protocol, and what
    else its features hold. `data` is what it learned from."""
    held = Held(bank, scored)
    encoder = load_encoder(run).to(device)
    looked = _look(
        held, {"encoder": partial(embed, encoder, device=device)}, size=encoder.image_size or held.image_size
    )
    train, test = _parts(looked, "encoder")
    rows = looked.split == SPLITS.index("test")
    found: dict[str, Any] = {
        "accuracy": {each.protocol: _by_name(each, held) for each in (knn(train, test), logistic(train, test))}
    }
    if held.alike:
        found["alike"] = {name: held.alike[name] for name in found["accuracy"]["knn"] if name in held.alike}
    coherent = temporal_coherence(test.features, looked.clip[rows])
    found |= {"coherence": coherent.neighbours - coherent.different_clips, "frames": int(rows.sum())}
    try:
        view, rng = looked.view[rows], stream("alignment", 0)
        aligned = viewpoint_alignment(test.features, test.labels, test.instances, view, rng=rng, draws=100)
        found["alignment"] = aligned.ratio.estimate
    except InputError:  # no two objects of a category are seen from one side
        pass
    retrieved = retrieval(run, settings, scored, device=device)
    if retrieved is not None:
        found["retrieval"] = retrieved
    if isinstance(settings, TrainSettings):
        cases = [Corruption.parse(settings.corrupt)] if settings.corrupt else []
        times = [Timing.parse(settings.corrupt_time, settings.time_told)] if settings.corrupt_time else []
        told = told_error(data, [*cases, *times], seed=settings.seed, action=settings.action)
        found["error"] = told.relative
    if isinstance(settings, OnlineSettings) and settings.keep_checkpoints > LOOKS:
        found["seen"] = accuracy_by_frames(run, settings, held, device=device)
    return {**found, **history(run)}


def accuracy_by_frames(run: Path, settings: OnlineSettings, held: Held, *, device: str) -> list[dict[str, float]]:
    """kNN accuracy of each checkpoint that a live run has kept, and the frames that it had seen until then."""
    kept, embeds = Checkpoints(run / "checkpoints"), {}
    for step in kept.steps:
        tensors, _ = load_checkpoint(kept.path_of(step))
        encoder = build_encoder(settings.encoder, seed=0, image_size=held.image_size)
        trained_method(tensors, settings.method, encoder, settings.loss, categories=len(held.categories))
        embeds[str(step)] = partial(embed, encoder.to(device), device=device)
    looked = _look(held, embeds, size=held.image_size)
    accuracy = {step: _by_name(knn(*_parts(looked, step)), held) for step in embeds}
    return [
        {"frames": frames_seen(settings, int(step)), "knn": float(np.mean([*shares.values()]))}
        for step, shares in accuracy.items()
    ]


def score_baselines(bank: Path, scored: Path, encoder: str, *, device: str) -> dict[str, dict[str, float]]:
    """kNN accuracy of each instance by what learned nothing: an untrained encoder, pixels, colours."""
    held = Held(bank, scored)
    untrained = build_encoder(encoder, seed=0, image_size=held.image_size)
    untrained.name, untrained.image_size = encoder, held.image_size
    embeds, _ = representations({"": untrained}, device=device)
    looked = _look(held, {name: each for name, each in embeds.items() if name}, size=held.image_size)
    return {name: _by_name(knn(*_parts(looked, name)), held) for name in looked.features}


def _look(held: Held, embeds: Mapping[str, Embed], *, size: int) -> Looked:
    exam = replace(EXAM, frames=0) if held.folded else EXAM
    return look(held, embeds, exam, size=size, told=lambda done, total: None)


def _parts(looked: Looked, name: str) -> tuple[Embedded, Embedded]:
    train, test = (looked.of(name, looked.split == SPLITS.index(split)) for split in ("train", "test"))
    return train, test


def _by_name(result: Result, held: Held) -> dict[str, float]:
    instances, accuracy = result.by_instance
    return {held.instances[number]: float(share) for number, share in zip(instances, accuracy, strict=True)}


def retrieval(run: Path, settings: LearnSettings, scored: Path, *, device: str) -> dict[str, float] | None:
    """How well pairs of held-out objects find their true actions, by the heads of the last checkpoint: the shares that
    are found first and among the first 5, the mean rank, and among how many.

    Means over a few draws, one pair an episode; None where the method compares no action with a pair."""
    if not METHODS[settings.method].uses_action:
        return None
    kept, _ = Checkpoints(run / "checkpoints").load()
    if kept is None:
        raise InputError(f"{run}: no checkpoint is left, and actions can only be sought by one")
    buffer = _buffer(scored, settings)
    encoder = build_encoder(settings.encoder, seed=0, image_size=buffer.image_size)
    categories = len(buffer.categories)
    method = trained_method(kept.tensors, settings.method, encoder, settings.loss, categories=categories).to(device)
    found: list[Ranks] = []
    for draw in range(DRAWS):
        pairs = buffer.sample(min(CANDIDATES, len(buffer)), stream("retrieval", 0, draw))
        action = (pairs.action - kept.tensors["action_mean"]) / kept.tensors["action_std"]
        first, second = (plain(frames.to(device)) for frames in (pairs.first, pairs.second))
        with torch.inference_mode():
            matched = method(first, second, action.to(device), pairs.category.to(device)).matched
        if matched is None:
            return None
        actions, seen = (side.double().cpu().numpy() for side in matched)
        told = Told(seen, seen, pairs.action.double().numpy(), pairs.instance.numpy())
        found.append(rank_by_cosine(seen, actions, told))
    shares = {f"top{k}": float(np.mean([ranks.top(k) for ranks in found])) for k in (1, 5)}
    rank, candidates = (float(np.mean([getattr(each, name) for each in found])) for name in ("rank", "candidates"))
    return {**shares, "mean_rank": rank, "candidates": candidates}


def _buffer(scored: Path, settings: LearnSettings) -> ReplayBuffer:
    """The first scored episodes, to draw pairs of them as the learner did."""
    dataset = Dataset(scored)
    episodes = list(islice(dataset.episodes(), 2 * CANDIDATES))
    buffer = ReplayBuffer(
        len(episodes),
        frames=max(len(episode.frames) for episode in episodes),
        image_size=dataset.image_size[0],
        chain=Chain.from_json(dataset.metadata["chain"]),
        categories=tuple(dataset.metadata["categories"]),
        action=settings.action,
        sampling=settings.sampling,
    )
    for episode in episodes:
        buffer.insert(episode)
    return buffer


def history(run: Path) -> dict[str, Any]:
    """What a run noted while it learned: at each look at its own validation instances, accuracy, seconds, and the
    action term beside its chance."""
    rows = [json.loads(line) for line in (run / "history.jsonl").read_text().splitlines()]
    names = {
        "knn_validation": "probe/knn_validation",
        "seconds": "seconds",
        "action_loss": "loss/action",
        "action_chance": "loss/action_chance",
    }
    looks = [row for row in rows if "probe/knn_validation" in row]
    return {
        "seconds": rows[-1]["seconds"],
        "curve": [{"step": row["step"], **{k: row[v] for k, v in names.items() if v in row}} for row in looks],
    }
