"""Grids: what is in them, that they survive being stored, and what a budget leaves of them."""

from __future__ import annotations

import csv
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.settings import to_json
from learner.experiments import EXPERIMENTS, Base
from learner.experiments.budget import BESIDE_S, Speeds, fitted, hours
from learner.experiments.design import MAIN, augmented, digest, frames_seen
from learner.experiments.grid import Cell, cut_from, grid_of, read_grid, write_grid
from learner.methods import METHODS, REMEDIES
from learner.settings import OnlineSettings, TrainSettings
from sim.corrupt import KINDS, TIME_KINDS
from sim.errors import InputError
from tests.learner.experiments.made import grid, scale

NAMES = sorted(name for name, each in EXPERIMENTS.items() if not each.folded)
"""Those with folds need a folder of meshes: tests/learner/experiments/test_own.py."""
KEPT = sorted((Path(__file__).parents[3] / "docs/results").glob("*/grid.json"))


@pytest.mark.parametrize("name", NAMES)
def test_a_stored_grid_is_the_grid(name: str, tmp_path: Path) -> None:
    made = replace(grid(name), share=0.25, words="some of it", cut="--budget 2")
    write_grid(tmp_path / "grid.json", made)
    assert read_grid(tmp_path / "grid.json") == made
    assert [cell.key for cell in read_grid(tmp_path / "grid.json").cells] == [cell.key for cell in made.cells]


@pytest.mark.parametrize("path", KEPT, ids=lambda path: path.parent.name)
def test_grids_that_were_run_keep_their_names_and_those_of_their_files(path: Path, tmp_path: Path) -> None:
    """Or all that is cached would be collected and trained again."""
    kept, stored = read_grid(path), json.loads(path.read_text())
    write_grid(tmp_path / "grid.json", kept)
    assert json.loads((tmp_path / "grid.json").read_text()) == stored
    assert {data.key for data in kept.data} == stored["data"].keys()
    keys = {(cell.condition.name, str(cell.seed)): cell for cell in kept.cells}
    with path.with_name("cells.csv").open() as file:
        for row in csv.DictReader(file):
            cell = keys[row["condition"], row["seed"]]
            assert (cell.key, cell.condition.data.key, cell.condition.scored.key) == (
                row["run"],
                row["data"],
                row["scored"],
            )


@pytest.mark.parametrize("name", NAMES)
def test_conditions_are_scored_on_the_same_held_out_instances(name: str) -> None:
    made = grid(name)
    for condition in made.conditions:
        record, learned = condition.scored.record, condition.data.record
        assert record.split == EXPERIMENTS[name].split
        assert (record.corrupt, record.corrupt_time, learned.split, condition.bank.record.split) == (
            "",
            "",
            "train",
            "train",
        )
        assert replace(record, split="train") == condition.bank.record
        # Which instances are drawn depends on these alone.
        first = made.conditions[0].scored
        assert (record.seed, record.categories, condition.scored.episodes) == (
            0,
            first.record.categories,
            first.episodes,
        )


@pytest.mark.parametrize("name", NAMES)
def test_seeds_are_paired_and_no_training_is_done_twice(name: str) -> None:
    made = grid(name, steps=4000, seeds=3, other_seeds=2)
    count = Counter(cell.condition.name for cell in made.cells)
    for condition, seeds in zip(made.conditions, made.seeds, strict=True):
        assert count[condition.name] == seeds == (3 if condition.rank == 0 else 2)
        assert all(other in count and other != condition.name for other in condition.against)
    assert len({(cell.key, cell.condition.scored.key) for cell in made.cells}) == len(made.cells)
    if name != "contact":
        assert len({cell.key for cell in made.cells}) == len(made.cells)
    assert {cell.settings.seed for cell in made.cells} == {0, 1, 2}


def test_experiments_share_their_runs_and_another_number_is_another_run() -> None:
    methods, cost = (grid(name) for name in ("methods", "cost"))
    assert {cell.key for cell in cost.cells} <= {cell.key for cell in methods.cells}
    cell = methods.cells[0]
    settings = cell.condition.settings
    assert isinstance(settings, TrainSettings)

    def key(**changes: object) -> str:
        return Cell(replace(cell.condition, settings=replace(settings, **changes)), cell.seed).key  # type: ignore[arg-type]

    assert key(data="elsewhere", storage="file", checkpoint_every=3) == cell.key
    assert len({cell.key, key(steps=7), key(threads=2), key(batch=16), Cell(cell.condition, 1).key}) == 5


