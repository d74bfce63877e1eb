"""Where PyBullet is not installed, as under Python 3.12 and later: everything but the simulator works."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.scripts.conftest import collected
from tests.scripts.running import ROOT
from tests.scripts.test_train import LEARNING

__all__ = ["collected"]

HIDING = """
import json, runpy, sys
sys.modules.update(pybullet=None, pybullet_data=None)
sys.path.insert(0, "scripts")
import sim, agent, learner
for script, *words in json.loads(sys.argv[1]):
    sys.argv[1:] = words
    try:
        runpy.run_path(f"scripts/{script}.py", run_name="__main__")
    except SystemExit as ended:
        print("status", script, ended.code)
"""
MISSING = (
    "error: pybullet is not installed: it has wheels for Python 3.10 and 3.11, and without it nothing can be simulated"
)


def call(*commands: tuple[object, ...]) -> subprocess.CompletedProcess[str]:
    """Give the commands, one after the other, to a Python that has no PyBullet."""
    words = json.dumps([[str(word) for word in command] for command in commands])
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    arguments = [sys.executable, "-c", HIDING, words]
    return subprocess.run(arguments, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)


def statuses(done: subprocess.CompletedProcess[str]) -> list[str]:
    return [line.removeprefix("status ") for line in done.stdout.splitlines() if line.startswith("status ")]


def test_stored_episodes_are_learned_from_evaluated_and_exported(collected: Path, tmp_path: Path) -> None:
    run, quiet, data = tmp_path / "run", "--quiet", f"armplay:{collected}"
    done = call(
        ("train", "--data", collected, "--out", run, "--steps", 2, *LEARNING, quiet),
        ("evaluate", "--encoder", run, "--data", data, "--out", tmp_path / "found", "--frames", 2, "--draws", 1, quiet),
        ("embed", "--encoder", run, "--data", collected, "--out", tmp_path / "features.npz", quiet),
        ("dataset", "export", collected, "--format", "images", "--out", tmp_path / "images", quiet),
        ("dataset", "verify", collected, quiet),
        ("view", "pairs", "--data", collected, "--out", tmp_path / "pairs.png"),
    )
    assert statuses(done) == ["train 0", "evaluate 0", "embed 0", "dataset 0", "dataset 0", "view 0"], done.stderr
    assert json.loads((run / "scores.json").read_text())["steps"] == 2
    assert (tmp_path / "found" / "report.html").is_file()


def test_what_needs_the_simulator_says_so_in_one_line(tmp_path: Path) -> None:
    done = call(
        ("collect", "--out", tmp_path / "new"),
        ("train_online", "--out", tmp_path / "run"),
        ("view", "play", "--out", tmp_path / "play.gif"),
    )
    assert statuses(done) == ["collect 2", "train_online 2", "view 2"]
    assert done.stderr.splitlines() == [MISSING] * 3
    assert not any(tmp_path.iterdir())
