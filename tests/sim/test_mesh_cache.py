"""Converted meshes are kept: by content, noticing changes, whole or not at all, for any number of processes."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from sim.errors import InputError
from sim.objects import MeshFolder
from sim.objects import meshes as meshes_module
from sim.objects.convert import convert_all
from tests.references import meshfiles as files
from tests.references.boxes import add, boxes

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache."""
    monkeypatch.setenv("ARMPLAY_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return boxes(tmp_path / "root")


def no_conversion(*_: object) -> None:
    raise AssertionError("a file was read again")


def test_a_second_start_reads_no_mesh(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files.put(root, "mug/broken/a.obj", "broken")
    os.utime(root / "mug/broken/a.obj", (1e9, 1e9))
    first = MeshFolder(root)
    seen: list[tuple[int, int]] = []
    summary = first.prepare(lambda done, count: seen.append((done, count)))
    assert seen == [(done, 17) for done in range(1, 18)]
    assert summary == "16 objects in 3 categories, 1 left out: 1 has no face"
    monkeypatch.setattr(meshes_module, "convert_all", no_conversion)
    monkeypatch.setattr(Path, "read_bytes", _only_outcomes(Path.read_bytes))
    second = MeshFolder(root)
    assert second.prepare() == summary
    assert second.describe() == first.describe()
    assert len(second.toy("cup", "c0").faces) == 12


def _only_outcomes(read):  # type: ignore[no-untyped-def]
    def checked(path: Path) -> bytes:
        assert path.name == "outcomes.json"
        return read(path)

    return checked


def test_changes_are_noticed_and_new_files_not_trusted(root: Path) -> None:
    before = MeshFolder(root).describe()
    assert before["objects"] == 16
    mesh = root / "mug/m3/a.obj"
    library = root / "mug/m3/m.mtl"
    os.utime(mesh, (1.1e9, 1.1e9))
    assert MeshFolder(root).describe() == before
    library.write_text(library.read_text() + "\n# changed")
    changed = MeshFolder(root).describe()
    assert changed["digest"] != before["digest"]
    library.unlink()
    assert MeshFolder(root).describe()["digest"] not in (changed["digest"], before["digest"])
    add(root, "mug", "m3", old=False)
    assert MeshFolder(root).describe() == before
    stat = library.stat()
    library.write_text(library.read_text().replace("Kd 0", "Kd 1"))
    os.utime(library, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert MeshFolder(root).describe()["digest"] != before["digest"]
    shutil.rmtree(root / "mug/m3")
    assert MeshFolder(root).describe()["objects"] == 15


def test_an_emptied_or_damaged_cache_is_noticed(root: Path, cache: Path) -> None:
    folder = MeshFolder(root)
    toy = folder.toy("mug", "m3")
    shutil.rmtree(cache / "meshes")
    assert np.array_equal(folder.toy("mug", "m3").faces, toy.faces)
    (damaged,) = cache.glob("meshes/*/*/toy.npz")
    damaged.write_bytes(damaged.read_bytes()[:100])
    with pytest.raises(InputError, match="damaged, delete this folder"):
        MeshFolder(root).toy("mug", "m3")


PREPARE = """
import sys
from sim.objects import MeshFolder
folder = MeshFolder(sys.argv[1], triangles=int(sys.argv[2]))
print(folder.describe()["digest"], folder.toy("mug", "m3").vertices.sum(), flush=True)
"""


def start(root: Path, triangles: int = 2000) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", PREPARE, str(root), str(triangles)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def test_two_processes_may_convert_at_the_same_time(root: Path, cache: Path) -> None:
    processes = [start(root) for _ in range(2)]
    answers = {process.communicate()[0] for process in processes}
    assert len(answers) == 1
    assert [process.returncode for process in processes] == [0, 0]
    assert not list(cache.rglob("draft-*"))
    assert not list(cache.rglob("tmp*"))


def test_a_killed_process_leaves_nothing_half_done(root: Path, cache: Path) -> None:
    process = start(root, 500)
    deadline = time.monotonic() + 60
    while not list(cache.rglob("toy.npz")) and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    again = MeshFolder(root, triangles=500)
    assert again.prepare() == "16 objects in 3 categories"
    assert all(len(again.toy("mug", f"m{number}").faces) == 12 for number in range(12))


def test_conversion_stops_with_its_reader(root: Path) -> None:
    """Closing the iterator ends the processes: a user's Ctrl-C does not wait for the rest."""
    folder = MeshFolder(root)
    children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children")
    before = children.read_text().split() if children.exists() else []
    outcomes = convert_all(root, [f"mug/m{number}/a.obj" for number in range(12)], folder.settings)
    assert next(outcomes).refusal == ""
    outcomes.close()  # type: ignore[attr-defined]
    if children.exists():
        assert set(children.read_text().split()) <= {*before}
