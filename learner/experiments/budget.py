"""What fits into so many hours: a few steps are timed, then the grid shrinks in a stated order."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch

from agent.episode import Pairs
from agent.record import RecordSettings
from learner.experiments.design import Base, Experiment, Scale, frames_seen
from learner.experiments.grid import Grid, grid_of
from learner.settings import LearnSettings, OnlineSettings, TrainSettings, suited_training
from learner.team import Team
from learner.training import Learner
from sim.errors import InputError

ROUNDS = 3
"""Steps that are timed, after one that is not."""
BESIDE_S = 60.0
"""Of each training, what is not steps: start, looks at validation instances, probes, scores; a generous guess."""
LADDER = (20_000, 10_000, 5000, 2000, 1000)
"""Steps of a training, from full to least."""
PAPER_STEPS = 146_000
ORDER = "first the steps, down to the shortest of the ladder; then the seeds; then the conditions that matter least"


def suited_scale(*, device: str, split: str, threads: int) -> Scale:
    """The full grid for this machine: on a CPU small pictures and the small encoder; on CUDA ResNet-18, its data
    resident, more episodes, and where settings are chosen the paper's number of steps."""
    cuda = device.startswith("cuda")
    base = replace(suited_training(), device="cuda" if cuda else "cpu", storage="cuda" if cuda else "memory")
    longest = PAPER_STEPS if cuda and split == "validation" else LADDER[0]
    return Scale(longest, LADDER, episodes=10_000 if cuda else 2000, threads=threads, base=base)


class Speeds(NamedTuple):
    """How fast this machine is."""

    step: Callable[[LearnSettings], float]
    """Seconds a step of such a training."""
    episode: Callable[[RecordSettings], float]
    """Seconds an episode that is collected so."""


def hours(grid: Grid, speeds: Speeds, *, at_once: int = 1) -> float:
    """What the grid takes with so many trainings at once, its datasets and what live runs play included."""
    trained = sum(cell.settings.steps * speeds.step(cell.settings) for cell in grid.trainings)
    trained += BESIDE_S * len(grid.cells)
    played = sum(
        frames_seen(cell.settings, cell.settings.steps)
        / cell.settings.record.scene.frames
        * speeds.episode(cell.settings.record)
        for cell in grid.trainings
        if cell.condition.live and isinstance(cell.settings, OnlineSettings)
    )
    wanted = {part.key: part for data in grid.data for part in (data.parts or (data,))}
    collected = sum(data.episodes * speeds.episode(data.record) for data in wanted.values())
    return (trained / at_once + collected + played) / 3600


def fitted(
    experiment: Experiment, base: Base, speeds: Speeds, *, budget: float, at_once: int = 1, term: str = "as by default"
) -> Grid:
    """The largest grid that takes `budget` hours at most. It shrinks in the order of `ORDER`.

    Raises InputError where the least takes longer.
    """
    grid = grid_of(experiment, base.scale, base, term=term)
    for scale in smaller(base.scale, [each.rank for each in grid.conditions]):
        grid = grid_of(experiment, scale, base, term=term)
        if hours(grid, speeds, at_once=at_once) <= budget:
            return grid
    least = hours(grid, speeds, at_once=at_once)
    raise InputError(f"budget={budget:g}: the least grid of {experiment.name} takes {least:.2g} hours here")


def smaller(scale: Scale, ranks: list[int]) -> Iterator[Scale]:
    """The scale, and ever smaller ones: fewer steps, then fewer seeds, then fewer conditions."""
    steps = [scale.steps, *(each for each in scale.ladder if each < scale.steps)]
    yield from (replace(scale, steps=each) for each in steps)
    least = replace(scale, steps=steps[-1])
    seeds = [each for each in (3, 2, 1) if each < scale.seeds]
    yield from (replace(least, seeds=each) for each in seeds)
    least = replace(least, seeds=min([scale.seeds, *seeds]))
    yield from (replace(least, highest_rank=rank - 1) for rank in sorted({*ranks} - {0}, reverse=True))


def measured(settings: LearnSettings, *, image_size: int, workers: int) -> Speeds:
    """Time, when it is asked for, an episode of each play policy, for so many workers, and a few steps of each kind of
    training, on images of that size; a usual one has these `settings`."""

    played: dict[str, float] = {}

    def episode(asked: RecordSettings) -> float:
        if asked.play not in played:
            played[asked.play] = episode_seconds(asked) / workers
        return played[asked.play]

    if settings.threads:
        torch.set_num_threads(settings.threads)

    @lru_cache
    def seconds(method: str, encoder: str, device: str) -> float:
        return step_seconds(method, encoder, settings.batch, device=device, image_size=image_size)

    def step(asked: LearnSettings) -> float:
        return seconds(asked.method, asked.encoder, asked.device) * asked.batch / settings.batch

    return Speeds(step, episode)


def episode_seconds(record: RecordSettings) -> float:
    """Of the second episode: the first one makes the scene."""
    recorder = record()
    recorder(0)
    began = time.perf_counter()
    recorder(1)
    taken = time.perf_counter() - began
    recorder.close()
    return taken


def step_seconds(method: str, encoder: str, batch: int, *, device: str, image_size: int) -> float:
    """The median of a few steps on noise. Their time does not depend on what is seen."""
    usual = TrainSettings()
    learner = Learner(
        method=method,
        encoder=encoder,
        image_size=image_size,
        action_size=7,
        categories=10,
        method_settings=usual.loss,
        augment_settings=usual.augment,
        optimizer_settings=usual.optimizer,
        seed=0,
        horizon=1,
        team=Team(device=device),
    )
    frames = torch.randint(256, (batch, image_size, image_size, 3), dtype=torch.uint8).permute(0, 3, 1, 2)
    numbers = torch.arange(batch)
    pairs = Pairs(frames, frames, torch.randn(batch, 7), numbers % 10, numbers, numbers, torch.ones(batch))
    taken = []
    for _ in range(1 + ROUNDS):
        began = time.perf_counter()
        float(learner.step(pairs).losses["loss"])  # reading it waits for the device
        taken.append(time.perf_counter() - began)
    return float(np.median(taken[1:]))
