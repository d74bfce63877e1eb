"""Progress for people and for files, of what takes longer than a moment."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import ModuleType

import pytest

from sim.waiting import tell
from tests.scripts.running import ROOT


@pytest.fixture
def progress(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """scripts/_progress.py, at a clock that the test turns by setting `now`."""
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    import _progress

    class Clock:
        now = 0.0

        def monotonic(self) -> float:
            return self.now

    monkeypatch.setattr(_progress, "time", Clock())
    yield _progress
    sys.modules.pop("_progress", None)


def test_only_what_takes_long_is_shown(progress: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    with progress.waits_shown(quiet=False):
        for done in range(1, 21):
            tell("short", "files", done, 20)
        for done in range(1, 21):
            progress.time.now += 1.0
            tell("long", "files", done, 20)
        tell("short", "files", 20, 20)
    said = capsys.readouterr().err.splitlines()
    assert said == [
        "long: 9/20 files, 45%, 11 s left",
        "long: 14/20 files, 70%, 6 s left",
        "long: 19/20 files, 95%, 1 s left",
        "long: 20/20 files, 100%, 0 s left",
    ]


def test_the_same_thing_twice_begins_anew(progress: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    with progress.waits_shown(quiet=False):
        tell("check", "files", 1, 2)
        progress.time.now += 60.0
        tell("check", "files", 2, 2)
        for done in (1, 2):
            tell("check", "files", done, 2)
    assert capsys.readouterr().err == ""


def test_quiet_is_quiet(progress: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    with progress.waits_shown(quiet=True):
        for done in range(1, 21):
            progress.time.now += 9.0
            tell("long", "files", done, 20)
    assert capsys.readouterr().err == ""


def test_a_terminal_gets_a_bar_that_is_closed(
    progress: ModuleType, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with progress.waits_shown(quiet=False):
        for done in range(1, 5):
            progress.time.now += 2.0
            tell("long", "files", done, 9)
    said = capsys.readouterr().err
    assert "long:" in said
    assert said.endswith("\n")
