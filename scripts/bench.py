"""How fast, beside what: each figure and its peer are measured in turns in one run, on one core.

python scripts/bench.py sim --json sim.json
python scripts/bench.py replay
"""

from __future__ import annotations

import json
import os
import platform
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Annotated, Any, NamedTuple

import cv2
import gymnasium
import numpy as np
import tyro
from _cli import run

from agent.episode import Episode
from agent.record import RecordSettings
from agent.versions import versions
from sim.arm import chain_of
from sim.arms import arm_spec
from sim.bullet import quiet
from sim.errors import InputError
from sim.scene import HoldScene, SceneSettings

Round = Callable[[], tuple[int, float]]
"""Does some work; how many items it made, and in how many seconds."""

clock = time.process_time
"""Time of this process on its core, so that neighbours on a shared machine count as little as they can."""


class Figure(NamedTuple):
    """Items per second over some rounds."""

    name: str
    middle: float
    low: float
    high: float


@dataclass(frozen=True)
class Sim:
    """Frames per second of one core: the hold scene, recorded episodes, and panda-gym where it is installed."""

    rounds: int = 5
    """Rounds; the median is given."""
    episodes: int = 2
    """Episodes of 32 frames a round."""
    out: Annotated[Path | None, tyro.conf.arg(name="json")] = None
    """File for the figures."""

    def __call__(self) -> None:
        check(self.rounds, self.out, episodes=self.episodes)
        scenes = {size: SceneSettings(image_size=size) for size in (128, 64)}
        work: dict[str, Round] = {}
        for size, scene in scenes.items():
            work[f"hold scene, step + observe, {size}x{size}"] = hold(scene, self.episodes)
        for size, scene in scenes.items():
            work[f"recorded episodes, all included, {size}x{size}"] = recorded(scene, self.episodes)
        work |= {f"{name}, step + render, 128x128": panda(name, 32 * self.episodes) for name in panda_environments()}
        figures = measure(work, self.rounds)
        split = where_time_goes(scenes[128], self.episodes)
        show(figures, unit="frames/s")
        print("\nhold scene at 128x128: " + ", ".join(f"{name} {share:.0%}" for name, share in split.items()))
        ratios = {
            figure.name: figures[0].middle / figure.middle for figure in figures if figure.name.startswith("Panda")
        }
        for name, ratio in ratios.items():
            print(f"{ratio:.1f} times {name}")
        if not ratios:
            print("panda-gym is not installed, nothing to compare with: pip install -e .[bench]")
        keep(self.out, figures, unit="frames/s", split=split, ratios=ratios)


@dataclass(frozen=True)
class Replay:
    """Sampling from the replay buffer, beside a plain copy of as many bytes."""

    rounds: int = 15
    """Rounds; the median is given."""
    batch: int = 256
    """Pairs a batch."""
    image_size: int = 128
    """Height and width of the frames in pixels."""
    episodes: int = 300
    """Episodes in the buffer, of 32 frames."""
    out: Annotated[Path | None, tyro.conf.arg(name="json")] = None
    """File for the figures."""

    def __call__(self) -> None:
        check(self.rounds, self.out, episodes=self.episodes, batch=self.batch)
        import torch  # slow to load, and `sim` has no need of it

        torch.set_num_threads(1)
        buffer, rng = filled_buffer(self.episodes, self.image_size), np.random.default_rng(0)
        one_look = (self.batch, self.image_size, self.image_size, 3)
        looks = [rng.integers(256, size=one_look, dtype=np.uint8) for _ in range(2)]
        figures = measure(
            {
                f"replay buffer, {self.batch} pairs": timed(lambda: buffer.sample(self.batch, rng), self.batch),
                "plain numpy copy": timed(lambda: [look.copy() for look in looks], self.batch),
            },
            self.rounds,
        )
        show(figures, unit="pairs/s")
        ratio = figures[0].middle / figures[1].middle
        gigabytes = 2 * self.image_size**2 * 3 / 1e9
        print(f"\n{figures[0].middle * gigabytes:.1f} GB/s, {ratio:.0%} of a plain copy's speed")
        keep(self.out, figures, unit="pairs/s", ratios={"plain numpy copy": ratio})


def hold(settings: SceneSettings, episodes: int, scene: HoldScene | None = None) -> Round:
    """Commands of planned episodes through physics and camera; planning and the making of toys are not in the time."""
    recorder, scene, numbers = RecordSettings(scene=settings)(), scene or HoldScene(settings), iter(range(10**9))

    def work() -> tuple[int, float]:
        seconds = 0.0
        for number in islice(numbers, episodes):
            toy = recorder.catalogue.toy(*recorder.choose(number))
            grasp, plan = recorder.plan(number, toy)
            scene.reset(toy, grasp_rotation=grasp[3:], joints=plan.start, background=np.random.default_rng(0))
            before = clock()
            for command in plan.clean:
                scene.step(command)
                scene.observe()
            seconds += clock() - before
        return episodes * (settings.frames - 1), seconds

    return work


class Watched:
    """PyBullet with a clock at each call."""

    def __init__(self, bullet: Any) -> None:
        self.bullet, self.seconds = bullet, Counter[str]()

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self.bullet, name)
        if not callable(attribute):
            return attribute

        def call(*arguments: Any, **named: Any) -> Any:
            before = clock()
            result = attribute(*arguments, **named)
            self.seconds[name] += clock() - before
            return result

        return call


