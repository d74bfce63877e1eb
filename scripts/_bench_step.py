"""Steps of a live run's learner on made-up episodes: whole, in stages, and its encoder alone; time and memory."""

from __future__ import annotations

import gzip
import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from _bench import Round
from _training import set_up

from agent.episode import Episode
from learner.encoders import build_encoder
from learner.evaluation import Gallery, gallery_of
from learner.parts import buffer_for, learner_for, settled
from learner.replay import ReplayBuffer
from learner.settings import OnlineSettings, suited
from learner.source import Source
from learner.storage import Layout
from learner.team import Team
from learner.training_data import EpisodeData
from sim.arm import chain_of
from sim.arms import arm_spec
from sim.seeding import stream


def live_settings(asked: dict[str, Any], image_size: int | None) -> OnlineSettings:
    """A live run's on this machine, but for what is asked; its number format is decided, and this process is set up as
    trainings are."""
    settings = suited()
    scene = settings.record.scene
    record = replace(settings.record, scene=replace(scene, image_size=image_size or scene.image_size))
    settings = replace(settings, record=record, **asked)
    set_up(settings)
    return settled(settings, Team(device=settings.device), image_size=settings.record.scene.image_size)


def told(settings: OnlineSettings) -> str:
    """What is measured, in a line."""
    threads = f", {torch.get_num_threads()} threads" if settings.device == "cpu" else ""
    return (
        f"{settings.encoder} encoder, {settings.batch} pairs of {settings.record.scene.image_size}-pixel frames, "
        f"{settings.device} in {settings.precision}{threads}"
    )


class MadeUp(Source):
    """Episodes of one smooth, noisy picture show and random facts: no simulator is needed, and files compress."""

    def __init__(self, settings: OnlineSettings) -> None:
        self.categories = tuple(f"category-{index}" for index in range(30))
        self.chain = chain_of(arm_spec(settings.record.scene.arm))
        self.layout: Layout = settings.layout
        self.told, self.stored = "made up", 0
        rng, count, size = np.random.default_rng(0), self.layout.frames, self.layout.image_size

        def normal(*shape: int) -> np.ndarray:
            return rng.standard_normal((count, *shape), dtype=np.float32)

        ramp = np.linspace(0, 1, size)
        weights = np.stack([1 - ramp, ramp])
        pictures = np.einsum("tijc,iy,jx->tyxc", rng.uniform(32, 224, (count, 2, 2, 3)), weights, weights)
        poses, joints = normal(2, 7), 0.5 * normal(self.chain.joints)
        poses[..., 3:] /= np.linalg.norm(poses[..., 3:], axis=-1, keepdims=True)
        self._one = Episode(
            frames=(pictures + 4 * normal(size, size, 3)).clip(0, 255).astype(np.uint8),
            clean=joints[1:],
            recorded=joints[1:],
            executed=joints[1:],
            limited=np.zeros(count - 1, dtype=bool),
            joints=joints,
            object_poses=poses[:, 0],
            camera_poses=np.repeat(poses[:1, 1], count, axis=0),
            intrinsics=np.eye(3, dtype=np.float32),
            grasp=poses[1, 1],
            visible=np.ones(count, dtype=np.float32),
            times=np.arange(count) / 5,
            category="",
            instance="",
            number=0,
            seed=0,
        )

    def episodes(self) -> Iterator[Episode]:
        """They differ by number and object."""
        return map(self.episode, range(10**9))

    def episode(self, number: int) -> Episode:
        category = self.categories[number % len(self.categories)]
        return self._one._replace(category=category, instance=f"{category}-{number % 300}", number=number)

    def held_out(self, split: str, episodes: int) -> Gallery:
        return gallery_of(self.episodes(), self.categories, count=episodes)


class Training:
    """A learner and a buffer of twice as many made-up episodes as there are pairs in a batch."""

    def __init__(self, settings: OnlineSettings, buffer: ReplayBuffer | None = None) -> None:
        """`buffer` is another's, which is then shared."""
        self.settings, self.source = settings, MadeUp(settings)
        self.buffer = buffer or filled(settings, self.source)
        self.learner = learner_for(settings, EpisodeData(self.source, settings), Team(device=settings.device))
        self.learner.freeze_standardisation(self.buffer.sample_actions(4096, stream("standardise", 0)))

    def step(self) -> None:
        """As in `train_online`."""
        rng = stream("replay", 0, self.learner.steps)
        self.learner.step(self.buffer.sample(self.settings.batch, rng, second=self.learner.method.second_view))


def filled(settings: OnlineSettings, source: Source) -> ReplayBuffer:
    """A full replay buffer."""
    episodes = 2 * settings.batch
    buffer = buffer_for(settings, source, episodes, Path(), device=settings.device)
    for _, episode in zip(range(episodes), source.episodes(), strict=False):
        buffer.insert(episode)
    return buffer


