"""Episodes come back as they were stored, and interruptions leave no trace in the bytes."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent import shards
from agent.dataset import Dataset
from sim.errors import InputError
from tests.agent.episodes import assert_same, fake_episode
from tests.agent.stores import SETTINGS, contents, open_writer, shard, store


@pytest.mark.parametrize(("image_format", "tolerance"), [("png", 0), ("jpeg", 16)])
@pytest.mark.parametrize("options", [{}, {"masks": True}, {"frames": 1}, {"joints": 2, "size": 33}])
def test_roundtrip(tmp_path: Path, image_format: str, tolerance: int, options: dict[str, Any]) -> None:
    episodes = [fake_episode(number, **options) for number in range(6)]
    with open_writer(tmp_path / "new" / "folder", image_format=image_format) as writer:
        for episode in episodes:
            writer.add(episode)
    dataset = Dataset(tmp_path / "new" / "folder")
    assert len(dataset) == 6
    for stored, episode in zip(dataset.episodes(), episodes, strict=True):
        assert_same(stored, episode, tolerance=tolerance)
    assert_same(dataset.episode(4), episodes[4], tolerance=tolerance)
    assert [episode.number for episode in dataset.episodes([5, 0, 1])] == [5, 0, 1]
    assert dataset.episode(0).joints.flags.writeable
    assert dataset.size_bytes == writer.bytes > 0
    assert dataset.metadata["settings"]["camera"] == SETTINGS["camera"]
    dataset.verify()


def test_one_row_group_is_one_episode_and_only_it_is_read(tmp_path: Path) -> None:
    store(tmp_path, range(6))
    assert [pq.ParquetFile(shard(tmp_path, index)).num_row_groups for index in (0, 1)] == [4, 2]
    assert {pq.ParquetFile(shard(tmp_path, 0)).metadata.row_group(row).num_rows for row in range(4)} == {4}
    column = pq.ParquetFile(shard(tmp_path, 0)).metadata.row_group(2).column(3)
    with shard(tmp_path, 0).open("r+b") as file:
        file.seek(column.data_page_offset + column.total_compressed_size // 2)
        file.write(b"spoilt")
    dataset = Dataset(tmp_path)
    assert_same(dataset.episode(3), fake_episode(3), tolerance=16)
    with pytest.raises(InputError, match=r"shard-000000\.parquet: damaged shard .*; restore it, or delete it"):
        dataset.episode(2)
    with pytest.raises(InputError, match="damaged"):
        dataset.verify()


def test_pandas_opens_it(tmp_path: Path) -> None:
    store(tmp_path, range(6))
    table = pandas.read_parquet(tmp_path / "data")
    assert table["episode"].tolist() == [number for number in range(6) for _ in range(4)]
    assert table["frame"].tolist() == [0, 1, 2, 3] * 6
    assert table["clean"].isna().tolist() == [False, False, False, True] * 6
    assert table["mask"].isna().all()
    assert table["image"][0]["bytes"].startswith(b"\xff\xd8")
    assert table["joints"][5].tolist() == fake_episode(1).joints[1].tolist()


def test_hugging_face_opens_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    datasets = pytest.importorskip("datasets")
    with open_writer(tmp_path / "set", image_format="png") as writer:
        for number in range(6):
            writer.add(fake_episode(number, masks=number < 5))
    frames = datasets.load_dataset(
        "parquet", data_files=str(tmp_path / "set/data/*.parquet"), split="train", cache_dir=str(tmp_path / "cache")
    )
    assert len(frames) == 24
    row, episode = frames[9], fake_episode(2, masks=True)
    assert (row["image"].size, row["image"].mode) == ((16, 16), "RGB")
    assert list(row["image"].tobytes()) == episode.frames[1].ravel().tolist()
    assert episode.masks is not None
    assert [value > 0 for value in row["mask"].convert("L").tobytes()] == episode.masks[1].ravel().tolist()
    assert row["executed"] == episode.executed[1].tolist()
    assert frames[11]["executed"] is None
    assert frames[23]["mask"] is None


def test_duckdb_opens_it(tmp_path: Path) -> None:
    duckdb = pytest.importorskip("duckdb")
    store(tmp_path, range(7))
    query = "SELECT category, count(*), avg(visible) FROM read_parquet($files) GROUP BY category ORDER BY category"
    rows = duckdb.execute(query, {"files": str(tmp_path / "data/*.parquet")}).fetchall()
    episodes = [fake_episode(number) for number in range(7)]
    assert [row[:2] for row in rows] == [("category-0", 12), ("category-1", 8), ("category-2", 8)]
    for category, _, visible in rows:
        told = [episode.visible for episode in episodes if episode.category == category]
        assert visible == pytest.approx(np.mean(told))
    within = "SELECT episode, frame, image.bytes, joints[7] FROM read_parquet($files) WHERE episode = 5 ORDER BY frame"
    rows = duckdb.execute(within, {"files": str(tmp_path / "data/*.parquet")}).fetchall()
    assert [row[:2] for row in rows] == [(5, frame) for frame in range(4)]
    assert rows[2][2] == Dataset(tmp_path).images(5)[2]
    assert rows[2][3] == pytest.approx(float(episodes[5].joints[2, 6]))


def test_frames_are_read_at_random(tmp_path: Path) -> None:
    store(tmp_path, range(6), image_format="png")
    dataset = Dataset(tmp_path)
    for number, index in ((5, 3), (0, 0), (2, 1)):
        np.testing.assert_array_equal(dataset.frame(number, index), fake_episode(number).frames[index])
    frames = dataset.frames(4, [3, 0, 3])
    np.testing.assert_array_equal(frames, fake_episode(4).frames[[3, 0, 3]])
    assert frames.dtype == np.uint8
    np.testing.assert_array_equal(dataset.vectors(3, "object_pose"), fake_episode(3).object_poses)
    np.testing.assert_array_equal(dataset.commands(3), fake_episode(3).clean)
    assert dataset.frame_counts == dict.fromkeys(range(6), 4)
    assert dataset.image_size == (16, 16)
    for index in (4, -1):
        with pytest.raises(InputError, match=f"frame {index} is not among the 4"):
            dataset.frame(2, index)
    with pytest.raises(InputError, match="episode 6 is not among the 6"):
        dataset.frame(6, 0)
    with pytest.raises(ValueError, match="0 frames"):
        dataset.frames(2, [])


@pytest.mark.skipif(not Path("/proc/self/io").exists(), reason="the system does not say how much is read")
def test_a_frame_takes_the_images_of_its_episode_to_be_read_and_one_to_be_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def bytes_read() -> int:
        return int(Path("/proc/self/io").read_text().split()[1])

    rng = np.random.default_rng(0)
    with open_writer(tmp_path, image_format="png", episodes_per_shard=16) as writer:
        for number in range(16):
            noise = rng.integers(0, 256, (4, 96, 96, 3), dtype=np.uint8)
            writer.add(fake_episode(number)._replace(frames=noise))
    dataset, decoded = Dataset(tmp_path), []
    decode = shards._decode_image
    monkeypatch.setattr(shards, "_decode_image", lambda *given: decoded.append(1) or decode(*given))
    before = bytes_read()
    dataset.frame(9, 2)
    taken = bytes_read() - before
    assert len(decoded) == 1
    assert taken < dataset.size_bytes / 16 + 100_000  # an episode's images, and the footer
    before = bytes_read()
    dataset.vectors(9, "object_pose")
    assert bytes_read() - before < 100_000
    assert dataset.size_bytes > 1_500_000


@settings(max_examples=15, deadline=None, database=None)
@given(order=st.permutations(range(10)), stop=st.integers(0, 10))
def test_order_and_interruption_leave_no_trace(order: list[int], stop: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        whole, parts = Path(folder, "whole"), Path(folder, "parts")
        store(whole, range(10))
        store(parts, order[:stop])
        stored = set(Dataset(parts).numbers) if list(parts.glob("data/*")) else set()
        assert stored <= set(order[:stop])
        with open_writer(parts, resume=True) as writer:
            assert writer.stored == len(stored)
            assert set(writer.missing(10)) == set(range(10)) - stored
            for number in sorted(writer.missing(10), key=order.index):
                writer.add(fake_episode(number))
        assert contents(parts) == contents(whole)


def test_a_short_shard_keeps_its_bytes(tmp_path: Path) -> None:
    store(tmp_path / "whole", range(8))
    store(tmp_path / "parts", range(6))
    images = pq.read_table(shard(tmp_path / "parts", 1))["image"].to_pylist()
    with open_writer(tmp_path / "parts", resume=True) as writer:
        assert list(writer.missing(8)) == [6, 7]
        for number in (7, 6):
            writer.add(fake_episode(number))
    assert pq.read_table(shard(tmp_path / "parts", 1))["image"].to_pylist()[: len(images)] == images
    assert contents(tmp_path / "parts") == contents(tmp_path / "whole")


COLLECT = """
import os, random, signal, sys
from pathlib import Path
from tests.agent.episodes import fake_episode
from agent import shards
from agent.writer import DatasetWriter

