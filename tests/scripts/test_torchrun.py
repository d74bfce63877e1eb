"""Several processes that train one encoder, started by torchrun: one report, and one line when one of them dies."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from learner.checkpoint import Checkpoints
from tests.scripts.conftest import SCENE
from tests.scripts.running import PATIENCE_S, ROOT, Outcome, assert_one_line, end_of, run_here, wait_until
from tests.scripts.test_faults import children_of, lives
from tests.scripts.test_train import LEARNING, kept_by, losses_of
from tests.scripts.test_train_online import history_of

STEPS = 25
pytestmark = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds processes by /proc")


@contextmanager
def torchrun(script: str, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    """Two processes of `scripts/<script>.py`; none of them is left at the end."""
    command = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", str(ROOT / f"scripts/{script}.py")]
    process = subprocess.Popen(
        [sys.executable, *command, *map(str, arguments)],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    ours = {process.pid}
    try:
        wait_until(lambda: len(children_of(process.pid)) == 2, process)
        ours |= children_of(process.pid)
        yield process
    finally:
        for pid in filter(lives, ours):
            os.kill(pid, signal.SIGKILL)
        process.communicate(timeout=PATIENCE_S)


def run_two(script: str, *arguments: object) -> Outcome:
    with torchrun(script, *arguments) as process:
        return end_of(process)


def process_of(launcher: subprocess.Popen[str], rank: int) -> int:
    """The id of the process with this rank."""
    for pid in children_of(launcher.pid):
        if f"RANK={rank}".encode() in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
            return pid
    raise AssertionError(f"no process of rank {rank}")


def assert_told_once(outcome: Outcome, told: str) -> None:
    """One line of ours on stderr among torchrun's, and nothing that shows our source."""
    ours = [line for line in outcome.err.splitlines() if "rror: " in line and "torch.distributed" not in line]
    assert len(ours) == 1, outcome.err
    assert ours[0].startswith("error: ")
    assert told in ours[0]
    assert not any(f'File "{ROOT}/{room}' in outcome.err for room in ("scripts", "learner", "agent")), outcome.err
    assert "stopping" not in outcome.err
    assert outcome.status != 0


def assert_same_losses(run: Path, reference: Path) -> None:
    """As far as both went."""
    ours, theirs = losses_of(run), losses_of(reference)
    common = min(len(ours), len(theirs))
    assert common >= 4
    assert ours[:common] == theirs[:common]


@pytest.fixture(scope="module")
def together(collected: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("together") / "run"
    outcome = run_two("train", "--data", collected, "--out", run, "--steps", STEPS, *LEARNING)
    assert outcome.status == 0, outcome
    assert [outcome.out.count(told) for told in ("report: ", "steps of 8 pairs", "untrained encoder")] == [1, 1, 2]
    assert outcome.err.count(f"train: {STEPS}/{STEPS}") == 1
    assert "Warning" not in outcome.err
    return run


def test_one_history_one_set_of_checkpoints_one_report(together: Path, collected: Path, tmp_path: Path) -> None:
    assert [row["step"] for row in history_of(together)] == list(range(1, STEPS + 1))
    assert Checkpoints(together / "checkpoints").steps == [STEPS - 1, STEPS]
    header = json.loads((together / "settings.json").read_text())
    assert header["processes"] == 2
    assert header["command"].startswith("torchrun --standalone --nproc-per-node=2 scripts/train.py --data ")
    expected = {"settings.json", "history.jsonl", "checkpoints", "encoder", "scores.json", "report.html", "tensorboard"}
    assert {path.name for path in together.iterdir() if not path.name.startswith(".")} == expected
    assert len(list((together / "tensorboard").glob("events.out.*"))) == 1
    alone = tmp_path / "alone"
    assert run_here("train", "--data", collected, "--out", alone, "--steps", 1, *LEARNING, "--quiet").status == 0
    # Half of each batch comes from each half of the episodes; chance is that of the whole batch.
    chance, shares = "loss/instance_chance", "buffer/episodes"
    first, whole = history_of(together)[0], history_of(alone)[0]
    assert first[chance] == whole[chance]
    assert first[shares] == -(-whole[shares] // 2)


@pytest.mark.long
@pytest.mark.parametrize("rank", [0, 1])
def test_a_process_that_dies_ends_the_run_in_a_line_and_resumed_its_losses_are_the_same(
    together: Path, collected: Path, tmp_path: Path, rank: int
) -> None:
    run = tmp_path / "run"
    with torchrun("train", "--data", collected, "--out", run, "--steps", 100_000, *LEARNING, "--quiet") as process:
        wait_until(lambda: kept_by(run) > 0, process)
        os.kill(process_of(process, rank), signal.SIGKILL)
        outcome = end_of(process)
    kept = kept_by(run)
    command = f"torchrun --standalone --nproc-per-node=2 scripts/train.py --resume --out {run}"
    assert_told_once(outcome, f"another process of the run is gone; kept at step {kept}; go on with: {command}")
    assert kept % 3 == 0
    assert Checkpoints(run / "checkpoints").load()[1] == []
    outcome = run_two("train", "--resume", "--out", run, "--quiet", "--steps", kept + 5)
    assert outcome.status == 0, outcome
    assert_same_losses(run, together)


@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.long)])
def test_a_signal_stops_all_at_one_step_and_nothing_is_lost(
    together: Path, collected: Path, tmp_path: Path, number: signal.Signals
) -> None:
    run = tmp_path / "run"
    with torchrun("train", "--data", collected, "--out", run, "--steps", 100_000, *LEARNING, "--quiet") as process:
        wait_until(lambda: kept_by(run) > 3, process)
        process.send_signal(number)
        outcome = end_of(process)
    kept = kept_by(run)
    command = f"torchrun --standalone --nproc-per-node=2 scripts/train.py --resume --out {run}"
    assert outcome.out == f"kept at step {kept}; go on with: {command}\n"
    assert not any(f'File "{ROOT}/{room}' in outcome.err for room in ("scripts", "learner", "agent")), outcome.err
    assert "error: " not in outcome.err
    assert outcome.status != 0
    assert [row["step"] for row in history_of(run)] == list(range(1, kept + 1))
    assert_same_losses(run, together)


