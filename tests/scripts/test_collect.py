"""`scripts/collect.py`: a dataset that opens elsewhere, that no interruption changes, and mistakes told in one line."""

from __future__ import annotations

import io
import os
import runpy
import signal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from agent.collect import Failure
from agent.dataset import Dataset
from agent.record import RecordSettings
from agent.settings import from_json
from tests.scripts.conftest import SCENE
from tests.scripts.running import ROOT, assert_one_line, contents, end_of, run_here, start, wait_until


def test_the_dataset_opens_in_pandas(collected: Path) -> None:
    table = pd.concat(pd.read_parquet(path) for path in sorted((collected / "data").glob("*.parquet")))
    assert len(table) == 48 * 6
    assert table["episode"].tolist() == np.repeat(np.arange(48), 6).tolist()
    assert Image.open(io.BytesIO(table["image"].iloc[0]["bytes"])).size == (32, 32)
    assert {"clean", "recorded", "executed", "object_pose", "joints"} <= set(table.columns)
    first = table.iloc[0]
    assert np.abs(first["recorded"] - first["clean"]).max() > 0
    np.testing.assert_array_equal(first["executed"], first["clean"])
    metadata = Dataset(collected).metadata
    assert metadata["settings"]["corrupt"] == "gaussian:0.3"
    assert metadata["settings"]["seed"] == 2
    assert {"versions", "renderer", "chain"} <= set(metadata)


def test_what_is_given_up_is_told_with_its_object(collected: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dataset = Dataset(collected)
    record = from_json(RecordSettings, dataset.metadata["settings"], where="dataset.json")
    say = runpy.run_path(str(ROOT / "scripts" / "_collected.py"))["say_given_up"]
    say([Failure(number, 3, "Traceback\nValueError: no luck") for number in (7, 41)], record)
    assert capsys.readouterr().err.splitlines() == [
        f"given up: episode {number} failed 3 times; the last time: ValueError: no luck"
        f" ({dataset.episode(number).category} {dataset.episode(number).instance}, seed 2)"
        for number in (7, 41)
    ]


def test_killed_and_resumed_it_is_byte_for_byte_the_undisturbed_one(collected: Path, tmp_path: Path) -> None:
    """With other workers too, and with the settings taken over: only the number of episodes is said again."""
    out = tmp_path / "data"
    begin = ("--episodes", 48, "--workers", 1, "--image-format", "png", "--seed", 2, "--out", out, *SCENE)
    process = start("collect", *begin, "--corrupt", "gaussian:0.3")
    wait_until(lambda: any((out / "data").glob("shard-*.parquet")), process)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert 0 < len(Dataset(out)) < 48
    outcome = run_here("collect", "--resume", "--out", out, "--episodes", 48, "--workers", 2, "--quiet")
    assert (outcome.status, outcome.err) == (0, "")
    assert contents(out) == contents(collected)
    again = run_here("collect", "--resume", "--out", out, "--episodes", 48)
    assert again.status == 0
    assert contents(out) == contents(collected)


def test_ctrl_c_keeps_what_was_collected_and_says_how_to_go_on(collected: Path, tmp_path: Path) -> None:
    out = tmp_path / "data"
    arguments = ("--episodes", 100_000, "--workers", 1, "--image-format", "png", "--seed", 2, "--out", out, *SCENE)
    process = start("collect", *arguments, "--corrupt", "gaussian:0.3")
    wait_until(lambda: any((out / "data").glob("shard-*.parquet")), process)
    os.kill(process.pid, signal.SIGINT)
    outcome = end_of(process)
    assert outcome.status == 130
    assert f"python scripts/collect.py --resume --out {out} --episodes 100000" in outcome.out
    assert "Traceback" not in outcome.err
    kept = Dataset(out)
    kept.verify()
    assert list(kept.numbers) == list(range(len(kept)))
    finished = run_here("collect", "--resume", "--out", out, "--episodes", 48, "--engine", "local")
    assert finished.status == 0
    if len(kept) <= 48:
        assert contents(out) == contents(collected)


def test_another_seed_on_resume_is_refused_with_both_values(collected: Path) -> None:
    before = contents(collected)
    outcome = run_here("collect", "--resume", "--out", collected, "--episodes", 50, "--seed", 6)
    assert_one_line(outcome)
    assert "seed=2, resumed with 6" in outcome.err
    assert contents(collected) == before


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--workers", 0), "workers=0"),
        (("--workers", -1), "workers=-1"),
        (("--episodes", 0), "episodes=0"),
        (("--image-size", 8), "image_size=8"),
        (("--frames", 1), "frames=1"),
        (("--frame-rate", 7.0), "frame_rate=7.0"),
        (("--categories", "mug", "submarine"), "submarine"),
        (("--play", "chess"), "play=chess"),
        (("--arm", "tentacle"), "arm=tentacle"),
        (("--split", "dessert"), "split=dessert"),
        (("--seed", -1), "seed=-1"),
        (("--corrupt", "banana:1"), "corrupt=banana"),
        (("--corrupt", "gaussian"), "corrupt=gaussian: give a level"),
        (("--corrupt", "gaussian:loud"), "not a number"),
        (("--corrupt", "shuffled:2"), "corrupt=shuffled:2"),
        (("--rerun", "television"), "rerun=television: viewer, web, or a file"),
    ],
)
def test_a_mistake_is_one_line_and_nothing_is_written(arguments: tuple[object, ...], told: str, tmp_path: Path) -> None:
    outcome = run_here("collect", "--out", tmp_path / "new", *arguments)
    assert_one_line(outcome)
    assert told in outcome.err
    assert list(tmp_path.iterdir()) == []


def test_folders_that_cannot_be_used(collected: Path, tmp_path: Path) -> None:
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "thesis.tex").write_text("precious")
    before = contents(tmp_path), contents(collected)
    cases = {
        "/proc/x": ("--out", "/proc/x"),
        "--out DIR": ("--resume",),
        "not empty": ("--out", foreign),
        "dataset.json": ("--out", foreign, "--resume"),
        "pass --resume": ("--out", collected),
        "no-such": ("--out", tmp_path / "no-such", "--resume"),
    }
    for told, arguments in cases.items():
        outcome = run_here("collect", *arguments)
        assert_one_line(outcome)
        assert told in outcome.err
    assert (contents(tmp_path), contents(collected)) == before


def test_a_mistake_in_a_process_of_its_own(tmp_path: Path) -> None:
    assert_one_line(end_of(start("collect", "--out", tmp_path / "new", "--corrupt", "banana:1")))
    assert list(tmp_path.iterdir()) == []
    assert (ROOT / "scripts" / "collect.py").exists()
