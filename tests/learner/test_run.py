"""A run's folder: one run, one process at a time, and a history that agrees with its checkpoint."""

from __future__ import annotations

import contextlib
import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from agent.record import RecordSettings
from agent.settings import to_json
from learner.checkpoint import BEST, load_checkpoint, save_checkpoint
from learner.journal import Journal
from learner.replay import Entry
from learner.replay_log import read_log
from learner.run import Run, stored_settings
from learner.settings import FREE_ON_RESUME, OnlineSettings
from learner.training import Learner
from sim.errors import InputError
from sim.scene import SceneSettings
from tests.full_disk import room_for
from tests.learner.episodes import buffer_of
from tests.learner.test_checkpoint import learner_of, pairs_of
from tests.scripts.running import contents

SETTINGS = OnlineSettings(
    batch=8,
    buffer_episodes=20,
    record=RecordSettings(scene=SceneSettings(image_size=32), corrupt="gaussian:0.2", categories=("mug", "car")),
)


HEADER = '{"format": "armplay-run", "version": 2, "script": "train_online", "settings": '


def open_run(folder: Path, settings: OnlineSettings = SETTINGS, *, resume: bool = False) -> Run:
    return Run(folder, settings, command="python here", machine={"cores": 2}, resume=resume)


def test_settings_survive_the_folder(tmp_path: Path) -> None:
    open_run(tmp_path / "a" / "run").close()
    assert stored_settings(tmp_path / "a" / "run", OnlineSettings) == SETTINGS
    kept = json.loads((tmp_path / "a" / "run" / "settings.json").read_text())
    assert (kept["command"], kept["machine"]) == ("python here", {"cores": 2})


def test_a_used_folder_is_refused_and_left_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("precious")
    for folder in (tmp_path, tmp_path / "mine.txt"):
        with pytest.raises(InputError, match="not empty, pass --resume"):
            open_run(folder)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_an_empty_folder_is_taken(tmp_path: Path) -> None:
    open_run(tmp_path).close()
    with pytest.raises(InputError, match="not empty"):
        open_run(tmp_path)


