"""Accuracy by the protocols of the AA-SSL paper: a linear probe, and least squares on one frame an object."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from agent.files import read_json, write_text
from learner.augment import Augment, AugmentSettings
from learner.data import ImageData
from learner.presets import PROBE_EPOCHS
from learner.probes import Embed
from learner.protocols import (
    Embedded,
    Interval,
    Result,
    evenly_spaced,
    interval,
    least_squares,
    linear,
    one_per_instance,
)
from sim.errors import InputError
from sim.seeding import stream

PROTOCOLS = ("linear", "least squares")
FRAMES_AT_ONCE = 256
MOST_FRAMES = 400_000
"""Training frames that a linear probe is fitted on, at most: RT4K has fewer; 512 features of so many take 0.8 GB."""


def frames_each(data: ImageData, *, most: int = MOST_FRAMES) -> int:
    """Frames of each training object, such that all objects together have about `most` at most."""
    counts = np.unique(data.frames("train").instance, return_counts=True)[1]
    return int(min(counts.max(), max(1, most // len(counts))))


def rows_of(data: ImageData, split: str, each: int) -> np.ndarray:
    """Rows int64 [n] of up to `each` frames of each object of a split, evenly spaced."""
    return evenly_spaced(data.frames(split).instance, each)


def embedded(
    data: ImageData, split: str, embed: Embed, *, each: int, image_size: int, told: Callable[[int], object]
) -> Embedded:
    """A split as an encoder sees it; `told` is given how many frames come next, and what it raises ends it."""
    rows, known = rows_of(data, split, each), data.frames(split)
    features = []
    for images in data.batches(split, rows, size=image_size, batch=FRAMES_AT_ONCE):
        told(len(images))
        features.append(embed(images))
    return Embedded(np.concatenate(features), known.category[rows], known.instance[rows])


def augmented(
    data: ImageData, embed: Embed, *, each: int, image_size: int, told: Callable[[int], object], seed: int
) -> Callable[[np.ndarray], np.ndarray]:
    """Gives the features [n, F] of random views, as the paper's trainings see them, of n frames of the training split
    by their places in what `embedded` gives; `told` is as there."""
    rows, augment = rows_of(data, "train", each), Augment(AugmentSettings())
    generator = torch.Generator().manual_seed(int(stream("augment the probe", seed).integers(2**63)))

    def anew(places: np.ndarray) -> np.ndarray:
        told(len(places))
        frames = torch.from_numpy(data.images("train", rows[places], size=image_size))
        views = augment(frames.permute(0, 3, 1, 2), generator)
        return embed(views.add_(1).mul_(255 / 2).round_().to(torch.uint8).permute(0, 2, 3, 1).numpy())

    return anew


def probe(
    train: Embedded,
    test: Embedded,
    *,
    seed: int,
    device: str,
    anew: Callable[[np.ndarray], np.ndarray] | None = None,
) -> dict[str, Result]:
    """Both protocols of the paper; without `anew` (of `augmented`) the linear one does not augment."""
    drawn = int(stream("linear probe", seed).integers(2**63))
    one_each = train.take(one_per_instance(train.instances, stream("one each", seed)))
    generator = torch.Generator().manual_seed(drawn)
    return {
        "linear": linear(train, test, generator=generator, epochs=PROBE_EPOCHS, device=device, anew=anew),
        "least squares": least_squares(one_each, test),
    }


def keep(path: Path, results: Mapping[str, Result]) -> None:
    """Write the accuracy of each test object, by protocol."""
    found = {}
    for protocol, result in results.items():
        instances, accuracy = result.by_instance
        settings = {**result.settings, "test_frames": len(result.labels)}
        found[protocol] = {
            "settings": settings,
            "chance": result.score.chance,
            "instances": instances.tolist(),
            "accuracy": accuracy.tolist(),
        }
    write_text(path, json.dumps(found) + "\n")


class Line(NamedTuple):
    """One line of the table."""

    name: str
    """A method, or a baseline."""
    seeds: int
    """Runs that are done."""
    accuracy: dict[str, Interval]
    """By protocol; over seeds and test objects."""
    chance: float
    """Accuracy of always naming the largest category."""


def line_of(name: str, paths: Sequence[Path]) -> Line:
    """The line of what `keep` wrote for each seed. Raises InputError for other files, or other test objects."""
    kept = [_read(path) for path in paths]
    found = {}
    for protocol in PROTOCOLS:
        rows = [each[protocol] for each in kept]
        for path, row in zip(paths, rows, strict=True):
            if row["instances"] != rows[0]["instances"]:
                raise InputError(f"{path}: other test objects than {paths[0]}, the two cannot be compared")
        values = np.array([row["accuracy"] for row in rows])
        found[protocol] = interval(values, rng=stream("bootstrap", 0))
    return Line(name, len(paths), found, kept[0]["linear"]["chance"])


def _read(path: Path) -> dict[str, Any]:
    try:
        found = read_json(path)
        if not all(isinstance(found[protocol]["accuracy"], list) for protocol in PROTOCOLS):
            raise ValueError("another format")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{path}: no accuracies by the paper's protocols ({error}); remove it to make it anew"
        ) from None
    return found
