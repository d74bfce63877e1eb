"""The examples of docs/extend.md: each is executed as it stands, and then serves the commands beneath it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from agent.dataset import Dataset
from agent.play import POLICIES
from agent.quality import quality
from learner.data import KINDS as DATASETS
from learner.methods import METHODS
from sim.arms import ARMS
from sim.corrupt import KINDS as CORRUPTIONS
from tests.docs.blocks import blocks, commands
from tests.docs.tiny import tiny
from tests.scripts.running import ROOT, run_here

PAGE = ROOT / "docs" / "extend.md"
REGISTERS: list[dict[str, Any]] = [ARMS, POLICIES, CORRUPTIONS, METHODS, DATASETS]
EXAMPLES = list(blocks("python", (PAGE,)))


@pytest.fixture(autouse=True)
def registered() -> Iterator[None]:
    """What examples register is gone afterwards."""
    before = [dict(register) for register in REGISTERS]
    yield
    for register, old in zip(REGISTERS, before, strict=True):
        register.clear()
        register.update(old)


@pytest.fixture
def here(tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    (tmp_path / "data/hold").symlink_to(tree / "data/hold")
    return tmp_path


def use(word: str, *, root: Path) -> None:
    """Execute the example that registers `word`, and run the commands of the page that have it."""
    (example,) = [block for block in EXAMPLES if f'"{word}"' in block.text]
    exec(compile(example.text, example.where, "exec", dont_inherit=True), {"__name__": f"extend_{word}"})
    called = [command for command in commands() if command.where.startswith("docs/extend.md") and word in command.line]
    assert called
    for command in called:
        script = re.search(r"scripts/(\w+)\.py", command.line)
        assert script is not None
        outcome = run_here(script[1], *tiny(script[1], command.words[2:], root=root), "--quiet")
        assert outcome.status == 0, outcome


def test_an_arm_and_a_policy_show_the_object_to_the_camera(here: Path, tree: Path) -> None:
    for word in ("xarm", "nod"):
        use(word, root=tree.parent)
        found = quality(list(Dataset(here / "data" / word).episodes()))
        assert found.in_image > 0.99, found
    xarm, nod = (Dataset(here / "data" / word).episode(0) for word in ("xarm", "nod"))
    assert (xarm.clean.shape[1], nod.clean.shape[1]) == (6, 7)
    # The told commands and the joints agree: the arm's chain is that of its physics.
    assert np.abs(np.diff(xarm.joints, axis=0) - 0.2 * xarm.executed).max() < 0.02


def test_a_corruption_misleads_by_its_level(here: Path, tree: Path) -> None:
    use("gain", root=tree.parent)
    episode = Dataset(here / "data/gain").episode(0)
    with np.errstate(invalid="ignore"):
        told = episode.recorded / episode.clean
    assert np.nanmax(np.abs(told - 1)) <= 0.3 + 1e-5
    assert np.nanstd(told, axis=0).max() < 1e-5 < np.nanstd(told)


def test_a_method_learns(here: Path, tree: Path) -> None:
    use("barlow-tt", root=tree.parent)
    history = [json.loads(line) for line in (here / "runs/barlow/history.jsonl").read_text().splitlines()]
    # Of 128 components: 128 where nothing agrees.
    assert 0 < history[-1]["loss/instance"] < 128 + 0.005 * 128**2


def test_a_dataset_is_trained_on_and_evaluated(here: Path, tree: Path) -> None:
    folder = tree.parent / "images" / "flat"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in range(60):
        for frame in range(4):
            pixels = rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / f"{'abc'[number % 3]}_{number}_{frame}.png")
    use("flat", root=tree.parent)
    found = json.loads((here / "evaluations/flat-flat/results.json").read_text())
    assert found["categories"] == ["a", "b", "c"]
