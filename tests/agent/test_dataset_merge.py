"""Several datasets become one, whose episodes are theirs, and no interruption leaves a trace."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agent.dataset import Dataset
from agent.info import summary
from agent.merge import append, merge, runs
from agent.verify import problems
from sim.errors import InputError
from tests.agent.episodes import assert_same
from tests.agent.sound import contents, metadata_of, store

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Datasets of 6 episodes, of 5 with a gap and another seed, and of 9 in larger shards; not to be written to."""
    root = tmp_path_factory.mktemp("parts")
    store(root / "one", range(6))
    store(root / "two", [0, 1, 8, 9, 10], seed=1)
    more = metadata_of(seed=2, play="tumble", draw="hand")
    more["categories"] = ["tree", "boat", "mug", "car"]
    store(root / "three", range(9), seed=2, metadata=more, episodes_per_shard=16)
    return root


def inputs(parts: Path) -> list[Path]:
    return [parts / "one", parts / "two", parts / "three"]


def test_merged_episodes_are_those_of_the_sources(parts: Path, tmp_path: Path) -> None:
    steps: list[tuple[int, int]] = []
    assert merge(tmp_path / "all", inputs(parts), told=lambda done, total: steps.append((done, total))) == 20
    assert steps == [(done, 20) for done in (4, 8, 12, 16, 20)]
    merged = Dataset(tmp_path / "all")
    assert list(merged.numbers) == list(range(20))
    origins = [("one", n) for n in range(6)] + [("two", n) for n in (0, 1, 8, 9, 10)] + [("three", n) for n in range(9)]
    for number, (name, before) in enumerate(origins):
        assert merged.origin(number) == (name, before)
        source = Dataset(parts / name).episode(before)
        assert_same(merged.episode(number), source._replace(number=number))
        assert merged.images(number) == Dataset(parts / name).images(before)
    assert problems(tmp_path / "all") == []
    about = merged.metadata
    assert about["categories"] == ["mug", "car", "tree", "boat"]
    assert [source["settings"]["seed"] for source in about["sources"]] == [0, 1, 2]
    assert about["sources"][1]["numbers"] == [[0, 2], [8, 11]]
    assert summary(merged)["sources"][2] == {"name": "three", "episodes": 9, "numbers": [[0, 9]]}
    assert Dataset(parts / "one").origin(4) == ("one", 4)


def test_merging_again_gives_the_same_bytes_wherever_the_sources_lie(parts: Path, tmp_path: Path) -> None:
    merge(tmp_path / "first", inputs(parts))
    for path in inputs(parts):
        shutil.copytree(path, tmp_path / "elsewhere" / path.name)
    merge(tmp_path / "second", inputs(tmp_path / "elsewhere"))
    before = contents(tmp_path / "first")
    assert contents(tmp_path / "second") == before
    assert merge(tmp_path / "first", inputs(parts)) == 0
    assert contents(tmp_path / "first") == before


def test_one_dataset_merged_keeps_the_bytes_of_its_shards(parts: Path, tmp_path: Path) -> None:
    merge(tmp_path / "copy", [parts / "one"])
    ours, theirs = contents(tmp_path / "copy"), contents(parts / "one")
    assert {name for name in ours if ours[name] != theirs[name]} == {"dataset.json", "checksums.txt"}


def test_appending_gives_the_shards_of_merging(parts: Path, tmp_path: Path) -> None:
    merge(tmp_path / "all", inputs(parts))
    shutil.copytree(parts / "one", tmp_path / "one")
    assert append(tmp_path / "one", [parts / "two"]) == 5
    assert append(tmp_path / "one", [parts / "three"]) == 9
    assert append(tmp_path / "one", [parts / "three"]) == 0
    assert contents(tmp_path / "one" / "data") == contents(tmp_path / "all" / "data")
    sources, expected = (Dataset(tmp_path / name).metadata["sources"] for name in ("one", "all"))
    assert sources == expected
    assert problems(tmp_path / "one") == []
    with pytest.raises(InputError, match="episodes of two are in two already; twice"):
        append(tmp_path / "one", [parts / "two"])