def test_a_place_where_nothing_can_be_kept(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for folder in (Path("/proc/x"), tmp_path / "file" / "run"):
        with pytest.raises(InputError, match="nothing can be kept there"):
            open_run(folder)


@pytest.mark.parametrize(
    "content",
    [
        None,
        "",
        "[]",
        "null",
        "{}",
        '{"format": "armplay-run", "version": 2}',
        '{"format": "armplay-run", "version": 3, "script": "train_online", "settings": {}}',
        '{"format": "armplay-run", "version": 2, "script": "train", "settings": {}}',
        HEADER + '{"steps": "many"}}',
        HEADER + '{"steps": 0}}',
        HEADER + '{"record": {"corrupt": "banana:1"}}}',
    ],
)
def test_foreign_settings_are_refused_in_a_line(content: str | None, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "settings.json").write_text(content)
    with pytest.raises(InputError, match=str(tmp_path)) as told:
        open_run(tmp_path, resume=True)
    assert "\n" not in str(told.value)
    assert not (tmp_path / ".lock").exists()


def test_other_settings_on_resume_are_named_with_both_values(tmp_path: Path) -> None:
    open_run(tmp_path).close()
    stored = (tmp_path / "settings.json").read_bytes()
    other = {
        "batch=9: the run in .* has 8": replace(SETTINGS, batch=9),
        "record.seed=4: .* has 0": replace(SETTINGS, record=replace(SETTINGS.record, seed=4)),
        "record.scene.image_size=64: .* has 32": replace(
            SETTINGS, record=replace(SETTINGS.record, scene=SceneSettings(image_size=64))
        ),
        "record.corrupt=: .* has gaussian:0.2": replace(SETTINGS, record=replace(SETTINGS.record, corrupt="")),
    }
    for message, settings in other.items():
        with pytest.raises(InputError, match=message):
            open_run(tmp_path, settings, resume=True)
    assert (tmp_path / "settings.json").read_bytes() == stored


def test_what_may_change_on_resume_may(tmp_path: Path) -> None:
    open_run(tmp_path).close()
    for name in FREE_ON_RESUME:
        new = {"device": "cpu", "engine": "local", "address": "", "storage": "file"}
        changed = replace(SETTINGS, **{name: new[name] if name in new else getattr(SETTINGS, name) + 1})
        open_run(tmp_path, changed, resume=True).close()
        assert stored_settings(tmp_path, OnlineSettings) == changed


def test_two_processes_cannot_train_in_one_folder(tmp_path: Path) -> None:
    with open_run(tmp_path), pytest.raises(InputError, match="another process is training there"):
        open_run(tmp_path, resume=True)
    open_run(tmp_path, resume=True).close()


def session(folder: Path, until: int, *, resume: bool, keep_at: tuple[int, ...] = ()) -> tuple[Run, Learner]:
    """Train to a step, log each, checkpoint at some; then drop everything, as a kill does."""
    run, learner = open_run(folder, resume=resume), learner_of()
    run.restore(learner)
    while learner.steps < until:
        step = learner.step(pairs_of(learner.steps))
        run.log(learner.steps, {"loss": float(step.losses["loss"])})
        if learner.steps in keep_at:
            run.checkpoint(learner, learner.steps * 2.0, [])
    return run, learner


def rows_on_disk(folder: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (folder / "history.jsonl").read_text().splitlines()]


def test_history_goes_back_to_the_checkpoint_and_then_repeats(tmp_path: Path) -> None:
    torch.set_num_threads(1)
    whole, _ = session(tmp_path / "whole", 6, resume=False)
    whole.close()
    session(tmp_path / "killed", 5, resume=False, keep_at=(3,))[0].close()
    assert len(rows_on_disk(tmp_path / "killed")) == 5
    with (tmp_path / "killed" / "history.jsonl").open("a") as file:
        file.write('{"step": 6, "lo')  # cut by the kill
    resumed, learner = session(tmp_path / "killed", 3, resume=True)
    assert (learner.steps, resumed.seconds) == (3, 6.0)
    assert resumed.history == whole.history[:3] == rows_on_disk(tmp_path / "killed")
    resumed.close()
    session(tmp_path / "killed", 6, resume=True)[0].close()
    assert rows_on_disk(tmp_path / "killed") == rows_on_disk(tmp_path / "whole") == whole.history


def test_a_full_disk_loses_no_insertion_that_was_handed_over_once(tmp_path: Path) -> None:
    entries, (run, learner) = [Entry(number, number) for number in range(3)], session(tmp_path, 2, resume=False)
    run.log(3, {"loss": 1.0, "long": 0.0}, entries[:1])
    with (
        room_for((tmp_path / "history.jsonl").stat().st_size + 5),
        pytest.raises(InputError, match="cannot be written"),
    ):
        run.log(4, {"loss": 1.0}, entries[1:])
    run.checkpoint(learner, 1.0, [])
    with contextlib.suppress(InputError):  # the thread of TensorBoard may have met the full disk, too
        run.close()
    assert [row.episode for row in read_log(tmp_path / "insertions.jsonl")] == [None, 0, 1, 2]
    assert [row["step"] for row in rows_on_disk(tmp_path)] == [1, 2, 3]


def test_a_history_that_is_none_is_refused(tmp_path: Path) -> None:
    session(tmp_path, 2, resume=False, keep_at=(2,))[0].close()
    (tmp_path / "history.jsonl").write_text('{"step": 1}\nrubbish\n{"step": 2}\n')
    with pytest.raises(InputError, match="line 2 is no row"):
        session(tmp_path, 3, resume=True)


def test_no_checkpoint_yet_means_the_start(tmp_path: Path) -> None:
    session(tmp_path, 2, resume=False)[0].close()
    run, learner = session(tmp_path, 0, resume=True)
    assert (learner.steps, run.seconds, run.history) == (0, 0.0, [])
    run.close()


def test_a_checkpoint_of_another_program_is_refused(tmp_path: Path) -> None:
    run, learner = session(tmp_path, 1, resume=False, keep_at=(1,))
    path = run.checkpoints.path_of(1)
    tensors, state = load_checkpoint(path)
    for broken in ({}, {"learner": state["learner"]}, {**state, "seconds": "long"}, {"learner": 3}):
        save_checkpoint(path, tensors, broken)
        with pytest.raises(InputError, match="checkpoint"):
            run.restore(learner)
    run.close()


def test_the_last_ones_and_the_best_are_kept(tmp_path: Path) -> None:
    run, learner = open_run(tmp_path), learner_of()
    for value in (0.1, 0.4, 0.3, 0.4, 0.2):
        learner.step(pairs_of(0))
        run.log(learner.steps, {"probe/knn_validation": value})
        run.checkpoint(learner, 0.0, [])
    assert run.checkpoints.steps == [4, 5]
    best = load_checkpoint(run.checkpoints.folder / BEST)[1]
    assert (best["learner"]["steps"], best["best"]) == (2, 0.4)
    run.close()
    resumed = open_run(tmp_path, resume=True)
    resumed.restore(learner)
    learner.step(pairs_of(0))
    resumed.log(6, {"probe/knn_validation": 0.35})
    resumed.checkpoint(learner, 0.0, [])
    assert load_checkpoint(run.checkpoints.folder / BEST)[1] == best
    resumed.close()


def test_a_spoilt_checkpoint_is_passed_over_for_the_one_before(tmp_path: Path) -> None:
    run, _ = session(tmp_path, 4, resume=False, keep_at=(2, 4))
    run.close()
    spoilt = run.checkpoints.path_of(4)
    data = bytearray(spoilt.read_bytes())
    data[-5] ^= 1
    spoilt.write_bytes(data)
    resumed, learner = session(tmp_path, 2, resume=True)
    assert learner.steps == 2
    assert len(resumed.damaged) == 1
    assert "not those that were written" in resumed.damaged[0]
    resumed.close()
    run.checkpoints.path_of(2).write_bytes(b"")
    with pytest.raises(InputError, match="not a checkpoint"):
        session(tmp_path, 4, resume=True)


def test_every_setting_is_kept() -> None:
    assert set(to_json(SETTINGS)) >= {"method", "steps", "record", "loss", "augment", "optimizer"}


@pytest.mark.parametrize("failure", [RuntimeError("an arm broke"), TimeoutError("no frames"), InputError("a"), None])
def test_what_was_learned_is_kept_when_something_else_fails(failure: Exception | None, tmp_path: Path) -> None:
    run, learner = open_run(tmp_path), learner_of()
    journal, step = journal_of(run, learner), learner.step(pairs_of(0))
    with pytest.raises(type(failure)) if failure else contextlib.nullcontext(), journal:
        journal.note(step, pairs_of(0))
        if failure is not None:
            raise failure
    assert load_checkpoint(run.checkpoints.path_of(1))[1]["learner"]["steps"] == 1
    run.close()


@pytest.mark.parametrize("noticed", ["by the journal", "at the end"])
def test_a_diverged_learner_does_not_replace_the_last_good_checkpoint(noticed: str, tmp_path: Path) -> None:
    settings = replace(SETTINGS, log_every=1 if noticed == "by the journal" else 100)
    run, learner = open_run(tmp_path, settings), learner_of()
    run.checkpoint(learner, 0.0, [])
    before = contents(run.checkpoints.folder)
    step = learner.step(pairs_of(0))
    spoilt = step._replace(losses={name: value * math.nan for name, value in step.losses.items()})
    with pytest.raises(FloatingPointError, match="--learning-rate"), journal_of(run, learner) as journal:
        journal.note(spoilt, pairs_of(0))
    assert contents(run.checkpoints.folder) == before
    run.close()


class Silent:
    """A bar that shows nothing."""

    def advance(self, done: int, note: str) -> None: ...


def journal_of(run: Run, learner: Learner) -> Journal:
    return Journal(run, learner, buffer_of(2), validation=dict, bar=Silent())