def collect(root, order, die_at=0):
    "Adds the missing of 10 episodes; dies before the given call of those that make files appear."
    calls = 0
    def fatal(function):
        def call(*arguments, **options):
            nonlocal calls
            calls += 1
            if calls == die_at:
                os.kill(os.getpid(), signal.SIGKILL)
            return function(*arguments, **options)
        return call
    # What a killed process wrote is kept without waiting for the disk.
    os.fsync, os.replace, Path.mkdir = fatal(lambda _: None), fatal(os.replace), fatal(Path.mkdir)
    metadata = {"settings": {"arm": "kuka", "camera": {"size": 16, "rate": 5.0}, "tilt": (0.1, 0.2)}}
    with DatasetWriter(root, metadata=metadata, episodes_per_shard=4, resume=True) as writer:
        for number in sorted(writer.missing(10), key=order.index):
            writer.add(fake_episode(number))
            print(number, flush=True)
"""


def start(code: str) -> subprocess.Popen[bytes]:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    return subprocess.Popen([sys.executable, "-c", COLLECT + code], stdout=subprocess.PIPE, env=environment)


def test_death_at_any_step_leaves_no_trace(tmp_path: Path) -> None:
    code = f"""
shards.encode(fake_episode(0), "jpeg")  # loads once, and not in every child, what is loaded at first use
for step in range(1, 100):
    results = []
    for die_at in (step, 0):
        child = os.fork()
        if child == 0:
            collect({str(tmp_path)!r} + f"/{{step}}", list(range(10)), die_at)
            os._exit(0)
        results.append(os.waitpid(child, 0)[1])
    assert results[1] == 0
    if results[0] == 0:
        break