def test_merged_datasets_are_merged(parts: Path, tmp_path: Path) -> None:
    merge(tmp_path / "some", [parts / "one", parts / "two"])
    merge(tmp_path / "nested", [tmp_path / "some", parts / "three"])
    merge(tmp_path / "flat", inputs(parts))
    assert contents(tmp_path / "nested") == contents(tmp_path / "flat")


def test_nothing_is_collected_into_a_merged_dataset(parts: Path, tmp_path: Path) -> None:
    merge(tmp_path / "all", [parts / "one"])
    before = contents(tmp_path / "all")
    with pytest.raises(InputError, match=r"merged from 1 datasets, so nothing can be collected into it; .* append"):
        store(tmp_path / "all", [6], resume=True)
    assert contents(tmp_path / "all") == before


def changed(name: str, **change: Any) -> dict[str, Any]:
    metadata = metadata_of(seed=7)
    section = metadata if name == "top" else metadata["settings"] if name == "settings" else metadata["settings"][name]
    section |= change
    return metadata


@pytest.mark.parametrize(
    ("metadata", "options", "told"),
    [
        (changed("top", arm="panda"), {}, 'arm="panda", "kuka" in'),
        (changed("top", chain={}), {}, "another chain than"),
        (changed("settings", split="test"), {}, 'settings.split="test", "train" in'),
        (changed("settings", corrupt="gaussian:0.2"), {}, 'settings.corrupt="gaussian:0.2", "" in'),
        (changed("scene", frames=8), {}, "settings.scene.frames=8, 4 in"),
        (changed("scene", image_size=64), {}, "settings.scene.image_size=64, 32 in"),
        (changed("scene", frame_rate=10.0), {}, "settings.scene.frame_rate=10.0, 5.0 in"),
        (changed("top"), {"image_format": "png"}, 'image_format="png", "jpeg" in'),
    ],
)
def test_what_does_not_fit_is_refused(
    parts: Path, tmp_path: Path, metadata: dict[str, Any], options: dict[str, Any], told: str
) -> None:
    store(tmp_path / "other", range(2), metadata=metadata, **options)
    with pytest.raises(InputError) as caught:
        merge(tmp_path / "all", [parts / "one", tmp_path / "other"])
    assert told in str(caught.value)
    assert "merged episodes must agree in it" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "all").exists()


def test_mistakes_are_refused_and_nothing_is_touched(parts: Path, tmp_path: Path) -> None:
    shutil.copytree(parts / "one", tmp_path / "one")
    shutil.copytree(parts / "two", tmp_path / "two")
    store(tmp_path / "longer", range(9))
    before = contents(tmp_path)

    def refused(call: Any, to: str, data: list[Path], told: str) -> None:
        with pytest.raises(InputError, match=told):
            call(tmp_path / to, data)
        assert contents(tmp_path) == before

    refused(append, "one", [], "0 datasets, at least 1")
    refused(append, "one", [tmp_path / "one"], "cannot be added to itself")
    refused(append, "absent", [parts / "two"], "no such folder")
    refused(append, "one", [tmp_path / "absent"], "no such folder")
    refused(append, "one", [parts / "two", parts / "two"], "episodes of two are in two already")
    refused(append, "one", [tmp_path / "longer"], "episodes of longer are in one already")
    refused(append, "two", [parts / "one"], "episodes are missing between those stored")
    refused(merge, "one", [parts / "two"], "holds a dataset already, of other episodes")
    refused(merge, "", [parts / "two"], "not empty and no dataset of armplay")
    spoilt = bytearray((tmp_path / "two/data/shard-000002.parquet").read_bytes())
    spoilt[1000] ^= 1
    (tmp_path / "two/data/shard-000002.parquet").write_bytes(spoilt)
    before = contents(tmp_path)
    refused(append, "one", [tmp_path / "two"], r"shard-000002\.parquet: not the bytes that were written")


