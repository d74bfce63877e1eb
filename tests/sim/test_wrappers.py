"""Corrupted commands in the Gymnasium environment: who is given what, and that it is what an episode would be given."""

from __future__ import annotations

from typing import Any, NamedTuple

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.utils.env_checker import check_env

from sim.corrupt import KINDS, Corruption, corrupt
from sim.errors import InputError
from sim.hold import HoldEnv
from sim.scene import SceneSettings
from sim.wrappers import CorruptCommands

NAMES = ("clean_command", "recorded_command", "executed_command")
DRAWN = [f"{kind}:{found.levels.grid[-1]:g}" for kind, found in sorted(KINDS.items()) if kind != "shuffled"]


class Limits(NamedTuple):
    velocity: np.ndarray

    @property
    def joints(self) -> int:
        return len(self.velocity)


class FakeArm(gymnasium.Env[np.ndarray, np.ndarray]):
    """An arm without physics: its joints stand where the commands add up to; half a turn is their limit."""

    def __init__(self) -> None:
        self.chain = Limits(np.array([1.0, 2.0, 4.0]))
        self.action_space = spaces.Box(-1, 1, (3,), np.float32)
        self.observation_space = spaces.Box(-9, 9, (3,), np.float32)
        self.given: list[np.ndarray] = []

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[np.ndarray, dict]:
        super().reset(seed=seed)
        self.joints = np.zeros(3)
        return self.joints.astype(np.float32), self.info(np.zeros(3), False)

    def project(self, action: np.ndarray) -> tuple[np.ndarray, bool]:
        wanted = np.asarray(action, dtype=np.float64) * self.chain.velocity
        fast = np.clip(wanted, -self.chain.velocity, self.chain.velocity)
        command = np.clip(self.joints + 0.2 * fast, -3, 3) / 0.2 - self.joints / 0.2
        return command, bool(np.abs(command - wanted).max() > 1e-9)

    def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        self.given.append(np.array(action))
        command, limited = self.project(action)
        self.joints = self.joints + 0.2 * command
        return self.joints.astype(np.float32), 0.0, False, False, self.info(command, limited)

    def info(self, command: np.ndarray, limited: bool) -> dict[str, Any]:
        return {**{name: command.astype(np.float32) for name in NAMES}, "limited": limited}


def actions(count: int, joints: int = 3, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-1, 1, (count, joints)).astype(np.float32)


class Played(NamedTuple):
    clean: np.ndarray
    recorded: np.ndarray
    executed: np.ndarray
    observations: list[Any]
    limited: list[bool]


def play(env: gymnasium.Env[Any, Any], given: np.ndarray, **reset: Any) -> Played:
    observation, info = env.reset(**reset)
    assert all(info[name].dtype == np.float32 and not info[name].any() for name in NAMES)
    observations, infos = [observation], []
    for action in given:
        observation, _, _, _, info = env.step(action)
        observations.append(observation)
        infos.append(info)
    commands = [np.array([info[name] for info in infos]) for name in NAMES]
    assert all(command.dtype == np.float32 for command in commands)
    return Played(*commands, observations, [info["limited"] for info in infos])


def unused(number: int) -> np.ndarray:
    raise AssertionError(f"commands of episode {number} are not needed")


@pytest.mark.parametrize("text", DRAWN)
def test_recorded_commands_are_those_an_episode_would_be_told(text: str) -> None:
    corruption, plain = Corruption.parse(text), FakeArm()
    env = CorruptCommands(FakeArm(), corruption, seed=5)
    for number in range(3):
        given = actions(20, seed=number)
        told, truth = play(env, given), play(plain, given)
        assert np.array_equal(told.clean, truth.clean)
        assert np.array_equal(told.executed, truth.executed)
        assert np.array_equal(told.observations, truth.observations)
        expected = corrupt(truth.clean, corruption, seed=5, episode=number, other=unused)
        assert np.array_equal(told.recorded, expected)
        assert not np.array_equal(told.recorded, told.clean)


@pytest.mark.parametrize("text", ["gaussian:0.5", "bias:0.5", "dropped:0.5", "flipped:1", "delayed:2"])
def test_executed_commands_are_corrupted_and_projected_again(text: str) -> None:
    arm = FakeArm()
    env = CorruptCommands(arm, Corruption.parse(text, "executed"), seed=5)
    for number in range(3):
        done = play(env, actions(20, seed=number))
        wrong = corrupt(done.clean, env.corruption, seed=5, episode=number, other=unused)
        joints = np.concatenate([np.zeros((1, 3)), np.cumsum(0.2 * done.executed.astype(np.float64), axis=0)])
        within = np.clip(wrong, -arm.chain.velocity, arm.chain.velocity)
        expected = (np.clip(joints[:-1] + 0.2 * within, -3, 3) - joints[:-1]) / 0.2
        assert done.executed == pytest.approx(expected, abs=1e-5)
        assert np.array_equal(done.recorded, done.clean)
        assert not np.array_equal(done.executed, done.clean)
        assert np.array(done.observations) == pytest.approx(joints, abs=1e-5)


