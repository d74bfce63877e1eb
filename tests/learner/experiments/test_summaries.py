"""What scores come to: against plain loops, by hand, and in files."""

from __future__ import annotations

import csv
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from learner.experiments import EXPERIMENTS
from learner.experiments.design import ActionTerm
from learner.experiments.grid import Grid
from learner.experiments.merit import NOT_YET, costs, half_gone, merits, shares_left
from learner.experiments.outcome import chosen, write_outcome
from learner.experiments.page import gather, write_page
from learner.experiments.summary import cell_table, summary, the
from sim.errors import InputError
from tests.learner.experiments.made import INSTANCES, found_for, grid, outcome, scores


def test_figures_are_means_and_differences_are_paired_by_a_plain_loop() -> None:
    made = grid("tumble", seeds=3, other_seeds=2)
    found = found_for(made)
    rows = summary(made, found)
    for name, other, seeds in (("aa-simclr", "simclr", 3), ("aa-simclr, all", "simclr-tt", 2)):
        total, beside = 0.0, 0.0
        for seed in range(seeds):
            for instance in INSTANCES:
                total += found[name, seed]["accuracy"]["knn"][instance]
                beside += found[other, seed]["accuracy"]["knn"][instance]
        count = seeds * len(INSTANCES)
        figure, difference = the(rows, name, "knn"), the(rows, name, "knn", other)
        assert figure is not None
        assert difference is not None
        assert figure.estimate == pytest.approx(total / count)
        assert difference.estimate == pytest.approx((total - beside) / count)
        assert figure.low < figure.estimate < figure.high
        assert (difference.seeds, difference.instances) == (seeds, len(INSTANCES))
    assert the(rows, "simclr", "knn", "aa-simclr") is None


def test_what_methods_share_cancels_in_their_difference() -> None:
    made = grid("tumble", seeds=3)
    rng = np.random.default_rng(0)
    hard, luck = rng.uniform(size=len(INSTANCES)), rng.uniform(size=3)
    above = {"simclr": 0.0, "simclr-tt": 0.1, "aa-simclr": 0.3}
    found = {(name, seed): scores(hard + luck[seed] + more) for name, more in above.items() for seed in range(3)}
    rows = summary(made, found)
    figure, difference = the(rows, "aa-simclr", "knn"), the(rows, "aa-simclr", "knn", "simclr-tt")
    assert figure is not None
    assert difference is not None
    assert figure.high - figure.low > 0.2
    assert (difference.low, difference.estimate, difference.high) == pytest.approx((0.2, 0.2, 0.2))


def test_a_grid_that_is_not_done_is_summed_up_as_far_as_it_is() -> None:
    made = grid("tumble", seeds=3, other_seeds=3)
    found = {key: value for key, value in found_for(made).items() if key != ("aa-simclr", 1) and key[0] != "simclr"}
    rows = summary(made, found)
    difference = the(rows, "aa-simclr", "knn", "simclr-tt")
    assert difference is not None
    assert difference.seeds == 2
    assert the(rows, "aa-simclr", "knn", "simclr") is None
    assert [row["seed"] for row in cell_table(made, found) if row["condition"] == "aa-simclr"] == [0, 2]


def test_other_instances_are_refused() -> None:
    made = grid("tumble")
    found = found_for(made)
    shares = found["simclr", 1]["accuracy"]["knn"]
    shares["car/99"] = shares.pop("car/0")
    with pytest.raises(InputError, match="the same 12 are needed everywhere"):
        summary(made, found)


# The figure of merit


def slow_half_gone(errors: list[float], gains: list[float]) -> float:
    if gains[0] <= 0:
        return float("nan")
    for fine in np.union1d(np.linspace(0, len(errors) - 1, 20001), range(len(errors))):
        if np.interp(fine, range(len(gains)), gains) <= gains[0] / 2:
            return float(np.interp(fine, range(len(errors)), errors))
    return float("inf")


@settings(deadline=None, max_examples=30)
@given(st.lists(st.tuples(st.floats(0.01, 1), st.floats(-0.1, 0.2)), min_size=2, max_size=6))
def test_where_half_of_the_gain_is_gone_by_small_steps(points: list[tuple[float, float]]) -> None:
    errors = np.cumsum([step for step, _ in points])
    gains = [gain for _, gain in points]
    wanted = slow_half_gone(errors.tolist(), gains)
    assert half_gone(errors, np.array([gains]))[0] == pytest.approx(wanted, abs=2e-3, nan_ok=True)