KILLED = """
import os, shutil, signal, sys
from pathlib import Path
from agent.merge import append, merge

folder, parts = Path(sys.argv[1]), Path(sys.argv[2])
call = {"merge": merge, "append": append}[sys.argv[3]]
inputs = [parts / "two", parts / "three"]
fsync, replace = os.fsync, os.replace
merge(folder / "warm", inputs)  # loads once, and not in every child, what is loaded at first use
for step in range(1, 200):
    out = folder / str(step) / "data"
    if call is append:
        shutil.copytree(parts / "one", out)
    for die_at in (step, 0):
        child = os.fork()
        if child == 0:
            calls = 0
            def fatal(function):
                def counted(*given):
                    global calls
                    calls += 1
                    if calls == die_at:
                        os.kill(os.getpid(), signal.SIGKILL)
                    return function(*given)
                return counted
            os.fsync, os.replace = fatal(lambda _: None), fatal(replace)
            call(out, inputs)
            os._exit(0)
        status = os.waitpid(child, 0)[1]
        if die_at and status == 0:
            sys.exit(0)
        if die_at:
            shutil.copytree(out, folder / f"killed-{step}")
    assert status == 0
sys.exit(3)
"""


@pytest.mark.parametrize("call", ["append", pytest.param("merge", marks=pytest.mark.long)])
def test_death_at_any_step_leaves_no_trace(parts: Path, tmp_path: Path, call: str) -> None:
    command = [sys.executable, "-c", KILLED, str(tmp_path), str(parts), call]
    subprocess.run(command, env=os.environ | {"PYTHONPATH": str(ROOT)}, check=True, timeout=120)
    if call == "append":
        shutil.copytree(parts / "one", tmp_path / "whole" / "data")
        append(tmp_path / "whole" / "data", [parts / "two", parts / "three"])
    else:
        merge(tmp_path / "whole" / "data", [parts / "two", parts / "three"])
    whole = contents(tmp_path / "whole" / "data")
    steps = sorted(path.name for path in tmp_path.iterdir() if path.name.isdigit())
    assert len(steps) > 10
    for name in steps:
        assert contents(tmp_path / name / "data") == whole, name
        killed = tmp_path / f"killed-{name}"
        if any(killed.glob("data/shard-*.parquet")):  # what is there can be read in between
            data = Dataset(killed)
            assert list(data.numbers) == list(range(len(data)))
            assert all(np.isfinite(episode.joints).all() for episode in data.episodes())


def test_an_interrupted_merge_says_so_and_other_commands_wait(parts: Path, tmp_path: Path) -> None:
    merge(tmp_path / "all", inputs(parts))
    for index in (3, 4):
        (tmp_path / f"all/data/shard-00000{index}.parquet").unlink()
    sums = (tmp_path / "all/checksums.txt").read_text().splitlines(keepends=True)
    (tmp_path / "all/checksums.txt").write_text(
        "".join(line for line in sums if "03." not in line and "04." not in line)
    )
    assert [str(problem) for problem in problems(tmp_path / "all")] == [
        "dataset.json: 12 of 20 episodes merged; the same command again adds the others"
    ]
    with pytest.raises(InputError, match="12 of 20 episodes merged, so that is to be finished first"):
        append(tmp_path / "all", [parts / "one"])
    with pytest.raises(InputError, match="12 of 20 episodes merged; finish that first"):
        merge(tmp_path / "more", [tmp_path / "all"])
    assert merge(tmp_path / "all", inputs(parts)) == 8
    assert problems(tmp_path / "all") == []
    assert json.loads((tmp_path / "all/dataset.json").read_text())["sources"][0]["name"] == "one"


def test_runs() -> None:
    assert runs(iter([])) == []
    assert runs(iter([3, 4, 5, 9, 11, 12])) == [[3, 6], [9, 10], [11, 13]]


def test_another_fold_of_the_same_objects_is_refused(tmp_path: Path) -> None:
    for seed, (name, root, fold) in enumerate(
        (("a", "/m", "1/5"), ("b", "/m", "1/5"), ("c", "/n", "2/5"), ("d", "/m", "2/5"), ("e", "/m", ""))
    ):
        objects = {"source": "folder", "root": root, "digest": name, **({"fold": fold} if fold else {})}
        store(tmp_path / name, range(2), seed=seed, metadata={**metadata_of(seed=seed), "objects": objects})
    assert merge(tmp_path / "all", [tmp_path / name for name in "abc"]) == 6
    for name, fold in (("d", "2/5"), ("e", "none")):
        with pytest.raises(InputError, match=rf"{name}: fold={fold} of /m, a has fold=1/5: what one tests would"):
            append(tmp_path / "all", [tmp_path / name])
    assert len(Dataset(tmp_path / "all")) == 6