def test_settle_has_one_factor_at_a_time() -> None:
    made = {each.name: each.settings for each in grid("settle").conditions}
    usual = made["aa-simclr"]
    assert {each.method for each in made.values()} == {*MAIN}
    for name, settings in made.items():
        if settings.method == "aa-simclr":
            changed = [field for field, value in vars(settings.loss).items() if value != getattr(usual.loss, field)]
            changed += ["batch"] if settings.batch != usual.batch else []
            # Beside the published negatives, one dial more.
            assert len(changed) == name.count(","), name


def test_noise_has_every_kind_at_its_levels() -> None:
    made = grid("noise")
    told = {(each.settings.corrupt or each.settings.corrupt_time) for each in made.conditions}  # type: ignore[attr-defined]
    for kinds in (KINDS, TIME_KINDS):
        for kind, (_, levels) in kinds.items():
            assert {f"{kind}:{level:g}" for level in levels.grid} <= told
    executed = [each.data.record.corrupt for each in made.conditions if each.data.record.corrupt_what == "executed"]
    assert sorted(executed) == ["delayed:2", "delayed:8", "gaussian:0.5", "gaussian:1"]


def test_remedies_meet_what_they_are_for() -> None:
    made = {each.name: each for each in grid("remedies").conditions}
    for wrong in ("gaussian:0.5", "shuffled:0.5"):
        for name in (*REMEDIES, "calibrated-rotation"):
            settings = made[f"{name}, {wrong}"].settings
            assert settings.corrupt == wrong
            assert (settings.method in REMEDIES) != (settings.action == "calibrated-rotation")
            assert f"aa-simclr, {wrong}" in made[f"{name}, {wrong}"].against
            assert made[name].settings.corrupt == ""


def test_methods_has_all_of_them_and_the_controls() -> None:
    made = grid("methods").conditions
    assert {each.method for each in made} == {*METHODS} - {*REMEDIES}
    assert {each.data.record.scene.randomize.background for each in made} == {"fixed", "frame", "episode"}
    assert {each.data.record.scene.draw for each in made} == {"hidden", "hand", "whole"}
    controls = [each for each in made if each.panel == "controls"]
    assert {each.settings.action for each in controls} == {"rotation", "gap", "pose-rotation"}
    assert [each.name for each in controls if not each.data.record.scene.draw_object] == ["the arm without an object"]


def test_long_has_small_pictures_and_compares_within_a_play() -> None:
    experiment = EXPERIMENTS["long"]
    small = experiment.scale(scale(image_size=64))
    made = {each.name: each for each in grid_of(experiment, small, Base(small, experiment.split)).conditions}
    assert {each.data.record.scene.image_size for each in made.values()} == {32}
    for play in ("turntable", "tumble"):
        acting = [each for each in made.values() if each.play == play and each.method == "aa-simclr"]
        assert [each.settings.loss.action_weight for each in acting] == [1.0, 0.1]
        for each in acting:
            assert [made[other].settings.method for other in each.against] == ["simclr", "simclr-tt"]
            assert {made[other].data for other in each.against} == {each.data}


def test_contact_learns_as_much_of_each_kind_and_scores_it_in_both_places() -> None:
    made = grid("contact", seeds=3, other_seeds=3, episodes=61)
    assert len(made.trainings) == len(made.cells) / 2 == 3 * 2 * 3
    assert made.pairs == sum(cell.settings.steps * cell.settings.batch for cell in made.cells) / 2
    places = ("scored in the hand", "scored on the table")
    names = [f"aa-simclr, {source}, {places[place]}" for source, place in (("hand", 0), ("hand", 1), ("table", 1))]
    assert made.progress({(name, 0) for name in names}) == "2 of 18 trainings"
    plays = {each.play: each.data for each in made.conditions}
    assert {name: data.episodes for name, data in plays.items()} == dict.fromkeys(("tumble", "push", "tumble+push"), 61)
    first, second = plays["tumble+push"].parts
    assert (first.record, first.episodes, second.episodes) == (plays["tumble"].record, 31, 30)
    # The same play, of other objects than the first half has.
    assert replace(second.record, seed=0) == plays["push"].record
    assert second.record.seed != first.record.seed
    scenes = [plays[play].record.scene for play in ("tumble", "push")]
    assert replace(scenes[1], camera=scenes[0].camera) == scenes[0]
    for each in made.conditions:
        assert each.scored.beside is None
        assert each.scored.record.at_table == ("on the table" in each.name)
        assert {each.panel} == {other.panel for other in made.conditions if other.name in (each.name, *each.against)}


