"""Programs that an experiment starts."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from tests.scripts.running import ROOT

LARGE = 2**30
"""Bytes: more than a script takes that only tells what it can do."""


@pytest.fixture
def children(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    import _children

    yield _children
    sys.modules.pop("_children", None)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the system tells no peak of a process that runs")
def test_the_peak_of_a_program_is_its_own_and_not_what_its_parent_had_when_it_was_started(
    children: ModuleType, tmp_path: Path
) -> None:
    ours = np.ones(LARGE, dtype=np.uint8)
    ended = children.run_script("dataset", ["--help"], log=tmp_path / "log", stop=False)
    assert ended.status == 0
    assert 10 < ended.peak_megabytes < ours.nbytes / 1e6
