"""Every engine makes the same episodes, whatever happens to those who make them."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from functools import partial
from itertools import count, islice
from pathlib import Path

import pytest

from agent.collect import Engine, Health, Limits, LocalEngine, ProcessEngine
from agent.episode import Episode
from sim.errors import InputError
from tests.agent.episodes import (
    ClosedInFile,
    Fake,
    Spy,
    Uneven,
    assert_same,
    broken_factory,
    fake_episode,
    hopeless_factory,
)


def children() -> set[int]:
    """Process ids of this process's children, zombies too."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = path.read_text().rpartition(")")[2].split()[1]
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(parent) == os.getpid():
            found.add(int(path.parent.name))
    return found


@pytest.fixture(autouse=True)
def _no_child_is_left() -> Iterator[None]:
    before = children()
    yield
    assert children() <= before


def collect(engine: Engine, numbers: range) -> dict[int, Episode]:
    with engine:
        return {episode.number: episode for episode in engine.episodes(numbers)}


def assert_all(episodes: dict[int, Episode], numbers: range, *, size: int = 16) -> None:
    assert sorted(episodes) == list(numbers)
    for number in numbers:
        assert_same(episodes[number], fake_episode(number, size=size))


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_same_episodes_whatever_the_engine(workers: int) -> None:
    make = Fake(size=96)  # larger than a socket's buffer
    engine = ProcessEngine(make, workers=workers) if workers else LocalEngine(make)
    episodes = collect(engine, range(10))
    assert_all(episodes, range(10), size=96)
    assert all(array.flags.writeable for array in (episodes[0].frames, episodes[0].joints))


def test_one_engine_iterates_again() -> None:
    with ProcessEngine(Fake(), workers=2) as engine:
        assert {episode.number for episode in engine.episodes(range(5))} == set(range(5))
        pids = children()
        assert [episode.number for episode in engine.episodes([])] == []
        assert {episode.number for episode in engine.episodes(range(5, 8))} == {5, 6, 7}
        assert children() == pids
        assert engine.health.restarts == 0


def test_no_more_workers_than_episodes() -> None:
    before = children()
    with ProcessEngine(Fake(), workers=8) as engine:
        assert len(list(engine.episodes(range(2)))) == 2
        assert len(children() - before) == 2


def test_workers_are_lean() -> None:
    episodes = collect(ProcessEngine(Spy(), workers=2), range(6))
    for episode in episodes.values():
        about = json.loads(episode.instance)
        assert about["pid"] != os.getpid()
        assert about["loaded"] == []
        assert about["threads"] == "1"
        assert about["path"] == sys.path


def test_uneven_episodes_fit() -> None:
    for episode in collect(ProcessEngine(Uneven(), workers=2), range(24)).values():
        assert_same(episode, Uneven.play(episode.number))


@pytest.mark.parametrize("rounds", [1, pytest.param(20, marks=pytest.mark.long)])
def test_killed_workers_lose_nothing(rounds: int) -> None:
    rng = random.Random(rounds)
    for _ in range(rounds):
        spared, episodes = children(), {}
        moments = {rng.randrange(start, start + 4) for start in (1, 10, 19)}  # each is noticed before the next
        with ProcessEngine(Fake(size=64), workers=2, limits=Limits(attempts=20)) as engine:
            for episode in engine.episodes(range(30)):
                assert episode.number not in episodes
                episodes[episode.number] = episode
                if len(episodes) in moments:
                    threading.Event().wait(rng.uniform(0, 0.003))  # into the making, or the sending, of another
                    victim = rng.choice(sorted(children() - spared))
                    os.kill(victim, signal.SIGKILL)
                    spared.add(victim)  # it may lie there a while before the engine notices
            assert engine.health.restarts == 3
            assert engine.failures == []
        assert_all(episodes, range(30), size=64)


@pytest.mark.parametrize("limits", [Limits(recycle_after=3), Limits(recycle_bytes=1)])
def test_workers_are_recycled_and_nothing_is_lost(limits: Limits) -> None:
    with ProcessEngine(Spy(), workers=2, limits=limits) as engine:
        pids = Counter(json.loads(episode.instance)["pid"] for episode in engine.episodes(range(14)))
        assert sum(pids.values()) == 14
        assert max(pids.values()) <= 4  # it has been given one more when it is found to have done enough
        health = engine.health
    due = [made for made in pids.values() if made >= limits.recycle_after or limits.recycle_bytes == 1]
    assert (health.restarts, health.recycled) == (0, len(due))
    assert len(pids) >= 4


def test_the_memory_of_workers_is_known() -> None:
    with ProcessEngine(Fake(), workers=2) as engine:
        assert engine.health == Health(0, 0, ())
        list(engine.episodes(range(8)))
        assert len(engine.health.resident) in (1, 2)
        assert all(10**7 < resident < 10**9 for resident in engine.health.resident)


def test_interrupts_do_not_reach_workers() -> None:
    with ProcessEngine(Fake(), workers=2) as engine:
        first = list(engine.episodes(range(4)))
        for pid in children():
            os.kill(pid, signal.SIGINT)
        assert len(first + list(engine.episodes(range(4, 8)))) == 8
        assert engine.health.restarts == 0


@pytest.mark.parametrize("fault", ["raise", "kill"])
def test_an_episode_that_fails_twice_is_made(tmp_path: Path, fault: str) -> None:
    engine = ProcessEngine(Fake(str(tmp_path), number=4, times=2, fault=fault), workers=2)
    assert_all(collect(engine, range(8)), range(8))
    assert engine.health.restarts == 2


