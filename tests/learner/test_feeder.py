"""What the learner has seen when it samples: in lockstep exactly so much, else what came; errors reach it."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.episode import Episode
from learner.feeder import Feeder, in_order
from learner.limiter import Limiter, episodes_before
from sim.errors import InputError
from tests.learner.episodes import buffer_of, coded_episode

FRAMES = 5
BATCH = 6


def limiter_of(*, minimum: int = 20, ratio: float = 1.5) -> Limiter:
    return Limiter(ratio=ratio, minimum=minimum, batch=BATCH, episode_frames=FRAMES, deadline=30.0)


def feeder_of(
    episodes: Iterable[Episode], *, lockstep: bool = False, minimum: int = 20, capacity: int = 8
) -> tuple[Feeder, list[int]]:
    """A feeder, and the numbers of the episodes that it has inserted."""
    seen: list[int] = []
    feeder = Feeder(
        episodes,
        buffer_of(capacity),
        limiter_of(minimum=minimum),
        lockstep=lockstep,
        watch=[lambda episode: seen.append(episode.number)],
    )
    return feeder, seen


def episodes(numbers: Iterable[int]) -> Iterator[Episode]:
    return (coded_episode(number) for number in numbers)


@given(st.permutations(range(9)))
def test_in_order_gives_every_episode_as_soon_as_those_before_it_are_there(numbers: list[int]) -> None:
    arrived: list[int] = []

    def arriving() -> Iterator[Episode]:
        for number in numbers:
            arrived.append(number)
            yield coded_episode(number)

    found = []
    for episode in in_order(arriving()):
        found.append(episode.number)
        # The last to come was needed: without it, this one or one before it was missing.
        assert set(range(episode.number + 1)) <= set(arrived)
        assert not set(range(episode.number + 1)) <= set(arrived[:-1]) or arrived[-1] < episode.number
    assert found == list(range(9))


def test_in_order_stops_before_a_gap() -> None:
    assert [episode.number for episode in in_order(episodes([1, 0, 3, 4]))] == [0, 1]


@given(st.integers(0, 2**32), st.integers(1, 4))
def test_lockstep_sees_the_same_episodes_whatever_their_order_of_completion(seed: int, workers: int) -> None:
    rng = np.random.default_rng(seed)
    numbers = sorted(range(60), key=lambda number: number + rng.uniform(0, 2 * workers))
    feeder, seen = feeder_of(in_order(episodes(numbers)), lockstep=True)
    with feeder:
        for step in range(10):
            feeder.before_sampling(step, BATCH)
            needed = episodes_before(step, ratio=1.5, minimum=20, batch=BATCH, episode_frames=FRAMES)
            assert seen == list(range(needed))


def test_lockstep_resumed_at_a_step_sees_what_the_first_session_saw_there() -> None:
    feeder, seen = feeder_of(episodes(range(60)), lockstep=True)
    with feeder:
        feeder.before_sampling(7, BATCH)
    assert len(seen) == episodes_before(7, ratio=1.5, minimum=20, batch=BATCH, episode_frames=FRAMES)


def test_episodes_come_beside_the_learner_and_each_is_seen_once() -> None:
    feeder, seen = feeder_of(episodes(range(10_000)))
    with feeder:
        for step in range(200):
            feeder.before_sampling(step, BATCH)
    assert len(seen) * FRAMES >= 20 + (200 * BATCH - 2 * 7.5) / 1.5 - 10
    assert seen == list(range(len(seen)))
    assert len(seen) < 10_000


@pytest.mark.parametrize("lockstep", [False, True])
def test_what_the_engine_raises_reaches_the_learner(lockstep: bool) -> None:
    def failing() -> Iterator[Episode]:
        yield from episodes(range(3))
        raise InputError("disk=full: nothing can be kept")

    feeder, seen = feeder_of(failing(), lockstep=lockstep)
    with feeder, pytest.raises(InputError, match="disk=full"):
        feeder.before_sampling(0, BATCH)
    assert seen == [0, 1, 2]


@pytest.mark.parametrize("lockstep", [False, True])
def test_a_watcher_that_raises_reaches_the_learner(lockstep: bool) -> None:
    def watch(episode: Episode) -> None:
        raise ArithmeticError(f"cannot look at {episode.number}")

    feeder = Feeder(episodes(range(9)), buffer_of(8), limiter_of(), lockstep=lockstep, watch=[watch])
    with feeder, pytest.raises(ArithmeticError, match="cannot look at 0"):
        feeder.before_sampling(0, BATCH)


@pytest.mark.parametrize("lockstep", [False, True])
def test_when_episodes_end_the_learner_goes_on_with_those_it_has(lockstep: bool) -> None:
    feeder, seen = feeder_of(episodes(range(3)), lockstep=lockstep)
    with feeder:
        for step in range(50):
            feeder.before_sampling(step, BATCH)
    assert seen == [0, 1, 2]
    assert feeder.exhausted


@pytest.mark.parametrize("lockstep", [False, True])
def test_no_episode_at_all_is_told_in_a_line(lockstep: bool) -> None:
    feeder, _ = feeder_of([], lockstep=lockstep)
    with feeder, pytest.raises(InputError, match="0 training episodes"):
        feeder.before_sampling(0, BATCH)


@pytest.mark.parametrize("lockstep", [False, True])
def test_closing_the_limiter_ends_the_wait_for_episodes(lockstep: bool) -> None:
    """As a signal does: the buffer would need a thousand more."""
    limiter = limiter_of(minimum=10_000)

    def interrupted() -> Iterator[Episode]:
        yield from episodes(range(4))
        limiter.close()
        yield from episodes(range(4, 10_000))

    seen: list[int] = []
    watch = [lambda episode: seen.append(episode.number)]
    with Feeder(interrupted(), buffer_of(8), limiter, lockstep=lockstep, watch=watch) as feeder:
        feeder.before_sampling(0, BATCH)
    assert len(seen) <= 5


def test_leaving_ends_the_thread_that_waits_for_the_learner() -> None:
    before = set(threading.enumerate())
    feeder, seen = feeder_of(episodes(range(10_000)))
    with feeder:
        feeder.before_sampling(0, BATCH)
        assert any(thread.name == "feeder" for thread in set(threading.enumerate()) - before)
    assert set(threading.enumerate()) <= before
    assert len(seen) < 10_000
