"""How good a representation is: galleries of labelled frames, and the table of probes beside their baselines."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from agent.episode import Episode
from learner.data.base import ImageData
from learner.encoders import Encoder
from learner.probes import (
    Score,
    color_histogram,
    embed,
    knn_predict,
    linear_probe,
    raw_pixels,
    score,
)
from sim.errors import InputError
from sim.waiting import counted

NEIGHBOURS = 20
FRAMES_PER_EPISODE = 4


class Gallery(NamedTuple):
    """N labelled frames. Labels serve probes only."""

    images: np.ndarray
    """uint8 [N, H, W, 3]."""
    labels: np.ndarray
    """int64 [N]: index of the category."""
    instances: np.ndarray
    """int64 [N]: frames of one object share one number."""


class Row(NamedTuple):
    """One line of the final table."""

    representation: str
    """A method, or one of the baselines."""
    probe: str
    """`kNN` or `linear`."""
    score: Score


class GalleryBuilder:
    """Keeps four frames, evenly spaced in time, of each episode it is shown whose number is below `episodes`."""

    def __init__(self, categories: tuple[str, ...], *, episodes: int) -> None:
        self._categories = categories
        self._episodes = episodes
        self._seen: list[tuple[int, np.ndarray, int, str]] = []

    def add(self, episode: Episode) -> None:
        if episode.number < self._episodes:
            chosen = np.linspace(0, len(episode.frames) - 1, FRAMES_PER_EPISODE).round().astype(int)
            label = self._categories.index(episode.category)
            frames = episode.frames[chosen]
            self._seen.append((episode.number, frames, label, f"{episode.category}/{episode.instance}"))

    def build(self) -> Gallery:
        """The gallery of all episodes so far, in the order of their numbers. Raises InputError when there are none."""
        seen = sorted(self._seen.copy(), key=lambda kept: kept[0])
        if not seen:
            raise InputError("0 held-out episodes: at least 1 is needed, or accuracy is undefined")
        _, images, labels, names = zip(*seen, strict=True)
        instances = np.unique(names, return_inverse=True)[1]
        return Gallery(
            np.concatenate(images),
            np.repeat(np.array(labels), FRAMES_PER_EPISODE),
            np.repeat(instances, FRAMES_PER_EPISODE),
        )


def gallery_of(episodes: Iterable[Episode], categories: tuple[str, ...], *, count: int) -> Gallery:
    """The gallery of episodes 0 to `count` - 1 among those given."""
    builder = GalleryBuilder(categories, episodes=count)
    for episode in episodes:
        builder.add(episode)
    return builder.build()


def gallery_from(data: ImageData, split: str, *, clips: int, image_size: int) -> Gallery:
    """The gallery of four frames, evenly spaced, of each of `clips` clips of a split, or of all where there are fewer.

    Clips are spaced evenly too: as a rule, neighbours are of one category. Raises InputError where there are none.
    """
    frames = data.frames(split)
    starts = np.flatnonzero(np.diff(frames.clip, prepend=-1))
    if not len(starts):
        raise InputError(f"{data.kind}:{data.root}: no frames for {split}: at least 1 is needed")
    lengths = np.diff(starts, append=len(frames))
    chosen = np.unique(np.linspace(0, len(starts) - 1, min(clips, len(starts))).round().astype(int))
    steps = np.linspace(0, lengths[chosen] - 1, FRAMES_PER_EPISODE, axis=1).round().astype(int)
    rows = (starts[chosen, None] + steps).ravel()
    return Gallery(data.images(split, rows, size=image_size), frames.category[rows], frames.instance[rows])


def final_table(
    name: str, encoder: Encoder, untrained: Encoder, bank: Gallery, test: Gallery, *, device: str
) -> list[Row]:
    """kNN and linear probe of the encoder, of the untrained encoder, of raw pixels and of colour histograms.

    One protocol for all: fitted on the bank (training instances), scored on test instances.
    """

    def embedded(network: Encoder) -> tuple[np.ndarray, np.ndarray]:
        return embed(network, bank.images, device=device), embed(network, test.images, device=device)

    representations = {
        name: lambda: embedded(encoder),
        "untrained encoder": lambda: embedded(untrained),
        "raw pixels": lambda: (raw_pixels(bank.images), raw_pixels(test.images)),
        "colour histogram": lambda: (color_histogram(bank.images), color_histogram(test.images)),
    }
    rows = []
    for label, make in counted(representations.items(), len(representations), title="probe", unit="representations"):
        known, asked = make()
        nearest = knn_predict(known, bank.labels, asked, k=NEIGHBOURS)
        rows.append(Row(label, "kNN", score(nearest, test.labels, test.instances)))
        linear = linear_probe(known, bank.labels, asked)
        rows.append(Row(label, "linear", score(linear, test.labels, test.instances)))
    return rows
