"""What a learner would like to see, on its way to the arms of a live run, and what is kept of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("pybullet")

from agent.episode import Episode, Interest
from agent.play.motions import CELLS, cells_of
from agent.record import RecordSettings
from learner import source
from learner.interests import InterestLog
from learner.settings import OnlineSettings
from learner.source import LiveSource, RecordedSource
from sim import poses
from sim.errors import InputError
from sim.scene import SceneSettings
from tests.agent.episodes import assert_same, fake_episode

RECORD = RecordSettings(scene=SceneSettings(image_size=32, frames=6), play="curious", seed=3)
SETTINGS = OnlineSettings(engine="local", batch=2, buffer_episodes=99, lockstep=True, record=RECORD)


def interest_in(cell: int, version: int) -> Interest:
    weights = np.zeros(CELLS)
    weights[cell] = 1.0
    return Interest(version, tuple(weights.tolist()))


ACROSS, SMALL, LARGE = (interest_in(cell, version) for version, cell in enumerate((0, 4, 7)))


@pytest.fixture(autouse=True)
def _short_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "ROUND", 4)


def take(episodes: Iterator[Episode], count: int) -> list[Episode]:
    return list(islice(episodes, count))


def versions(episodes: list[Episode]) -> list[int | None]:
    return [None if episode.interest is None else episode.interest.version for episode in episodes]


def test_in_lockstep_a_round_seeks_what_was_asked_before_it_began(tmp_path: Path) -> None:
    with LiveSource(SETTINGS, tmp_path / "episodes", resume=False) as live:
        live.seek(ACROSS)
        episodes = live.episodes()
        found = take(episodes, 3)
        live.seek(SMALL)
        found += take(episodes, 1)
        live.seek(LARGE)
        found += take(episodes, 6)
    assert [episode.number for episode in found] == [*range(10)]
    assert versions(found) == [0] * 4 + [2] * 6


def test_otherwise_an_episode_seeks_what_was_asked_last(tmp_path: Path) -> None:
    with LiveSource(replace(SETTINGS, lockstep=False), tmp_path / "episodes", resume=False) as live:
        live.seek(ACROSS)
        episodes = live.episodes()
        found = take(episodes, 3)
        live.seek(SMALL)
        found += take(episodes, 2)
    assert versions(found) == [0] * 3 + [1] * 2


def test_what_is_asked_for_shifts_what_is_played(tmp_path: Path) -> None:
    """A learner that asks for small turns about the axis across the picture, and another for ones about the upright."""
    found = {}
    for asked in (ACROSS, SMALL):
        settings = replace(SETTINGS, store=False, record=replace(RECORD, scene=replace(RECORD.scene, frames=16)))
        with LiveSource(settings, tmp_path / f"episodes-{asked.version}", resume=False) as live:
            live.seek(asked)
            counts = np.zeros(CELLS)
            for episode in take(live.episodes(), 8):
                seen = episode.object_poses.astype(np.float64)
                here, there = np.triu_indices(len(seen), 1)
                counts += np.bincount(cells_of(poses.relative(seen[here], seen[there])[:, 3:]), minlength=CELLS)
            found[asked.version] = counts / counts.sum()
    assert found[0][0] > 2 * found[1][0]
    assert found[1][4] > 2 * found[0][4]


@pytest.mark.parametrize("lockstep", [True, False])
def test_a_resumed_run_plays_what_was_lost_as_it_was(lockstep: bool, tmp_path: Path) -> None:
    """Killed before any shard was whole: the log alone tells what was sought."""
    settings, store = replace(SETTINGS, lockstep=lockstep), tmp_path / "episodes"
    killed = LiveSource(settings, store, resume=False)
    killed.seek(ACROSS)
    episodes = killed.episodes()
    before = take(episodes, 4)
    killed.seek(SMALL)
    before += take(episodes, 2)
    assert versions(before) == [0] * 4 + [1] * 2
    with LiveSource(replace(settings, store=False), tmp_path / "episodes", resume=True) as live:
        live.seek(LARGE)
        again = take(live.episodes(), 10)
        for one, other in zip(before, again, strict=False):
            assert_same(one, other)
        assert versions(again[6:]) == ([1] * 2 if lockstep else [2] * 2) + [2] * 2
        assert_same(live.episode(5), before[5])
    killed.rest()
    with LiveSource(settings, store, resume=True) as live:
        live.seek(LARGE)
        assert live.stored == 6
        stored = take(live.episodes(), 6)
        assert versions(stored) == [0] * 4 + [1] * 2
        np.testing.assert_array_equal(live.episode(5).frames, before[5].frames)


def test_other_play_is_asked_nothing(tmp_path: Path) -> None:
    with LiveSource(
        replace(SETTINGS, record=replace(RECORD, play="tumble")), tmp_path / "episodes", resume=False
    ) as live:
        live.seek(None)
        assert versions(take(live.episodes(), 2)) == [None, None]
        store = tmp_path / "episodes"
    assert not list(tmp_path.glob("interests*"))
    with pytest.raises(InputError, match=r"play=curious: the episodes in .* were played already \(tumble\)"):
        RecordedSource(store, RECORD)


# The log


def test_the_log_survives_a_kill_and_refuses_what_it_is_not(tmp_path: Path) -> None:
    path = tmp_path / "interests.jsonl"
    log = InterestLog(path, resume=False)
    for number, asked in ((3, ACROSS), (1, LARGE), (2, None)):
        log.note(fake_episode(number)._replace(interest=asked))
    path.write_text(path.read_text()[:-9])
    log = InterestLog(path, resume=True)
    assert log.before == {3: ACROSS}
    log.note(fake_episode(1)._replace(interest=LARGE))
    assert InterestLog(path, resume=True).before == {3: ACROSS, 1: LARGE}
    assert InterestLog(path, resume=False).before == {}
    path.write_text('{"episode": 3}\n' + path.read_text())
    with pytest.raises(InputError, match=r"interests\.jsonl: line 1 tells of no episode"):
        InterestLog(path, resume=True)
