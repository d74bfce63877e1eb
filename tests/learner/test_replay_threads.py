"""Insertion and sampling side by side: nothing is torn, nobody is blocked for long, and it can be repeated exactly."""

from __future__ import annotations

import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch

from agent.episode import Pairs
from learner.replay import Entry, ReplayBuffer
from learner.storage import SPARE
from tests.learner.episodes import buffer_of, coded_episode, codes, filled

PATIENCE = 30.0
"""Seconds after which a thread counts as stuck; nothing waits that long unless something is wrong."""


@pytest.fixture
def _threads_switch_often() -> Iterator[None]:
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


class Aside(threading.Thread):
    """Does something in a thread of its own; `end` waits for it, and raises what went wrong there."""

    def __init__(self, work: Callable[[], None]) -> None:
        super().__init__(daemon=True)
        self.work, self.error = work, None
        self.start()

    def run(self) -> None:
        try:
            self.work()
        except BaseException as error:
            self.error = error

    def end(self) -> None:
        self.join(PATIENCE)
        assert not self.is_alive()
        if self.error is not None:
            raise self.error


class Held(np.random.Generator):
    """A generator that stops a sample in its middle, until it is let go."""

    def __init__(self, seed: int) -> None:
        super().__init__(np.random.PCG64(seed))
        self.reached, self.go = threading.Event(), threading.Event()

    def integers(self, *args: object, **kwargs: object) -> np.ndarray:  # type: ignore[override]
        self.reached.set()
        assert self.go.wait(PATIENCE)
        return super().integers(*args, **kwargs)  # type: ignore[call-overload, no-any-return]


def assert_whole(pairs: Pairs) -> None:
    """Pixels, actions and labels of each pair are of one episode."""
    for images in (pairs.first, pairs.second):
        assert codes(images)[0].tolist() == pairs.episode.tolist()
    np.testing.assert_array_equal(pairs.action[:, 7:], pairs.episode[:, None].expand(-1, 7))


@pytest.mark.usefixtures("_threads_switch_often")
@pytest.mark.parametrize("capacity", [1, 3])
@pytest.mark.parametrize("samplers", [1, 3])
def test_inserting_beside_sampling_never_tears_an_episode(capacity: int, samplers: int) -> None:
    """Each slot is written to again and again; each episode is filled with its number."""
    size, frames = 64, 24
    buffer = buffer_of(capacity, size=size, frames=frames)
    episodes = [coded_episode(number, size=size, frames=frames) for number in range(20)]
    buffer.insert(episodes[0])
    seen: list[set[int]] = [set() for _ in range(samplers)]
    enough = threading.Event()

    def sample(index: int) -> None:
        rng, done = np.random.default_rng(index), 0
        while done < 40 or len(seen[index]) < 5:
            done += 1
            pairs = buffer.sample(16, rng)
            assert_whole(pairs)
            seen[index].update(pairs.episode.tolist())

    def insert() -> None:
        turn = 1
        while not enough.is_set():
            buffer.insert(episodes[turn % len(episodes)])
            turn += 1

    inserting = Aside(insert)
    sampling = [Aside(lambda index=index: sample(index)) for index in range(samplers)]  # type: ignore[misc]
    try:
        for thread in sampling:
            thread.end()
    finally:
        enough.set()
        inserting.end()
    assert len(buffer.entries) > 4


def test_insertion_goes_on_while_a_sample_is_in_progress_and_the_sample_sees_what_was_there() -> None:
    buffer, rng = filled(2), Held(0)
    found: list[Pairs] = []
    sampling = Aside(lambda: found.append(buffer.sample(8, rng)))
    assert rng.reached.wait(PATIENCE)
    for number in range(2, 2 + SPARE):  # as many as there are spare slots, and so both episodes are evicted
        Aside(lambda number=number: buffer.insert(coded_episode(number))).end()  # type: ignore[misc]
    assert set(buffer.sample(8, np.random.default_rng(0)).episode.tolist()) == {SPARE, SPARE + 1}
    late = Aside(lambda: buffer.insert(coded_episode(9)))
    late.join(0.05)
    assert late.is_alive()  # the one place left is still read
    rng.go.set()
    sampling.end()
    late.end()
    assert Counter(found[0].episode.tolist()) == {0: 4, 1: 4}
    assert_whole(found[0])
    assert 9 in buffer.sample(8, np.random.default_rng(0)).episode.tolist()


