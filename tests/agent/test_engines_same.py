"""The same bytes on disk, whichever engine recorded them."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("pybullet")

from agent.collect import LocalEngine, ProcessEngine
from agent.record import RecordSettings
from sim.randomize import Randomization
from sim.scene import SceneSettings
from tests.agent.episodes import shards_of


@pytest.mark.parametrize("corrupt_time", ["missing:0.3", pytest.param("", marks=pytest.mark.long)])
def test_shards_are_equal_whatever_the_engine(corrupt_time: str, tmp_path: Path) -> None:
    """Episodes have masks, and as many frames as are left of them."""
    scene = SceneSettings(image_size=32, frames=6, randomize=Randomization(background="frame"))
    make = RecordSettings(scene=scene, seed=2, corrupt_time=corrupt_time)
    with LocalEngine(make) as local:
        expected = shards_of(local, tmp_path / "local", range(12))
    for workers in (1, 2, 3):
        with ProcessEngine(make, workers=workers) as engine:
            assert shards_of(engine, tmp_path / str(workers), range(12)) == expected
