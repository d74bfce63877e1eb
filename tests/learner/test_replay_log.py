"""The log of insertions: what is written is read, whatever a kill has cut, and resuming takes back what it must."""

from __future__ import annotations

import tempfile
from itertools import accumulate
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from learner.replay import Entry
from learner.replay_log import NAME, Logged, ReplayLog, read_log
from sim.errors import InputError
from tests.full_disk import room_for

GAPS = st.lists(st.tuples(st.integers(0, 999), st.integers(0, 3)), max_size=12)
"""Episodes, and draws since the one before."""


def entries_of(gaps: list[tuple[int, int]]) -> list[Entry]:
    draws = accumulate(gap for _, gap in gaps)
    # Every third sought something.
    return [
        Entry(number, draw, None if number % 3 else draw + 1) for (number, _), draw in zip(gaps, draws, strict=True)
    ]


@given(sessions=st.lists(st.tuples(GAPS, st.integers(0, 10), st.integers(0, 12)), min_size=1, max_size=4))
def test_sessions_are_kept_as_far_as_they_count(sessions: list[tuple[list[tuple[int, int]], int, int]]) -> None:
    """Against a plain list: a session after so many steps takes back what came in later."""
    with tempfile.TemporaryDirectory() as folder:
        expected: list[Logged] = []
        for gaps, taken, cut in sessions:
            entries = entries_of(gaps)
            log = ReplayLog(Path(folder))
            log.begin(taken, steps=taken + 50)
            first = taken + 1 if taken else 0
            expected = [row for row in expected if row.draw <= taken and taken] + [Logged(first, None, taken + 50)]
            for part in (entries[:cut], [], entries[cut:]):
                log.write(part)
            expected += [Logged(first + entry.draws, entry.number, interest=entry.interest) for entry in entries]
            assert read_log(Path(folder, NAME)) == expected


@given(gaps=GAPS, cut=st.integers(0, 40))
def test_what_a_kill_has_cut_is_left_out(gaps: list[tuple[int, int]], cut: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        log, path = ReplayLog(Path(folder)), Path(folder, NAME)
        log.begin(0, steps=9)
        log.write(entries_of(gaps))
        whole, text = read_log(path), path.read_text()
        path.write_text(text[: len(text) - cut])
        lines = path.read_text().splitlines()
        assert read_log(path) in (whole[: len(lines)], whole[: max(0, len(lines) - 1)])


def test_what_a_full_disk_refused_is_written_later_and_once(tmp_path: Path) -> None:
    log, path, entries = ReplayLog(tmp_path), tmp_path / NAME, entries_of([(number, 1) for number in range(90)])
    log.begin(0, steps=9)
    log.write(entries[:10])
    with room_for(path.stat().st_size + 100), pytest.raises(OSError, match="File too large"):
        log.write(entries[10:50])
    assert [row.episode for row in read_log(path)] == [None, *range(10)]
    log.write(entries[50:])
    assert [row.episode for row in read_log(path)] == [None, *range(90)]


@pytest.mark.parametrize(
    "line", ["rubbish", "{}", "[]", '{"episode": 3}', '{"session": 3}', '{"draw": "x", "episode": 1}']
)
def test_a_file_that_is_no_log_is_refused(line: str, tmp_path: Path) -> None:
    good = '{"episode": 3, "draw": 0}'
    (tmp_path / NAME).write_text(f"{good}\n{line}\n{good}\n")
    with pytest.raises(InputError, match="line 2 is no insertion"):
        read_log(tmp_path / NAME)


def test_no_log_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="without it the run cannot be repeated"):
        read_log(tmp_path / NAME)
