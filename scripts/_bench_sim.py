"""How fast the world is."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import gymnasium
import numpy as np
import tyro
from _bench import Round, check, clock, keep, measure, show, timed

from agent.record import RecordSettings
from sim.bullet import quiet
from sim.hold import HoldEnv
from sim.scene import HoldScene, SceneSettings
from sim.table_scene import TableScene

TABLE = "table, whole arm pushes, 128x128"
WHOLE = "step + observe, whole arm, 128x128"


@dataclass(frozen=True)
class Sim:
    """Frames per second of one core: hold scene, table, recorded episodes, and panda-gym where it is installed."""

    rounds: int = 5
    """Rounds; the median is given."""
    episodes: int = 2
    """Episodes of 32 frames a round."""
    out: Annotated[Path | None, tyro.conf.arg(name="json")] = None
    """File for the figures."""

    def __call__(self) -> None:
        check(self.rounds, self.out, episodes=self.episodes)
        whole = SceneSettings()
        work: dict[str, Round] = {WHOLE: hold(whole, self.episodes)}
        for name, settings in {
            "hand only, 128x128": SceneSettings(draw="hand"),
            "arm hidden, 128x128": SceneSettings(draw="hidden"),
            "whole arm, 64x64": SceneSettings(image_size=64),
            "whole panda, 128x128": SceneSettings(arm="panda"),
            "whole arm, kinematics, 128x128": SceneSettings(drive="kinematics"),
        }.items():
            work[f"step + observe, {name}"] = hold(settings, self.episodes)
        work[f"step + observe, {TABLE}"] = at_table(whole, self.episodes)
        work["recorded episodes, all included, 128x128"] = recorded(whole, self.episodes)
        work["environment without images, kinematics"] = blind(SceneSettings(drive="kinematics"), self.episodes)
        work |= {f"{name}, step + render, 128x128": panda(name, 32 * self.episodes) for name in panda_environments()}
        figures = measure(work, self.rounds)
        split = where_time_goes(whole, self.episodes)
        show(figures, unit="frames/s")
        print("\nwhole arm, 128x128: " + ", ".join(f"{name} {share:.0%}" for name, share in split.items()))
        rates = {figure.name: figure.middle for figure in figures}
        ratios = {
            f"{ours} / {peer}": rates[f"step + observe, {ours}"] / rates[peer]
            for ours in ("whole arm, 128x128", "hand only, 128x128")
            for peer in rates
            if peer.startswith("Panda")
        }
        ratios[f"{TABLE} / {WHOLE}"] = rates[f"step + observe, {TABLE}"] / rates[WHOLE]
        for name, ratio in ratios.items():
            print(f"{ratio:5.1f}  {name}")
        if len(ratios) == 1:
            print("panda-gym is not installed, nothing to compare with: pip install -e .[bench]")
        keep(self.out, figures, unit="frames/s", split=split, ratios=ratios)


def hold(settings: SceneSettings, episodes: int, scene: HoldScene | None = None) -> Round:
    """Commands of planned episodes through physics and camera; planning and the making of toys are not in the time."""
    recorder, scene, numbers = RecordSettings(scene=settings)(), scene or HoldScene(settings), iter(range(10**9))

    def work() -> tuple[int, float]:
        seconds = 0.0
        for number in islice(numbers, episodes):
            toy = recorder.catalogue.toy(*recorder.choose(number))
            grasp, plan = recorder.plan(number, toy)
            scene.reset(toy, grasp_rotation=grasp[3:], joints=plan.start, look=np.random.default_rng(0))
            before = clock()
            for command in plan.clean:
                scene.step(command)
                scene.observe()
            seconds += clock() - before
        return episodes * (settings.frames - 1), seconds

    return work


def at_table(settings: SceneSettings, episodes: int) -> Round:
    """As `hold`, of an arm that pushes what stands on a table."""
    recorder, scene, numbers = RecordSettings(scene=settings, play="push")(), TableScene(settings), iter(range(10**9))

    def work() -> tuple[int, float]:
        seconds = 0.0
        for number in islice(numbers, episodes):
            toy = recorder.catalogue.toy(*recorder.choose(number))
            place, plan = recorder.plan(number, toy)
            scene.reset(toy, place=place, joints=plan.start, look=np.random.default_rng(0))
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


def blind(settings: SceneSettings, episodes: int) -> Round:
    """The environment that draws nothing, with random actions: what reinforcement learning sees."""
    environment = HoldEnv(settings=settings, observation="state")
    environment.reset(seed=0)
    environment.action_space.seed(0)
    steps = 30 * episodes * (settings.frames - 1)

    def work() -> tuple[int, float]:
        seconds = 0.0
        for _ in range(30 * episodes):
            environment.reset()
            actions = [environment.action_space.sample() for _ in range(settings.frames - 1)]
            before = clock()
            for action in actions:
                environment.step(action)
            seconds += clock() - before
        return steps, seconds

    return work


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
