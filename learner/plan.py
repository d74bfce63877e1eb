"""What a repetition of the paper consists of, and how long that takes on this machine."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from learner.data import ImageData
from learner.encoders import build_encoder
from learner.paper import FRAMES_AT_ONCE, frames_each, rows_of
from learner.parts import learner_for, settled
from learner.presets import PROBE_EPOCHS, steps_of
from learner.probes import embed
from learner.settings import TrainSettings
from learner.stored import open_stored
from learner.team import Team

WARM, TIMED = 3, 5
"""Steps of each method before and while the clock runs."""
SPARE = 0.1
"""Share of a budget that is left alone: machines are not equally fast all the time."""
LOOKING = 0.15
"""Share of a budget that frames may be embedded in for the final probes."""
AFTERWARDS_S = 20.0
"""What the start, the validations and the report of a run are reckoned at."""


@dataclass(frozen=True)
class Asked:
    """What a user decides for all runs."""

    experiment: str
    data: str
    batch: int
    encoder: str
    image_size: int
    """0 is the publishers'."""
    budget: float
    """Hours; 0 is as long as it takes."""


@dataclass(frozen=True)
class Plan:
    """What all runs have in common, settled once: those of another plan do not belong into the same table."""

    asked: Asked
    training_frames: int
    steps: int
    paper_steps: int
    frames: int
    """Of each object, that probes are fitted and tested on."""

    @property
    def cut(self) -> bool:
        """Whether it is shorter than the paper's; its linear probe then does not augment."""
        return self.steps < self.paper_steps


class Pace(NamedTuple):
    """How fast this machine is, in s."""

    step: dict[str, float]
    """By method."""
    frame: float
    """To read a frame and embed it."""

    def of(self, plan: Plan, method: str, looked: int) -> float:
        """A run of this method, and its probes, which look at so many frames."""
        return plan.steps * self.step[method] + looked * self.frame + AFTERWARDS_S


def measure(images: ImageData, methods: Sequence[str], settings_of: Callable[[str], TrainSettings]) -> Pace:
    """Time a few steps of each method, and a batch of frames."""
    settings, found, step = settings_of(methods[0]), {}, count()
    team = Team(device=settings.device)
    with open_stored(settings, Path(), team) as stored:
        size = stored.data.image_size
        settings = settled(settings, team, image_size=size)
        for method in methods:
            learner = learner_for(replace(settings, method=method), stored.data, team)
            began = 0.0
            for number in range(WARM + TIMED):
                if number == WARM:
                    began = _now(team.device)
                learner.step(stored.batch(next(step), second=learner.method.second_view))
            found[method] = (_now(team.device) - began) / TIMED
    rows = np.arange(min(FRAMES_AT_ONCE, len(images.frames("train"))))
    encoder = build_encoder(settings.encoder, seed=0, image_size=size).to(team.device)
    began = _now(team.device)
    embed(encoder, images.images("train", rows, size=size), device=team.device)
    return Pace(found, (_now(team.device) - began) / len(rows))


def _now(device: str) -> float:
    if device.startswith("cuda"):
        torch.cuda.synchronize(device)
    return time.perf_counter()


def whole_plan(images: ImageData, asked: Asked) -> Plan:
    """The paper's: all steps, and all frames that a probe can take."""
    frames = len(images.frames("train"))
    steps = steps_of(frames, batch=asked.batch)
    return Plan(asked, training_frames=frames, steps=steps, paper_steps=steps, frames=frames_each(images))


def fitted(plan: Plan, images: ImageData, pace: Pace, runs: Sequence[tuple[str, int]], *, others: int) -> Plan:
    """The plan cut such that all runs, and probes of so many other representations, fit its budget: as many steps for
    each. At least one step and one frame an object remain, which may take longer."""
    seconds, looks = 3600 * plan.asked.budget, len(runs) + others
    looked = looks_of(images, plan)
    if sum(pace.of(plan, method, looked) for method, _ in runs) + others * looked * pace.frame < (1 - SPARE) * seconds:
        return plan
    each = int(LOOKING * seconds / (looks * pace.frame * max(1, looked_at(images, 1))))
    plan = replace(plan, frames=max(1, min(plan.frames, each)))
    left = (1 - SPARE) * seconds - looks * looked_at(images, plan.frames) * pace.frame - len(runs) * AFTERWARDS_S
    steps = int(left / sum(pace.step[method] for method, _ in runs))
    return replace(plan, steps=max(1, min(plan.steps - 1, steps)))


def looked_at(images: ImageData, each: int) -> int:
    """Frames that the probes are fitted and tested on."""
    return sum(len(rows_of(images, split, each)) for split in ("train", "test"))


def looks_of(images: ImageData, plan: Plan) -> int:
    """Frames that are embedded for the probes of one representation; in each epoch anew, where they are augmented."""
    again = 0 if plan.cut else PROBE_EPOCHS * len(rows_of(images, "train", plan.frames))
    return again + looked_at(images, plan.frames)
