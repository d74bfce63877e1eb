"""`scripts/experiment.py`: a tiny grid end to end, killed, resumed and repeated; and what is refused."""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest
import tyro

from agent.dataset import Dataset
from agent.merge import merge
from learner.experiments import EXPERIMENTS, Base
from learner.experiments.grid import Grid, grid_of, read_grid, write_grid
from learner.settings import OnlineSettings, TrainSettings, suited, suited_training
from sim.errors import InputError
from tests.agent.sound import contents, sound_episode, store
from tests.learner.experiments.made import grid, scale
from tests.references.heaps import heaps
from tests.scripts.running import ROOT, Outcome, assert_one_line, end_of, run_here, start, wait_until

KEPT = ("simclr-tt", "aa-simclr")
NOT_REPEATED = ("seconds", "megabytes")


def tiny() -> Grid:
    """Two trainings that learn from the same episodes."""
    made = grid("tumble", seeds=1, steps=6)
    kept = [
        replace(each, against=KEPT[:1] if each.name == KEPT[1] else ()) for each in made.conditions if each.name in KEPT
    ]
    return replace(made, conditions=tuple(kept), seeds=(1, 1))


def cells_of(folder: Path) -> list[dict[str, str]]:
    """The rows of cells.csv, without what no machine repeats."""
    with (folder / "cells.csv").open() as file:
        rows = list(csv.DictReader(file))
    return [{name: value for name, value in row.items() if name not in NOT_REPEATED} for row in rows]


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("grid") / "grid.json"
    write_grid(path, tiny())
    return path


@pytest.fixture(scope="module")
def undisturbed(stored: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Outcome]:
    cache = tmp_path_factory.mktemp("experiments")
    outcome = run_here("experiment", "tumble", "--grid", stored, "--cache", cache, "--workers", 2, "--quiet")
    assert (outcome.status, outcome.err) == (0, ""), outcome
    return cache, outcome


def test_a_grid_is_trained_scored_and_told(undisturbed: tuple[Path, Outcome], stored: Path) -> None:
    cache, outcome = undisturbed
    assert outcome.out == f"{cache / 'tumble'}: 2 of 2 trainings, the full grid; see section.md\n"
    left = {path.name for path in (cache / "tumble").iterdir()}
    assert {"grid.json", "cells.csv", "summary.csv", "curves.csv", "section.md", "accuracy.png", "curves.png"} <= left
    assert read_grid(cache / "tumble/grid.json") == read_grid(stored)
    rows = cells_of(cache / "tumble")
    assert [row["condition"] for row in rows] == [*KEPT]
    for row in rows:
        assert float(row["knn"]) > 1 / 3  # three categories
        run = cache / "runs" / row["run"]
        settings = json.loads((run / "settings.json").read_text())
        assert settings["settings"]["precision"] == "float32"
        assert settings["command"].startswith("python scripts/train.py --out ")
        scores = json.loads(next(run.glob("scores-*.json")).read_text())
        assert len(scores["accuracy"]["knn"]) == 3 * 4
        assert scores["error"] < 0.01
        assert [look["step"] for look in scores["curve"]] == [1, 2, 3, 4, 5, 6]
    assert (rows[0]["retrieval"], rows[1]["retrieval"] != "") == ("", True)


def test_what_is_done_is_not_done_again(undisturbed: tuple[Path, Outcome], stored: Path) -> None:
    cache, _ = undisturbed
    before = {path: path.stat().st_mtime_ns for name in ("runs", "data") for path in (cache / name).rglob("*")}
    outcome = run_here("experiment", "tumble", "--cache", cache, "--quiet")
    assert outcome.status == 0, outcome
    assert {path: path.stat().st_mtime_ns for name in ("runs", "data") for path in (cache / name).rglob("*")} == before


