"""One small dataset for all tests of scripts."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.scripts.running import run_here

SCENE = ("--image-size", 32, "--frames", 6)


@pytest.fixture(scope="session")
def collected(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """48 episodes of 6 frames 32x32, exact, collected by one undisturbed process; not to be written to."""
    folder = tmp_path_factory.mktemp("collected") / "data"
    arguments = ("--episodes", 48, "--engine", "local", "--image-format", "png", "--seed", 2, "--out", folder, *SCENE)
    outcome = run_here("collect", *arguments, "--corrupt", "gaussian:0.3")
    assert (outcome.status, outcome.err.count("48/48")) == (0, 1), outcome
    return folder
