"""`scripts/dataset.py`: what a dataset holds, whether it is sound, and mistakes told in one line."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from agent.dataset import Dataset
from tests.agent.sound import store
from tests.scripts.running import Outcome, assert_one_line, contents, run_here


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """14 episodes with a gap; not to be written to."""
    root = tmp_path_factory.mktemp("script") / "turns"
    store(root, [*range(6), *range(8, 16)])
    return root


def run(*arguments: object) -> Outcome:
    return run_here("dataset", *arguments)


def test_help_shows_examples() -> None:
    outcome = run("--help")
    assert outcome.status == 0
    assert outcome.out.count("python scripts/dataset.py") >= 3
    for command in ("info", "verify", "append", "merge", "export"):
        assert f"python scripts/dataset.py {command} " in outcome.out


def test_info_tells_what_is_there(data: Path) -> None:
    outcome = run("info", data)
    assert (outcome.status, outcome.err) == (0, "")
    assert "14 episodes, 56 frames 32x32 jpeg" in outcome.out
    assert 'play="turntable", scene.frames=4, scene.image_size=32' in outcome.out
    assert "missing: episodes 6 to 7" in outcome.out
    assert "versions after 0 episodes: python 3.11.0" in outcome.out
    found = json.loads(run("info", data, "--json").out)
    assert (found["episodes"], found["frames"], found["missing"]) == (14, 56, [[6, 8]])
    assert sum(counts["episodes"] for counts in found["categories"].values()) == 14
    assert found["categories"]["mug"] == {"episodes": 5, "instances": 3}
    assert 0 < found["coverage"]["least"] <= found["coverage"]["mean"] < 1


def test_info_decodes_no_image(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("agent.shards.cv2.imdecode")
    assert run("info", data).status == 0


def test_verify_tells_good_from_bad(data: Path, tmp_path: Path) -> None:
    good = run("verify", data, "--quiet")
    assert (good.status, good.err) == (0, "")
    assert "14 episodes" in good.out
    assert "4/4 shards" in run("verify", data).err
    shutil.copytree(data, tmp_path / "bad")
    for name in ("data/shard-000000.parquet", "data/shard-000003.parquet"):
        spoilt = bytearray((tmp_path / "bad" / name).read_bytes())
        spoilt[2000] ^= 4
        (tmp_path / "bad" / name).write_bytes(spoilt)
    bad = run("verify", tmp_path / "bad", "--quiet")
    assert bad.status == 1
    lines = bad.out.splitlines()
    assert lines[0] == f"{tmp_path}/bad/data/shard-000000.parquet: not the bytes that were written"
    assert lines[1] == f"{tmp_path}/bad/data/shard-000003.parquet: not the bytes that were written"
    assert f"python scripts/collect.py --resume --out {tmp_path}/bad" in lines[2]
    assert len(lines) == 3
    (tmp_path / "bad/dataset.json").write_text("{")
    assert "restore dataset.json" in run("verify", tmp_path / "bad", "--quiet").out


def test_merge_and_append(data: Path, tmp_path: Path) -> None:
    store(tmp_path / "more", range(5), seed=4)
    merged = run("merge", tmp_path / "all", data, tmp_path / "more")
    assert merged.status == 0
    assert "19 episodes, 19 of them added now" in merged.out
    assert "19/19 episodes" in merged.err
    store(tmp_path / "third", range(3), seed=5)
    appended = run("append", tmp_path / "all", tmp_path / "third", "--quiet")
    assert (appended.status, appended.err) == (0, "")
    assert "22 episodes, 3 of them added now" in appended.out
    assert Dataset(tmp_path / "all").origin(14) == ("more", 0)
    told = run("info", tmp_path / "all").out
    assert "merged from turns: 14 episodes, there 0 to 5, 8 to 15" in told
    (tmp_path / "all/data/shard-000000.parquet").unlink()
    assert "merge its sources again" in run("verify", tmp_path / "all", "--quiet").out


@pytest.mark.parametrize("format_", ["minari", "rt4k", "images"])
def test_export(data: Path, tmp_path: Path, format_: str) -> None:
    outcome = run("export", data, "--format", format_, "--out", tmp_path / "out")
    assert outcome.status == 0, outcome
    assert outcome.out.startswith(f"{tmp_path}/out: ")
    assert (tmp_path / "out").is_dir()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("info", "{}/absent"), "no such folder"),
        (("verify", "{}/absent"), "no such folder"),
        (("verify", "{}"), "holds no dataset.json"),
        (("info", "{}/newer"), "version 9: at most 1 is read here; update armplay"),
        (("verify", "{}/newer"), "version 9: at most 1 is read here; update armplay"),
        (("append", "{}/newer", "{}/data"), "version 9"),
        (("merge", "{}/data", "{}/data"), "cannot be added to itself"),
        (("merge", "{}/out", "{}/data", "{}/data"), "twice they would count double"),
        (("export", "{}/data", "--format", "images", "--out", "{}/data"), "exists already"),
        (("export", "{}/absent", "--format", "images", "--out", "{}/out"), "no such folder"),
    ],
)
def test_a_mistake_is_one_line_and_nothing_is_written(
    data: Path, tmp_path: Path, arguments: tuple[str, ...], told: str
) -> None:
    shutil.copytree(data, tmp_path / "data")
    (tmp_path / "newer").mkdir()
    header = json.loads((data / "dataset.json").read_text())
    (tmp_path / "newer/dataset.json").write_text(json.dumps(header | {"version": 9}))
    before = contents(tmp_path)
    outcome = run(*(argument.format(tmp_path) for argument in arguments))
    assert_one_line(outcome)
    assert told in outcome.err
    assert contents(tmp_path) == before


def test_interrupted_an_export_leaves_nothing(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "sync", stop)
    outcome = run("export", data, "--format", "images", "--out", tmp_path / "out")
    assert outcome.status == 130
    assert "stopped" in outcome.err
    assert list(tmp_path.iterdir()) == []


def test_collected_data_is_sound(collected: Path) -> None:
    """What a simulator recorded, and not what the tests made up."""
    outcome = run("verify", collected, "--quiet")
    assert outcome.status == 0, outcome
    told = run("info", collected).out
    assert 'corrupt="gaussian:0.3"' in told
    frames = Dataset(collected).frames(47, [5, 0])
    np.testing.assert_array_equal(frames, Dataset(collected).episode(47).frames[[5, 0]])
