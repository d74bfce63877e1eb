"""What a training on stored episodes draws from: all of them, or what a live run had at each draw."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import chain
from pathlib import Path

import pytest
import torch

from agent.settings import to_json
from agent.writer import DatasetWriter
from learner.checkpoint import Checkpoints
from learner.replay import Entry
from learner.replay_log import ReplayLog
from learner.run import Run
from learner.settings import OnlineSettings, TrainSettings
from learner.stored import Stored, open_stored, repeated_settings
from learner.team import Team
from sim.errors import InputError
from tests.agent.episodes import fake_episode
from tests.learner.episodes import CATEGORIES, kuka
from tests.learner.test_source import RECORD

COUNT = 40


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Episodes of random content, each of an object of its own."""
    root = tmp_path_factory.mktemp("stored") / "data"
    metadata = {"settings": to_json(RECORD), "categories": list(CATEGORIES), "chain": kuka().to_json()}
    with DatasetWriter(root, metadata=metadata, image_format="png") as writer:
        for number in range(COUNT):
            episode = fake_episode(number, frames=8, size=32)
            writer.add(episode._replace(instance=f"instance-{number}", recorded=episode.clean))
    return root


def opened(settings: TrainSettings, folder: Path, team: Team | None = None) -> tuple[Stored, list[int]]:
    """And how many episodes were told to be there."""
    stored = open_stored(settings, folder, team or Team())
    return stored, list(stored.read())


def numbers_of(stored: Stored) -> list[int]:
    """The episodes that came into the buffer so far."""
    return [entry.number for entry in stored.at(0).entries]


def test_all_training_episodes_are_there_from_the_first_draw(data: Path, tmp_path: Path) -> None:
    stored, told = opened(TrainSettings(data=str(data), steps=7), tmp_path)
    buffer, seen = stored.at(0), numbers_of(stored)
    assert len(buffer) == len(set(seen)) == stored.episodes < COUNT
    assert len(stored.data.bank().labels) == 4 * len(seen)
    assert told == list(range(1, len(seen) + 1))
    assert stored.at(6) is buffer
    assert stored.horizon == 7


def test_processes_share_the_training_episodes(data: Path, tmp_path: Path) -> None:
    settings = TrainSettings(data=str(data), batch=126)
    whole = numbers_of(opened(settings, tmp_path)[0])
    shares = [numbers_of(opened(settings, tmp_path, Team(rank=rank, size=3))[0]) for rank in range(3)]
    assert sorted(chain(*shares)) == sorted(whole)
    assert max(map(len, shares)) - min(map(len, shares)) <= 1
    with pytest.raises(InputError, match="fewer training episodes than the 99 processes"):
        open_stored(replace(settings, batch=198), tmp_path, Team(rank=98, size=99))


@pytest.fixture
def live(data: Path, tmp_path: Path) -> Callable[..., Path]:
    def made(*sessions: tuple[int, list[tuple[int, int]]], kept: int, **settings: object) -> Path:
        """A live run's folder, of sessions that each began after so many steps and had (episode, draws before it)."""
        folder = tmp_path / "live"
        online = OnlineSettings(
            engine="recorded", data=str(data), batch=2, buffer_episodes=4, steps=50, record=RECORD, precision="float32"
        )
        Run(folder, replace(online, **settings), command="", machine={}, resume=False).close()  # type: ignore[arg-type]
        log = ReplayLog(folder)
        for taken, entries in sessions:
            log.begin(taken, steps=taken + 50)
            log.write([Entry(*entry) for entry in entries])
        Checkpoints(folder / "checkpoints").save(kept, {"weight": torch.zeros(1)}, {})
        return folder

    return made


SESSIONS = (
    (0, [(3, 0), (1, 0), (7, 0), (2, 1), (9, 3), (11, 3), (4, 6)]),
    (5, [(3, 0), (9, 0), (12, 0), (13, 0), (14, 2)]),
)


def expected_at(draw: int) -> list[int]:
    """The last four of what came in of the session that the draw is of."""
    begun = draw > 5
    offset, entries = (6 if begun else 0), SESSIONS[begun][1]
    return [number for number, draws in entries if draws + offset <= draw][-4:]


@pytest.mark.parametrize("draws", [range(12), [0, 1, 6, 11], [4, 5, 9], [11]])
def test_each_draw_finds_the_episodes_that_it_found_then(
    draws: range | list[int], live: Callable[..., Path], tmp_path: Path
) -> None:
    """Whichever draws were made before: a resumed repetition skips those of steps that are taken."""
    stored, _ = opened(repeated_settings(live(*SESSIONS, kept=11)), tmp_path / "run")
    with stored:
        for draw in draws:
            buffer = stored.at(draw)
            held = [entry.number for entry in buffer.entries][-len(buffer) :]
            assert held == expected_at(draw), draw
            assert stored.horizon == (55 if draw > 5 else 50)
    came_in = {number for taken, entries in SESSIONS for number, _ in entries if taken <= draws[-1]}
    assert len(stored.data.bank().labels) <= 4 * len(came_in), "the probes' bank holds some twice"


def test_the_settings_are_those_of_the_live_run_as_far_as_it_was_kept(data: Path, live: Callable[..., Path]) -> None:
    folder = live(*SESSIONS, kept=9, method="simclr", eviction="random", record=replace(RECORD, corrupt="gaussian:0.2"))
    settings = repeated_settings(folder)
    assert (settings.steps, settings.method, settings.batch) == (9, "simclr", 2)
    assert (settings.data, settings.replay_log, settings.seed) == (str(data), str(folder), RECORD.seed)
    assert (settings.corrupt, settings.record.corrupt) == ("gaussian:0.2", "gaussian:0.2")


def test_what_cannot_be_repeated_is_refused(live: Callable[..., Path], tmp_path: Path) -> None:
    folder = live((0, [(3, 0), (COUNT, 1)]), kept=5)
    stored, _ = opened(repeated_settings(folder), tmp_path / "run")
    stored.at(0)
    with pytest.raises(InputError, match=f"episode {COUNT} is missing"):
        stored.at(1)
    with pytest.raises(InputError, match="1 processes made it and 2 repeat it"):
        open_stored(repeated_settings(folder), tmp_path / "run", Team(size=2))
    with pytest.raises(InputError, match=r"batch=8: the run in .* had 2"):
        open_stored(replace(repeated_settings(folder), batch=8), tmp_path / "run", Team())
    freely = replace(repeated_settings(folder), steps=4, log_every=3, threads=1)
    assert open_stored(freely, tmp_path / "run", Team()).told.startswith("threads=1 (was 0): only the same")