def test_a_dataset_of_one_kind_has_the_key_that_it_had_before_there_were_two() -> None:
    data = Base(scale(), "test").data()
    assert data.key == digest({"record": to_json(data.record), "episodes": data.episodes})
    halves = replace(data, beside=replace(data.record, seed=1))
    assert len({data.key, halves.key, replace(halves, beside=data.record).key}) == 3
    assert not data.parts
    with pytest.raises(InputError, match="episodes=1: at least 2"):
        replace(halves, episodes=1)


def test_without_takes_operations_away_and_leaves_the_rest() -> None:
    usual = TrainSettings().augment
    bare = replace(usual, **augmented(usual, "crop", "jitter", "grey", "hue"))
    gone = {"crop_probability", "jitter_probability", "grey_probability", "hue"}
    for name, value in vars(bare).items():
        assert value == (0.0 if name in gone else getattr(usual, name))


def test_online_runs_use_up_the_frames_at_their_ratio() -> None:
    for condition in grid("online", steps=400).conditions:
        settings = condition.settings
        if isinstance(settings, OnlineSettings) and condition.data.episodes > 60:
            frames = 0.8 * condition.data.episodes * 6
            assert settings.steps * settings.batch / frames == pytest.approx(settings.replay_ratio, rel=0.1)


def test_live_runs_of_play_see_as_many_frames_and_are_repeatable() -> None:
    made = grid("play", steps=400, seeds=1)
    live = {each.name: each for each in made.conditions if isinstance(each.settings, OnlineSettings)}
    assert {each.record.play for each in live.values() if each.live} == {"tumble", "curious", "turntable", "inspect"}
    control = live["live, turns drawn evenly"]
    assert (control.live, control.record.play, control.settings.data) == (False, "curious", control.data.key)
    seen = {name: frames_seen(each.settings, 400) for name, each in live.items()}
    assert max(seen.values()) <= 1.05 * min(seen.values())
    assert seen["live, curious"] / (400 * 8 / 10) == pytest.approx(1, abs=0.15)
    for each in live.values():
        settings = each.settings
        assert (settings.lockstep, settings.replay_ratio, settings.seed) == (True, 10, 0)
        assert settings.checkpoint_every * settings.keep_checkpoints >= settings.steps
    # Nothing is collected for those that play.
    plays = {data.record.play for data in made.data if data.record.split == "train"}
    assert plays == {"tumble", "turntable", "inspect", "curious"}
    assert sum(data.record.play == "curious" for data in made.data) == 1
    more = hours(made, SLOW) - hours(replace(made, conditions=made.conditions[:9], seeds=made.seeds[:9]), SLOW)
    played = sum(seen[name] / 6 for name, each in live.items() if each.live) + control.data.episodes
    trained = len(live) * (400 * 3.0 + BESIDE_S)
    assert more == pytest.approx((trained + 0.5 * played) / 3600)


def test_frames_seen_are_those_that_a_feeder_inserts() -> None:
    """Against episodes inserted one by one until a step may be sampled."""
    settings = grid("play", steps=400).conditions[-2].settings
    assert isinstance(settings, OnlineSettings)
    first = inserted = settings.minimum_episodes
    for step in range(40):
        while (inserted - first) * 6 * settings.replay_ratio < step * settings.batch:
            inserted += 1
        assert frames_seen(settings, step + 1) == 6 * inserted


# Budgets

FULL = scale(steps=800, ladder=(800, 400, 200), seeds=5, other_seeds=3)
SETTLE = EXPERIMENTS["settle"]
SLOW = Speeds(
    step=lambda settings: 3.0 if settings.method == "aa-simclr" else 2.0,
    episode=lambda record: 1.5 if record.at_table else 0.5,
)


