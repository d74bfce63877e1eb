"""Stable-Baselines3 takes the environments as they are, and PPO learns to show more of an object than chance does."""

from __future__ import annotations

from typing import Any

import pytest

import sim
from sim.hold import HoldEnv
from tests.docs.blocks import blocks
from tests.scripts.running import ROOT

pytest.importorskip("stable_baselines3", reason="in the extra dev")

SMALL = sim.SceneSettings(image_size=36, frames=6)


@pytest.mark.filterwarnings("error::UserWarning")
@pytest.mark.parametrize("options", [{"observation": "state"}, {}, {"observation": "state", "split": "test"}])
def test_the_environment_checker_has_nothing_to_say(options: dict[str, Any]) -> None:
    from stable_baselines3.common.env_checker import check_env

    environment = HoldEnv(settings=SMALL, **options)
    check_env(environment)
    check_env(sim.CorruptCommands(environment, sim.Corruption.parse("gaussian:0.3", "executed")))
    environment.close()


@pytest.mark.long
def test_ppo_shows_more_of_unknown_objects_than_random_play(capsys: pytest.CaptureFixture[str]) -> None:
    """The example of the docs: about 0.37 beside 0.26, whose standard error is 0.005."""
    (example,) = blocks("python", (ROOT / "docs" / "reinforcement-learning.md",))
    names: dict[str, Any] = {"__name__": "example"}
    exec(compile(example.text, example.where, "exec", dont_inherit=True), names)
    assert "random" in capsys.readouterr().out
    assert names["learned"] > sum(names["returns"]) / len(names["returns"]) + 0.05
