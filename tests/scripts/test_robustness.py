"""The table of errors: from an arm at play, from a stored dataset, and what cannot be measured."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from learner.experiments.grid import write_grid
from sim.corrupt import KINDS
from tests.learner.experiments.made import grid
from tests.scripts.running import assert_one_line, run_here

FEW = ("--episodes", 2, "--quiet")


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open() as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All kinds on two episodes."""
    folder = tmp_path_factory.mktemp("measured")
    outcome = run_here("robustness", *FEW, "--out", folder / "errors.csv", folder / "errors.png")
    assert (outcome.status, outcome.err) == (0, ""), outcome
    (folder / "printed.txt").write_text(outcome.out)
    return folder


def test_every_kind_has_its_levels_on_one_scale(measured: Path) -> None:
    rows = rows_of(measured / "errors.csv")
    assert rows[0]["kind"] == "clean"
    assert float(rows[0]["relative"]) < 0.01
    assert len(rows) == 1 + 4 * len(KINDS) + 2 * 2 * 4
    for kind in KINDS:
        found = [row for row in rows if row["kind"] == kind]
        assert [float(row["level"]) for row in found] == list(KINDS[kind].levels.grid)
        assert {(row["unit"], row["corrupted"]) for row in found} == {(KINDS[kind].levels.unit, "recorded")}
        assert float(rows[0]["relative"]) <= float(found[0]["relative"]) < float(found[-1]["relative"]) < 2
        assert 1 < float(found[-1]["rotation_degrees"]) < 180
    for row in rows:
        if row["told"] == "true":
            assert float(row["relative"]) < 0.01
        if (row["told"], row["level"]) == ("nominal", "8.0"):
            assert 0.5 < float(row["relative"]) < 1.5


def test_what_is_printed_is_what_is_kept(measured: Path) -> None:
    lines = (measured / "printed.txt").read_text().splitlines()
    rows = rows_of(measured / "errors.csv")
    assert len(lines) == len(rows) + 2
    assert "2 episodes" in lines[0]
    for line, row in zip(lines[2:], rows, strict=True):
        assert line.startswith(row["kind"])
        assert f"{float(row['relative']):.2f}" in line
        assert f"{float(row['rotation_degrees']):.1f} degrees" in line


def test_the_chart_is_a_picture(measured: Path) -> None:
    picture = cv2.imread(str(measured / "errors.png"))
    assert min(picture.shape[:2]) > 400
    assert 0.01 < (picture < 128).any(axis=2).mean() < 0.3


def test_stored_episodes_give_the_same_table_as_the_arm_that_played_them(measured: Path, tmp_path: Path) -> None:
    data, table = tmp_path / "data", tmp_path / "errors.csv"
    arguments = ("--episodes", 3, "--engine", "local", "--out", data, "--image-size", 32, "--quiet")
    assert run_here("collect", *arguments).status == 0
    outcome = run_here("robustness", *FEW, "--data", data, "--kinds", "gaussian", "uneven", "--out", table)
    assert outcome.status == 0, outcome
    expected = [row for row in rows_of(measured / "errors.csv") if row["kind"] in ("clean", "gaussian", "uneven")]
    assert rows_of(table) == expected
    assert len(expected) == 13


def test_wrongly_executed_commands_are_played_anew(measured: Path, tmp_path: Path) -> None:
    table = tmp_path / "errors.csv"
    outcome = run_here("robustness", *FEW, "--what", "executed", "--kinds", "gaussian", "--out", table)
    assert outcome.status == 0, outcome
    rows, recorded = rows_of(table), rows_of(measured / "errors.csv")
    assert [row["corrupted"] for row in rows] == ["", *["executed"] * 4]
    errors = [float(row["relative"]) for row in rows]
    assert errors == sorted(errors)
    alike = [float(row["relative"]) for row in recorded if row["kind"] in ("clean", "gaussian")]
    assert np.array(errors[:3]) == pytest.approx(np.array(alike[:3]), rel=0.3, abs=0.01)
    assert errors[1:] != alike[1:]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--episodes", 1), "episodes=1: at least 2"),
        (("--seed", -1), "seed=-1"),
        (("--kinds", "fog"), "kinds=fog: unknown, known are bias"),
        (("--what", "executed", "--kinds", "missing"), "missing changes no command"),
        (("--what", "executed", "--data", "data"), "leave out --data"),
        (("--out", "errors.pdf"), "out=errors.pdf: the ending must be .csv or .png"),
        (("--out", "no-such/errors.csv"), "there is no folder no-such"),
        (("--data", "no-such"), "no such folder"),
    ],
)
def test_a_mistake_is_one_line(arguments: tuple[object, ...], told: str) -> None:
    outcome = run_here("robustness", *arguments)
    assert_one_line(outcome)
    assert told in outcome.err


@pytest.mark.long
def test_quick_goes_on_with_the_grid_that_was_begun_and_draws_a_first_curve(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, kept = grid("noise-quick", seeds=1), ("simclr-tt", "aa-simclr", "gaussian 0.5")
    few = tuple(each for each in made.conditions if each.name in kept)
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "experiments/noise-quick"
    folder.mkdir(parents=True)
    write_grid(folder / "grid.json", replace(made, conditions=few, seeds=(1, 1, 1), cut="--budget 0.6"))
    outcome = run_here("robustness", "--quick", "--quiet")
    assert (outcome.status, outcome.err) == (0, ""), outcome
    rows = {row["condition"]: row for row in rows_of(folder / "cells.csv")}
    assert list(rows) == [*kept]
    assert float(rows["aa-simclr"]["error"]) < 0.01 < 0.2 < float(rows["gaussian 0.5"]["error"]) < 1
    text = (folder / "section.md").read_text()
    assert "rror at which half of the gain is gone" in text
    for name in ("alignment", "knn", "retrieval"):
        assert (folder / f"{name}.png").exists()
        assert f"noise-quick/{name}.png" in text


def test_corrupted_episodes_are_not_corrupted_again(collected: Path) -> None:
    outcome = run_here("robustness", *FEW, "--data", collected)
    assert_one_line(outcome)
    assert "collected with gaussian:0.3" in outcome.err
