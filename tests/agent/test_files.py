"""Lines that are added to a file are all there, or none is."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.files import append_lines
from tests.full_disk import room_for


def test_lines_are_added_whole_or_not_at_all(tmp_path: Path) -> None:
    path, before = tmp_path / "log", "first\nsecond, with an \u00e9\n"
    append_lines(path, ["first\n"])
    append_lines(path, (line for line in ["second, with an \u00e9\n"]))
    append_lines(path, [])
    assert path.read_text(encoding="utf-8") == before
    with room_for(50), pytest.raises(OSError, match="File too large"):
        append_lines(path, ["short\n", "x" * 100 + "\n"])
    assert path.read_text(encoding="utf-8") == before
    with room_for(50):
        append_lines(path, ["short\n"])
    assert path.read_text(encoding="utf-8") == before + "short\n"