def test_halves_are_merged_once_and_anew_where_that_was_cut_short(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    from _cli import Stop
    from _experiment import Worker

    both = replace(next(each.data for each in grid("contact").conditions if each.data.beside), episodes=15)
    for seed, half in enumerate(both.parts):
        store(tmp_path / "data" / half.key, range(half.episodes), seed=seed)
    merged, halves = tmp_path / "data" / both.key, [tmp_path / "data" / half.key for half in both.parts]
    store(tmp_path / "else", range(8), seed=2)
    store(tmp_path / "more", range(3), seed=3)
    merge(merged, [tmp_path / "else", tmp_path / "more"])  # of halves that are not there any more
    stop = Stop()
    worker = Worker(tmp_path, devices=("cpu",), at_once=1, stop=stop, quiet=True)
    stop.signal = signal.SIGINT
    worker.collect([both])
    assert len(Dataset(merged)) == 11
    stop.signal = 0
    worker.collect([both])
    assert [Dataset(merged).origin(number) for number in (0, 7, 8, 14)] == [
        (half.name, number) for half, numbers in zip(halves, ((0, 7), (0, 6)), strict=True) for number in numbers
    ]
    before = contents(merged)
    shutil.rmtree(halves[0])
    worker.collect([both])
    assert contents(merged) == before


@pytest.mark.long
def test_hand_and_table_are_collected_merged_and_scored_in_both_places(tmp_path: Path) -> None:
    made = grid("contact", seeds=1, steps=4, highest_rank=0)
    kept = tuple(replace(each, against=()) for each in made.conditions if ", both," in each.name)
    write_grid(tmp_path / "grid.json", replace(made, conditions=kept, seeds=(1, 1)))
    outcome = run_here("experiment", "contact", "--grid", tmp_path / "grid.json", "--cache", tmp_path, "--quiet")
    assert (outcome.status, outcome.err) == (0, ""), outcome
    rows = cells_of(tmp_path / "contact")
    assert [(row["play"], row["action"]) for row in rows] == [("tumble+push", "efference")] * 2
    assert len({row["run"] for row in rows}) == len(list((tmp_path / "runs").iterdir())) == 1
    assert float(rows[0]["error"]) > 0.1
    assert rows[0]["scored"] != rows[1]["scored"]
    text = (tmp_path / "contact/section.md").read_text()
    assert "raw pixels, in the hand" in text
    assert "raw pixels, on the table" in text


def test_of_what_learned_nothing_all_folds_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    from _cli import Stop
    from _experiment import Worker

    made = tiny()
    folds, objects = [], {}
    for fold, numbers in (("1", range(4)), ("2", range(4, 12))):
        scored = replace(made.conditions[0].scored, episodes=int(fold))
        folds.append(replace(made.conditions[0], name=f"simclr-tt, fold {fold}", pool="simclr-tt", scored=scored))
        store(tmp_path / "data" / scored.key, numbers, image_format="png")
        objects[fold] = {sound_episode(number).instance for number in numbers}
    store(tmp_path / "data" / folds[0].bank.key, range(20, 44), image_format="png")
    worker = Worker(tmp_path, devices=("cpu",), at_once=1, stop=Stop(), quiet=True)
    found = worker.baselines(replace(made, conditions=(*folds, made.conditions[1]), seeds=(1, 1, 1)))
    for shares in found.values():
        assert {name.partition("/")[2] for name in shares} == objects["1"] | objects["2"]
        assert len(shares) == 12


def test_what_learned_nothing_is_told_of_each_play(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    from _cli import Stop
    from _experiment import Worker

    made, numbers = grid("long", seeds=1, highest_rank=0), iter(range(0, 400, 4))
    for data in made.data:
        first = next(numbers)
        store(tmp_path / "data" / data.key, range(first, first + 4), image_format="png")
    found = Worker(tmp_path, devices=("cpu",), at_once=1, stop=Stop(), quiet=True).baselines(made)
    told = [name.partition(", ") for name in found]
    assert [play for _, _, play in told] == ["turntable"] * (len(told) // 2) + ["tumble"] * (len(told) // 2)
    assert found["raw pixels, turntable"].keys() != found["raw pixels, tumble"].keys()


@pytest.fixture(scope="module")
def crossed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Outcome]:
    """A folder with few meshes, two of which are alike, and experiments with a grid of its two folds."""
    root = tmp_path_factory.mktemp("own")
    # Of these names, a training holds out some for validation and some for test, whichever fold it learns from.
    heaps(root / "meshes", {"egg": 5, "key": 5}, {"key_01": ("key_copy",)})
    small = scale(categories=(), seeds=1, steps=4)
    made = grid_of(EXPERIMENTS["own"], small, Base(small, "test", objects=str(root / "meshes"), folds=2))
    kept = tuple(each for each in made.conditions if each.method == "simclr-tt")
    write_grid(root / "grid.json", replace(made, conditions=kept, seeds=(1,) * len(kept)))
    outcome = run_here("experiment", "own", "--grid", root / "grid.json", "--cache", root / "experiments", "--quiet")
    assert (outcome.status, outcome.err) == (0, ""), outcome
    return root, outcome


@pytest.mark.long
def test_folds_are_trained_scored_and_told_as_one(crossed: tuple[Path, Outcome]) -> None:
    root, outcome = crossed
    cache = root / "experiments"
    assert outcome.out == f"{cache / 'own'}: 2 of 2 trainings, the full grid; see section.md\n"
    rows = cells_of(cache / "own")
    assert [row["condition"] for row in rows] == ["simclr-tt, fold 1", "simclr-tt, fold 2"]
    with (cache / "own/summary.csv").open() as file:
        told = next(row for row in csv.DictReader(file) if row["figure"] == "knn")
    assert (told["condition"], told["instances"]) == ("simclr-tt", "11")
    scored = [json.loads(next((cache / "runs" / row["run"]).glob("scores-*.json")).read_text()) for row in rows]
    names = [name for each in scored for name in each["accuracy"]["knn"]]
    assert len(names) == len({*names}) == 11
    shares = [share for each in scored for share in each["accuracy"]["knn"].values()]
    assert float(told["estimate"]) == pytest.approx(sum(shares) / 11)
    assert [each["alike"] for each in scored if each.get("alike")] == [
        {"key/key_01": "key/key_01", "key/key_copy": "key/key_01"}
    ]
    text = (cache / "own/section.md").read_text()
    assert f"`python scripts/experiment.py own --objects {root / 'meshes'} --folds 2`: " in text
    assert "the 10 groups of near-duplicates" in text
    # Of what learned nothing, all objects count too.
    learned = sorted((cache / "baselines").glob("*.json"))
    parts = [json.loads(path.read_text())["raw pixels"] for path in learned]
    share = sum(sum(part.values()) for part in parts) / sum(map(len, parts))
    assert (len(parts), sum(map(len, parts))) == (2, 11)
    assert f"raw pixels {100 * share:.1f}" in text


@pytest.mark.long
def test_one_fold_alone_is_not_told_and_another_folder_is_refused(
    crossed: tuple[Path, Outcome], tmp_path: Path
) -> None:
    root = crossed[0]
    cache = root / "experiments"
    done = [row["run"] for row in cells_of(cache / "own")]
    for name in ("runs", "logs"):
        (tmp_path / name).mkdir()
    for name in ("data", "baselines", f"runs/{done[0]}"):
        os.symlink(cache / name, tmp_path / name)
    (tmp_path / "runs" / done[1]).mkdir()
    (tmp_path / "runs" / done[1] / "settings.json").write_text("{}")
    outcome = run_here("experiment", "own", "--grid", root / "grid.json", "--cache", tmp_path, "--quiet")
    assert (outcome.status, outcome.err.count("look: simclr-tt, fold 2, seed 0: error: ")) == (1, 1), outcome
    told = "1 of 2 trainings, the full grid; of no condition are all folds done yet"
    assert outcome.out == f"{tmp_path / 'own'}: {told}\n"
    assert {path.name for path in (tmp_path / "own").iterdir()} == {"grid.json"}
    for folds, objects in ((2, root), (3, root / "meshes")):
        outcome = run_here("experiment", "own", "--objects", objects, "--folds", folds, "--cache", tmp_path)
        assert_one_line(outcome)
        assert f"--folds {folds}: the grid in {tmp_path}/own is of --objects {root}/meshes --folds 2" in outcome.err


@pytest.mark.long
def test_killed_and_resumed_elsewhere_it_gives_the_same_numbers(
    undisturbed: tuple[Path, Outcome], stored: Path, tmp_path: Path
) -> None:
    cache, _ = undisturbed
    os.symlink(cache / "data", tmp_path / "data")
    arguments = ("tumble", "--grid", stored, "--cache", tmp_path, "--quiet")
    process = start("experiment", *arguments)
    wait_until(lambda: any(tmp_path.glob("runs/*/history.jsonl")), process)
    process.send_signal(signal.SIGINT)
    stopped = end_of(process)
    assert stopped.status == 128 + signal.SIGINT, stopped
    assert "the same command goes on" in stopped.out
    outcome = run_here("experiment", *arguments)
    assert outcome.status == 0, outcome
    assert cells_of(tmp_path / "tumble") == cells_of(cache / "tumble")


def test_a_training_that_fails_is_told_and_the_others_go_on(
    undisturbed: tuple[Path, Outcome], stored: Path, tmp_path: Path
) -> None:
    cache, _ = undisturbed
    os.symlink(cache / "data", tmp_path / "data")
    (tmp_path / "runs").mkdir()
    done, broken = (row["run"] for row in cells_of(cache / "tumble"))
    os.symlink(cache / "runs" / done, tmp_path / "runs" / done)
    (tmp_path / "runs" / broken).mkdir()
    (tmp_path / "runs" / broken / "settings.json").write_text("{}")
    outcome = run_here("experiment", "tumble", "--grid", stored, "--cache", tmp_path, "--quiet")
    assert outcome.status == 1
    assert outcome.err.startswith("look: aa-simclr, seed 0: error: ")
    assert outcome.err.count("\n") == 1
    assert "1 of 2 trainings" in outcome.out
    assert [row["condition"] for row in cells_of(tmp_path / "tumble")] == ["simclr-tt"]


def test_the_page_is_written_of_what_was_found(undisturbed: tuple[Path, Outcome], tmp_path: Path) -> None:
    cache, _ = undisturbed
    tmp_path.joinpath("docs").mkdir()
    outcome = run_here("experiment", "results", "--cache", cache, "--docs", tmp_path / "docs")
    assert outcome.status == 0, outcome
    text = (tmp_path / "docs/results.md").read_text()
    assert "## From turns about the upright axis to any" in text
    assert "python scripts/experiment.py settle" in text.partition("## Not yet measured")[2]
    assert read_grid(tmp_path / "docs/results/tumble/grid.json") == tiny()


def test_a_dry_run_prints_the_grid_and_its_hours_and_leaves_nothing(stored: Path, tmp_path: Path) -> None:
    outcome = run_here("experiment", "tumble", "--grid", stored, "--cache", tmp_path / "none", "--dry-run")
    assert outcome.status == 0, outcome
    assert "2 trainings, 2 datasets of 72 episodes in all: the full grid" in outcome.out
    assert "hours here" in outcome.out
    assert not (tmp_path / "none").exists()


@pytest.mark.long
def test_a_size_that_is_asked_for_is_what_is_left(tmp_path: Path) -> None:
    sizes = ("--steps", 7, "--seeds", 2, "--rank", 1, "--image-size", 32)
    outcome = run_here("experiment", "tumble", *sizes, "--cache", tmp_path / "none", "--dry-run", "--devices", "cpu")
    assert outcome.status == 0, outcome
    table = [line.rsplit(maxsplit=4)[:3] for line in outcome.out.splitlines()[1:5]]
    assert table == [[name, "2", "7"] for name in ("simclr", "simclr-tt", "aa-simclr", "aa-simclr, all")]
    assert "8 trainings, 2 datasets" in outcome.out
    assert "4 of 6 conditions, 8 of 24 trainings, 7 of 20000 steps" in outcome.out


def test_pictures_of_another_size_are_of_that_size_everywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    import experiment as script

    usual = script.Ask("play", cache=tmp_path, docs=tmp_path, devices=("cpu",))
    small = replace(usual, image_size=32, steps=9)
    made = script.settled_grid(small, EXPERIMENTS["play"])
    live = [each.settings.record for each in made.conditions if isinstance(each.settings, OnlineSettings)]
    assert live
    assert {record.scene.image_size for record in [*live, *(data.record for data in made.data)]} == {32}
    assert (made.cut, made.share) == ("--steps 9 --image-size 32", 9 / 20_000)
    whole = script.settled_grid(usual, EXPERIMENTS["play"])
    assert (whole.cut, whole.share, whole.data[0].record.scene.image_size) == ("", 1.0, 64)


@pytest.mark.parametrize("name", ["settle", "methods", "noise", "online", "contact"])
def test_settings_are_what_their_flags_say(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    from _flags import flags

    begin = {TrainSettings: suited_training(), OnlineSettings: suited()}
    for condition in grid(name).conditions:
        options = {"config": (tyro.conf.OmitArgPrefixes,)}
        settings, record = condition.settings, condition.data.record
        told = tyro.cli(type(settings), args=flags(settings), default=begin[type(settings)], **options)
        assert told == settings
        assert tyro.cli(type(record), args=flags(record), **options) == record


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("settel",), "name=settel: unknown, known are settle, tumble, long, methods"),
        (("settle", "--budget", -1), "budget=-1"),
        (("settle", "--rank", -2), "rank=-2: -1 (as it suits) or more is needed"),
        (("settle", "--image-size", -1), "image_size=-1: 0 (as it suits) or more is needed"),
        (("settle", "--image-size", 3), "image_size=3: between 16 and 1024 pixels"),
        (("settle", "--grid", "some.json", "--image-size", 32), "--image-size 32: a stored grid has its own size"),
        (("settle", "--grid", "some.json", "--steps", 5), "--steps 5: a stored grid has its own size"),
        (("settle", "--devices", "cuda:99"), "device=cuda:99"),
        (("settle", "--grid", "no-such.json"), "no-such.json: no grid of armplay 1"),
        (("own",), "objects=: --objects DIR names a folder of meshes"),
        (("own", "--objects", "toys"), "toys are endless and need no folds"),
        (("own", "--objects", "nowhere", "--folds", 1), "folds=1: 2 or more is needed"),
        (("own", "--objects", "nowhere"), "objects=nowhere?fold=1/5: neither toys nor a folder"),
        (("methods", "--objects", "nowhere"), "objects=nowhere: methods has objects of its own; a folder is for own"),
    ],
)
def test_a_mistake_is_one_line(arguments: tuple[object, ...], told: str, tmp_path: Path) -> None:
    outcome = run_here("experiment", *arguments, "--cache", tmp_path)
    assert_one_line(outcome)
    assert told in outcome.err


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """scripts/experiment.py."""
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    import experiment

    yield experiment
    sys.modules.pop("experiment", None)