def test_hours_are_those_of_steps_and_episodes() -> None:
    made = grid("settle", steps=10)
    seconds = sum(10 * (3.0 if cell.settings.method == "aa-simclr" else 2.0) + BESIDE_S for cell in made.cells)
    assert hours(made, SLOW, at_once=2) == pytest.approx((seconds / 2 + (60 + 12) * 0.5) / 3600)


def test_hours_tell_a_table_from_the_hand_and_halves_from_what_is_merged_of_them() -> None:
    made = grid("contact", steps=10)
    seconds = sum(10 * (3.0 if cell.settings.method == "aa-simclr" else 2.0) for cell in made.trainings)
    whole = [data for data in made.data if not data.parts]
    halves = [half for data in made.data for half in data.parts]
    assert {True, False} == {data.record.at_table for data in whole} == {data.record.at_table for data in halves}
    played = sum(data.episodes * (1.5 if data.record.at_table else 0.5) for data in whole + halves)
    assert hours(made, SLOW) == pytest.approx((seconds + BESIDE_S * len(made.cells) + played) / 3600)


@hypothesis.settings(deadline=None, max_examples=25)
@given(st.floats(0.2, 120))
def test_what_fits_is_the_largest_that_does(budget: float) -> None:
    base = Base(FULL, "validation")
    least = grid_of(SETTLE, replace(FULL, steps=200, seeds=1, highest_rank=0), base)
    if hours(least, SLOW) > budget:
        with pytest.raises(InputError, match="the least grid of settle takes"):
            fitted(SETTLE, base, SLOW, budget=budget)
        return
    made = fitted(SETTLE, base, SLOW, budget=budget)
    assert hours(made, SLOW) <= budget
    steps = max(each.settings.steps for each in made.conditions)
    full = grid_of(SETTLE, FULL, base)
    assert cut_from(full, made, "--budget 1").share == pytest.approx(made.pairs / full.pairs)
    # Nothing later in the order is taken away before what is earlier in it is at its end.
    if max(made.seeds) < 5:
        assert steps == 200
    if len(made.conditions) < len(full.conditions):
        assert (steps, max(made.seeds)) == (200, 1)
        assert {each.rank for each in made.conditions} == set(range(1 + max(each.rank for each in made.conditions)))
    if steps < 800:
        assert hours(grid_of(SETTLE, replace(FULL, steps=2 * steps), base), SLOW) > budget


def test_a_budget_that_nothing_fits_is_refused_and_one_that_all_fits_leaves_all() -> None:
    with pytest.raises(InputError, match=r"budget=0\.01: the least grid of settle takes 0\.\d+ hours here"):
        fitted(SETTLE, Base(FULL, "validation"), SLOW, budget=0.01)
    made = fitted(SETTLE, Base(FULL, "validation"), SLOW, budget=1e6)
    made = cut_from(made, made, "--budget 1e+06")
    assert (made.share, made.cut, len(made.conditions)) == (1.0, "--budget 1e+06", 30)
    assert made.words == "30 of 30 conditions, 98 of 98 trainings, 800 of 800 steps"


# Mistakes


@pytest.mark.parametrize("text", ["", "[]", '{"format": "armplay-run"}', "{"])
def test_a_foreign_file_is_no_grid(text: str, tmp_path: Path) -> None:
    (tmp_path / "grid.json").write_text(text)
    with pytest.raises(InputError, match=r"grid\.json: no grid of armplay 1"):
        read_grid(tmp_path / "grid.json")


def test_a_setting_that_cannot_be_is_named(tmp_path: Path) -> None:
    path = tmp_path / "grid.json"
    write_grid(path, grid("tumble"))
    stored = json.loads(path.read_text())
    stored["conditions"][1]["settings"]["batch"] = 1
    path.write_text(json.dumps(stored))
    with pytest.raises(InputError, match="simclr-tt: batch=1: at least 2"):
        read_grid(path)


def test_two_conditions_of_one_name_are_refused() -> None:
    def twice(base: Base) -> list:
        return SETTLE.conditions(base)[:1] * 2

    small = scale()
    with pytest.raises(InputError, match="each needs a name of its own"):
        grid_of(replace(SETTLE, conditions=twice), small, Base(small, "validation"))


def test_an_empty_scale_is_refused() -> None:
    with pytest.raises(InputError, match="seeds=0: at least 1"):
        scale(seeds=0)
