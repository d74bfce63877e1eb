"""What takes long tells how far it is to who listens, in the thread that listens."""

from __future__ import annotations

import threading

from sim.waiting import counted, heard_by, tell


def test_each_item_is_told_when_it_is_done_with() -> None:
    told: list[tuple] = []
    with heard_by(lambda *about: told.append(about)):
        items = counted("abc", 3, title="letters", unit="each")
        assert next(items) == "a"
        assert told == []
        assert list(items) == ["b", "c"]
    assert told == [("letters", "each", done, 3) for done in (1, 2, 3)]


def test_the_nearest_listener_is_told_and_after_it_the_one_before() -> None:
    outer: list[int] = []
    inner: list[int] = []
    tell("nobody", "each", 0, 9)
    with heard_by(lambda title, unit, done, total: outer.append(done)):
        tell("a", "each", 1, 9)
        with heard_by(lambda title, unit, done, total: inner.append(done)):
            tell("a", "each", 2, 9)
        tell("a", "each", 3, 9)
        other = threading.Thread(target=tell, args=("a", "each", 4, 9))
        other.start()
        other.join()
    assert (outer, inner) == ([1, 3], [2])
