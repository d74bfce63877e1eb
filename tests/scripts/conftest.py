"""One small dataset of ours, and one of images, for all tests of scripts."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.references.imagefiles import write_rt4k
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


@pytest.fixture(scope="session")
def rt4k(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A tiny RT4K in HDF5, not to be written to: 36 objects for training, 9 for test, all but one of 8 views."""
    root = tmp_path_factory.mktemp("images") / "RT4K"
    kinds = ("car", "mug", "tree")
    train = {f"{category}_{number:03d}": category for category in kinds for number in range(12)}
    test = {f"{category}_{number:03d}": category for category in kinds for number in range(100, 103)}
    views = {name: [1, 10, 30, 60, 90, 120, 150, 180] for name in {**train, **test}} | {"mug_001": [5]}
    write_rt4k(root, {"train": train, "test": test}, views=views)
    return f"rt4k:{root}"
