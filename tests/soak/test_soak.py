"""A live run that goes on and on while its workers are killed: memory stays flat, and no episode is lost or doubled.

ARMPLAY_SOAK_S=600 python -m pytest -s tests/soak      # ten minutes in place of an hour; -s shows the figures
"""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import threading
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from agent.dataset import Dataset
from learner.replay_log import read_log
from tests.scripts.running import end_of, start, wait_until
from tests.scripts.test_faults import children_of, lives, shared

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="tells memory by /proc"),
]
SECONDS = float(os.environ.get("ARMPLAY_SOAK_S", "3600"))
FRAMES, BATCH, BUFFER = 6, 16, 100
SETTINGS = (
    *("--image-size", 32, "--frames", FRAMES, "--encoder", "small", "--batch", BATCH, "--buffer-episodes", BUFFER),
    *("--workers", 2, "--threads", 1, "--device", "cpu", "--replay-ratio", 4, "--steps", 10**8, "--seed", 3),
    *("--validation-episodes", 4, "--bank-episodes", 24, "--log-every", 10, "--validate-every", 500),
    *("--checkpoint-every", 500, "--quiet"),
)
PAUSE_S = 1.0, 15.0
"""Between two deaths, at least and at most."""
WARM = 1 / 3
"""Of the time: what is loaded, filled and claimed meanwhile does not count."""
RISE = 32 << 20
"""Bytes that the trainer's memory may rise after that, by a straight line through all that was measured."""
WORKER = 600 << 20
"""Bytes of a worker's memory, at most."""
UNDER_WAY = 12
"""Episodes that an end may find between an arm and the buffer: two a worker, and those on their way."""


class Measured(NamedTuple):
    """What was seen from outside."""

    times: list[float]
    """Seconds."""
    resident: list[int]
    """The trainer's memory in bytes, at these times."""
    largest_worker: int
    """Bytes, ever."""
    killed: int


def test_a_long_run_whose_workers_are_killed(tmp_path: Path) -> None:
    run, named = tmp_path / "run", shared()
    process = start("train_online", "--out", run, *SETTINGS)
    wait_until(lambda: (run / "history.jsonl").exists(), process)
    measured = disturb(process, seconds=SECONDS, seed=3)
    workers = workers_of(process.pid)
    os.kill(process.pid, signal.SIGINT)
    outcome = end_of(process)
    assert outcome.status == 130, outcome
    assert "Traceback" not in outcome.err
    assert not any(map(lives, workers))
    assert shared() == named
    figures = account(run, outcome.err)
    warm = np.array(measured.times) > WARM * SECONDS
    slope = np.polyfit(np.array(measured.times)[warm], np.array(measured.resident)[warm], 1)[0]
    rise = slope * (1 - WARM) * SECONDS
    print({**figures, "killed": measured.killed, "rise_MB": rise / 1e6, "MB": measured.resident[-1] / 1e6})
    assert measured.killed >= SECONDS / PAUSE_S[1] - 2
    assert rise < RISE
    assert measured.largest_worker < WORKER


def disturb(process: subprocess.Popen[str], *, seconds: float, seed: int) -> Measured:
    """Kill a worker now and then, and look at the memory each second."""
    rng, times, resident = random.Random(seed), [], []
    largest = killed = 0
    due, clock = rng.uniform(*PAUSE_S), threading.Event()
    for second in range(int(seconds)):
        assert process.poll() is None, process.communicate()
        times.append(float(second))
        resident.append(memory_of(process.pid))
        workers = sorted(workers_of(process.pid))
        largest = max([largest, *map(memory_of, workers)])
        if second >= due and workers:
            os.kill(rng.choice(workers), signal.SIGKILL)
            killed, due = killed + 1, second + rng.uniform(*PAUSE_S)
        clock.wait(1.0)
    return Measured(times, resident, largest, killed)


def workers_of(pid: int) -> set[int]:
    """The arms of a run."""
    found = set()
    for child in children_of(pid):
        try:
            if b"agent.collect.worker" in Path(f"/proc/{child}/cmdline").read_bytes():
                found.add(child)
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def memory_of(pid: int) -> int:
    """Resident bytes of a process; 0 where it has just ended."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (FileNotFoundError, ProcessLookupError, IndexError):
        return 0


def account(run: Path, said: str) -> dict[str, Any]:
    """That the log of insertions, the dataset, the history and the checkpoint tell of the same episodes, as does
    what the run `said` of those it gave up."""
    log = read_log(run / "insertions.jsonl")
    inserted = [row.episode for row in log if row.episode is not None]
    data = Dataset(run / "episodes")
    stored = set(data.numbers)
    data.verify()  # all of it can be read, and each episode has the number of its place
    assert len(set(inserted)) == len(inserted)
    assert len(stored - set(inserted)) <= UNDER_WAY
    # A shard has no holes: what came after an episode that was given up, or was under way to the end, is made again
    # when it is needed.
    holes, size = set(range(max(inserted) + 1)) - {*inserted} - stored, data.metadata["episodes_per_shard"]
    for number in {*inserted} - stored:
        assert holes & {*range(number - number % size, number)}
    given_up = re.findall(r"given up: episode (\d+)", said)
    assert {*map(int, given_up)} <= holes
    assert len(holes) - len(given_up) <= UNDER_WAY
    rows = [json.loads(line) for line in (run / "history.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == list(range(10, 10 * len(rows) + 10, 10))
    last = rows[-1]
    sampled = last["step"] * BATCH
    counted = sampled / last["speed/replay_ratio"] / FRAMES
    logged = sum(row.episode is not None and row.draw <= last["step"] + 1 for row in log)
    assert abs(counted - logged) <= 2  # one may come in between the two counts
    assert last["buffer/episodes"] == min(BUFFER, round(counted))
    return {
        "steps": last["step"],
        "inserted": len(inserted),
        "stored": len(stored),
        "after_hole": len({*inserted} - stored),
        "given_up": len(given_up),
    }