def noisy(drop: float, *, gain: float) -> tuple[Grid, dict]:
    """Gaussian noise of errors 0.25, 0.5, 0.75, 1, each of which takes `drop` of a gain of `gain`."""
    made = grid("noise", seeds=3, other_seeds=3)
    kept = [each for each in made.conditions if each.panel in ("clean", "gaussian")]
    made = replace(made, conditions=tuple(kept), seeds=(3,) * len(kept))
    rng = np.random.default_rng(0)
    hard = rng.uniform(0.2, 0.6, len(INSTANCES))
    found = {}
    for seed in range(3):
        levels = {"simclr": (-0.1, 0.0), "simclr-tt": (0.0, 0.0), "aa-simclr": (gain, 0.0)}
        for number, level in enumerate((0.1, 0.2, 0.5, 1)):
            levels[f"gaussian {level:g}"] = (gain - (number + 1) * drop, 0.25 * (number + 1))
        for name, (more, error) in levels.items():
            own = rng.normal(0, 0.005, len(INSTANCES))
            found[name, seed] = scores(hard + more + own, error=error)
    return made, found


def test_the_error_that_costs_half_of_the_gain() -> None:
    (merit,) = merits(*noisy(0.04, gain=0.1))
    assert merit.kind == "gaussian"
    assert merit.low < merit.estimate < merit.high
    assert merit.estimate == pytest.approx(0.25 * 0.05 / 0.04, abs=0.06)
    assert merit.told == f"{merit.estimate:.2f} [{merit.low:.2f}, {merit.high:.2f}]"


def test_a_half_that_is_not_lost_and_a_gain_that_is_none_are_said_to_be_so() -> None:
    (merit,) = merits(*noisy(0.002, gain=0.1))
    assert merit.estimate == np.inf
    assert merit.told.startswith("not reached up to 1.00")
    (merit,) = merits(*noisy(0.01, gain=0.0))
    assert np.isnan(merit.estimate)
    assert merit.told.startswith("no gain to lose")
    made, found = noisy(0.04, gain=0.1)
    assert merits(made, {key: value for key, value in found.items() if key[0] != "simclr-tt"}) == []


def test_what_is_left_of_the_clean_gain() -> None:
    made = grid("remedies", seeds=3, other_seeds=3, highest_rank=0)
    rng = np.random.default_rng(0)
    hard = rng.uniform(0.2, 0.6, len(INSTANCES))
    gains = {"simclr-tt": 0.0, "aa-simclr": 0.1, "aa-bounded, gaussian:0.5": 0.08, "aa-simclr, gaussian:0.5": 0.02}
    found = {}
    for seed in range(3):
        for name, gain in gains.items():
            found[name, seed] = scores(hard + gain + rng.normal(0, 0.005, len(INSTANCES)))
    told = dict(shares_left(made, found))
    assert set(told) == set(gains) - {"simclr-tt"}
    assert told["aa-simclr"] == "1.00 [1.00, 1.00]"
    for name, share in (("aa-bounded, gaussian:0.5", 0.8), ("aa-simclr, gaussian:0.5", 0.2)):
        estimate, low, high = (float(part.strip("[],")) for part in told[name].split())
        assert low < estimate < high
        assert estimate == pytest.approx(share, abs=0.06)
    lost = {key: scores(hard) for key in found}
    assert {words.partition(":")[0] for _, words in shares_left(made, lost)} == {"no gain to lose"}


def test_what_no_condition_has_a_figure_for_is_said_once(tmp_path: Path) -> None:
    made = grid("remedies", seeds=3, other_seeds=3, highest_rank=0)
    found = {(each.name, seed): scores(np.full(12, 0.5)) for each in made.conditions for seed in range(3)}
    write_outcome(tmp_path, EXPERIMENTS["remedies"], made, found, baselines={}, command="python run remedies")
    text = (tmp_path / "section.md").read_text()
    assert text.count("no gain to lose") == 1
    assert "that is left: no gain to lose: that of clean actions is not above zero for sure." in text
    assert "| condition | share of the clean gain" not in text
    found |= {("aa-simclr", seed): scores(np.full(12, 0.9)) for seed in range(3)}
    write_outcome(tmp_path, EXPERIMENTS["remedies"], made, found, baselines={}, command="python run remedies")
    text = (tmp_path / "section.md").read_text()
    assert "| condition | share of the clean gain that is left, 95 % |" in text
    assert "| aa-simclr | 1.00 [1.00, 1.00] |" in text


