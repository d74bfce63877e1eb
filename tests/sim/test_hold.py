"""`armplay/Hold-v0` keeps Gymnasium's contract and its own."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from sim import viewsphere
from sim.errors import InputError
from sim.hold import HoldEnv
from sim.kinematics import project
from sim.objects import ProceduralToys, split_of
from sim.randomize import PLAIN, Randomization
from sim.scene import SceneSettings

pybullet = pytest.importorskip("pybullet")

SMALL = SceneSettings(image_size=32, frames=8)


@pytest.fixture
def env() -> Iterator[HoldEnv]:
    made = HoldEnv(settings=SMALL, render_mode="rgb_array")
    yield made
    made.close()


def episode(env: HoldEnv, seed: int | None, actions: np.ndarray) -> list[tuple[dict[str, Any], float, dict[str, Any]]]:
    """(observation, reward, info) of a whole episode."""
    observation, info = env.reset(seed=seed)
    steps = [(observation, 0.0, info)]
    for action in actions:
        observation, reward, _, _, info = env.step(action)
        steps.append((observation, float(reward), info))
    return steps


def actions_of(seed: int, largest: float = 1.0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-largest, largest, (SMALL.frames - 1, 7)).astype(np.float32)


@pytest.mark.parametrize("render_mode", [None, "rgb_array"])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"depth": True, "segmentation": True},
        {"observation": "state"},
        {"settings": replace(SMALL, arm="panda", drive="kinematics", draw="hand")},
    ],
)
def test_gymnasiums_own_check_has_nothing_to_say(options: dict[str, Any], render_mode: str | None) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made = gymnasium.make("armplay/Hold-v0", **{"settings": SMALL, "render_mode": render_mode, **options})
        check_env(made.unwrapped)
        made.close()


def test_the_same_seed_gives_the_same_episode(env: HoldEnv) -> None:
    actions, other = actions_of(0), HoldEnv(settings=SMALL)
    try:
        first, _ = episode(env, 3, actions), episode(env, 4, actions)
        for again in (episode(env, 3, actions), episode(other, 3, actions)):
            for (one, reward, info), (two, same, told) in zip(first, again, strict=True):
                assert np.array_equal(one["image"], two["image"])
                assert np.array_equal(one["proprioception"], two["proprioception"])
                assert reward == same
                assert info["instance"] == told["instance"]
                assert np.array_equal(info["object_pose"], told["object_pose"])
    finally:
        other.close()


def test_episodes_differ_without_a_new_seed(env: HoldEnv) -> None:
    infos = [env.reset(seed=0 if number == 0 else None)[1] for number in range(6)]
    assert len({info["instance"] for info in infos}) == 6
    assert len({info["object_pose"].tobytes() for info in infos}) == 6


def test_observations_lie_in_their_space_and_are_copies(env: HoldEnv) -> None:
    for seed in range(3):
        steps = episode(env, seed, np.sign(actions_of(seed)))
        for observation, _, _ in steps:
            assert env.observation_space.contains(observation)
        steps[-1][0]["image"][:] = 7
        drawn = env.render()
        assert drawn is not None
        assert drawn.shape == (32, 32, 3)
        assert (drawn != 7).any()


def test_infos_say_what_was_done_in_their_units(env: HoldEnv) -> None:
    actions, chain = actions_of(1, largest=0.3), env._scene.chain
    steps = episode(env, 1, actions)
    assert not steps[0][2]["clean_command"].any()
    assert not steps[0][2]["joint_motion"].any()
    assert not steps[0][2]["limited"]
    for action, (before, _, _), (after, _, info) in zip(actions, steps, steps[1:], strict=False):
        felt, now = before["proprioception"], after["proprioception"]
        command, limited = project(chain, action * chain.velocity, felt[:7], SMALL.interval)
        assert info["executed_command"] == pytest.approx(command, abs=1e-5)
        assert np.array_equal(info["clean_command"], info["executed_command"])
        assert info["limited"] == limited
        assert info["joint_motion"] == pytest.approx(now[:7] - felt[:7], abs=1e-5)
        assert info["joint_motion"] == pytest.approx(command * SMALL.interval, abs=0.02)
        assert now[7:] == pytest.approx(command, abs=0.1)
        assert 0.0 <= info["visible"] <= 1.0
    for name in ("clean_command", "executed_command", "joint_motion", "object_pose"):
        assert steps[-1][2][name].dtype == np.float32
    assert np.array_equal(info["object_pose"], env._scene.observe().object_pose.astype(np.float32))


@pytest.mark.parametrize("direction", [-1.0, 1.0])
def test_limits_are_kept_and_told(env: HoldEnv, direction: float) -> None:
    """All joints at full speed and more: the arm ends at its limits, and each action that was cut is marked."""
    chain = env._scene.chain
    env.reset(seed=0)
    for _ in range(40):
        observation, _, _, _, info = env.step(np.full(7, 3.0 * direction, dtype=np.float32))
        assert info["limited"]
        assert (np.abs(info["executed_command"]) <= chain.velocity.astype(np.float32)).all()
    joints, bounds = observation["proprioception"][:7], chain.upper if direction > 0 else chain.lower
    assert joints == pytest.approx(bounds, abs=0.03)
    _, _, _, _, info = env.step(np.full(7, -0.1 * direction, dtype=np.float32))
    assert not info["limited"]


def test_episodes_end_by_truncation_after_their_frames(env: HoldEnv) -> None:
    env.reset(seed=0)
    for step in range(1, SMALL.frames):
        _, _, terminated, truncated, _ = env.step(np.zeros(7, dtype=np.float32))
        assert not terminated
        assert truncated == (step == SMALL.frames - 1)


def test_rewards_sum_to_the_coverage_gained(env: HoldEnv) -> None:
    gained = []
    for seed in range(3):
        steps = episode(env, seed, np.sign(actions_of(seed)))
        poses = np.array([info["object_pose"] for _, _, info in steps], dtype=np.float64)
        gained.append(sum(reward for _, reward, _ in steps))
        assert gained[-1] == pytest.approx(viewsphere.coverage(poses) - viewsphere.coverage(poses[:1]))
        assert all(reward >= 0 for _, reward, _ in steps)
    assert min(gained) > 0


def test_a_toy_may_be_named_and_splits_are_kept() -> None:
    made = HoldEnv(settings=SMALL, split="test", objects=ProceduralToys(["mug", "car"]))
    try:
        for seed in range(10):
            info = made.reset(seed=seed)[1]
            assert info["category"] in ("mug", "car")
            assert split_of(info["category"], info["instance"]) == "test"
        info = made.reset(options={"category": "mug", "instance": "mug_0000042"})[1]
        assert (info["category"], info["instance"]) == ("mug", "mug_0000042")
        with pytest.raises(InputError, match="known are mug, car"):
            made.reset(options={"category": "spaceship"})
    finally:
        made.close()


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_environments_beside_each_other(mode: str) -> None:
    envs = gymnasium.make_vec("armplay/Hold-v0", num_envs=2, vectorization_mode=mode, settings=SMALL)
    alone = HoldEnv(settings=SMALL)
    try:
        observations, infos = envs.reset(seed=[5, 6])
        assert observations["image"].shape == (2, 32, 32, 3)
        actions = actions_of(0, largest=0.5)
        for action in actions[:3]:
            observations, _, _, _, infos = envs.step(np.stack([action, action]))
        for index, seed in enumerate((5, 6)):
            last = episode(alone, seed, actions[:3])[-1]
            assert np.array_equal(observations["image"][index], last[0]["image"])
            assert np.array_equal(infos["object_pose"][index], last[2]["object_pose"])
    finally:
        envs.close()
        alone.close()


def test_the_state_mode_moves_as_the_image_mode_does_and_draws_nothing(env: HoldEnv) -> None:
    blind = HoldEnv(settings=SMALL, observation="state", render_mode="rgb_array")
    try:
        blind._scene._bullet = NoCamera()
        actions = actions_of(2)
        for (one, reward, info), (two, same, told) in zip(
            episode(env, 3, actions), episode(blind, 3, actions), strict=True
        ):
            assert set(two) == {"proprioception", "object_pose"}
            assert np.array_equal(one["proprioception"], two["proprioception"])
            assert np.array_equal(info["object_pose"], two["object_pose"])
            assert reward == same
            assert "visible" in info
            assert "visible" not in told
        with pytest.raises(AssertionError, match="drawn"):
            blind.render()
    finally:
        blind.close()


class NoCamera:
    """PyBullet whose camera must not be used."""

    def __getattr__(self, name: str) -> Any:
        assert name != "getCameraImage", "drawn"
        return getattr(pybullet, name)


def test_depth_and_segmentation_agree_with_the_picture() -> None:
    made = HoldEnv(settings=SMALL, depth=True, segmentation=True)
    try:
        for observation, _, info in episode(made, 1, actions_of(1, largest=0.2)):
            assert made.observation_space.contains(observation)
            plain = (observation["image"] == PLAIN).all(axis=-1)
            assert plain[observation["segmentation"] == 0].all()
            assert np.array_equal(observation["segmentation"] > 0, observation["depth"] > 0)
            of_object = observation["depth"][observation["segmentation"] == 2]
            if info["visible"] > 0.5:
                assert np.median(of_object) == pytest.approx(info["object_pose"][2], abs=0.06)
    finally:
        made.close()


@pytest.mark.parametrize("observation", ["image", "state"])
def test_a_saved_moment_comes_back_to_the_bit(observation: str) -> None:
    """Observations, rewards and the draws of the episodes after it, in this environment and in another."""
    options: dict[str, Any] = {"settings": SMALL, "observation": observation}
    first, other = HoldEnv(**options), HoldEnv(**options)

    def go_on(env: HoldEnv) -> list[bytes]:
        found = []
        for action in actions_of(4)[2:]:
            seen, reward, _, truncated, _ = env.step(action)
            found.append(b"".join(seen[key].tobytes() for key in sorted(seen)) + repr((reward, truncated)).encode())
        seen, info = env.reset()
        return [*found, b"".join(seen[key].tobytes() for key in sorted(seen)), info["instance"].encode()]

    try:
        first.reset(seed=8)
        for action in actions_of(4)[:2]:
            last = first.step(action)[0]
        state = first.save()
        wanted = go_on(first)
        other.reset(seed=1)
        for env in (first, other):
            back = env.restore(state)
            assert all(np.array_equal(back[key], last[key]) for key in last)
            assert go_on(env) == wanted
    finally:
        first.close()
        other.close()


def test_an_action_may_be_projected_before_it_is_taken(env: HoldEnv) -> None:
    env.reset(seed=2)
    action = np.linspace(-2, 2, 7).astype(np.float32)
    command, limited = env.project(action)
    info = env.step(action)[4]
    assert limited
    assert np.array_equal(info["executed_command"], command.astype(np.float32))
    assert np.array_equal(info["recorded_command"], info["clean_command"])


def test_grasps_are_all_alike_where_they_do_not_vary() -> None:
    turns = {}
    for vary in (True, False):
        made = HoldEnv(settings=replace(SMALL, randomize=Randomization(vary_grasp=vary)))
        try:
            for seed in range(4):
                made.reset(seed=seed)
                turns.setdefault(vary, set()).add(made._scene.grasp[3:].tobytes())
        finally:
            made.close()
    assert len(turns[True]) == 4
    assert len(turns[False]) == 1


def test_wrong_uses_are_said() -> None:
    with pytest.raises(InputError, match="render_mode=human: only rgb_array"):
        HoldEnv(render_mode="human")
    with pytest.raises(InputError, match="observation=sound: unknown, known are image, state"):
        HoldEnv(observation="sound")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="observation=state: nothing is drawn"):
        HoldEnv(observation="state", depth=True)
    made = HoldEnv(settings=SMALL)
    try:
        assert made.render() is None
        with pytest.raises(gymnasium.error.ResetNeeded):
            made.step(np.zeros(7, dtype=np.float32))
    finally:
        made.close()
        made.close()
