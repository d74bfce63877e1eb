"""What is noted of each step, when, and what is kept when a run ends."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from agent.watch import Watch
from learner.health import EARLY
from learner.journal import Journal
from learner.team import TeamLost
from tests.learner.episodes import buffer_of
from tests.learner.test_checkpoint import learner_of, pairs_of
from tests.learner.test_run import SETTINGS, Silent, open_run, rows_on_disk
from tests.scripts.running import contents

EVERY = replace(SETTINGS, steps=11, log_every=2, validate_every=3, checkpoint_every=4, keep_checkpoints=9)


@pytest.mark.parametrize("steps", [11, 12])
def test_rows_looks_and_checkpoints_come_when_they_are_due_and_at_the_end(steps: int, tmp_path: Path) -> None:
    run, learner, looks, done = open_run(tmp_path, replace(EVERY, steps=steps)), learner_of(), [], []

    class Bar:
        def advance(self, step: int, note: str) -> None:
            done.append(step)

    def look() -> dict[str, float]:
        looks.append(learner.steps)
        return {"probe/knn_validation": float(learner.steps)}

    losses = []
    with Journal(run, learner, buffer_of(2), validation=look, bar=Bar()) as journal:
        for number in range(steps):
            step = learner.step(pairs_of(number))
            losses.append(float(step.losses["loss"]))
            journal.note(step, pairs_of(number))
    run.close()
    assert looks == [3, 6, 9, *([11] if steps == 11 else [12])]
    assert done == list(range(1, steps + 1))
    assert run.checkpoints.steps == [4, 8, steps]
    rows = rows_on_disk(tmp_path)
    assert [row["step"] for row in rows] == [2, 4, 6, 8, 10, *([11] if steps == 11 else [12])]
    # A look between two rows is in the later one.
    assert [row.get("probe/knn_validation") for row in rows] == [None, 3, 6, None, 9, steps]
    ends = [0, *(int(row["step"]) for row in rows)]
    means = [sum(losses[a:b]) / (b - a) for a, b in pairwise(ends)]
    assert [row["loss"] for row in rows] == pytest.approx(means, rel=1e-5)


def test_who_watches_is_shown_each_row_and_the_batch_of_its_step(tmp_path: Path) -> None:
    class Notes(Watch):
        def __init__(self) -> None:
            self.rows: dict[int, float] = {}
            self.batches: list[int] = []

        def figures(self, step, values) -> None:
            self.rows[step] = values["loss"]

        def pairs(self, step, pairs) -> None:
            assert torch.equal(pairs.first, pairs_of(step).first)
            self.batches.append(step)

    run, learner, watch = open_run(tmp_path, EVERY), learner_of(), Notes()
    with Journal(run, learner, buffer_of(2), validation=dict, bar=Silent(), watch=watch) as journal:
        for number in range(1, 6):
            journal.note(learner.step(pairs_of(number)), pairs_of(number))
    run.close()
    assert watch.batches == [2, 4]
    assert watch.rows == {row["step"]: row["loss"] for row in rows_on_disk(tmp_path)}
    shown = EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    assert [event.step for event in shown.Images("pairs")] == [3]
    assert {event.step: event.value for event in shown.Scalars("loss")} == pytest.approx(watch.rows)


@pytest.mark.parametrize(
    ("failure", "keeps"),
    [(TeamLost("gone"), False), (FloatingPointError("nan"), False), (KeyboardInterrupt(), False), (OSError(), True)],
)
def test_only_a_whole_step_is_kept(failure: BaseException, keeps: bool, tmp_path: Path) -> None:
    """Where another process is lost, BatchNorm has seen a batch that the weights have not; at a second signal, there
    is no time."""
    run, learner = open_run(tmp_path), learner_of()
    run.checkpoint(learner, 0.0, [])
    before = contents(run.checkpoints.folder)
    with contextlib.suppress(type(failure)), Journal(run, learner, buffer_of(2), validation=dict, bar=Silent()):
        learner.step(pairs_of(0))
        raise failure
    assert (contents(run.checkpoints.folder) == before) is not keeps
    assert run.checkpoints.steps == ([0, 1] if keeps else [0])
    run.close()


def test_each_kind_of_trouble_is_said_once(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    run, learner = open_run(tmp_path, replace(SETTINGS, log_every=1, steps=1000)), learner_of()
    learner.steps = EARLY
    with Journal(run, learner, buffer_of(2), validation=dict, bar=Silent()) as journal:
        for number in range(3):
            step = learner.step(pairs_of(number))
            same = torch.ones_like(step.output.features)
            sides = tuple(torch.ones_like(side) for side in step.output.projections)
            flat = step.output._replace(features=same, projections=sides)
            journal.note(step._replace(output=flat), pairs_of(number))
    run.close()
    said = [line for line in capfd.readouterr().err.splitlines() if line]
    assert [line.startswith("look: the embedding has collapsed") for line in said].count(True) == 1
    assert all(line.startswith("look: ") for line in said)
