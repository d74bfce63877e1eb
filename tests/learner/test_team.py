"""What processes that train together agree on, and what they hear when one is gone."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from agent.play.motions import CELLS, cells_of
from learner.curiosity import GUESSED, MEMORY, missed
from learner.settings import OnlineSettings
from learner.team import Team, TeamLost, first_to_tell, join_team, together
from sim.errors import InputError
from tests.learner.turns import batch_of

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What each of two processes found, the second of which died."""
    folder = tmp_path_factory.mktemp("team")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        meeting = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free.getsockname()[1]), "WORLD_SIZE": "2"}
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.learner.team_ranks", str(folder)],
            cwd=ROOT,
            env=os.environ | meeting | {"RANK": str(rank), "OMP_NUM_THREADS": "1"},
        )
        for rank in range(2)
    ]
    try:
        assert [process.wait(timeout=120) for process in started] == [0, 9]
    finally:
        for process in started:
            process.kill()
    return [json.loads((folder / f"{rank}.json").read_text()) for rank in range(2)]


def test_all_get_the_same(found: list[dict[str, Any]]) -> None:
    assert [one["leads"] for one in found] == [True, False]
    for rank, one in enumerate(found):
        assert one["largest"] == 7
        assert one["mean"] == [1.5, 15.0]
        assert one["first"] == [1.0, 10.0]
        assert one["own"] == [1.0 + rank, 10.0 + 10 * rank], "a process's own numbers were overwritten"
        assert one["share"] == 4


def test_a_team_is_curious_about_the_pairs_of_all(found: list[dict[str, Any]]) -> None:
    parts = [batch_of(rank) for rank in range(2)]
    cells = np.concatenate([cells_of(actions[:, 3:].numpy()) for _, actions in parts])
    hard = np.concatenate([missed(*matched).numpy() for matched, _ in parts])
    expected = np.full(CELLS, GUESSED)
    for cell in np.unique(cells):
        kept = MEMORY ** (cells == cell).sum()
        expected[cell] = kept * GUESSED + (1 - kept) * hard[cells == cell].mean()
    assert found[0]["interest"] == found[1]["interest"]
    np.testing.assert_allclose(found[0]["interest"], expected / expected.sum(), atol=1e-6)


def test_who_is_left_hears_that_another_is_gone_and_one_of_them_tells(found: list[dict[str, Any]]) -> None:
    assert found[0]["lost"] == "another process of the run is gone"
    assert found[0]["tells"] == [True, False]
    assert "lost" not in found[1]


def test_what_else_fails_is_not_taken_for_a_loss() -> None:
    with pytest.raises(RuntimeError, match="out of memory") as told, together():
        raise RuntimeError("out of memory")
    assert not isinstance(told.value, TeamLost)


def test_alone_nothing_goes_round(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    numbers = torch.arange(3.0)
    with join_team("cpu") as team:
        assert (team.rank, team.size, team.leads, team.device) == (0, 1, True, "cpu")
        assert (team.largest(-3), team.seed(5), team.share(7)) == (-3, 5, 7)
        assert team.mean(numbers) is numbers is team.from_first(numbers)
        team.wait()
    assert first_to_tell()


@given(batch=st.integers(0, 300), size=st.integers(1, 9))
def test_shares_are_equal_or_refused(batch: int, size: int) -> None:
    team = Team(rank=size - 1, size=size)
    if batch % size == 0 and batch // size >= 2:
        assert team.share(batch) * size == batch
    else:
        with pytest.raises(InputError, match=f"batch={batch}: {size} processes"):
            team.share(batch)


def test_each_process_plays_with_arms_of_its_own_and_holds_its_share() -> None:
    settings = OnlineSettings(batch=12, buffer_episodes=100, warmup_episodes=31)
    parts = [settings.part(Team(rank=rank, size=3)) for rank in range(3)]
    assert len({part.record.seed for part in parts}) == 3
    for part in parts:
        assert (part.batch, part.capacity, part.minimum_episodes) == (4, 33, 11)
    assert settings.part(Team()) == settings
    stored = OnlineSettings(batch=12, engine="recorded", data="somewhere")
    assert stored.part(Team(rank=1, size=2)).record == stored.record, "corruption follows from the seed"


@pytest.mark.parametrize("device", ["cuda:1", "cuda"])
def test_each_process_needs_a_gpu_of_its_own(device: str, monkeypatch: pytest.MonkeyPatch) -> None:
    there = torch.cuda.device_count()
    monkeypatch.setenv("WORLD_SIZE", str(there + 2))
    monkeypatch.setenv("LOCAL_WORLD_SIZE", str(there + 2))
    told = "say --device cuda" if ":" in device else f"{there + 2} processes on a machine with {there} GPUs"
    with pytest.raises(InputError, match=told), join_team(device):
        pass