@pytest.mark.long
def test_a_signal_to_one_process_stops_all(together: Path, collected: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    with torchrun("train", "--data", collected, "--out", run, "--steps", 100_000, *LEARNING, "--quiet") as process:
        wait_until(lambda: kept_by(run) > 3, process)
        os.kill(process_of(process, 1), signal.SIGTERM)
        outcome = end_of(process)
    assert outcome.out.startswith(f"kept at step {kept_by(run)}; go on with: torchrun ")
    assert outcome.out.count("\n") == 1
    assert not (run / "report.html").exists()
    assert_same_losses(run, together)


def test_a_mistake_of_all_is_told_by_one(collected: Path, tmp_path: Path) -> None:
    outcome = run_two("train", "--data", collected, "--out", tmp_path / "new", *LEARNING, "--batch", 33)
    assert_told_once(outcome, "batch=33: 2 processes need a multiple of 2")
    assert "exitcode  : 2 " in outcome.err
    assert outcome.out == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.long
def test_a_mistake_that_only_the_first_can_see_is_told_as_it_is(together: Path, collected: Path) -> None:
    outcome = run_two("train", "--data", collected, "--out", together, *LEARNING)
    assert_told_once(outcome, "exists and is not empty")
    assert outcome.out == ""


@pytest.mark.long
def test_a_mistake_on_the_command_line_is_told_by_one(tmp_path: Path) -> None:
    assert_told_once(run_two("train", "--data", tmp_path, "--method", "telepathy"), "method=telepathy")


def test_another_number_of_processes_is_refused(together: Path) -> None:
    before = (together / "settings.json").read_bytes()
    outcome = run_here("train", "--resume", "--out", together)
    assert_one_line(outcome)
    assert "processes=1: the run in" in outcome.err
    assert (together / "settings.json").read_bytes() == before


LIVE = (*LEARNING, "--buffer-episodes", 40, "--replay-ratio", 1.5, "--workers", 1, *SCENE, "--quiet")


@pytest.mark.long
@pytest.mark.parametrize("rank", [None, 0, 1])
def test_a_live_run_of_two_has_two_stores_and_goes_on(tmp_path: Path, rank: int | None) -> None:
    run = tmp_path / "run"
    with torchrun("train_online", "--out", run, "--steps", 100_000, *LIVE) as process:
        wait_until(lambda: kept_by(run) > 0, process)
        if rank is None:
            process.send_signal(signal.SIGINT)
        else:
            os.kill(process_of(process, rank), signal.SIGKILL)
        outcome = end_of(process)
    kept = kept_by(run)
    go_on = f"go on with: torchrun --standalone --nproc-per-node=2 scripts/train_online.py --resume --out {run}"
    if rank is None:
        assert outcome.out == f"kept at step {kept}; {go_on}\n"
    else:
        assert_told_once(outcome, f"another process of the run is gone; kept at step {kept}; {go_on}")
    seeds = [
        json.loads((run / name / "dataset.json").read_text())["settings"]["seed"] for name in ("episodes", "episodes-1")
    ]
    assert seeds[0] == 2 != seeds[1]
    outcome = run_two("train_online", "--resume", "--out", run, "--steps", kept + 5)
    assert outcome.status == 0, outcome
    assert outcome.out.count("report: ") == 1
    assert [row["step"] for row in history_of(run)] == list(range(1, kept + 6))
    refused = run_here("train", "--replay-log", run, "--out", tmp_path / "again")
    assert_one_line(refused)
    assert "2 processes made it and 1 repeat it" in refused.err


@pytest.mark.long
def test_in_lockstep_two_processes_repeat_their_losses(tmp_path: Path) -> None:
    runs = [tmp_path / name for name in ("one", "two")]
    for run in runs:
        assert run_two("train_online", "--out", run, "--steps", 8, *LIVE, "--lockstep").status == 0
    assert losses_of(runs[0]) == losses_of(runs[1])
    assert len(losses_of(runs[0])) == 8