def training_of(settings: OnlineSettings, methods: Iterable[str]) -> dict[str, Training]:
    """One for each method, all on one buffer."""
    buffer = filled(settings, MadeUp(settings))
    return {name: Training(replace(settings, method=name), buffer) for name in methods}


def encoder_alone(settings: OnlineSettings) -> Callable[[], None]:
    """The limit of a step: the passes of both views, forward and backward, of images that are there already."""
    size, device = settings.record.scene.image_size, settings.device
    encoder = build_encoder(settings.encoder, seed=0, image_size=size).to(device).train()
    if settings.compile:
        encoder.compile()
    views = torch.rand(2, settings.batch, 3, size, size, device=device).mul_(2).sub_(1).unbind()

    def work() -> None:
        encoder.zero_grad(set_to_none=True)
        with torch.autocast(torch.device(device).type, torch.bfloat16, enabled=settings.precision == "bfloat16"):
            first, second = encoder(views[0]), encoder(views[1])
        (first.float().sum() + second.float().sum()).backward()

    return work


def paced(work: Callable[[], None], items: int, times: int, device: str) -> Round:
    """Wall time of doing it so many times, until the device is done."""

    def once() -> tuple[int, float]:
        began = now(device)
        for _ in range(times):
            work()
        return items * times, now(device) - began

    return once


def now(device: str) -> float:
    """s, when the device has done all that it was asked to."""
    if device.startswith("cuda"):
        torch.cuda.synchronize(device)
    return time.perf_counter()


class Stages:
    """Steps of a learner that hooks divide: each stage waits for the device, so their sum is more than a step."""

    def __init__(self, training: Training) -> None:
        self._training, self._device = training, training.settings.device
        self._since = 0.0
        self._current: dict[str, float] = defaultdict(float)
        self._steps: list[dict[str, float]] = []

    def step(self) -> None:
        """One step, watched."""
        learner, settings = self._training.learner, self._training.settings
        method, encoder = learner.method, learner.encoder
        hooks = [
            method.register_forward_pre_hook(lambda *_: self._lap("augment")),
            encoder.register_forward_pre_hook(lambda *_: self._lap("heads and losses")),
            encoder.register_forward_hook(lambda *_: self._lap("encoder forward")),
            method.register_forward_hook(lambda *_: self._lap("heads and losses")),
            learner.optimizer.register_step_pre_hook(lambda *_: self._lap("backward")),
            learner.probe.linear.register_forward_pre_hook(lambda *_: self._lap("update")),
        ]
        self._current = defaultdict(float)
        self._since = now(self._device)
        pairs = self._training.buffer.sample(settings.batch, stream("replay", 0, learner.steps))
        self._lap("sample")
        learner.step(pairs)
        self._lap("probe")
        self._steps.append(self._current)
        for hook in hooks:
            hook.remove()

    def _lap(self, stage: str) -> None:
        """What was done since the last lap is of this stage."""
        here = now(self._device)
        self._current[stage] += here - self._since
        self._since = here

    def milliseconds(self) -> dict[str, float]:
        """The median of each stage."""
        return {stage: 1000 * median(step[stage] for step in self._steps) for stage in self._current}


def action_seconds(training: Training, rounds: int) -> float:
    """What the actions of a batch take: drawing pairs and computing theirs."""
    rng, found = np.random.default_rng(0), []
    for _ in range(10 * rounds):
        began = time.perf_counter()
        training.buffer.sample_actions(training.settings.batch, rng)
        found.append(time.perf_counter() - began)
    return median(found)


def peak_memory(settings: OnlineSettings, method: str) -> int:
    """Bytes of tensors at the worst moment of a learner's first steps, all of its own included."""
    settings = replace(settings, method=method)
    source = MadeUp(settings)
    buffer = filled(settings, source)

    def work() -> None:
        training = Training(settings, buffer)
        for _ in range(2):  # the first makes the optimiser's state
            training.step()

    if settings.device.startswith("cuda"):
        torch.cuda.reset_peak_memory_stats(settings.device)
        before = torch.cuda.memory_allocated(settings.device)
        work()
        return torch.cuda.max_memory_allocated(settings.device) - before
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True) as profile:
        work()
    with TemporaryDirectory() as folder:
        profile.export_chrome_trace(f"{folder}/trace.json.gz")
        with gzip.open(f"{folder}/trace.json.gz") as file:
            events = [event for event in json.load(file)["traceEvents"] if event["name"] == "[memory]"]
    changes = [event["args"]["Bytes"] for event in sorted(events, key=lambda event: event["ts"])]
    return int(np.cumsum(changes).max())