def test_limited_is_about_the_clean_command() -> None:
    given = np.tile(np.float32([[0.5, 0, 0], [2, 0, 0]]), (3, 1))
    env = CorruptCommands(FakeArm(), Corruption("gaussian", 50.0, "executed"))
    assert play(env, given).limited == [False, True] * 3


@pytest.mark.parametrize("what", ["recorded", "executed"])
@pytest.mark.parametrize("kind", sorted(KINDS))
def test_level_zero_gives_the_motors_the_very_same_action(kind: str, what: str) -> None:
    arm, given = FakeArm(), actions(12)
    done = play(CorruptCommands(arm, Corruption(kind, 0.0, what)), given)  # type: ignore[arg-type]
    assert np.array_equal(arm.given, given)
    assert np.array_equal(done.recorded, done.clean)


def test_episodes_are_counted_from_resets_and_by_the_seed_of_a_reset() -> None:
    env, given = CorruptCommands(FakeArm(), Corruption.parse("gaussian:0.5"), seed=1), actions(6)
    found = [play(env, given).recorded for _ in range(3)]
    assert not np.array_equal(found[0], found[1])
    found += [play(env, given, **reset).recorded for reset in ({"seed": 1}, {}, {"seed": 0})]
    for first, second in ((1, 3), (2, 4), (0, 5)):
        assert np.array_equal(found[first], found[second])
    other = CorruptCommands(FakeArm(), Corruption.parse("gaussian:0.5"), seed=2)
    assert not np.array_equal(play(other, given).recorded, found[0])


def test_shuffled_gives_the_episode_before() -> None:
    env = CorruptCommands(FakeArm(), Corruption.parse("shuffled"))
    first = play(env, actions(8, seed=0))
    fastest = env.unwrapped.chain.velocity  # type: ignore[attr-defined]
    assert (np.abs(first.recorded) <= fastest).all()
    assert np.abs(np.corrcoef(first.recorded.ravel(), first.clean.ravel())[0, 1]) < 0.5
    longer = play(env, actions(11, seed=1))
    assert np.array_equal(longer.recorded[:8], first.clean)
    assert not longer.recorded[8:].any()
    shorter = play(env, actions(5, seed=2))
    assert np.array_equal(shorter.recorded, longer.clean[:5])
    again = [play(env, actions(8, seed=0), seed=0).recorded for _ in range(2)]
    assert np.array_equal(again[0], first.recorded)
    assert np.array_equal(again[1], first.recorded)


def test_commands_in_info_are_the_callers_own() -> None:
    env = CorruptCommands(FakeArm(), Corruption.parse("delayed:1"))
    env.reset()
    _, _, _, _, info = env.step(np.ones(3, dtype=np.float32))
    kept = info["clean_command"].copy()
    for name in NAMES:
        info[name][:] = 7
    assert np.array_equal(env.step(np.zeros(3, dtype=np.float32))[4]["recorded_command"], kept)


def test_what_cannot_be_wrapped_is_refused() -> None:
    with pytest.raises(InputError, match="has no `project`"):
        CorruptCommands(gymnasium.make("CartPole-v1"), Corruption.parse("gaussian:1"))
    with pytest.raises(InputError, match="seed=-1"):
        CorruptCommands(FakeArm(), Corruption.parse("gaussian:1"), seed=-1)


# Around the simulated arm


@pytest.mark.parametrize("text", ["gaussian:0.5", "shuffled:1", "delayed:1"])
@pytest.mark.parametrize("what", ["recorded", "executed"])
def test_around_the_hold_environment(text: str, what: str) -> None:
    pytest.importorskip("pybullet")
    settings = SceneSettings(image_size=32, frames=6)
    corruption = Corruption.parse(text, what)  # type: ignore[arg-type]
    plain = HoldEnv(settings=settings)
    env = CorruptCommands(gymnasium.make("armplay/Hold-v0", settings=settings), corruption, seed=3)
    truth, told = (play(each, actions(5, 7), seed=11) for each in (plain, env))
    assert np.array_equal(told.clean[0], truth.clean[0])
    if what == "recorded":
        assert np.array_equal(told.clean, truth.clean)
        assert np.array_equal(told.executed, truth.executed)
        assert not np.array_equal(told.recorded, told.clean)
        for one, two in zip(told.observations, truth.observations, strict=True):
            assert all(np.array_equal(one[name], two[name]) for name in two)
    else:
        assert np.array_equal(told.recorded, told.clean)
        assert not np.array_equal(told.executed, truth.executed)
        assert not np.array_equal(told.observations[-1]["image"], truth.observations[-1]["image"])
        assert (np.abs(told.executed) <= plain.chain.velocity + 1e-6).all()
        felt = told.observations[-1]["proprioception"][:7]
        moved = told.observations[0]["proprioception"][:7] + 0.2 * told.executed.sum(axis=0)
        assert felt == pytest.approx(moved, abs=0.02)
    env.close()
    plain.close()


@pytest.mark.filterwarnings("ignore:.*different from the unwrapped version")
def test_it_is_still_an_environment() -> None:
    pytest.importorskip("pybullet")
    env = HoldEnv(settings=SceneSettings(image_size=32, frames=6))
    check_env(CorruptCommands(env, Corruption.parse("shuffled:1", "executed")), skip_render_check=True)
    env.close()