def test_costs_are_counted_until_simclrs_end_is_reached() -> None:
    made = grid("cost", seeds=2)
    found = {("simclr", seed): scores(np.ones(12)) for seed in range(2)}
    fast = [{"step": 1, "seconds": 0.5, "knn_validation": 0.2}, {"step": 2, "seconds": 1.0, "knn_validation": 0.7}]
    slow = [{"step": 6, "seconds": 9.0, "knn_validation": 0.5}]
    found |= {("simclr-tt", seed): scores(np.ones(12), curve=fast) for seed in range(2)}
    found |= {("aa-simclr", 0): scores(np.ones(12), curve=slow)}
    rows = {row["condition"]: row for row in costs(made, found)}
    assert {row["target"] for row in rows.values()} == {0.6}
    assert (rows["simclr"]["steps"], rows["simclr"]["seconds"]) == (6, 3.0)
    assert (rows["simclr-tt"]["reached"], rows["simclr-tt"]["steps"], rows["simclr-tt"]["pairs"]) == (2, 2, 16)
    assert (rows["aa-simclr"]["reached"], rows["aa-simclr"]["seconds"]) == (0, None)


# Files


def test_settle_keeps_what_it_chose_and_others_take_it_at_their_own_length(tmp_path: Path) -> None:
    folder = outcome(tmp_path / "settle", "settle", highest_rank=3)
    with (folder / "summary.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if (row["figure"], row["beside"]) == ("knn", "")]
    able = [row for row in rows if row["panel"] == "action term" and row["method"] == "aa-simclr"]
    best = max(able, key=lambda row: float(row["estimate"]))["condition"]
    assert f"**{best}**" in (folder / "section.md").read_text()
    kept = json.loads((folder / "choice.json").read_text())
    assert kept["condition"] == best
    settings = next(each for each in grid("settle", highest_rank=3).conditions if each.name == best).settings
    assert chosen(folder / "choice.json")[0].at(settings.steps) == settings.loss
    longer = {**kept, "term": {**kept["term"], "action_warmup": 0.25}}
    (folder / "choice.json").write_text(json.dumps(longer))
    assert chosen(folder / "choice.json")[0].at(400).action_warmup == 100
    assert chosen(tmp_path / "none.json") == (ActionTerm(), "as by default, nothing was settled")


def test_nothing_is_chosen_from_a_grid_with_trainings_to_come(tmp_path: Path) -> None:
    made = grid("settle", highest_rank=1)
    found = found_for(made)
    late = ("aa-simclr, all", 1)
    some = {key: value for key, value in found.items() if key != late}
    write_outcome(tmp_path, EXPERIMENTS["settle"], made, some, baselines={}, command="python run settle")
    text = (tmp_path / "section.md").read_text()
    wanted = sum(name.startswith("aa-simclr") for name, _ in found)
    assert f"No action term is chosen yet: 1 of {wanted} trainings with one are to come." in text
    assert "; 1 to 2 seeds, bars" in text
    assert not (tmp_path / "choice.json").exists()
    write_outcome(tmp_path, EXPERIMENTS["settle"], made, found, baselines={}, command="python run settle")
    assert (tmp_path / "choice.json").exists()


def test_each_play_of_an_experiment_is_told_in_words(tmp_path: Path) -> None:
    folder = outcome(tmp_path / "long", "long")
    with (folder / "summary.csv").open() as file:
        rows = {(row["condition"], row["figure"], row["beside"]): row for row in csv.DictReader(file)}
    text = (folder / "section.md").read_text()
    for play in ("turntable", "tumble"):
        row = rows[f"aa-simclr, {play}", "knn", f"simclr-tt, {play}"]
        points = f"{100 * float(row['estimate']):+.1f} ["
        assert f"AA-SimCLR, {play} by kNN: over `simclr-tt` {points}" in text
        assert f"AA-SimCLR, {play} by logistic regression: " in text
    assert "AA-SimCLR, weight 0.1" not in text


def test_an_outcome_has_tables_pictures_and_words(tmp_path: Path) -> None:
    folder = outcome(tmp_path / "tumble", "tumble")
    text = (folder / "section.md").read_text()
    assert "12 validation instances of 2 categories, 2 frames each; 2 seeds" in text
    assert "60 episodes of toys, tumble, background fixed, arm hidden, 32 pixels" in text
    assert "8 of 8 trainings of the full grid (100 %)" in text
    with (folder / "summary.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["beside"] and row["condition"] == "aa-simclr"]
    told = {(row["figure"], row["beside"]): f"{100 * float(row['estimate']):+.1f} [" for row in rows}
    assert f"AA-SimCLR by kNN: over `simclr-tt` {told['knn', 'simclr-tt']}" in text
    logistic = f"by logistic regression: over `simclr-tt` {told['logistic', 'simclr-tt']}"
    assert logistic in text
    assert "(the paper's linear probe, on RT4K: +2.5)" in text[text.index(logistic) :].splitlines()[0]
    assert f"{told['logistic', 'simclr']}" in next(
        line for line in text.splitlines() if line.startswith("| aa-simclr |")
    )
    assert "raw pixels 25.0" in text
    assert "70.0 [70.0, 70.0] | 1.050 |" in text
    for name in ("accuracy", "differences", "curves"):
        picture = cv2.imread(str(folder / f"{name}.png"))
        assert 0.005 < (picture < 128).any(axis=2).mean() < 0.3
        assert f"](results/tumble/{name}.png)" in text
    with (folder / "cells.csv").open() as file:
        assert len(list(csv.DictReader(file))) == 8


@pytest.mark.parametrize(("gain", "enough"), [(0.004, False), (0.05, True)])
def test_accuracy_counts_from_three_standard_errors_on(gain: float, enough: bool, tmp_path: Path) -> None:
    made, found = noisy(0.0, gain=gain)
    write_outcome(tmp_path, EXPERIMENTS["noise"], made, found, baselines={}, command="python run noise")
    text = (tmp_path / "section.md").read_text()
    row = the(summary(made, found), "aa-simclr", "knn", "simclr-tt")
    assert row is not None
    ratio = row.estimate / ((row.high - row.low) / 2 / 1.96)
    assert (ratio >= 3) == enough
    assert f" points, {ratio:.1f} standard errors." in text
    assert (NOT_YET in text) != enough


def test_live_runs_are_drawn_against_the_frames_that_they_saw(tmp_path: Path) -> None:
    made, rng = grid("play"), np.random.default_rng(0)
    found = found_for(made)
    for (name, _), each in found.items():
        if name.startswith("live"):
            each["seen"] = [{"frames": 500 * look, "knn": rng.uniform(0.2, 0.3) + 0.1 * look} for look in range(1, 6)]
    write_outcome(tmp_path, EXPERIMENTS["play"], made, found, baselines={}, command="python run play")
    with (tmp_path / "seen.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert Counter(row["condition"] for row in rows) == {
        name: 10 for name in dict.fromkeys(name for name, _ in found) if name.startswith("live")
    }
    assert "](results/play/seen.png)" in (tmp_path / "section.md").read_text()
    picture = cv2.imread(str(tmp_path / "seen.png"))
    assert 0.003 < (picture < 128).any(axis=2).mean() < 0.3
    with (tmp_path / "cells.csv").open() as file:
        plays = {row["condition"]: row["play"] for row in csv.DictReader(file)}
    assert (plays["live, curious"], plays["live, inspect"], plays["aa-simclr, turntable"]) == (
        "curious",
        "inspect",
        "turntable",
    )


def test_the_page_opens_with_two_figures_and_says_what_is_not_measured(tmp_path: Path) -> None:
    docs, experiments = tmp_path / "docs", [EXPERIMENTS[name] for name in ("tumble", "methods", "noise", "play")]
    docs.mkdir()
    write_page(docs / "results.md", docs / "results", experiments)
    text = (docs / "results.md").read_text()
    assert text.count("not yet measured (`") == 2
    assert text.count("- ") == 4
    assert "Does acting help?" not in text

    for name in ("methods", "noise"):
        outcome(tmp_path / "made" / name, name)
    (tmp_path / "made/play").mkdir()  # begun, and nothing found yet
    gather(tmp_path / "made", docs / "results", [each.name for each in experiments])
    write_page(docs / "results.md", docs / "results", experiments)
    text = (docs / "results.md").read_text()
    opening, *sections = text.split("\n## ")
    assert "![Does acting help?](results/gains.png)" in opening
    assert "![Accuracy by method](results/methods/accuracy.png)" in opening
    # The scores are drawn: no method gains anything.
    assert "![What corruption does](results/noise/retrieval.png)" in opening
    assert "accuracy has too little to lose" in opening
    kept = docs / "results/noise/section.md"
    kept.write_text(kept.read_text().replace(NOT_YET, ""))
    write_page(docs / "results.md", docs / "results", experiments)
    assert "![What corruption does](results/noise/knn.png)" in (docs / "results.md").read_text()
    assert opening.count("12 test instances") == 2
    assert [each.splitlines()[0] for each in sections] == [
        "Accuracy by method",
        "What corruption does",
        "Not yet measured",
    ]
    assert [line for line in sections[-1].splitlines() if line.startswith("- ")] == [
        "- From turns about the upright axis to any: `python scripts/experiment.py tumble`",
        "- How to play: `python scripts/experiment.py play`",
    ]
    for line in text.splitlines():
        if line.startswith("!["):
            assert (docs / line.partition("](")[2].rstrip(")")).exists()