def where_time_goes(settings: SceneSettings, episodes: int) -> dict[str, float]:
    """Shares of the time of `hold`."""
    scene = HoldScene(settings)
    watched = scene._bullet = Watched(scene._bullet)
    work = hold(settings, episodes, scene)
    work()
    watched.seconds.clear()
    _, seconds = work()
    physics, drawing = (watched.seconds[name] / seconds for name in ("stepSimulation", "getCameraImage"))
    return {"physics": physics, "drawing": drawing, "rest": 1.0 - physics - drawing}


def recorded(settings: SceneSettings, episodes: int) -> Round:
    """Whole episodes: toy, planning, physics, camera."""
    recorder, numbers = RecordSettings(scene=settings)(), iter(range(10**9))
    return timed(lambda: [recorder(next(numbers)) for _ in range(episodes)], episodes * settings.frames)


def panda_environments() -> list[str]:
    """Names of panda-gym's environments, none where it is not installed."""
    try:
        with quiet():
            import panda_gym  # noqa: F401  (registers them)
    except ImportError:
        return []
    return ["PandaReach-v3", "PandaPickAndPlace-v3"]


def panda(name: str, steps: int) -> Round:
    """Random actions and a picture of each, as small as ours."""
    with quiet():
        environment = gymnasium.make(name, render_mode="rgb_array", render_width=128, render_height=128)
    environment.reset(seed=0)
    environment.action_space.seed(0)

    def work() -> None:
        for _ in range(steps):
            _, _, terminated, truncated, _ = environment.step(environment.action_space.sample())
            environment.render()
            if terminated or truncated:
                environment.reset()

    return timed(work, steps)


def filled_buffer(episodes: int, size: int) -> Any:
    """A replay buffer of noise."""
    from learner.replay import ReplayBuffer

    rng, frames, chain = np.random.default_rng(0), 32, chain_of(arm_spec("kuka"))
    buffer = ReplayBuffer(episodes, frames=frames, image_size=size, chain=chain, categories=("noise",))
    still = np.tile(np.array([0, 0, 0, 0, 0, 0, 1], dtype=np.float32), (frames, 1))
    commands = np.zeros((frames - 1, chain.joints), dtype=np.float32)
    for number in range(episodes):
        episode = Episode(
            frames=rng.integers(256, size=(frames, size, size, 3), dtype=np.uint8),
            clean=commands,
            recorded=commands,
            executed=commands,
            limited=np.zeros(frames - 1, dtype=bool),
            joints=np.zeros((frames, chain.joints), dtype=np.float32),
            object_poses=still,
            camera_poses=still,
            intrinsics=np.eye(3, dtype=np.float32),
            grasp=still[0],
            visible=np.ones(frames, dtype=np.float32),
            times=np.arange(frames) / 5,
            category="noise",
            instance=f"noise_{number:07d}",
            number=number,
            seed=0,
        )
        buffer.insert(episode)
    return buffer


def timed(work: Callable[[], Any], items: int) -> Round:
    """All of `work` is in the time."""

    def once() -> tuple[int, float]:
        before = clock()
        work()
        return items, clock() - before

    return once


def measure(works: dict[str, Round], rounds: int) -> list[Figure]:
    """In turns, so that whatever else the machine does meets all of them; after one round that does not count."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    cv2.setNumThreads(1)
    rates: dict[str, list[float]] = {name: [] for name in works}
    for number in range(rounds + 1):
        for name, work in works.items():
            items, seconds = work()
            if number:
                rates[name].append(items / seconds)
    return [Figure(name, median(found), min(found), max(found)) for name, found in rates.items()]


def check(rounds: int, out: Path | None, **counts: int) -> None:
    """Before the measuring, so that nobody waits for figures that cannot be kept."""
    for name, count in {"rounds": rounds, **counts}.items():
        if count < 1:
            raise InputError(f"{name}={count}: at least 1 is needed, or nothing is measured")
    if out is not None and not out.parent.is_dir():
        raise InputError(f"json={out}: there is no folder {out.parent}, so the figures could not be kept")


def show(figures: list[Figure], *, unit: str) -> None:
    """A table, and how busy the machine was."""
    print(f"{unit} of one core's time: median (least to most)")
    for figure in figures:
        print(f"{figure.name:50} {figure.middle:9.1f}  ({figure.low:.1f} to {figure.high:.1f})")
    print(f"{processor()}, load {os.getloadavg()[0]:.1f}")


def keep(out: Path | None, figures: list[Figure], *, unit: str, **more: dict[str, float]) -> None:
    """The figures with what they depend on."""
    if out is None:
        return
    about = {**versions(), "processor": processor(), "load": os.getloadavg()[0]}
    rows = [{**figure._asdict(), "unit": unit} for figure in figures]
    out.write_text(json.dumps({"about": about, "figures": rows, **more}, indent=2) + "\n")


def processor() -> str:
    """The model of the processor, as far as the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")


def main(command: Annotated[Sim | Replay, tyro.conf.arg(name="")]) -> None:
    command()


if __name__ == "__main__":
    run(main)
