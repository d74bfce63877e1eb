"""What scripts do with a command line that cannot be used, and with a reader who goes away."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from agent.merge import merge
from tests.agent.stores import shard, store
from tests.scripts.running import ROOT, assert_one_line, end_of, run_here, start


@pytest.mark.parametrize(
    ("script", "arguments", "told"),
    [
        ("collect", ("--workers", "banana"), "--workers: invalid literal for int() with base 10: 'banana'"),
        ("collect", ("--wrkers", 3), "--wrkers, 3 (perhaps you meant --workers)"),
        ("train_online", ("--engine", "steam"), "invalid choice 'steam' for argument '--engine'"),
        ("train_online", ("--crop-area", 0.3), "Expected 2 values"),
        ("dataset", (), "Expected one of {info, verify, merge, append, export}"),
        ("dataset", ("inof",), "Unrecognized options: inof"),
        ("view", ("toys",), "--out"),
    ],
)
def test_what_cannot_be_parsed_is_one_line(script: str, arguments: tuple[object, ...], told: str) -> None:
    outcome = run_here(script, *arguments)
    assert_one_line(outcome)
    assert told in outcome.err
    assert outcome.err.endswith("; see --help\n")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--out", "watch.jpg"), "out=watch.jpg: a browser's picture is a .png"),
        (("--out", "watch.png", "--looks", 0), "looks=0: at least 1 is needed"),
        (("--out", "watch.png", "--wait", "nan"), "wait=nan: 0 to 3600 s is needed"),
    ],
)
def test_a_picture_that_cannot_be_taken_starts_no_training(arguments: tuple[object, ...], told: str) -> None:
    outcome = run_here("view", "watch", *arguments)
    assert_one_line(outcome)
    assert told in outcome.err


def test_help_shows_the_examples_and_may_be_cut_short() -> None:
    """As in `python scripts/collect.py --help | head -1`."""
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "scripts" / "collect.py"), "--help"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == ""
    assert process.wait() == 1
    process.stderr.close()
    outcome = run_here("collect", "--help")
    assert outcome.status == 0
    assert outcome.out.count("python scripts/collect.py ") >= 3


@pytest.mark.long
def test_started_from_a_wheel_what_is_told_names_the_commands_of_the_wheel(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "scripts", tmp_path / "armplay")
    store(tmp_path / "data", range(3))
    merge(tmp_path / "merged", [tmp_path / "data"])
    shard(tmp_path / "data", 0).write_bytes(b"")
    calls = {
        "armplay collect --resume --out": ("dataset", "verify", tmp_path / "data"),
        "armplay dataset append": ("collect", "--resume", "--out", tmp_path / "merged"),
    }
    for told, words in calls.items():
        command = [sys.executable, str(tmp_path / "armplay" / "__main__.py"), *map(str, words)]
        done = subprocess.run(command, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True)
        assert told in done.stdout + done.stderr
        assert "python scripts/" not in done.stdout + done.stderr


@pytest.mark.long
def test_without_a_compiler_it_says_so_before_anything_is_made(tmp_path: Path) -> None:
    process = start(
        "train_online", "--out", tmp_path / "run", "--compile", "--device", "cpu", CXX=str(tmp_path / "none")
    )
    outcome = end_of(process)
    assert_one_line(outcome)
    assert "compile=True: torch.compile does not work on cpu here" in outcome.err
    assert not (tmp_path / "run").exists()


SLOW = ("sklearn", "pandas", "matplotlib", "trimesh", "scipy")
"""Libraries that take seconds to load, and that neither a plain answer nor a step of learning needs."""


@pytest.mark.parametrize("script", ["collect", "train", "train_online"])
def test_no_user_waits_for_what_is_not_needed(script: str) -> None:
    code = f"import sys; sys.path.insert(0, {str(ROOT / 'scripts')!r}); import {script}; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "numpy" in loaded
    assert not {name.partition(".")[0] for name in loaded} & set(SLOW)
