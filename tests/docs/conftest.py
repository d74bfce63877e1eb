"""One small tree for all tests of the docs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.tree import plant


@pytest.fixture(scope="session")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which commands are given, beside `meshes` and `images`; not to be written to."""
    return plant(tmp_path_factory.mktemp("docs"))
