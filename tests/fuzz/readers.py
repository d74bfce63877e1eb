"""What opens a folder and reads all of it, by name; run in a process of its own, which the folder may bring down."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from agent.dataset import Dataset
from agent.info import summary
from agent.verify import problems
from learner.checkpoint import Checkpoints
from learner.data import open_data
from learner.encoders import build_encoder
from learner.examination.represent import read_run
from learner.experiments.grid import read_grid
from learner.experiments.outcome import chosen
from learner.export import load_encoder
from learner.pages.trained import read_trained
from learner.parts import buffer_for
from learner.replay_log import read_log
from learner.run import Run, stored_history, stored_processes, stored_settings
from learner.settings import TrainSettings, recorded_settings
from learner.source import RecordedSource
from learner.start import start_from
from sim.objects.splits import SPLITS
from tests.learner.test_checkpoint import learner_of


def dataset(root: Path) -> None:
    """All that is told of a dataset, and all of its episodes."""
    data = Dataset(root)
    summary(data)
    for episode in data.episodes():
        data.origin(episode.number)
        data.frames(episode.number, [0])


def verified(root: Path) -> None:
    problems(root)


def learned(root: Path) -> None:
    """A dataset whose episodes go into a replay buffer, as a training has them."""
    settings = TrainSettings(data=str(root))
    with RecordedSource(root, settings.record) as source:
        buffer = buffer_for(settings, source, source.training_episodes, root, device="cpu")
        for episode in source.episodes():
            buffer.insert(episode)
        buffer.sample(4, np.random.default_rng(0))
        source.held_out("test", 2)


def recorded(root: Path) -> None:
    recorded_settings(root)


def images(kind: str) -> Callable[[Path], None]:
    """The reader of datasets of images of a kind."""

    def read(root: Path) -> None:
        data = open_data(f"{kind}:{root}")
        for split in SPLITS:
            frames = data.frames(split)
            data.images(split, np.arange(len(frames)), size=8)
            if data.action is not None and len(frames):
                data.action.compute(frames.motion[:-1], frames.motion[1:])

    return read


def settings(root: Path) -> None:
    """Of a training, and what tells of it."""
    stored_settings(root, TrainSettings)
    stored_processes(root, TrainSettings)
    read_run(root)
    read_trained(root)


def history(root: Path) -> None:
    stored_history(root)
    read_log(root / "insertions.jsonl")


def checkpoint(root: Path) -> None:
    """A run that is resumed."""
    found = stored_settings(root, TrainSettings)
    with Run(root, found, command="", machine={}, resume=True) as run:
        run.restore(learner_of())
    Checkpoints(root / "checkpoints").load()


def encoder(root: Path) -> None:
    """An exported encoder, used and looked at."""
    network = load_encoder(root)
    with torch.no_grad():
        network(torch.zeros(2, 3, 32, 32))
    read_trained(root)


def weights(root: Path) -> None:
    """Weights to start from, of whatever kind is there."""
    for path in sorted(root.iterdir()):
        start_from(build_encoder("small", seed=0), str(path))


def grid(root: Path) -> None:
    for cell in read_grid(root / "grid.json").cells[:100]:
        assert cell.key


def term(root: Path) -> None:
    chosen(root / "term.json")


def merged(root: Path) -> None:
    """A dataset whose episodes come from another."""
    data = Dataset(root)
    summary(data)
    for number in data.numbers:
        data.origin(number)


KINDS = ("images", "rt4k", "co3d", "co3d-packed", "mvimgnet", "mvimgnet-packed", "armplay")
READERS: dict[str, Callable[[Path], Any]] = {
    **{
        read.__name__: read
        for read in (
            dataset,
            merged,
            verified,
            learned,
            recorded,
            settings,
            history,
            checkpoint,
            encoder,
            weights,
            grid,
            term,
        )
    },
    **{kind: images(kind) for kind in KINDS},
    "heap": images("rt4k"),
}
