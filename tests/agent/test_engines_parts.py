"""What engines are made of: the memory they share, and the numbers they still have to make."""

from __future__ import annotations

import os
from itertools import count

import pytest

from agent.collect.engine import Failure
from agent.collect.slot import Slot
from agent.collect.work import Work


def test_a_slot_carries_buffers_of_any_size_and_grows() -> None:
    here = Slot()
    there = Slot(os.dup(here.descriptor))  # as another process would have it
    for lengths in ([3], [], [0, 5, 0], [100_000, 1, 64], [7], [2_000_000]):
        buffers = [os.urandom(length) for length in lengths]
        told = here.write([memoryview(buffer) for buffer in buffers])
        copies = there.read(told)
        here.write([memoryview(bytes(length)) for length in lengths])  # what was read is a copy
        assert copies == buffers


def test_a_slot_goes_with_its_last_reference() -> None:
    slot = Slot()
    descriptor = slot.descriptor
    slot.write([memoryview(b"abc")])
    del slot
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(descriptor)


def test_work_is_read_no_further_than_asked_and_begun_work_goes_first() -> None:
    numbers = count()
    failures: list[Failure] = []
    work = Work(numbers, attempts=2, failures=failures)
    assert work.holds(3)
    assert next(numbers) == 3
    assert [work.take(), work.take()] == [0, 1]
    work.failed([0, 1], "fell")
    assert [work.take(), work.take(), work.take()] == [0, 1, 2]
    assert work.holds(1)
    assert work.take() == 4
    work.failed([0], "fell\nagain")
    assert failures == [Failure(0, 2, "fell\nagain")]
    assert str(failures[0]) == "episode 0 failed 2 times; the last time: again"
    assert not Work([], attempts=2, failures=[]).holds(1)


def test_work_is_hopeless_where_nothing_was_ever_made() -> None:
    for any_made in (True, False):
        work = Work(range(5), attempts=1, failures=[])
        assert work.holds(5)
        if any_made:
            work.made()
        work.failed([work.take()], "dark")
        work.failed([work.take()], "dark")
        if any_made:
            work.failed([work.take()], "dark")
        else:
            with pytest.raises(RuntimeError, match=r"3 episodes failed 1 times each and none was made.*dark"):
                work.failed([work.take()], "dark")
