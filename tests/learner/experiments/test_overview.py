"""What all experiments found of whether acting helps."""

from __future__ import annotations

from pathlib import Path

import pytest

from learner.experiments.overview import draw_gains, gains
from learner.experiments.summary import read_rows, summary, the
from sim.errors import InputError
from tests.learner.experiments.made import found_for, grid, outcome


def test_a_summary_reads_as_it_was_written(tmp_path: Path) -> None:
    made = grid("noise", highest_rank=1)
    rows = summary(made, found_for(made))
    assert any(row.x is not None for row in rows)
    assert read_rows(outcome(tmp_path / "noise", "noise") / "summary.csv") == rows


@pytest.mark.parametrize("text", ["", "condition,estimate\nsimclr,0.5\n", "\x00", "{estimate: 1}\n1\n"])
def test_another_file_is_refused(text: str, tmp_path: Path) -> None:
    path = outcome(tmp_path / "tumble", "tumble") / "summary.csv"
    path.write_text(text or path.read_text().replace(",0.", ",O."))
    with pytest.raises(InputError, match=r"summary\.csv: no summary of an experiment"):
        read_rows(path)


def test_every_setting_of_every_experiment_is_there_once_by_each_protocol(tmp_path: Path) -> None:
    names = ("settle", "tumble", "long", "play")
    outcome(tmp_path / "settle", "settle")
    outcome(tmp_path / "long", "long", steps=12)
    rows = gains(tmp_path, names)
    assert [(row.condition, row.figure) for row in rows] == [
        (f"{told} steps, 2 seeds", figure)
        for told in ("settle, turntable: 32 pixels, 6", "long, turntable: 32 pixels, 12", "long, tumble: 32 pixels, 12")
        for figure in ("knn", "logistic")
    ]
    made = grid("long", highest_rank=1, steps=12)
    expected = the(summary(made, found_for(made)), "aa-simclr, tumble", "knn", "simclr-tt, tumble")
    assert expected is not None
    assert rows[4][6:] == expected[6:]
    assert draw_gains(tmp_path, names)
    assert (tmp_path / "gains.png").stat().st_size > 5000
    # What is no longer found is no longer shown.
    assert not draw_gains(tmp_path, ("play",))
    assert not (tmp_path / "gains.png").exists()


def test_a_comparison_that_experiments_share_is_there_once_with_the_most_seeds(tmp_path: Path) -> None:
    names = ("methods", "noise", "augmentations", "cost")
    for name in names:
        outcome(tmp_path / name, name, highest_rank=1, seeds=3 if name == "noise" else 2)
    told = [row.condition for row in gains(tmp_path, names) if row.figure == "knn"]
    shared = [each for each in told if "turntable" in each]
    assert shared == ["noise, turntable: 32 pixels, 6 steps, 3 seeds"]
    # What was trained otherwise, with fewer augmentations, is another comparison.
    assert "augmentations, without grey: 32 pixels, 6 steps, 2 seeds" in told
    assert len(set(told)) == len(told) > 3
