"""`kill -9` of a collection at any moment: nothing is left behind, and resumed it is the undisturbed one."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import threading
from pathlib import Path

import pytest

from tests.scripts.conftest import SCENE
from tests.scripts.running import contents, run_here, start

SETTINGS = ("--image-format", "png", "--seed", 2, "--corrupt", "gaussian:0.3", *SCENE)
SHARED = Path("/dev/shm")


def children_of(pid: int) -> set[int]:
    return {int(child) for path in Path(f"/proc/{pid}/task").glob("*/children") for child in path.read_text().split()}


def lives(pid: int) -> bool:
    """Zombies do not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def shared() -> set[Path]:
    """What lies in shared memory under a name."""
    return set(SHARED.iterdir()) if SHARED.is_dir() else set()


def kill_run(process: subprocess.Popen[str]) -> None:
    """SIGKILL; returns when its workers have noticed. The test would never end if they did not."""
    workers = children_of(process.pid)
    process.kill()
    process.communicate()
    pause = threading.Event()
    while any(map(lives, workers)):
        pause.wait(0.01)


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds workers by /proc")
@pytest.mark.parametrize("rounds", [2, pytest.param(25, marks=pytest.mark.long)])
def test_killed_again_and_again_it_ends_as_the_undisturbed_one(collected: Path, tmp_path: Path, rounds: int) -> None:
    rng, named, folder, expected = random.Random(rounds), shared(), 0, contents(collected)
    for _ in range(rounds):
        out = tmp_path / str(folder)
        begun = (out / "dataset.json").exists()
        process = start(
            "collect", "--episodes", 48, "--workers", 2, "--out", out, *(("--resume",) if begun else SETTINGS)
        )
        threading.Event().wait(rng.uniform(0.2, 5.0))
        workers = sorted(children_of(process.pid))
        if workers and rng.random() < 0.5:
            os.kill(rng.choice(workers), signal.SIGKILL)
            threading.Event().wait(rng.uniform(0.0, 0.5))
        kill_run(process)
        if process.returncode == 0:  # it was faster
            assert contents(out) == expected
            folder += 1
    out = tmp_path / str(folder)
    again = ("--resume",) if (out / "dataset.json").exists() else SETTINGS
    outcome = run_here("collect", "--episodes", 48, "--workers", 2, "--quiet", "--out", out, *again)
    assert (outcome.status, outcome.err) == (0, "")
    assert contents(out) == expected
    assert {path for path in shared() - named if path.name.startswith(("psm_", "armplay"))} == set()
