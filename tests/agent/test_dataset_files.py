"""Nothing that happens to the files of a dataset goes unnoticed, and no disk or machine damages one."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from agent import shards
from agent.checksums import read_checksums
from agent.dataset import Dataset
from agent.info import summary
from agent.schema import SCHEMA
from agent.verify import problems
from agent.writer import DatasetWriter
from sim.errors import InputError
from tests.agent.sound import PER_SHARD, contents, metadata_of, sound_episode, store

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """10 episodes in 3 shards; not to be written to."""
    root = tmp_path_factory.mktemp("sound") / "data"
    store(root, range(10))
    return root


def found(root: Path) -> list[str]:
    return [str(problem) for problem in problems(root)]


def test_a_sound_dataset_has_no_problems_and_sha256sum_agrees(sound: Path) -> None:
    steps: list[tuple[int, int]] = []
    assert problems(sound, progress=lambda done, total: steps.append((done, total))) == []
    assert steps == [(1, 3), (2, 3), (3, 3)]
    assert list(read_checksums(sound)) == [*(shards.name_of(index) for index in range(3)), "dataset.json"]
    if shutil.which("sha256sum"):
        subprocess.run(
            ["sha256sum", "--check", "--strict", "checksums.txt"], cwd=sound, check=True, capture_output=True
        )


@pytest.mark.parametrize("name", ["data/shard-000000.parquet", "data/shard-000002.parquet", "dataset.json"])
def test_any_flipped_bit_is_found_and_its_file_named(sound: Path, tmp_path: Path, name: str) -> None:
    root = tmp_path / "data"
    shutil.copytree(sound, root)
    data = (root / name).read_bytes()
    rng = random.Random(name)
    for at in [0, len(data) - 1, *(rng.randrange(len(data)) for _ in range(25))]:
        spoilt = bytearray(data)
        spoilt[at] ^= 1 << rng.randrange(8)
        (root / name).write_bytes(spoilt)
        lines = found(root)
        assert len(lines) == 1, (at, lines)
        assert lines[0].startswith(f"{name}: ")
        assert "\n" not in lines[0]


def test_any_flipped_bit_of_the_checksums_is_found(sound: Path, tmp_path: Path) -> None:
    root = tmp_path / "data"
    shutil.copytree(sound, root)
    data = (root / "checksums.txt").read_bytes()
    for at in range(0, len(data), 3):
        spoilt = bytearray(data)
        spoilt[at] ^= 1 << at % 8
        (root / "checksums.txt").write_bytes(spoilt)
        assert found(root), at


def test_missing_cut_and_foreign_files_are_named(sound: Path, tmp_path: Path) -> None:
    root = tmp_path / "data"
    shutil.copytree(sound, root)
    (root / "data/shard-000001.parquet").unlink()
    cut = root / "data/shard-000002.parquet"
    cut.write_bytes(cut.read_bytes()[:-1])
    (root / "data/notes.txt").write_text("mine")
    (root / "model.pt").write_text("mine")
    (root / "data/.shard-000003.parquet.tmp").write_text("half")
    assert found(root) == [
        "model.pt: foreign: no part of the dataset",
        "data/.shard-000003.parquet.tmp: left by an interruption; resuming removes it",
        "data/notes.txt: foreign: no part of the dataset",
        "data/shard-000001.parquet: missing",
        "data/shard-000002.parquet: not the bytes that were written",
    ]
    (root / "dataset.json").unlink()
    assert len(found(root)) == 6
    assert found(root)[0].startswith("dataset.json: ")


def test_without_checksums_damage_is_still_found(sound: Path, tmp_path: Path) -> None:
    root = tmp_path / "data"
    shutil.copytree(sound, root)
    (root / "checksums.txt").unlink()
    assert [line.split(":")[0] for line in found(root)] == ["checksums.txt"]
    cut = root / "data/shard-000001.parquet"
    cut.write_bytes(cut.read_bytes()[:-1])
    assert [line.split(":")[0] for line in found(root)] == ["checksums.txt", "data/shard-000001.parquet"]


def with_column(table: pa.Table, name: str, values: list[Any]) -> pa.Table:
    at = table.schema.get_field_index(name)
    return table.set_column(at, SCHEMA.field(name), pa.array(values, SCHEMA.field(name).type))


@pytest.mark.parametrize(
    ("name", "values", "told"),
    [
        ("frame", [0, 1, 1, 3], "not numbered"),
        ("time", [0.0, 0.2, 0.2, 0.6], "times do not ascend"),
        ("time", [0.1, 0.2, 0.3, 0.4], "times do not ascend from 0"),
        ("time", [0.0, 0.2, float("nan"), 0.6], "times has values that are not finite"),
        ("category", ["mug", "mug", "car", "mug"], "category is not the same"),
        ("visible", [0.1, 0.2, 1.5, 0.4], "visible shares"),
        ("visible", [0.1, 0.2, None, 0.4], "visible is null"),
        ("object_pose", [[0, 0, 1, 0, 0, 0, 2]] * 4, "quaternions that are not of length 1"),
        ("object_pose", [[0, 0, 1, 0, 0, 0]] * 4, "cannot reshape"),
        ("grasp", [[0, 0, float("inf"), 0, 0, 0, 1]] * 4, "grasp has values that are not finite"),
        ("clean", [[0.0] * 7, None, [0.0] * 7, None], "clean is null"),
        ("clean", [[0.0] * 6] * 3 + [None], "cannot reshape"),
        ("joints", [[0.0] * 7] * 3 + [[0.0] * 6], "cannot reshape"),
        ("intrinsics", [[0.0] * 9] * 4, "no pinhole"),
        ("image", [{"bytes": b"no picture", "path": None}] * 4, "cannot be decoded"),
        ("image", [{"bytes": b"", "path": None}] * 4, "episode 5: "),
    ],
)
def test_values_that_no_recording_has_are_found(
    sound: Path, tmp_path: Path, name: str, values: list[Any], told: str
) -> None:
    """Though the checksums be right, as they are where a bad program wrote the file."""
    root = tmp_path / "data"
    shutil.copytree(sound, root)
    path = shards.path_of(root, 1)
    tables = list(shards.read(path, range(4)))
    tables[1] = with_column(tables[1], name, values)
    shards.write(path, tables)
    (root / "checksums.txt").unlink()
    line = next(line for line in found(root) if line.startswith("data/shard-000001.parquet: "))
    assert "episode 5" in line
    assert told in line


@pytest.mark.parametrize("name", ["object_pose", "camera_pose", "grasp"])
def test_poses_of_another_length_are_not_summed_up(sound: Path, tmp_path: Path, name: str) -> None:
    root = tmp_path / "data"
    shutil.copytree(sound, root)
    path = shards.path_of(root, 1)
    tables = list(shards.read(path, range(4)))
    tables[1] = with_column(tables[1], name, [[0.0] * 6] * 4)
    shards.write(path, tables)
    with pytest.raises(InputError, match=f"{name} of episode 5 has 6 numbers a frame, a pose has 7"):
        summary(Dataset(root))


def test_episodes_that_look_different_are_found(tmp_path: Path) -> None:
    with DatasetWriter(tmp_path, metadata=metadata_of(), episodes_per_shard=PER_SHARD) as writer:
        writer.add(sound_episode(0))
        writer.add(sound_episode(1)._replace(frames=np.zeros((4, 16, 16, 3), np.uint8)))
    assert found(tmp_path) == ["data/shard-000000.parquet: episode 1: image size (16, 16, 3), others have (32, 32, 3)"]


def test_a_shard_without_a_line_gets_one_when_resumed(sound: Path, tmp_path: Path) -> None:
    """As a process leaves it that is killed after a shard appeared, and before its line did."""
    root = tmp_path / "data"
    shutil.copytree(sound, root)
    lines = (root / "checksums.txt").read_text().splitlines(keepends=True)
    (root / "checksums.txt").write_text("".join([lines[0], lines[2]]))
    assert [line.split(":")[0] for line in found(root)] == ["data/shard-000001.parquet"]
    store(root, [], resume=True)
    assert contents(root) == contents(sound)
    (root / "checksums.txt").write_text(lines[0])
    spoilt = bytearray(shards.path_of(root, 1).read_bytes())
    spoilt[len(spoilt) // 3] ^= 1
    shards.path_of(root, 1).write_bytes(spoilt)
    before = contents(root)
    with pytest.raises(InputError, match=r"shard-000001\.parquet: damaged shard"):
        store(root, [], resume=True)
    assert contents(root) == before


def test_a_deleted_shard_is_collected_again_with_the_same_bytes(sound: Path, tmp_path: Path) -> None:
    root = tmp_path / "data"
    shutil.copytree(sound, root)
    shards.path_of(root, 1).unlink()
    store(root, range(4, 8), resume=True)
    assert contents(root) == contents(sound)


def test_a_changed_header_is_not_continued(sound: Path, tmp_path: Path) -> None:
    root = tmp_path / "data"
    shutil.copytree(sound, root)
    header = json.loads((root / "dataset.json").read_text())
    header["chain"]["velocity"][0] = 9.0
    (root / "dataset.json").write_text(json.dumps(header, indent=2) + "\n")
    with pytest.raises(InputError, match=r"dataset\.json: not as it was written"):
        store(root, [], resume=True)


def test_another_machine_is_noted_and_shards_are_the_same(sound: Path, tmp_path: Path) -> None:
    here = {"python": "3.11.0", "machine": "x86_64"}
    there = {"python": "3.10.9", "machine": "aarch64"}
    store(tmp_path, range(6))
    for versions, until in ((there, 6), (there, 8), (here, 8), (there, 10)):
        metadata = metadata_of() | {"versions": versions}
        with DatasetWriter(tmp_path, metadata=metadata, episodes_per_shard=PER_SHARD, resume=True) as writer:
            for number in writer.missing(until):
                writer.add(sound_episode(number))
    assert Dataset(tmp_path).metadata["versions"] == [{"after_episodes": 0, **here}, {"after_episodes": 6, **there}]
    ours, theirs = contents(tmp_path), contents(sound)
    assert {name for name in theirs if ours[name] != theirs[name]} == {"dataset.json", "checksums.txt"}
    assert problems(tmp_path) == []


FULL = """
import resource, signal, sys
from pathlib import Path
from sim.errors import InputError
from tests.agent.sound import store
first = 0
if sys.argv[2] == "limit":
    first = 4
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
try:
    store(Path(sys.argv[1]), range(first, 200), image_format="png", resume=True)
