"""Whatever a file holds: it is read, or refused in one line, within bounds of time and memory, and runs no code."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.cases import CASES, spoiled
from tests.fuzz.child import Child, check

Fuzz = Callable[[int], None]


@pytest.fixture(params=sorted(CASES))
def fuzz(request: pytest.FixtureRequest, child: Child, tmp_path: Path) -> Fuzz:
    """Spoils one file of a sound folder, again and again."""
    case, sound = CASES[request.param], tmp_path / "sound"
    case.write(sound)
    answer = child.read(case.reader, sound)
    assert answer.outcome == "read", answer.told
    names = sorted(str(path.relative_to(sound)) for pattern in case.files for path in sound.glob(pattern))
    folder = tmp_path / "spoiled"

    def run(examples: int) -> None:
        @settings(
            max_examples=examples,
            deadline=None,
            database=None,
            derandomize=True,
            suppress_health_check=[*HealthCheck],
        )
        @given(data=st.data())
        def spoil(data: st.DataObject) -> None:
            name = data.draw(st.sampled_from(names))
            content = data.draw(spoiled(sound / name))
            shutil.rmtree(folder, ignore_errors=True)
            shutil.copytree(sound, folder)
            (folder / name).write_bytes(content)
            check(child.read(case.reader, folder), folder)

        spoil()

    return run


def test_spoiled_files_are_read_or_refused(fuzz: Fuzz) -> None:
    fuzz(8)


@pytest.mark.long
def test_many_spoiled_files_are_read_or_refused(fuzz: Fuzz) -> None:
    fuzz(1000)
