"""How fast episodes are collected, kept and read back."""

from __future__ import annotations

import os
import resource
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import cv2
import numpy as np
import tyro
from _bench import Figure, check, keep, measure, processor, timed

from agent import shards
from agent.collect import Engine, ProcessEngine
from agent.dataset import Dataset
from agent.record import RecordSettings
from agent.settings import to_json
from agent.writer import DatasetWriter
from sim.errors import InputError
from sim.scene import SceneSettings

WHOLE, HAND = "whole arm", "hand only"
PROMISED = 1000
"""Episodes of which the seconds are told, whatever was measured."""


class Run(NamedTuple):
    """What a collection took."""

    frames: int
    wall: float
    """s, with the start of the workers."""
    steady: float
    """s of `frames` less those that came with the first episode of the last worker to begin."""
    steady_frames: int
    cpu: float
    """s of all processes."""


@dataclass(frozen=True)
class Collect:
    """Frames per second that arrive on disk, of one and two processes and of Ray; memory of a worker; reading back."""

    episodes: int = 1000
    """Episodes of 32 frames of the whole arm and of the hand only; fewer are scaled to 1000."""
    compared: int = 100
    """Episodes of each engine that is compared."""
    aged: int = 1000
    """Episodes after which a worker's memory is compared with that after 100."""
    rounds: int = 3
    """Rounds of what is compared; the median is given."""
    out: Annotated[Path | None, tyro.conf.arg(name="json")] = None
    """File for the figures."""

    def __call__(self) -> None:
        check(self.rounds, self.out, episodes=self.episodes, compared=self.compared, aged=self.aged)
        if self.aged <= 100:
            raise InputError(f"aged={self.aged}: more than 100, or there is nothing to compare")
        made = {WHOLE: RecordSettings(), HAND: RecordSettings(scene=SceneSettings(draw="hand"))}
        whole = made[WHOLE]
        figures, wall = [], {}
        with tempfile.TemporaryDirectory() as folder:
            for name, make in made.items():
                with ProcessEngine(make, workers=2) as engine:
                    run = collect(engine, make, Path(folder, name), self.episodes)
                wall[f"{name}, {PROMISED} episodes on disk"] = scaled(run, self.episodes)
                print(f"{scaled(run, self.episodes):6.1f} s  {name}: {PROMISED} episodes on disk, two processes")
                if name == WHOLE:
                    kept = Path(folder, name)
                    shares = {"encoding and writing": keeping(kept) * run.frames / run.cpu}
            print(f"{shares['encoding and writing']:6.1%}  of all CPU time is encoding and writing")
            engines: dict[str, Callable[[], Engine]] = {
                "one process": partial(ProcessEngine, whole, workers=1),
                "two processes": partial(ProcessEngine, whole, workers=2),
                **ray_engine(whole),
            }
            figures += compare(engines, whole, Path(folder), episodes=self.compared, rounds=self.rounds)
            memory = aging(whole, self.aged)
            reading = read_back(kept, self.rounds)
        rates = {figure.name: figure.middle for figure in [*figures, *reading]}
        ratios = {
            f"{ours} / {peer}": rates[ours] / rates[peer]
            for ours, peer in (
                ("two processes", "one process"),
                ("Ray, two workers", "two processes"),
                ("reading back", "pure decoding"),
            )
            if ours in rates
        }
        ratios |= {f"memory at {self.aged} episodes / at 100": memory}
        for figure in [*figures, *reading]:
            print(f"{figure.middle:8.1f} frames/s ({figure.low:.1f} to {figure.high:.1f})  {figure.name}")
        for name, ratio in ratios.items():
            print(f"{ratio:6.3f}  {name}")
        if "Ray, two workers" not in rates:
            print("Ray is not installed, nothing to compare with: pip install -e .[ray]")
        print(f"{processor()}, load {os.getloadavg()[0]:.1f}")
        keep(self.out, [*figures, *reading], unit="frames/s", wall_s=wall, shares=shares, ratios=ratios)


