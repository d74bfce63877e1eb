"""Every Python block of the README and the docs runs as it stands, each on its own."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.docs.blocks import Block, blocks
from tests.docs.test_commands import bring

ELSEWHERE = r"docs/(extend|reinforcement-learning)\.md"
"""These have tests of their own."""
GIVEN: dict[str, Any] = {"images": torch.zeros(2, 3, 32, 32, dtype=torch.uint8)}
"""What blocks speak of and do not make."""


BLOCKS = [block for block in blocks("python") if not re.search(ELSEWHERE, block.where)]


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.where)
def test_it_runs(block: Block, tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = tmp_path / "work"
    bring(tree, here, block.text)
    monkeypatch.chdir(here)
    exec(compile(block.text, block.where, "exec", dont_inherit=True), {"__name__": "block", **GIVEN})
