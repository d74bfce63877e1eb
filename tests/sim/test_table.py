"""`armplay/Table-v0` keeps Gymnasium's contract and its own."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from sim import poses, viewsphere
from sim.corrupt import Corruption
from sim.settings import SceneSettings
from sim.table import TableEnv
from sim.wrappers import CorruptCommands

pytest.importorskip("pybullet")

SMALL = SceneSettings(image_size=32, frames=6)
PANDA = SceneSettings(image_size=32, frames=6, arm="panda", clutter=2)


@pytest.fixture
def env() -> Iterator[TableEnv]:
    made = TableEnv(settings=SMALL)
    yield made
    made.close()


def episode(
    env: Any, seed: int | None, actions: np.ndarray
) -> list[tuple[dict[str, Any], float, bool, dict[str, Any]]]:
    """(observation, reward, terminated, info) of an episode."""
    observation, info = env.reset(seed=seed)
    steps = [(observation, 0.0, False, info)]
    for action in actions:
        observation, reward, terminated, _, info = env.step(action)
        steps.append((observation, float(reward), terminated, info))
    return steps


def actions_of(seed: int, joints: int = 7) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-0.3, 0.3, (SMALL.frames - 1, joints)).astype(np.float32)


@pytest.mark.parametrize(
    "options",
    [{"depth": True, "segmentation": True}, {"observation": "state"}, {"settings": PANDA, "render_mode": "rgb_array"}],
)
def test_gymnasiums_own_check_has_nothing_to_say(options: dict[str, Any]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made = gymnasium.make("armplay/Table-v0", **{"settings": SMALL, **options})
        check_env(made.unwrapped)
        made.close()


def test_the_same_seed_gives_the_same_episode_and_another_seed_another(env: TableEnv) -> None:
    actions, other = actions_of(0), TableEnv(settings=SMALL)
    try:
        first, second = episode(env, 3, actions), episode(env, 4, actions)
        assert not np.array_equal(first[0][3]["object_pose"], second[0][3]["object_pose"])
        for one, two in zip(first, episode(other, 3, actions), strict=True):
            assert np.array_equal(one[0]["image"], two[0]["image"])
            assert np.array_equal(one[0]["proprioception"], two[0]["proprioception"])
            assert np.array_equal(one[3]["object_pose"], two[3]["object_pose"])
            assert one[1] == two[1]
    finally:
        other.close()


def test_a_gripper_is_one_more_command_in_shares_of_its_opening() -> None:
    made = TableEnv(settings=PANDA, observation="state")
    try:
        assert made.action_space.shape == (8,)
        seen, _ = made.reset(seed=1)
        assert seen["proprioception"][7] == pytest.approx(1.0)
        closing = np.zeros(8, np.float32)
        closing[7] = -0.8
        for step in range(1, 4):
            seen, _, _, _, info = made.step(closing)
            assert info["executed_command"][7] == pytest.approx(-0.8 * 1.25)
            assert seen["proprioception"][7] == pytest.approx(1.0 - step * 0.2, abs=0.01)
        for _ in range(3):
            seen, _, _, _, info = made.step(closing)
        assert seen["proprioception"][7] == pytest.approx(0.0, abs=0.01)
        assert info["limited"]
    finally:
        made.close()


def test_touches_are_told(env: TableEnv) -> None:
    """Nothing is touched at home; the arm that sinks touches the table."""
    env.reset(seed=0)
    _, _, _, _, info = env.step(np.zeros(7, np.float32))
    assert not info["touched_object"]
    assert not info["touched_table"]
    for _ in range(12):
        *_, info = env.step(np.array([0, 0.6, 0, 0, 0, 0, 0], np.float32))
    assert info["touched_table"]


def test_an_object_that_falls_off_ends_the_episode(env: TableEnv) -> None:
    env.reset(seed=0)
    scene = env._scene
    scene._bullet.resetBasePositionAndOrientation(
        scene._toy, [0.6, 0.9, 0.1], [0, 0, 0, 1], physicsClientId=scene._client
    )
    ended = [env.step(np.zeros(7, np.float32))[2:4] for _ in range(3)]
    assert ended[-1] == (True, False)
    env.reset(seed=1)
    assert env.step(np.zeros(7, np.float32))[2:4] == (False, False)


def test_rewards_are_newly_seen_sides_of_the_object(env: TableEnv) -> None:
    steps = episode(env, 5, actions_of(5))
    seen = np.array([info["object_pose"] for *_, info in steps], dtype=np.float64)
    assert sum(reward for _, reward, _, _ in steps) == pytest.approx(
        viewsphere.coverage(seen) - viewsphere.coverage(seen[:1])
    )


def test_a_saved_moment_comes_back_to_the_bit() -> None:
    first, other = TableEnv(settings=PANDA), TableEnv(settings=PANDA)

    def go_on(env: TableEnv) -> list[bytes]:
        found = []
        for action in actions_of(4, 8)[2:]:
            seen, reward, _, truncated, info = env.step(action)
            found.append(b"".join(seen[key].tobytes() for key in sorted(seen)) + info["object_pose"].tobytes())
            found.append(repr((reward, truncated)).encode())
        return [*found, env.reset()[1]["instance"].encode()]

    try:
        first.reset(seed=8)
        for action in actions_of(4, 8)[:2]:
            first.step(action)
        state = first.save()
        wanted = go_on(first)
        for env in (first, other):
            if env is other:
                env.reset(seed=1)
            env.restore(state)
            assert go_on(env) == wanted
    finally:
        first.close()
        other.close()


def test_environments_beside_each_other_and_corrupted_commands() -> None:
    envs = gymnasium.make_vec("armplay/Table-v0", num_envs=2, vectorization_mode="sync", settings=SMALL)
    corruption = Corruption.parse("gaussian:0.2", "executed")
    alone, misled = TableEnv(settings=SMALL), CorruptCommands(TableEnv(settings=SMALL), corruption, seed=3)
    actions = actions_of(0)[:3]
    try:
        envs.reset(seed=[5, 6])
        for action in actions:
            observations, _, _, _, infos = envs.step(np.stack([action, action]))
        for index, seed in enumerate((5, 6)):
            last = episode(alone, seed, actions)[-1]
            assert np.array_equal(observations["image"][index], last[0]["image"])
            assert np.array_equal(infos["object_pose"][index], last[3]["object_pose"])
        info = episode(misled, 5, actions)[-1][3]
        assert np.abs(info["executed_command"] - info["clean_command"]).max() > 0.01
        assert np.array_equal(info["recorded_command"], info["clean_command"])
    finally:
        for env in (envs, alone, misled):
            env.close()


def test_clutter_stands_around_the_object_and_is_not_attended() -> None:
    made = TableEnv(settings=PANDA, segmentation=True)
    try:
        seen, info = made.reset(seed=2)
        assert {2, 3, 4} <= set(np.unique(seen["segmentation"]))
        assert made.observation_space.contains(seen)
        scene = made._scene
        found = [scene._bullet.getBasePositionAndOrientation(body, scene._client)[0] for body in scene._bodies]
        assert len(found) == 3
        away = np.linalg.norm(np.subtract(found[1:], found[0])[:, :2], axis=1)
        assert (away > 0.1).all()
        there = poses.compose(scene.camera_pose, info["object_pose"].astype(np.float64))
        assert there[:3] == pytest.approx(np.array(found[0]), abs=0.08)
    finally:
        made.close()