def collect(engine: Engine, make: RecordSettings, folder: Path, episodes: int) -> Run:
    """From nothing to a dataset; the engine's workers have not begun."""
    began, spent = time.monotonic(), cpu_seconds()
    arrivals: list[float] = []
    frames = 0
    with engine, DatasetWriter(folder, metadata={"settings": to_json(make), **make().describe()}) as writer:
        for episode in engine.episodes(range(episodes)):
            writer.add(episode)
            frames += len(episode.frames)
            arrivals.append(time.monotonic())
    ended = time.monotonic()
    warm = min(len(arrivals) - 1, 8)  # episodes until all workers are at work
    steady_frames = frames * (len(arrivals) - 1 - warm) // len(arrivals)
    return Run(frames, ended - began, arrivals[-1] - arrivals[warm], steady_frames, cpu_seconds() - spent)


def scaled(run: Run, episodes: int) -> float:
    """Seconds that PROMISED episodes would have taken: the start happens once."""
    if episodes >= PROMISED or not run.steady_frames:
        return run.wall * PROMISED / episodes
    return run.wall + (PROMISED - episodes) * (run.frames / episodes) * run.steady / run.steady_frames


def cpu_seconds() -> float:
    """CPU time of this process and of the children that have ended."""
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def keeping(folder: Path) -> float:
    """CPU seconds per frame of encoding and writing what lies in a dataset, and of nothing else."""
    episodes = list(islice(Dataset(folder).episodes(), 32))
    before = time.process_time()
    with tempfile.TemporaryDirectory() as target, DatasetWriter(target, metadata={}) as writer:
        for episode in episodes:
            writer.add(episode)
    return (time.process_time() - before) / sum(len(episode.frames) for episode in episodes)


def compare(
    engines: dict[str, Callable[[], Engine]], make: RecordSettings, folder: Path, *, episodes: int, rounds: int
) -> list[Figure]:
    """Frames per second of wall time of each engine, in turns, once its workers are at work."""
    rates: dict[str, list[float]] = {name: [] for name in engines}
    for number in range(rounds):
        for name, engine in engines.items():
            run = collect(engine(), make, folder / f"{name} {number}", episodes)
            rates[name].append(run.steady_frames / run.steady)
    return [Figure(name, float(np.median(found)), min(found), max(found)) for name, found in rates.items()]


def ray_engine(make: RecordSettings) -> dict[str, Callable[[], Engine]]:
    """Ray on this machine; nothing where it is not installed."""
    try:
        from agent.collect.ray import RayEngine
    except InputError:
        return {}
    return {"Ray, two workers": partial(RayEngine, make, workers=2)}


def aging(make: RecordSettings, episodes: int) -> float:
    """Resident memory of a worker after so many episodes over that after 100."""
    with ProcessEngine(make, workers=1) as engine:
        sizes = [engine.health.resident[0] for _ in engine.episodes(range(episodes))]
    print(f"resident: {sizes[99] / 1e6:.1f} MB at 100 episodes, {sizes[-1] / 1e6:.1f} MB at {episodes}")
    return sizes[-1] / sizes[99]


def read_back(folder: Path, rounds: int) -> list[Figure]:
    """Frames per second of one core: whole episodes from disk, and their pictures from memory."""
    dataset = Dataset(folder)
    numbers = list(islice(dataset.numbers, 64))
    per_shard = dataset.metadata["episodes_per_shard"]
    pictures = [
        np.frombuffer(cell["bytes"].as_buffer(), np.uint8)
        for number in numbers
        for table in shards.read(shards.path_of(folder, number // per_shard), [number % per_shard], columns=["image"])
        for cell in table["image"]
    ]
    work: dict[str, Callable[[], Any]] = {
        "reading back": lambda: [len(episode.frames) for episode in dataset.episodes(numbers)],
        "pure decoding": lambda: [cv2.imdecode(picture, cv2.IMREAD_COLOR) for picture in pictures],
    }
    return measure({name: timed(once, len(pictures)) for name, once in work.items()}, rounds)