except InputError as error:
    print(error)
    sys.exit(2)
"""


def fill(root: Path, how: str, *before: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [*before, sys.executable, "-c", FULL, str(root), how]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)


def test_files_that_may_not_grow_are_one_line_and_damage_nothing(tmp_path: Path) -> None:
    store(tmp_path / "data", range(4), image_format="png")
    before = contents(tmp_path / "data")
    outcome = fill(tmp_path / "data", "limit")
    assert outcome.returncode == 2, outcome.stderr
    assert "cannot be written (File too large), so nothing can be kept there" in outcome.stdout
    assert outcome.stdout.count("\n") == 1
    assert contents(tmp_path / "data") == before


def mounted(root: Path, script: str) -> subprocess.CompletedProcess[str]:
    """Fill `root` in a mount namespace of its own, prepared by `script`; skips the test where none can be had."""
    prefix = ("unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, "sh")
    if shutil.which("unshare") is None:
        pytest.skip("no unshare here")
    outcome = fill(root, "disk", *prefix)
    if outcome.returncode in (1, 77):
        pytest.skip(f"nothing can be mounted here: {outcome.stderr}")
    return outcome


def test_a_full_disk_is_one_line_and_collection_goes_on_elsewhere(tmp_path: Path) -> None:
    """A file system of 256 kB; what it holds is copied out before it goes."""
    disk, kept = tmp_path / "disk", tmp_path / "kept"
    disk.mkdir()
    mount = f"mount -t tmpfs -o size=256k none {disk} || exit 77"
    outcome = mounted(disk / "data", f'{mount}; "$@"; status=$?; cp -r {disk}/data {kept}; exit $status')
    assert outcome.returncode == 2, outcome.stderr
    assert outcome.stdout.count("\n") == 1
    assert "cannot be written (No space left on device)" in outcome.stdout
    assert 0 < len(Dataset(kept)) < 200
    store(tmp_path / "whole", range(40), image_format="png")
    with DatasetWriter(
        kept, metadata=metadata_of(), episodes_per_shard=PER_SHARD, image_format="png", resume=True
    ) as writer:
        for number in writer.missing(40):
            writer.add(sound_episode(number))
    assert contents(kept) == contents(tmp_path / "whole")
    assert problems(kept) == []


@pytest.mark.parametrize("begun", [True, False])
def test_a_read_only_folder_is_one_line(tmp_path: Path, begun: bool) -> None:
    root = tmp_path / "disk" / "data"
    root.mkdir(parents=True)
    if begun:
        store(root, [], image_format="png")
    before = contents(root)
    disk = tmp_path / "disk"
    outcome = mounted(root, f'mount --bind {disk} {disk} && mount -o remount,bind,ro {disk} || exit 77; exec "$@"')
    assert outcome.returncode == 2, outcome.stderr
    assert outcome.stdout.count("\n") == 1
    assert "cannot be written (Read-only file system)" in outcome.stdout
    assert contents(root) == before
