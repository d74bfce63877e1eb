"""A run's folder: one run, one process at a time, and a history that agrees with its checkpoint."""

from __future__ import annotations

import contextlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from agent.record import RecordSettings
from agent.settings import to_json
from learner.checkpoint import load_checkpoint, save_checkpoint
from learner.meters import Meters
from learner.run import Run, stored_settings
from learner.settings import FREE_ON_RESUME, OnlineSettings
from learner.training import Learner
from sim.errors import InputError
from sim.scene import SceneSettings
from tests.learner.test_checkpoint import learner_of, pairs_of

SETTINGS = OnlineSettings(
    batch=8,
    buffer_episodes=20,
    record=RecordSettings(scene=SceneSettings(image_size=32), corrupt="gaussian:0.2", categories=("mug", "car")),
)


def open_run(folder: Path, settings: OnlineSettings = SETTINGS, *, resume: bool = False) -> Run:
    return Run(folder, settings, command="python here", machine={"cores": 2}, resume=resume)


def test_settings_survive_the_folder(tmp_path: Path) -> None:
    open_run(tmp_path / "a" / "run").close()
    assert stored_settings(tmp_path / "a" / "run") == SETTINGS
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
        '{"format": "armplay-run", "version": 1}',
        '{"format": "armplay-run", "version": 2, "settings": {}}',
        '{"format": "armplay-run", "version": 1, "settings": {"steps": "many"}}',
        '{"format": "armplay-run", "version": 1, "settings": {"steps": 0}}',
        '{"format": "armplay-run", "version": 1, "settings": {"record": {"corrupt": "banana:1"}}}',
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
        assert stored_settings(tmp_path) == changed


def test_two_processes_cannot_train_in_one_folder(tmp_path: Path) -> None:
    with open_run(tmp_path), pytest.raises(InputError, match="another process is training there"):
        open_run(tmp_path, resume=True)
    open_run(tmp_path, resume=True).close()


def session(folder: Path, until: int, *, resume: bool, keep_at: tuple[int, ...] = ()) -> tuple[Run, Learner, float]:
    """Train to a step, log each, checkpoint at some; then drop everything, as a kill does."""
    run, learner, rng = open_run(folder, resume=resume), learner_of(), np.random.default_rng(0)
    seconds = run.restore(learner, rng)
    while learner.steps < until:
        learner.step(pairs_of(int(rng.integers(100))))
        run.log(learner.steps, {"loss": float(rng.random())})
        if learner.steps in keep_at:
            run.checkpoint(learner, rng, seconds=learner.steps * 2.0)
    return run, learner, seconds


def test_history_goes_back_to_the_checkpoint_and_then_repeats(tmp_path: Path) -> None:
    torch.set_num_threads(1)
    whole, _, _ = session(tmp_path / "whole", 6, resume=False)
    whole.close()
    killed, _, _ = session(tmp_path / "killed", 5, resume=False, keep_at=(3,))
    killed._lock.close()
    resumed, learner, seconds = session(tmp_path / "killed", 3, resume=True)
    assert (learner.steps, seconds) == (3, 6.0)
    assert resumed.history == whole.history[:3]
    resumed._lock.close()
    finished, _, _ = session(tmp_path / "killed", 6, resume=True)
    finished.close()
    assert finished.history == whole.history
    lines = (tmp_path / "killed" / "history.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == whole.history


def test_no_checkpoint_yet_means_the_start(tmp_path: Path) -> None:
    killed, _, _ = session(tmp_path, 2, resume=False)
    killed._lock.close()
    run, learner, seconds = session(tmp_path, 0, resume=True)
    assert (learner.steps, seconds, run.history) == (0, 0.0, [])
    run.close()


def test_a_checkpoint_of_another_program_is_refused(tmp_path: Path) -> None:
    run, learner, _ = session(tmp_path, 1, resume=False, keep_at=(1,))
    tensors, state = load_checkpoint(run.checkpoint_path)
    rng = np.random.default_rng(0)
    for broken in ({}, {"learner": state["learner"]}, {**state, "rng": {"bit_generator": "MT19937"}}, {"learner": 3}):
        save_checkpoint(run.checkpoint_path, tensors, broken)
        with pytest.raises(InputError, match="checkpoint"):
            run.restore(learner, rng)
    run.close()


def test_every_setting_is_kept() -> None:
    assert set(to_json(SETTINGS)) >= {"method", "steps", "record", "loss", "augment", "optimizer"}


@pytest.mark.parametrize("failure", [RuntimeError("an arm broke"), TimeoutError("no frames"), None])
def test_what_was_learned_is_kept_when_something_else_fails(failure: Exception | None, tmp_path: Path) -> None:
    run, learner, rng = open_run(tmp_path), learner_of(), np.random.default_rng(0)
    with contextlib.suppress(RuntimeError, TimeoutError), run.keeping(learner, rng, Meters(seconds=0)):
        learner.step(pairs_of(0))
        if failure is not None:
            raise failure
    assert load_checkpoint(run.checkpoint_path)[1]["learner"]["steps"] == 1
    run.close()


def test_a_diverged_learner_does_not_replace_the_last_good_checkpoint(tmp_path: Path) -> None:
    run, learner, rng = open_run(tmp_path), learner_of(), np.random.default_rng(0)
    run.checkpoint(learner, rng, 0.0)
    before = run.checkpoint_path.read_bytes()
    with contextlib.suppress(FloatingPointError), run.keeping(learner, rng, Meters(seconds=0)):
        learner.step(pairs_of(0))
        raise FloatingPointError
    assert run.checkpoint_path.read_bytes() == before
    run.close()
