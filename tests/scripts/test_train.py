"""`scripts/train.py`: stored episodes, killed and resumed, and live runs repeated loss for loss."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest

from agent.dataset import Dataset
from learner.checkpoint import Checkpoints
from learner.replay_log import read_log
from tests.scripts.conftest import SCENE
from tests.scripts.running import assert_one_line, contents, end_of, run_here, start, wait_until
from tests.scripts.test_train_online import history_of

LEARNING = (
    *("--batch", 8, "--threads", 1, "--seed", 2, "--device", "cpu", "--encoder", "small", "--log-every", 1),
    *("--validation-episodes", 4, "--test-episodes", 6, "--bank-episodes", 24),
    *("--validate-every", 5, "--checkpoint-every", 3, "--precision", "float32"),
)
STEPS = 14
LIVE = (*LEARNING, "--buffer-episodes", 18, "--replay-ratio", 1.5, "--schedule", "cosine", *SCENE)
"""So few episodes that most are evicted in a few steps."""


def losses_of(run: Path) -> list[dict[str, Any]]:
    """Step and losses of each row."""
    return [{name: row[name] for name in row if name == "step" or name.startswith("loss")} for row in history_of(run)]


def kept_by(run: Path) -> int:
    """Steps of the newest checkpoint, 0 where there is none."""
    return max(Checkpoints(run / "checkpoints").steps, default=0)


def insertions_of(run: Path) -> list[tuple[int, int]]:
    """(draw, episode) of all that came into the buffer of a live run."""
    return [(row.draw, row.episode) for row in read_log(run / "insertions.jsonl") if row.episode is not None]


@pytest.fixture(scope="module")
def undisturbed(collected: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("train") / "run"
    outcome = run_here("train", "--data", collected, "--out", run, "--steps", STEPS, *LEARNING, "--quiet")
    assert (outcome.status, outcome.err) == (0, ""), outcome
    assert outcome.out.count("report: ") == 1
    return run


def test_all_stored_training_episodes_are_learned_from_and_everything_is_left(
    undisturbed: Path, collected: Path
) -> None:
    history = history_of(undisturbed)
    assert [row["step"] for row in history] == list(range(1, STEPS + 1))
    held_out = 48 - history[0]["buffer/episodes"]
    assert {row["buffer/episodes"] for row in history} == {48 - held_out}
    assert 0 < held_out < 24
    assert [row["step"] for row in history if "probe/knn_validation" in row] == [5, 10, STEPS]
    assert {"report.html", "scores.json", "encoder", "tensorboard"} <= {path.name for path in undisturbed.iterdir()}
    assert not (undisturbed / "insertions.jsonl").exists()
    assert str(collected) in json.loads((undisturbed / "encoder/config.json").read_text())["trained"]["data"]


@pytest.mark.long
def test_a_run_that_is_watched_learns_the_same_and_says_where_to_look(
    undisturbed: Path, collected: Path, rt4k: str, tmp_path: Path
) -> None:
    reader = pytest.importorskip("rerun.chunk", reason="an extra")
    run, file, wanted = tmp_path / "run", tmp_path / "run.rrd", ("--steps", STEPS, *LEARNING, "--quiet")
    outcome = run_here("train", "--data", collected, "--out", run, *wanted, "--rerun", file)
    assert (outcome.status, outcome.err) == (0, f"watch: {file}\n"), outcome
    assert losses_of(run) == losses_of(undisturbed)
    chunks = reader.RrdReader(file).stream()
    rows = {chunk.entity_path: chunk.num_rows for chunk in chunks.to_chunks() if not chunk.is_static}
    assert {"/world/camera/frame", "/world/object", "/commands/recorded", "/pairs", "/map"} <= set(rows)
    assert {"/loss", "/loss/instance", "/probe/knn_validation", "/buffer/episodes"} <= set(rows)
    outcome = run_here("train", "--data", rt4k, "--out", tmp_path / "other", *wanted, "--rerun", tmp_path / "new.rrd")
    assert_one_line(outcome)
    assert "there is no arm in" in outcome.err
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize("rounds", [1, pytest.param(8, marks=pytest.mark.long)])
def test_killed_at_any_step_and_resumed_it_gives_the_losses_of_the_undisturbed(
    undisturbed: Path, collected: Path, tmp_path: Path, rounds: int
) -> None:
    run = tmp_path / "run"
    new = ("--data", collected, "--steps", STEPS, *LEARNING)
    for number in range(rounds):
        begun, before = (run / "settings.json").exists(), len(history_of(run)) if run.exists() else 0
        process = start("train", "--out", run, "--quiet", *(("--resume",) if begun else new))
        logged = run / "history.jsonl"
        wait_until(lambda: logged.exists() and len(logged.read_text().splitlines()) != before, process)  # noqa: B023
        if number % 2 == 0:
            wait_until(lambda: kept_by(run) > 0, process)
        process.kill()
        process.communicate()
        if len(history_of(run)) >= STEPS:
            break
    assert run_here("train", "--resume", "--out", run, "--quiet").status == 0
    assert losses_of(run) == losses_of(undisturbed)
    encoder = "encoder/encoder.safetensors"
    assert (run / encoder).read_bytes() == (undisturbed / encoder).read_bytes()
    assert (run / "scores.json").read_bytes() == (undisturbed / "scores.json").read_bytes()


def test_interrupted_it_says_how_to_go_on(collected: Path, tmp_path: Path) -> None:
    run = tmp_path / "the run"
    process = start("train", "--data", collected, "--out", run, "--steps", 100_000, *LEARNING)
    wait_until(lambda: kept_by(run) > 0, process)
    os.kill(process.pid, signal.SIGTERM)
    outcome = end_of(process)
    assert outcome.status == 128 + signal.SIGTERM
    told = f"kept at step {kept_by(run)}; go on with: python scripts/train.py --resume --out '{run}'"
    assert outcome.out.splitlines()[-1] == told
    assert len(history_of(run)) == kept_by(run)
    assert not (run / "report.html").exists()


def test_a_spoilt_checkpoint_is_told_and_the_one_before_serves(undisturbed: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(undisturbed, run)
    newest = run / "checkpoints" / f"{STEPS:09d}.safetensors"
    newest.write_bytes(newest.read_bytes()[:-9])
    outcome = run_here("train", "--resume", "--out", run, "--quiet")
    assert outcome.status == 0, outcome
    assert outcome.err.startswith(f"look: {newest}: not a checkpoint of armplay")
    assert outcome.err.endswith("; going on from step 12\n")
    assert outcome.err.count("\n") == 1
    assert losses_of(run) == losses_of(undisturbed)


def again(live: Path, out: Path, *arguments: object) -> Path:
    """A live run repeated."""
    outcome = run_here("train", "--replay-log", live, "--out", out, "--quiet", *arguments)
    assert (outcome.status, outcome.err) == (0, ""), outcome
    return out


@pytest.fixture(scope="module", params=["oldest", pytest.param("random", marks=pytest.mark.long)])
def live(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Asynchronous: which episodes a step sees depends on how fast the arms were."""
    run = tmp_path_factory.mktemp("live") / "run"
    arguments = ("--steps", STEPS, *LIVE, "--eviction", request.param, "--workers", 2, "--quiet")
    assert run_here("train_online", "--out", run, *arguments).status == 0
    draws = [draw for draw, _ in insertions_of(run)]
    assert len(draws) > 18, "nothing was evicted"
    assert any(1 < draw < STEPS for draw in draws)
    return run


