"""Gymnasium wrappers for the environments of armplay."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np

from sim.corrupt import Corruption, corrupt
from sim.errors import InputError
from sim.seeding import stream


class CorruptCommands(gymnasium.Wrapper[Any, np.ndarray, Any, np.ndarray]):
    """Corrupts the commands of an environment that has `project` and `chain`, such as `armplay/Hold-v0`.

    With `executed` corruption the motors are given the corrupted command, projected into the limits again; with
    `recorded` corruption only `info["recorded_command"]` changes. Observations are what was measured, always.
    `info`: `clean_command`, `recorded_command` and `executed_command` float32 [D] rad/s, and `limited`, which is about
    the clean command. All three are zero after a reset.

    The corruption of an episode is a function of the seed given here and of the episode's number: 0 for the first one,
    or the seed given to `reset`, and one more at each reset without a seed. `shuffled` gives the commands of the
    episode before this one, zeros where that one was shorter; where there is none (at first, and after a reset with a
    seed), velocities drawn uniformly within limits. A restored state of the environment below does not bring back the
    commands before it.
    """

    def __init__(self, env: gymnasium.Env[Any, np.ndarray], corruption: Corruption, seed: int = 0) -> None:
        """Raises InputError where the environment cannot say what it makes of an action."""
        super().__init__(env)
        for name in ("project", "chain"):
            if not hasattr(env.unwrapped, name):
                raise InputError(f"{env.unwrapped}: has no `{name}`, so its commands cannot be told and corrupted")
        if seed < 0:
            raise InputError(f"seed={seed}: 0 or more, or no generator can be made")
        self._arm: Any = env.unwrapped
        self.corruption, self._seed = corruption, seed
        self._number = -1
        self._clean: list[np.ndarray] = []
        self._before: np.ndarray | None = None

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """The next episode; with a seed, the episode of that number and none before it."""
        observation, info = self.env.reset(seed=seed, options=options)
        played = self._number >= 0 and seed is None
        self._before = self._so_far() if played else None
        self._number = self._number + 1 if seed is None else seed
        self._clean = []
        return observation, info

    def step(self, action: np.ndarray) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """As the environment's, with the commands in `info` as described above."""
        command, limited = self._arm.project(action)
        clean = command.astype(np.float32)
        self._clean.append(clean.copy())
        corrupted = corrupt(
            self._so_far(), self.corruption, seed=self._seed, episode=self._number, other=lambda _: self._other()
        )[-1]
        recorded = clean.copy()
        if self.corruption.what == "recorded":
            recorded = corrupted
        elif not np.array_equal(corrupted, clean):  # where nothing changes, not even rounding does
            action = corrupted / self._arm.chain.velocity
        observation, reward, terminated, truncated, info = self.env.step(action)
        info = {**info, "clean_command": clean, "recorded_command": recorded, "limited": limited}
        return observation, reward, terminated, truncated, info

    def _so_far(self) -> np.ndarray:
        """The clean commands [n, D] of this episode up to now."""
        return np.array(self._clean, dtype=np.float32).reshape(-1, self._arm.chain.joints)

    def _other(self) -> np.ndarray:
        """The commands that `shuffled` gives: at least as many as so far, or all there are."""
        if self._before is not None:
            return self._before
        fastest = self._arm.chain.velocity
        shape = (len(self._clean), len(fastest))
        return stream("corrupt/first", self._seed, self._number).uniform(-fastest, fastest, shape)
