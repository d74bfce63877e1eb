"""`scripts/evaluate.py`: figures of images whose answers are known, beside baselines, and mistakes in a line."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from learner.encoders import build_encoder
from learner.export import export_encoder
from tests.learner.runs import write_run
from tests.scripts.running import assert_one_line, contents, run_here

COLOURS = {"blue": (200, 40, 40), "green": (40, 200, 40), "red": (40, 40, 200)}
OBJECTS = 30


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return photographed(tmp_path_factory.mktemp("photographs"), OBJECTS)


def photographed(root: Path, objects: int) -> Path:
    """Three categories that differ in colour alone, `objects` each, 4 views of each at known angles."""
    rng = np.random.default_rng(0)
    rows = ["category,instance,polar_deg,azimuth_deg,image"]
    for category, colour in COLOURS.items():
        for number in range(objects):
            folder = root / category / f"{category}{number:02d}"
            folder.mkdir(parents=True)
            for view in range(4):
                image = np.clip(np.array(colour) + rng.normal(0, 20, (32, 32, 3)), 0, 255).astype(np.uint8)
                cv2.imwrite(str(folder / f"{view}.png"), image)
                rows.append(f"{category},{folder.name},90,{90 * view},{category}/{folder.name}/{view}.png")
    (root / "manifest.csv").write_text("\n".join(rows) + "\n")
    return root


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An exported encoder, not trained."""
    folder = tmp_path_factory.mktemp("encoders") / "small"
    export_encoder(folder, build_encoder("small", seed=3), name="small", image_size=32, trained={})
    return folder


def figures_of(out: Path) -> dict[tuple[str, str], dict[str, Any]]:
    found = json.loads((out / "results.json").read_text())["figures"]
    return {(row["representation"], row["protocol"]): row for row in found}


@pytest.mark.parametrize(
    ("how", "objects"), [((), OBJECTS), pytest.param(("--leave-one-out",), 4, marks=pytest.mark.long)]
)
def test_what_colours_tell_is_found_by_every_protocol(
    how: tuple[str, ...], objects: int, encoder: Path, photographs: Path, tmp_path: Path
) -> None:
    root = photographed(tmp_path / "few", objects) if how else photographs
    out = tmp_path / "out"
    arguments = ("--encoder", encoder, "--data", f"images:{root}", "--out", out, "--shots", 1, "--draws", 2)
    outcome = run_here("evaluate", *arguments, *how, "--quiet", "--device", "cpu")
    assert (outcome.status, outcome.err) == (0, ""), outcome
    figures = figures_of(out)
    names = {str(encoder), "untrained small", "raw pixels", "colour histogram"}
    protocols = {"knn", "logistic", "least squares", "linear", "1 a category"}
    assert figures.keys() == {(name, protocol) for name in names for protocol in protocols}
    for protocol in ("knn", "logistic", "1 a category"):
        assert figures["colour histogram", protocol]["accuracy"] == {
            "estimate": 1.0,
            "low": 1.0,
            "high": 1.0,
            "level": 0.95,
        }
    for row in figures.values():
        assert row["accuracy"]["low"] <= row["accuracy"]["estimate"] <= row["accuracy"]["high"]
        assert (row["beside"] is None) == (row["representation"] == str(encoder))
        assert row["seeds"] == 1
    whole = json.loads((out / "results.json").read_text())
    knn = whole["results"]["colour histogram"]["knn"]
    tested = sum(map(sum, knn["confusion"]["counts"]))
    assert (whole["objects"], whole["frames"]) == (3 * objects, 12 * objects)
    assert tested == 12 * objects if how else 0 < tested < 200
    assert knn["settings"]["k"] == 20
    alignment = whole["holds"]["raw pixels"]["alignment"]
    assert alignment["cosine"][0] is not None  # all at equal views
    assert {(row["representation"], row["by"]) for row in whole["retrieval"]} == {(n, "regression") for n in names}
    for row in whole["retrieval"]:
        n = row["candidates"]
        assert row["chance"] == {"top1": 1 / n, "top5": 5 / n, "mean_rank": (n + 1) / 2}
        # Pictures of noise tell no turn.
        assert row["mean_rank"]["estimate"] == pytest.approx((n + 1) / 2, rel=0.25)
    assert (out / "confusion.png").read_bytes().startswith(b"\x89PNG")
    assert (out / "alignment.png").exists()
    for told in ("colour histogram", "cosine of next frames", "found among those of", "a guess"):
        assert told in outcome.out
    assert f"{12 * objects} frames of {3 * objects} objects, 3 categories" in outcome.out


