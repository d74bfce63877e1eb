"""Spoiled mesh files are left out with a reason, whatever is in them, and the sound ones beside them are used."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sim.objects.meshes import MeshFolder
from tests.fuzz.mutations import damaged
from tests.references import meshfiles as files

SOUND = {
    "obj": files.obj().encode(),
    "glb": files.glb(*files.gltf()),
    "gltf": files.with_data_uri(*files.gltf()).encode(),
    "ply": files.ply("binary_little_endian", "face"),
    "off": b"OFF\n3 1 0\n0 0 0\n1 0 0\n0 1 0\n3 0 1 2\n",
}


@pytest.mark.parametrize(("rounds", "count"), [(1, 6), pytest.param(40, 50, marks=pytest.mark.long)])
def test_spoiled_meshes_are_left_out(rounds: int, count: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARMPLAY_CACHE", str(tmp_path / "cache"))
    done = 0

    @settings(max_examples=rounds, deadline=None, database=None, derandomize=True, suppress_health_check=[*HealthCheck])
    @given(data=st.data())
    def spoil(data: st.DataObject) -> None:
        nonlocal done
        root, done = tmp_path / str(done), done + 1
        files.put(root, "box/good/box.obj", SOUND["obj"])
        for number in range(count):
            kind = data.draw(st.sampled_from(sorted(SOUND)))
            files.put(root, f"box/{number}/box.{kind}", data.draw(damaged(SOUND[kind])))
        folder = MeshFolder(root)
        assert "objects in 1 categories" in folder.prepare()
        told = folder.skipped
        assert not any("good" in path for path in told)
        assert all(reason.isprintable() and len(reason) < 400 for reason in told.values())

    spoil()
