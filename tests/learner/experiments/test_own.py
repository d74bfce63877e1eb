"""The experiment on a folder of meshes: what its folds test, and how they are told as one."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from learner.experiments import EXPERIMENTS, Base
from learner.experiments.grid import Grid, grid_of, read_grid, write_grid
from learner.experiments.outcome import write_outcome
from learner.experiments.own import SEEN
from learner.experiments.pool import pooled, together
from learner.experiments.summary import ALIKE, summary, the
from learner.protocols import interval
from sim.errors import InputError
from sim.objects import catalogue_of
from sim.seeding import stream
from tests.learner.experiments.made import found_for, grid, scale, scores
from tests.references.heaps import heaps

OWN = EXPERIMENTS["own"]
SIZES = {"cup": 3, "hat": 4, "lone": 1}
ALL = {"cup": 3, "hat": 6, "lone": 1}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Three categories; of the second, three objects are alike, and the third is one object."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ARMPLAY_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield heaps(tmp_path_factory.mktemp("heaps"), SIZES, {"hat_01": ("hat_b", "hat_c")})


@pytest.fixture(scope="module")
def made(root: Path) -> Grid:
    small = scale(categories=())
    return grid_of(OWN, small, Base(small, "test", objects=str(root), folds=2))


def test_each_fold_is_learned_without_what_it_tests(made: Grid, root: Path, tmp_path: Path) -> None:
    assert [each.name for each in made.conditions] == [
        f"{method}, fold {fold}" for fold in (1, 2) for method in ("simclr", "simclr-tt", "aa-simclr")
    ]
    tested: Counter[str] = Counter()
    for each in made.conditions:
        fold = each.name[-1]
        assert each.pool == each.method
        assert each.data.record.objects == each.scored.record.objects == f"{root}?fold={fold}/2"
        assert (each.bank, each.data.record.split, each.scored.record.split) == (each.data, "train", "test")
        assert replace(each.scored.record, split="train") == each.data.record
        assert each.data.episodes == 30
        assert [other.rpartition(", ")[2] for other in each.against] == [f"fold {fold}"] * len(each.against)
        if each.method == "simclr":
            recorder = each.scored.record()
            seen = Counter("/".join(recorder.choose(number)) for number in range(each.scored.episodes))
            names = {
                f"{category}/{name}"
                for category in recorder.catalogue.categories
                for name in recorder.catalogue.instances(category, split="test")
            }
            assert seen.keys() == names
            assert each.scored.episodes >= SEEN * len(names)
            tested.update(names)
    assert len(tested) == ALL["cup"] + ALL["hat"]  # a category of one object is never tested
    assert len({cell.key for cell in made.cells}) == len(made.cells) == 12
    write_grid(tmp_path / "grid.json", made)
    assert read_grid(tmp_path / "grid.json") == made


def test_without_a_folder_or_for_endless_toys_there_is_no_grid() -> None:
    for objects, told in (("", "--objects DIR names a folder of meshes"), ("toys", "toys are endless")):
        with pytest.raises(InputError, match=told):
            grid_of(OWN, scale(), Base(scale(), "test", objects=objects))


def found_in(made: Grid, root: Path) -> dict[tuple[str, int], dict]:
    """Random scores of each fold's own objects."""
    rng, found = np.random.default_rng(0), {}
    catalogues = {each.record.objects: catalogue_of(each.record.objects) for each in made.conditions}
    for cell in made.cells:
        about = catalogues[cell.condition.record.objects].describe()
        alike = {name: group[0] for group in about["alike"] for name in group}
        catalogue = catalogues[cell.condition.record.objects]
        names = [f"{kind}/{name}" for kind in ALL for name in catalogue.instances(kind, split="test")]
        shares = dict(zip(names, rng.uniform(size=len(names)).tolist(), strict=True))
        part = scores(rng.uniform(size=12), error=rng.uniform(), alignment=1.1)
        part |= {"accuracy": {"knn": shares, "logistic": shares}, "frames": 10 * len(names)}
        part["alike"] = {name: alike[name] for name in names if name in alike}
        if cell.condition.method == "aa-simclr":
            part["retrieval"] = {"top1": 0.2, "mean_rank": rng.uniform(2, 4), "candidates": 8}
        found[cell.condition.name, cell.seed] = part
    return found