"""
    process = start(code)
    process.communicate(timeout=120)
    assert process.returncode == 0
    store(tmp_path / "whole", range(10))
    steps = [path for path in tmp_path.iterdir() if path.name != "whole"]
    assert len(steps) > 15
    for path in steps:
        assert contents(path) == contents(tmp_path / "whole"), path.name


@pytest.mark.parametrize("seed", range(2))
def test_kills_at_random_moments_leave_no_trace(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(2):
        order = rng.sample(range(10), 10)
        process = start(f"collect({str(tmp_path / 'parts')!r}, {order})")
        assert process.stdout is not None
        for _ in range(rng.randrange(1, 6)):
            process.stdout.readline()
        process.kill()
        process.communicate(timeout=60)
        if list(tmp_path.glob("parts/data/shard-*")):
            Dataset(tmp_path / "parts").verify()
    process = start(f"collect({str(tmp_path / 'parts')!r}, list(range(10)))")
    process.communicate(timeout=60)
    assert process.returncode == 0
    store(tmp_path / "whole", range(10))
    assert contents(tmp_path / "parts") == contents(tmp_path / "whole")


def test_a_gap_is_dropped_when_closed_and_named_when_resumed(tmp_path: Path) -> None:
    store(tmp_path, [0, 1, 3, 8, 9])
    dataset = Dataset(tmp_path)
    assert list(dataset.numbers) == [0, 1, 8, 9]
    assert 3 not in dataset
    with pytest.raises(InputError, match="episode 3 is not among the 4 stored episodes"):
        dataset.episode(3)
    with open_writer(tmp_path, resume=True) as writer:
        assert list(writer.missing(10)) == [2, 3, 4, 5, 6, 7]