@pytest.mark.long
def test_runs_of_two_seeds_on_live_play(collected: Path, tmp_path: Path) -> None:
    """One representation, with its own heads, on episodes that are played in images of the encoder's size."""
    runs = [tmp_path / f"run{seed}" for seed in (0, 1)]
    for seed, folder in enumerate(runs):
        write_run(folder, seed=seed)
    command = tmp_path / "command"
    write_run(command, method="ciper", action="command")
    arguments = ("--data", f"sim:{collected}?episodes=20&seed=4", "--frames", 6, "--out", tmp_path / "out")
    outcome = run_here("evaluate", "--encoder", *runs, command, *arguments, "--device", "cpu")
    assert outcome.status == 0, outcome
    assert "play: 20/20 episodes" in outcome.err
    assert f"look: {command}: retrieval by its own heads is left out: action=command: pairs of sim:" in outcome.err
    whole = json.loads((tmp_path / "out" / "results.json").read_text())
    assert whole["frames"] == 20 * 6
    assert whole["seeds"]["aa-simclr"] == {"0": str(runs[0]), "1": str(runs[1])}
    assert whole["seeds"]["untrained small"].keys() == {"0", "1"}
    found = {(row["representation"], row["protocol"]): row for row in whole["figures"]}
    assert {name for name, _ in found} == whole["seeds"].keys()
    knn = found["aa-simclr", "knn"]
    assert knn["seeds"] == found["untrained small", "knn"]["seeds"] == 2
    assert knn["accuracy"]["estimate"] == pytest.approx(
        np.mean([whole["results"][str(folder)]["knn"]["accuracy"] for folder in runs])
    )
    retrieved = {(row["representation"], row["by"]): row for row in whole["retrieval"]}
    assert {name for name, by in retrieved if by == "own heads"} == {"aa-simclr"}
    assert retrieved["aa-simclr", "own heads"]["seeds"] == 2
    assert retrieved["aa-simclr", "own heads"]["candidates"] == 6 * 6 * 5
    lines = [line for line in outcome.out.splitlines() if line.startswith("aa-simclr")]
    assert any(re.search(r" knn +2 +\d", line) for line in lines)
    assert any("own heads" in line for line in lines)


def test_mistakes_are_one_line_and_leave_nothing(encoder: Path, photographs: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    export_encoder(other, build_encoder("small", seed=3), name="small", image_size=64, trained={})
    used = tmp_path / "used"
    used.mkdir()
    data = ("--data", f"images:{photographs}")
    cases: list[tuple[str, tuple[object, ...]]] = [
        ("KIND:ROOT is needed", ("--encoder", encoder, "--data", str(photographs))),
        ("KIND:ROOT is needed", ("--encoder", encoder, "--data", f"films:{photographs}")),
        ("no such folder", ("--encoder", encoder, "--data", f"images:{tmp_path / 'none'}")),
        ("not an encoder", ("--encoder", photographs, *data)),
        ("image sizes [32, 64]", ("--encoder", encoder, other, *data)),
        ("exists already", ("--encoder", encoder, *data, "--out", used)),
        ("frames=-1", ("--encoder", encoder, *data, "--frames", -1)),
        ("at least 1 of each", ("--encoder", encoder, *data, "--shots", 0)),
    ]
    before = contents(tmp_path)
    for told, arguments in cases:
        outcome = run_here("evaluate", "--out", tmp_path / "out", "--quiet", *arguments)
        assert_one_line(outcome)
        assert told in outcome.err
    assert contents(tmp_path) == before
    assert not (tmp_path / "out").exists()
