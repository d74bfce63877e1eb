"""`scripts/reproduce.py`: the paper's grid on a tiny RT4K; killed, stopped, begun again, cut to a budget."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import numpy as np
import pytest

from learner.methods import METHODS, REMEDIES
from learner.run import stored_settings
from learner.settings import TrainSettings
from tests.scripts.running import Outcome, assert_one_line, contents, end_of, run_here, start, wait_until
from tests.scripts.test_train import kept_by, losses_of

SMALL = ("--batch", 8, "--encoder", "small", "--image-size", 32, "--device", "cpu", "--quiet")
STEPS = 6
GRID = ("--methods", "simclr", "aa-simclr", "--seeds", 0, 1)


def call(rt4k: str, out: Path, *arguments: object) -> tuple[object, ...]:
    return ("rt4k", "--root", rt4k.removeprefix("rt4k:"), "--out", out, *SMALL, *arguments)


def planned(rt4k: str, out: Path, **changed: object) -> Path:
    """A folder whose plan is settled: few steps."""
    out.mkdir()
    asked = {"experiment": "rt4k", "data": rt4k, "batch": 8, "encoder": "small", "image_size": 32, "budget": 1.0}
    plan = {"training_frames": 249, "steps": STEPS, "paper_steps": 3100, "frames": 4}
    (out / "plan.json").write_text(json.dumps({"asked": asked, **plan, **changed}))
    return out


@pytest.fixture(scope="module")
def undisturbed(rt4k: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Outcome]:
    out = planned(rt4k, tmp_path_factory.mktemp("reproduce") / "out")
    outcome = run_here("reproduce", *call(rt4k, out, "--budget", 1, *GRID))
    assert outcome.status == 0, outcome
    return out, outcome


def test_every_method_and_seed_is_trained_as_the_plan_says_and_probed(undisturbed: tuple[Path, Outcome]) -> None:
    out, outcome = undisturbed
    text = (out / "results.md").read_text()
    assert text in outcome.out
    for method, published in (("simclr", "71.1"), ("aa-simclr", "74.8")):
        rows = []
        for seed in (0, 1):
            settings = stored_settings(out / f"{method}-{seed}", TrainSettings)
            assert (settings.method, settings.seed, settings.steps) == (method, seed, STEPS)
            assert settings.loss.negatives == "all"
            assert len(losses_of(out / f"{method}-{seed}")) > 1
            rows.append(json.loads((out / f"{method}-{seed}" / "paper.json").read_text())["linear"]["accuracy"])
        assert losses_of(out / f"{method}-0") != losses_of(out / f"{method}-1")
        assert f"| {method} | 2 | {100 * np.mean(rows):.1f} [" in text
        assert f"| {published} |" in next(line for line in text.splitlines() if line.startswith(f"| {method} "))
    for name in ("untrained encoder", "raw pixels", "colour histogram"):
        assert f"| {name} |  | " in text
    assert f"**A cut, not the paper's experiment: {STEPS} of 3100 steps (0.19 %)" in text
    assert "**Not the paper's: encoder=small in place of resnet18.**" in text


def test_results_are_kept_as_numbers_too(undisturbed: tuple[Path, Outcome]) -> None:
    found = json.loads((undisturbed[0] / "results.json").read_text())
    assert found["cut"] is True
    assert [figure["name"] for figure in found["figures"][:2]] == ["simclr", "aa-simclr"]
    assert [figure["published"] for figure in found["figures"]] == [71.1, 74.8, None, None, None]
    for figure in found["figures"]:
        for accuracy in figure["accuracy"].values():
            assert accuracy["low"] <= accuracy["estimate"] <= accuracy["high"]


def test_what_is_done_is_not_done_again_and_another_plan_is_refused(
    undisturbed: tuple[Path, Outcome], rt4k: str
) -> None:
    out = undisturbed[0]
    before = contents(out)
    outcome = run_here("reproduce", *call(rt4k, out, "--budget", 1, *GRID))
    assert outcome.status == 0, outcome
    assert "report: " not in outcome.out
    assert contents(out) == before
    for asked, told in {
        ("--budget", 2): f"budget=2.0: the runs in {out} have 1.0, and one table cannot show both",
        ("--budget", 1, "--batch", 16): "batch=16: the runs in",
    }.items():
        refused = run_here("reproduce", *call(rt4k, out, *asked))
        assert_one_line(refused)
        assert told in refused.err
    assert contents(out) == before


@pytest.mark.long
def test_killed_stopped_and_begun_again_it_ends_as_the_undisturbed(
    undisturbed: tuple[Path, Outcome], rt4k: str, tmp_path: Path
) -> None:
    out = planned(rt4k, tmp_path / "out")
    arguments = call(rt4k, out, "--budget", 1, *GRID)
    (out / "simclr-0").mkdir()
    (out / "simclr-0" / ".lock").touch()  # as a kill leaves it before there are settings
    process = start("reproduce", *arguments)
    wait_until(lambda: kept_by(out / "simclr-0") > 0, process)
    process.kill()
    process.communicate()
    process = start("reproduce", *arguments)
    wait_until(lambda: (out / "aa-simclr-0" / "settings.json").exists(), process)
    os.kill(process.pid, signal.SIGTERM)
    outcome = end_of(process)
    assert outcome.status == 128 + signal.SIGTERM
    assert outcome.out.splitlines()[-1].startswith(
        "stopped; the same command goes on: python scripts/reproduce.py rt4k"
    )
    assert run_here("reproduce", *arguments).status == 0
    for left in (
        "results.md",
        "results.json",
        *(f"{method}-{s}/paper.json" for method in ("simclr", "aa-simclr") for s in (0, 1)),
    ):
        assert (out / left).read_bytes() == (undisturbed[0] / left).read_bytes(), left
    assert losses_of(out / "simclr-0") == losses_of(undisturbed[0] / "simclr-0")


def test_a_budget_too_small_for_anything_leaves_a_step_of_each(rt4k: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    outcome = run_here("reproduce", *call(rt4k, out, "--budget", 1e-7, "--methods", "ciper", "--seeds", 3))
    assert outcome.status == 0, outcome
    plan = json.loads((out / "plan.json").read_text())
    assert (plan["steps"], plan["frames"]) == (1, 1)
    assert "not given here" in (out / "results.md").read_text()
    assert "1 runs of 1 of the paper's " in outcome.out


def test_a_dry_run_tells_all_and_writes_nothing(rt4k: str, tmp_path: Path) -> None:
    outcome = run_here("reproduce", *call(rt4k, tmp_path / "out", "--dry-run", "--seeds", 0))
    assert (outcome.status, outcome.err) == (0, ""), outcome
    lines = outcome.out.splitlines()
    assert [line.split()[0] for line in lines[:-1]] == [name for name in METHODS if name not in REMEDIES]
    assert lines[-1].startswith("10 runs of 3100 of the paper's 3100 steps: about ")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--methods", "telepathy"), "methods=telepathy: unknown"),
        (("--seeds", -1), "one of each is needed, seeds from 0"),
        (("--budget", -1), "budget=-1.0: hours above 0"),
        (("--root", "no-such"), "no-such: no such folder"),
        (("--encoder", "huge"), "encoder=huge: one of"),
    ],
)
def test_a_mistake_is_one_line_and_nothing_is_written(
    arguments: tuple[object, ...], told: str, rt4k: str, tmp_path: Path
) -> None:
    outcome = run_here("reproduce", *call(rt4k, tmp_path / "out", *arguments))
    assert_one_line(outcome)
    assert told in outcome.err
    assert list(tmp_path.iterdir()) == []


def test_a_folder_of_something_else_is_left_alone(rt4k: str, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    outcome = run_here("reproduce", *call(rt4k, tmp_path))
    assert_one_line(outcome)
    assert f"{tmp_path}: exists and is no repetition of the paper, give another --out" in outcome.err
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


@pytest.mark.long
def test_the_whole_experiment_augments_the_frames_of_its_linear_probe(rt4k: str, tmp_path: Path) -> None:
    out = planned(rt4k, tmp_path / "whole", paper_steps=STEPS)
    outcome = run_here("reproduce", *call(rt4k, out, "--budget", 1, "--methods", "simclr", "--seeds", 0))
    assert outcome.status == 0, outcome
    assert "50 epochs, frames augmented anew in each" in outcome.out
    assert "A cut" not in outcome.out
    for path in (out / "simclr-0" / "paper.json", out / "baselines" / "raw-pixels.json"):
        assert json.loads(path.read_text())["linear"]["settings"]["augmented"] is True
