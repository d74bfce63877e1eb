"""`scripts/train_online.py --play curious`: what arms are asked for depends on the learner, and all of it repeats."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import numpy as np
import pytest

from agent.dataset import Dataset
from agent.play.motions import CELLS
from agent.record import RecordSettings
from agent.settings import from_json
from learner.checkpoint import Checkpoints
from learner.replay_log import NAME, read_log
from learner.run import stored_settings
from learner.settings import OnlineSettings
from tests.scripts.running import end_of, run_here, start, wait_until
from tests.scripts.test_train_online import PLAIN, TINY, losses_of

CURIOUS = ("--play", "curious", "--lockstep", "--steps", 24, *TINY)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("curious") / "run"
    outcome = run_here("train_online", "--out", run, *CURIOUS, *PLAIN)
    assert (outcome.status, outcome.err) == (0, ""), outcome
    return run


def sought(run: Path) -> dict[int, tuple[int, ...]]:
    """Episode -> what it sought."""
    rows = [json.loads(line) for line in (run / "interests.jsonl").read_text().splitlines()]
    return {row["episode"]: (row["version"], *row["weights"]) for row in rows}


def test_later_episodes_seek_what_was_learned_and_it_is_kept(undisturbed: Path) -> None:
    found = sought(undisturbed)
    assert {number: row[0] for number, row in found.items()} == {n: int(n >= 32) for n in range(len(found))}
    assert len(found) > 32
    assert len(set(found[0][1:])) == 1
    assert len(set(found[32][1:])) > 4
    logged = {row.episode: row.interest for row in read_log(undisturbed / NAME) if row.episode is not None}
    assert logged == {number: found[number][0] for number in logged}
    assert len(logged) >= 32
    state = Checkpoints(undisturbed / "checkpoints").load()[0].state["learner"]["curiosity"]
    assert (state["version"], len(state["difficulty"])) == (2, CELLS)


def test_stored_episodes_repeat_from_their_commands(undisturbed: Path) -> None:
    dataset = Dataset(undisturbed / "episodes")
    recorder = from_json(RecordSettings, dataset.metadata["settings"], where="dataset.json")()
    for number in (0, 33):
        stored = dataset.episode(number)
        assert np.array_equal(recorder.repeat(stored).frames, stored.frames)
    recorder.close()


def test_it_is_repeated_from_its_log(undisturbed: Path, tmp_path: Path) -> None:
    outcome = run_here("train", "--replay-log", undisturbed, "--out", tmp_path / "again", "--quiet")
    assert outcome.status == 0, outcome
    assert losses_of(tmp_path / "again") == losses_of(undisturbed)
    assert stored_settings(undisturbed, OnlineSettings).curious


@pytest.mark.long
@pytest.mark.parametrize("store", [(), ("--no-store",)])
def test_killed_and_resumed_it_is_the_undisturbed(undisturbed: Path, store: tuple[str, ...], tmp_path: Path) -> None:
    """The second time with three workers, and where nothing is stored, from the log of what was sought."""
    run = tmp_path / "run"
    process = start("train_online", "--out", run, *CURIOUS, *PLAIN, *store)
    wait_until(lambda: 20 in Checkpoints(run / "checkpoints").steps, process)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    outcome = end_of(
        start("train_online", "--resume", "--out", run, "--quiet", "--engine", "processes", "--workers", 3)
    )
    assert outcome.status == 0, outcome
    assert losses_of(run) == losses_of(undisturbed)
    found, expected = sought(run), sought(undisturbed)  # workers may have played ahead of the last step
    assert {number: found[number] for number in expected} == expected


def test_a_learner_that_compares_no_action_says_so(tmp_path: Path) -> None:
    arguments = ("--out", tmp_path / "run", *CURIOUS, *PLAIN, "--method", "simclr", "--steps", 12)
    outcome = run_here("train_online", *arguments)
    assert outcome.status == 0, outcome
    assert outcome.err == "\nlook: method=simclr compares no action with a pair: play seeks nothing\n"
    assert {len(set(row[1:])) for row in sought(tmp_path / "run").values()} == {1}


def test_stored_episodes_cannot_be_asked(collected: Path, tmp_path: Path) -> None:
    outcome = run_here(
        "train_online", "--out", tmp_path / "run", "--engine", "recorded", "--data", collected, *CURIOUS, "--quiet"
    )
    assert outcome.status == 2
    assert "play=curious: the episodes in" in outcome.err
    assert "were played already (tumble)" in outcome.err