def test_a_live_run_is_repeated_loss_for_loss_interrupted_or_not(live: Path, tmp_path: Path) -> None:
    """Also when the repetition stops early, under a learning rate that falls to its end, and is resumed."""
    part = again(live, tmp_path / "again", "--steps", 6, "--checkpoint-every", 100)
    assert losses_of(part) == losses_of(live)[:6]
    outcome = run_here("train", "--resume", "--out", part, "--steps", STEPS, "--quiet")
    assert (outcome.status, outcome.err) == (0, ""), outcome
    assert losses_of(part) == losses_of(live)
    encoder = "encoder/encoder.safetensors"
    assert (part / encoder).read_bytes() == (live / encoder).read_bytes()


@pytest.mark.parametrize(
    ("number", "eviction"),
    [
        pytest.param(signal.SIGKILL, "random", marks=pytest.mark.long),
        pytest.param(signal.SIGKILL, "oldest", marks=pytest.mark.long),
        pytest.param(signal.SIGINT, "oldest", marks=pytest.mark.long),
        pytest.param(signal.SIGINT, "random", marks=pytest.mark.long),
    ],
)
def test_a_live_run_of_two_sessions_is_repeated(number: signal.Signals, eviction: str, tmp_path: Path) -> None:
    """The first as far as it was kept: what was in its buffer and not yet on disk is played again. The second begins
    with what was on disk, and its learning rate falls to another end."""
    run = tmp_path / "run"
    process = start("train_online", "--out", run, "--steps", 400, *LIVE, "--eviction", eviction, "--workers", 2)
    wait_until(lambda: kept_by(run) > 3, process)
    os.kill(process.pid, number)
    process.communicate()
    kept, before = kept_by(run), contents(run)
    if number == signal.SIGKILL:
        stored = Dataset(run / "episodes")
        assert any(draw <= kept and episode not in stored for draw, episode in insertions_of(run))
    assert losses_of(again(run, tmp_path / "first")) == losses_of(run)[:kept]
    assert contents(run) == before

    assert run_here("train_online", "--resume", "--out", run, "--quiet", "--steps", kept + 5).status == 0
    assert [row["step"] for row in history_of(run)] == list(range(1, kept + 6))
    assert losses_of(again(run, tmp_path / "both")) == losses_of(run)