def test_more_seeds_or_conditions_add_to_a_grid_that_was_begun(script: ModuleType, tmp_path: Path) -> None:
    tumble = EXPERIMENTS["tumble"]

    def grid_for(**sizes: int) -> Grid:
        grid: Grid = script.settled_grid(script.Ask("tumble", cache=tmp_path, docs=tmp_path, **sizes), tumble)
        return grid

    small, large = grid_for(steps=60, seeds=1, rank=0), grid_for(steps=60, seeds=2, rank=1)
    assert len(small.trainings) < len(large.trainings)
    (tmp_path / "tumble").mkdir()
    write_grid(tmp_path / "tumble/grid.json", small)
    assert grid_for() == small
    assert grid_for(steps=60, seeds=2, rank=1) == large
    for sizes in ({"steps": 61, "seeds": 2}, {"steps": 60, "seeds": 2, "image_size": 32}):
        with pytest.raises(
            InputError, match="is --steps 60 --seeds 1 --rank 0, of which some would be gone: give anot"
        ):
            grid_for(**sizes)
    write_grid(tmp_path / "tumble/grid.json", large)
    with pytest.raises(InputError, match="of which some would be gone"):
        grid_for(steps=60, seeds=2, rank=0)


def test_another_grid_or_budget_than_was_begun_is_refused(stored: Path, tmp_path: Path) -> None:
    (tmp_path / "tumble").mkdir()
    write_grid(tmp_path / "tumble/grid.json", replace(tiny(), seeds=(2, 1), cut="--budget 3"))
    for arguments, told in (
        (("tumble", "--grid", stored), "another one was begun"),
        (
            ("tumble", "--budget", 4),
            f"--budget 4: the grid in {tmp_path}/tumble is --budget 3, of which some would be gone: give another --out",
        ),
        (("settle", "--grid", stored), "one of tumble, one of settle is needed"),
    ):
        outcome = run_here("experiment", *arguments, "--cache", tmp_path)
        assert_one_line(outcome)
        assert told in outcome.err
    with pytest.raises(InputError):
        read_grid(tmp_path / "none.json")