def test_folds_are_told_as_one_by_groups_of_what_is_alike(made: Grid, root: Path) -> None:
    found = found_in(made, root)
    whole, told = pooled(made, found)
    assert [each.name for each in whole.conditions] == ["simclr", "simclr-tt", "aa-simclr"]
    assert whole.conditions[2].against == ("simclr", "simclr-tt")
    rows = summary(whole, told)
    values, others = (
        np.array(
            [
                [
                    share
                    for _, share in sorted(
                        pair
                        for fold in (1, 2)
                        for pair in found[f"{method}, fold {fold}", seed]["accuracy"]["knn"].items()
                    )
                ]
                for seed in range(2)
            ]
        )
        for method in ("aa-simclr", "simclr")
    )
    assert values.shape == (2, 9)
    # In the order of names: three cups, hat_00 to hat_03, of which hat_b and hat_c are as hat_01.
    groups = np.array([0, 1, 2, 3, 4, 5, 6, 4, 4])
    row, difference = the(rows, "aa-simclr", "knn"), the(rows, "aa-simclr", "knn", "simclr")
    for got, expected in ((row, values), (difference, values - others)):
        assert got is not None
        sure = interval(expected, rng=stream("bootstrap", 0), groups=groups)
        assert (got.estimate, got.low, got.high) == pytest.approx((sure.estimate, sure.low, sure.high))
        assert (got.how, got.instances) == (ALIKE, 9)
    parts = [found[f"aa-simclr, fold {fold}", 1] for fold in (1, 2)]
    assert told["aa-simclr", 1]["error"] == pytest.approx(np.mean([part["error"] for part in parts]))
    assert told["aa-simclr", 1]["frames"] == 90
    rank = np.mean([part["retrieval"]["mean_rank"] for part in parts])
    assert told["aa-simclr", 1]["retrieval"]["mean_rank"] == pytest.approx(rank)
    assert "retrieval" not in told["simclr", 0]
    with pytest.raises(InputError, match="tested in two folds; the folder has changed"):
        together([parts[0], parts[0]])


def test_half_of_the_folds_are_not_told_as_if_they_were_all(made: Grid, root: Path, tmp_path: Path) -> None:
    found = found_in(made, root)
    del found["simclr, fold 2", 1]
    del found["simclr-tt, fold 1", 0]
    del found["simclr-tt, fold 2", 1]
    assert set(pooled(made, found)[1]) == {("simclr", 0), ("aa-simclr", 0), ("aa-simclr", 1)}
    assert pooled(made, {("simclr, fold 1", 0): found["simclr, fold 1", 0]})[1] == {}
    write_outcome(tmp_path, OWN, made, found, baselines={"raw pixels": {"a": 0.25}}, command="python run own")
    text = (tmp_path / "section.md").read_text()
    table = [line.split(" | ")[:2] for line in text.splitlines() if line.startswith("| ")]
    assert [row for row in table if row[1].isdecimal()] == [["| simclr", "1"], ["| aa-simclr", "2"]]
    assert f"30 episodes of {root} without one of 2 folds, turntable" in text
    assert "9 test instances of 2 categories, 10 frames each on the average; 1 to 2 seeds" in text
    assert "95 % over seeds and the 7 groups of near-duplicates; 9 of 12 trainings of the full grid" in text
    with (tmp_path / "cells.csv").open() as file:
        assert len([*csv.DictReader(file)]) == 9
    picture = cv2.imread(str(tmp_path / "accuracy.png"))
    assert 0.005 < (picture < 128).any(axis=2).mean() < 0.3


def test_a_grid_without_folds_is_told_as_it_is() -> None:
    made = grid("tumble")
    found = found_for(made)
    assert pooled(made, found) == (made, found)
