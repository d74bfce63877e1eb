"""`scripts/bench.py`: that it measures what it says, on sizes too small to tell anything. Nothing is timed here."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from learner.methods import METHODS
from tests.scripts.running import assert_one_line, run_here

SMALL = ("--device", "cpu", "--image-size", 32, "--batch", 4, "--rounds", 1)


def figures(bench: str, tmp_path: Path, *more: object) -> tuple[str, dict]:
    outcome = run_here("bench", bench, *SMALL, "--json", tmp_path / "out.json", *more)
    assert outcome.status == 0, outcome
    return outcome.out, json.loads((tmp_path / "out.json").read_text())


@pytest.mark.long
def test_a_step_beside_its_limit_and_a_plain_loader(tmp_path: Path) -> None:
    out, kept = figures("learner", tmp_path)
    assert "small encoder, 4 pairs of 32-pixel frames, cpu" in out
    whole, limit, plain = kept["figures"]
    assert min(row["low"] for row in (whole, limit, plain)) > 0
    assert kept["ratios"] == {
        f"{whole['name']} / {peer['name']}": pytest.approx(whole["middle"] / peer["middle"]) for peer in (limit, plain)
    }
    stages = ["sample", "augment", "heads and losses", "encoder forward", "backward", "update", "probe"]
    assert list(kept["stages_ms"]) == stages
    assert min(kept["stages_ms"].values()) > 0
    assert all(name in out for name in (*stages, *kept["ratios"]))


def test_without_kornia_its_row_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "kornia", None)
    out, kept = figures("learner", tmp_path)
    assert len(kept["figures"]) == 2
    assert out.endswith("kornia is not installed, nothing to compare with: pip install -e .[dev]\n")


@pytest.mark.long
def test_methods_beside_each_other(tmp_path: Path) -> None:
    out, kept = figures("methods", tmp_path)
    assert list(kept["time_ratios"]) == list(METHODS) == [row["name"] for row in kept["figures"]]
    assert all(f"\n{name} " in out for name in METHODS)
    memory = kept["memory_ratios"]
    # A projector less, the same projector, a head for actions more, and a target encoder more.
    assert memory["supervised"] < memory["simclr"] == pytest.approx(1, abs=0.01)
    assert 1 == memory["simclr-tt"] < memory["ciper"] < memory["aa-simclr"] < memory["aa-byol"]
    parameters = 2 * 540_000 * 4
    assert kept["memory_bytes"]["simclr-tt"] > parameters


def test_a_live_run(tmp_path: Path) -> None:
    out, kept = figures("online", tmp_path, "--steps", 1)
    assert "; 1 arms" in out
    beside, alone = kept["figures"]
    assert min(beside["low"], alone["low"]) > 0
    assert len(kept["waits"]) == 3
    assert all(0 <= share <= 1 for share in kept["waits"].values())
    assert all(name in out for name in (*kept["waits"], *kept["ratios"]))


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("learner", "--rounds", 0), "rounds=0: at least 1"),
        (("learner", "--json", "absent/out.json"), "there is no folder absent"),
        (("learner", "--image-size", 16), "image_size=16: at least 32"),
        (("methods", "--encoder", "vgg"), "encoder=vgg"),
        (("methods", "--batch", 1), "batch=1: at least 2"),
        (("methods", "--device", "tpu9"), "device=tpu9"),
        (("online", "--steps", 0), "steps=0: at least 1"),
    ],
)
def test_a_mistake_is_one_line(arguments: tuple[object, ...], told: str) -> None:
    outcome = run_here("bench", *arguments)
    assert_one_line(outcome)
    assert told in outcome.err