def test_an_older_sample_holds_its_slots_though_a_later_one_has_ended() -> None:
    buffer, old = filled(1), Held(0)
    found: list[Pairs] = []
    sampling = Aside(lambda: found.append(buffer.sample(4, old)))
    assert old.reached.wait(PATIENCE)
    for number in range(1, 1 + SPARE):
        buffer.insert(coded_episode(number))
        assert buffer.sample(4, np.random.default_rng(0)).episode.tolist() == 4 * [number]
    late = Aside(lambda: buffer.insert(coded_episode(50)))
    late.join(0.05)
    assert late.is_alive()
    old.go.set()
    sampling.end()
    late.end()
    assert_whole(found[0])
    assert found[0].episode.tolist() == [0, 0, 0, 0]


def test_a_failed_insertion_or_sample_holds_no_slot() -> None:
    buffer, good = filled(2), coded_episode(2)
    for _ in range(SPARE + 1):
        with pytest.raises(ValueError, match="broadcast"):
            Aside(lambda: buffer.insert(good._replace(object_poses=good.object_poses[:3]))).end()
        with pytest.raises(AttributeError):
            buffer.sample(2, None)  # type: ignore[arg-type]
    for number in range(2, 4 + SPARE):
        Aside(lambda number=number: buffer.insert(coded_episode(number))).end()  # type: ignore[misc]
    assert sorted(buffer.sample(2, np.random.default_rng(0)).episode.tolist()) == [SPARE + 2, SPARE + 3]


def live(buffer: ReplayBuffer, batches: int) -> list[Pairs]:
    """Batches that were drawn while another thread inserted."""
    found = []
    inserted, sampled = (
        threading.Semaphore(4),
        threading.Semaphore(4),
    )  # so that neither is done before the other begins

    def insert() -> None:
        for number in range(1, batches + 1):
            assert sampled.acquire(timeout=PATIENCE)
            buffer.insert(coded_episode(number, frames=2 + number % 4))
            inserted.release()

    buffer.insert(coded_episode(0))
    inserting, rng = Aside(insert), np.random.default_rng(7)
    buffer.sample_actions(30, np.random.default_rng(8))
    for _ in range(batches):
        assert inserted.acquire(timeout=PATIENCE)
        found.append(buffer.sample(12, rng))
        sampled.release()
    inserting.end()
    return found


def repeated(buffer: ReplayBuffer, entries: list[Entry], batches: int) -> list[Pairs]:
    """The same from its log, in one thread."""
    waiting, rng, found = list(enumerate(entries)), np.random.default_rng(7), []
    for draws in range(batches + 1):
        while waiting and waiting[0][1].draws <= draws:
            turn, entry = waiting.pop(0)
            buffer.insert(coded_episode(entry.number, frames=2 + turn % 4 if turn else 5))
        if draws == 0:
            buffer.sample_actions(30, np.random.default_rng(8))
        else:
            found.append(buffer.sample(12, rng))
    return found


@pytest.mark.usefixtures("_threads_switch_often")
@pytest.mark.parametrize("sampling", ["uniform", "opposite"])
@pytest.mark.parametrize("evict", [None, 3])
def test_a_live_run_is_repeated_exactly_from_its_log(sampling: str, evict: int | None) -> None:
    def fresh() -> ReplayBuffer:
        return buffer_of(8, sampling=sampling, evict=None if evict is None else np.random.default_rng(evict))

    first = fresh()
    batches = live(first, 150)
    assert len({entry.draws for entry in first.entries}) > 10  # they came at many moments
    again = repeated(fresh(), first.entries, 150)
    for one, other in zip(batches, again, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))