@pytest.mark.parametrize(
    ("fault", "limits", "told"),
    [
        ("raise", Limits(), r"^episode 4 failed 3 times; the last time: ArithmeticError: attempt 2 came to nothing$"),
        ("exit", Limits(attempts=2), r"^episode 4 failed 2 times; the last time: its worker ended with exit status 7$"),
        ("hang", Limits(attempts=1, deadline_s=4), r"^episode 4 failed 1 times; the last time: no answer within 4 s$"),
    ],
)
def test_an_episode_that_always_fails_is_reported_and_the_rest_arrives(
    tmp_path: Path, fault: str, limits: Limits, told: str
) -> None:
    with ProcessEngine(Fake(str(tmp_path), number=4, times=99, fault=fault), workers=2, limits=limits) as engine:
        assert {episode.number for episode in engine.episodes(range(8))} == set(range(8)) - {4}
        assert len(list(tmp_path.iterdir())) == limits.attempts == engine.health.restarts
    (failure,) = engine.failures
    assert (failure.number, failure.attempts) == (4, limits.attempts)
    assert re.match(told, str(failure))


@pytest.mark.parametrize("workers", [1, 2])
def test_where_nothing_can_be_made_that_is_said_once(workers: int) -> None:
    engine = ProcessEngine(hopeless_factory, workers=workers, limits=Limits(attempts=2))
    with pytest.raises(RuntimeError, match=r"3 episodes failed 2 times each and none was made(?s:.)*no such device"):
        collect(engine, range(10**9))
    numbers = [failure.number for failure in engine.failures]
    assert len(numbers) == len(set(numbers)) == 3
    assert max(numbers) < 3 + 2 * workers  # of those that were given out


def test_a_hung_worker_is_replaced_while_others_answer(tmp_path: Path) -> None:
    make = Fake(str(tmp_path), number=0, times=1, fault="hang")
    with ProcessEngine(make, workers=2, limits=Limits(deadline_s=6.0, attempts=9)) as engine:
        found = next(episode for episode in engine.episodes(count()) if episode.number == 0)
        assert_same(found, fake_episode(0))
        assert engine.health.restarts >= 1


def test_a_worker_that_will_not_end_is_killed(tmp_path: Path) -> None:
    engine = ProcessEngine(Fake(str(tmp_path), number=1, times=1, fault="stubborn"), workers=2)
    with engine:
        assert next(engine.episodes(range(2))).number == 0


def test_input_errors_pass_at_once(tmp_path: Path) -> None:
    engine = ProcessEngine(Fake(str(tmp_path), number=1, times=9, fault="input"), workers=2)
    with pytest.raises(InputError, match=r"^size=0: at least 1 is needed, or there is nothing to see$"):
        collect(engine, range(4))
    assert engine.health.restarts == 0
    with pytest.raises(InputError, match="tentacle"):
        collect(ProcessEngine(broken_factory, workers=1), range(4))


@pytest.mark.parametrize(("name", "value"), [("deadline_s", 0.0), ("attempts", 0), ("recycle_bytes", 0)])
def test_settings_that_collect_nothing_are_refused(name: str, value: float) -> None:
    with pytest.raises(InputError, match=f"{name}={value}: "):
        Limits(**{name: value})  # type: ignore[arg-type]
    with pytest.raises(InputError, match="workers=0: "):
        ProcessEngine(Fake(), workers=0)


def test_endless_iterations_can_be_left() -> None:
    with ProcessEngine(Fake(size=96), workers=2) as engine:
        iterator = engine.episodes(count())
        assert len(list(islice(iterator, 5))) == 5
        with pytest.raises(RuntimeError, match="in another iteration"):
            next(engine.episodes([1]))
        iterator.close()  # type: ignore[attr-defined]
        assert {episode.number for episode in engine.episodes([50, 51])} == {50, 51}
        left = engine.episodes(count())
        next(left)
    assert list(left) == []
    engine.close()
    with pytest.raises(RuntimeError, match="closed"):
        next(engine.episodes([1]))


def test_closing_from_another_thread_ends_the_iteration(tmp_path: Path) -> None:
    engine = ProcessEngine(Fake(str(tmp_path), number=2, times=9, fault="hang"), workers=2)
    episodes: list[Episode] = []
    started = threading.Event()

    def run() -> None:
        for episode in engine.episodes([0, 1, 2]):
            episodes.append(episode)
            started.set()

    thread = threading.Thread(target=run)
    thread.start()
    assert started.wait(60)
    engine.close()
    thread.join(60)
    assert not thread.is_alive()
    assert len(episodes) <= 2


def test_nothing_is_left_when_the_parent_is_killed(tmp_path: Path) -> None:
    shared = set(Path("/dev/shm").iterdir())
    code = f"""
from tests.agent.episodes import Fake
from agent.collect import ProcessEngine
engine = ProcessEngine(Fake({str(tmp_path)!r}, number=1, times=9, fault="stubborn"), workers=2)
for episode in engine.episodes(range(9)):
    print(episode.number, flush=True)
"""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, env=environment)
    assert process.stdout is not None
    assert process.stdout.readline() == b"0\n"
    process.kill()
    process.communicate(timeout=60)  # the pipe ends when the last process that holds it does: the workers
    assert not [path for path in set(Path("/dev/shm").iterdir()) - shared if "ray" not in path.name.lower()]


@pytest.mark.parametrize("engine_type", [LocalEngine, partial(ProcessEngine, workers=2)])
def test_what_plays_is_closed(tmp_path: Path, engine_type: type[LocalEngine]) -> None:
    collect(engine_type(partial(ClosedInFile, str(tmp_path))), range(4))
    assert len(list(tmp_path.iterdir())) == (1 if engine_type is LocalEngine else 2)