def test_a_run_on_stored_episodes_played_as_if_live_is_repeated(collected: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    engine = ("--engine", "recorded", "--data", collected, "--data-repeat", "--quiet")
    assert run_here("train_online", "--out", run, *engine, "--steps", 9, *LIVE).status == 0
    assert losses_of(again(run, tmp_path / "again")) == losses_of(run)


@pytest.mark.long
@pytest.mark.parametrize("live", ["oldest"], indirect=True)
def test_what_a_repetition_may_and_may_not_change(
    live: Path, undisturbed: Path, collected: Path, tmp_path: Path
) -> None:
    new = ("--out", tmp_path / "new", "--quiet")
    outcome = run_here("train", "--replay-log", live, *new, "--threads", 2, "--steps", 1, "--log-every", 5)
    assert outcome.status == 0
    assert outcome.err == "look: threads=2 (was 1): only the same device and threads repeat losses exactly\n"

    def changed(name: str, **header: object) -> Path:
        copy = tmp_path / name
        shutil.copytree(live, copy)
        stored = json.loads((copy / "settings.json").read_text())
        stored["settings"] |= header.pop("settings", {})  # type: ignore[arg-type]
        (copy / "settings.json").write_text(json.dumps(stored | header))
        return copy

    cut, empty, gone = changed("cut"), changed("empty"), changed("gone")
    lines = (live / "insertions.jsonl").read_text().splitlines(keepends=True)
    (cut / "insertions.jsonl").write_text("".join(lines[1:]))
    (empty / "insertions.jsonl").write_text("")
    (gone / "insertions.jsonl").unlink()
    unkept = changed("unkept")
    shutil.rmtree(unkept / "checkpoints")
    cases: list[tuple[str, tuple[object, ...]]] = [
        ("batch=4: the run in .* had 8", (live, "--batch", 4)),
        ("seed=9: ", (live, "--seed", 9)),
        ("learning_rate=0.5: ", (live, "--learning-rate", 0.5)),
        ("data=.* had .*/episodes", (live, "--data", collected)),
        ("corrupt=gaussian:1: ", (live, "--corrupt", "gaussian:1")),
        (f"steps={STEPS + 1}: .* kept at step {STEPS}", (live, "--steps", STEPS + 1)),
        ("2 processes made it", (changed("two", processes=2),)),
        ("--no-store", (changed("lost", settings={"store": False}),)),
        ("a run of scripts/train.py", (undisturbed,)),
        ("no run of armplay", (tmp_path,)),
        ("no step was kept", (unkept,)),
        ("line 1 begins no session", (cut,)),
        ("nothing came in", (empty,)),
        ("without it the run cannot be repeated", (gone,)),
    ]
    for number, (told, arguments) in enumerate(cases):
        outcome = run_here("train", "--out", tmp_path / f"refused-{number}", "--quiet", "--replay-log", *arguments)
        assert_one_line(outcome)
        assert re.search(told, outcome.err), outcome.err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "--data DIR is needed"),
        (("--data", "no-such"), "no such folder"),
        (("--batch", 1), "batch=1"),
        (("--seed", -1), "seed=-1"),
        (("--corrupt", "banana:1"), "corrupt=banana"),
        (("--rerun", "television"), "rerun=television: viewer, web, or a file"),
        (("--resume",), "no run of armplay"),
    ],
)
def test_a_mistake_is_one_line_and_nothing_is_written(
    arguments: tuple[object, ...], told: str, collected: Path, tmp_path: Path
) -> None:
    data = () if told in ("--data DIR is needed", "no run of armplay") else ("--data", collected)
    outcome = run_here("train", *data, "--out", tmp_path / "new", *arguments)
    assert_one_line(outcome)
    assert told in outcome.err
    assert list(tmp_path.iterdir()) == []


def test_a_run_goes_on_with_the_script_that_began_it(undisturbed: Path) -> None:
    before = contents(undisturbed)
    outcome = run_here("train_online", "--resume", "--out", undisturbed)
    assert_one_line(outcome)
    assert "a run of scripts/train.py" in outcome.err
    assert contents(undisturbed) == before
