"""`scripts/train_online.py`, the main job, from the command line to the report, interrupted or not."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agent.dataset import Dataset
from agent.writer import DatasetWriter
from learner.checkpoint import Checkpoints, Kept
from learner.export import load_encoder
from tests.scripts.conftest import SCENE
from tests.scripts.running import ROOT, assert_one_line, contents, end_of, run_here, start, wait_until

TINY = (
    *("--batch", 8, "--buffer-episodes", 20, "--replay-ratio", 1.5, "--threads", 1, "--workers", 1, "--seed", 2),
    *("--validation-episodes", 4, "--test-episodes", 6, "--bank-episodes", 24, "--device", "cpu", "--encoder", "small"),
    *("--log-every", 1, "--validate-every", 5, "--checkpoint-every", 4),
    *SCENE,
)
PLAIN = ("--engine", "local", "--quiet")
"""No worker processes: for tests that are not about them."""


def history_of(run: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run / "history.jsonl").read_text().splitlines()]


def last_of(run: Path) -> Kept:
    """The last checkpoint of a run."""
    kept, damaged = Checkpoints(run / "checkpoints").load()
    assert kept is not None
    assert damaged == []
    return kept


def losses_of(run: Path) -> list[tuple[Any, ...]]:
    """Step, losses and accuracies: all of the history that does not tell the time."""
    return [
        (row["step"], *(row.get(name) for name in sorted(row) if name.split("/")[0] in ("loss", "probe", "buffer")))
        for row in history_of(run)
    ]


def test_interrupted_and_resumed_it_leaves_everything(tmp_path: Path) -> None:
    run = tmp_path / "run"
    process = start("train_online", "--out", run, "--steps", 100_000, *TINY, "--corrupt", "gaussian:0.2")
    wait_until(lambda: Checkpoints(run / "checkpoints").steps != [], process)
    os.kill(process.pid, signal.SIGINT)
    outcome = end_of(process)
    assert outcome.status == 130, outcome
    assert "Traceback" not in outcome.err
    assert f"go on with: python scripts/train_online.py --resume --out {run}" in outcome.out
    kept = last_of(run).state["learner"]["steps"]
    assert f"kept at step {kept};" in outcome.out
    assert [row["step"] for row in history_of(run)] == list(range(1, kept + 1))
    before = list(Dataset(run / "episodes").numbers)
    assert before == list(range(len(before)))
    assert not (run / "scores.json").exists()

    finished = run_here("train_online", "--resume", "--out", run, "--steps", kept + 7)
    assert finished.status == 0, finished
    assert [row["step"] for row in history_of(run)] == list(range(1, kept + 8))
    episodes = Dataset(run / "episodes")
    episodes.verify()
    assert list(episodes.numbers) == list(range(len(episodes)))
    assert len(episodes) >= len(before)
    assert {
        "settings.json",
        "checkpoints",
        "insertions.jsonl",
        "encoder",
        "scores.json",
        "report.html",
        "tensorboard",
    } <= {path.name for path in run.iterdir()}
    assert any(path.name.startswith("events") for path in (run / "tensorboard").iterdir())
    scores = json.loads((run / "scores.json").read_text())
    assert scores["steps"] == kept + 7
    rows = {(row["representation"], row["probe"]) for row in scores["scores"]}
    names = ("aa-simclr", "untrained encoder", "raw pixels", "colour histogram")
    assert rows == {(name, probe) for name in names for probe in ("kNN", "linear")}
    report = (run / "report.html").read_text()
    assert "gaussian:0.2 (rad/s), recorded" in report
    assert all(name in report for name in names)
    assert load_encoder(run / "encoder").features == 256
    stored = json.loads((run / "settings.json").read_text())["settings"]
    assert (stored["steps"], stored["batch"], stored["record"]["corrupt"]) == (kept + 7, 8, "gaussian:0.2")
    metadata = episodes.metadata
    assert metadata["settings"] == stored["record"]
    assert "versions" in metadata


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("lockstep") / "run"
    outcome = run_here("train_online", "--out", run, "--steps", 16, "--lockstep", *TINY, *PLAIN)
    assert (outcome.status, outcome.err) == (0, ""), outcome
    return run


@pytest.mark.long
def test_lockstep_gives_the_same_losses_again(undisturbed: Path, tmp_path: Path) -> None:
    """Whoever plays, and in whatever order the episodes come."""
    run = tmp_path / "run"
    outcome = run_here("train_online", "--out", run, "--steps", 16, "--lockstep", *TINY, "--quiet", "--workers", 3)
    assert outcome.status == 0
    assert len(losses_of(run)) == 16
    assert losses_of(run) == losses_of(undisturbed)
    encoder = "encoder/encoder.safetensors"
    assert (run / encoder).read_bytes() == (undisturbed / encoder).read_bytes()
    assert json.loads((run / "scores.json").read_text()) == json.loads((undisturbed / "scores.json").read_text())


def test_lockstep_killed_and_resumed_gives_the_losses_of_the_undisturbed(undisturbed: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    process = start("train_online", "--out", run, "--steps", 16, "--lockstep", *TINY, *PLAIN)
    wait_until(lambda: Checkpoints(run / "checkpoints").steps != [], process)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    kept = last_of(run).state["learner"]["steps"]
    assert 0 < kept < 16
    assert run_here("train_online", "--resume", "--out", run, "--quiet").status == 0
    assert losses_of(run) == losses_of(undisturbed)
    encoder = "encoder/encoder.safetensors"
    assert (run / encoder).read_bytes() == (undisturbed / encoder).read_bytes()
    Dataset(run / "episodes").verify()


def test_a_finished_run_resumed_scores_the_same_again(undisturbed: Path) -> None:
    """As `make demo` does when it is called twice: the probes need the bank, though no step is left."""
    names = ("scores.json", "history.jsonl", "encoder/encoder.safetensors")
    before = [(undisturbed / name).read_bytes() for name in names]
    outcome = run_here("train_online", "--resume", "--out", undisturbed, "--quiet")
    assert outcome.status == 0, outcome
    assert [(undisturbed / name).read_bytes() for name in names] == before


def test_ctrl_c_while_the_buffer_fills_is_heard(tmp_path: Path) -> None:
    run = tmp_path / "run"
    slow = ("--warmup-episodes", 100_000, "--buffer-episodes", 100_000)
    process = start("train_online", "--out", run, *TINY, *slow)
    wait_until(lambda: any(run.glob("episodes/data/*.parquet")), process)
    os.kill(process.pid, signal.SIGINT)
    outcome = end_of(process)
    assert outcome.status == 130
    assert "kept at step 0;" in outcome.out
    Dataset(run / "episodes").verify()


RECORDED = ("--engine", "recorded", "--lockstep", "--steps", 12, *TINY)


def test_recorded_data_need_no_simulator(collected: Path, tmp_path: Path) -> None:
    (tmp_path / "stub").mkdir()
    for name in ("pybullet", "pybullet_data"):
        (tmp_path / "stub" / f"{name}.py").write_text(f"raise ImportError('{name} is not for this machine')\n")
    run = tmp_path / "run"
    arguments = ("--out", run, "--data", collected, *RECORDED)
    outcome = end_of(start("train_online", *arguments, PYTHONPATH=f"{tmp_path / 'stub'}{os.pathsep}{ROOT}"))
    assert outcome.status == 0, outcome
    assert json.loads((run / "scores.json").read_text())["steps"] == 12
    assert not (run / "episodes").exists()


def test_labels_change_no_weight_of_the_encoder(collected: Path, tmp_path: Path) -> None:
    """The same frames and commands with other categories: only the probes may notice."""
    dataset = Dataset(collected)
    categories = dataset.metadata["categories"]
    other = dict(zip(categories, np.roll(categories, 7).tolist(), strict=True))
    metadata = {key: dataset.metadata[key] for key in ("settings", "categories", "chain", "arm")}
    with DatasetWriter(tmp_path / "data", metadata=metadata, image_format="png") as writer:
        for episode in dataset.episodes():
            writer.add(episode._replace(category=other[episode.category]))
    runs = {}
    for name, data in (("true", collected), ("other", tmp_path / "data")):
        outcome = run_here("train_online", "--out", tmp_path / name, "--data", data, *RECORDED, "--quiet")
        assert outcome.status == 0, outcome
        runs[name] = contents(tmp_path / name)
    assert runs["true"]["encoder/encoder.safetensors"] == runs["other"]["encoder/encoder.safetensors"]
    tensors = [last_of(tmp_path / name).tensors for name in runs]
    probes = [name for name in tensors[0] if name.startswith("probe")]
    assert any(not np.array_equal(tensors[0][name], tensors[1][name]) for name in probes)
    for name in tensors[0].keys() - probes:
        assert np.array_equal(tensors[0][name], tensors[1][name]), name


def test_recorded_data_of_an_interrupted_collection_are_used_whole(collected: Path, tmp_path: Path) -> None:
    """A gap in the numbers is no end."""
    dataset = Dataset(collected)
    metadata = {key: dataset.metadata[key] for key in ("settings", "categories", "chain", "arm")}
    with DatasetWriter(tmp_path / "data", metadata=metadata, image_format="png", episodes_per_shard=16) as writer:
        for number in [*range(3), *range(16, 48)]:
            writer.add(dataset.episode(number))
    run = tmp_path / "run"
    assert run_here("train_online", "--out", run, "--data", tmp_path / "data", *RECORDED, "--quiet").status == 0
    assert history_of(run)[-1]["buffer/episodes"] > 3


@pytest.mark.long
def test_a_run_that_is_watched_learns_the_same_and_says_where_to_look(undisturbed: Path, tmp_path: Path) -> None:
    reader = pytest.importorskip("rerun.chunk", reason="an extra")
    run, file = tmp_path / "run", tmp_path / "run.rrd"
    outcome = run_here("train_online", "--out", run, "--steps", 16, "--lockstep", *TINY, *PLAIN, "--rerun", file)
    assert (outcome.status, outcome.err) == (0, f"watch: {file}\n"), outcome
    assert losses_of(run) == losses_of(undisturbed)
    chunks = reader.RrdReader(file).stream()
    rows = {chunk.entity_path: chunk.num_rows for chunk in chunks.to_chunks() if not chunk.is_static}
    assert {"/world/camera/frame", "/world/object", "/commands/recorded", "/pairs", "/map"} <= set(rows)
    assert {"/loss", "/loss/instance", "/probe/knn_validation", "/buffer/episodes"} <= set(rows)


@pytest.mark.long
def test_on_ray_the_losses_are_the_same(undisturbed: Path, tmp_path: Path) -> None:
    pytest.importorskip("ray")
    run = tmp_path / "run"
    arguments = ("--out", run, "--steps", 16, "--lockstep", *TINY, "--engine", "ray", "--workers", 2)
    outcome = end_of(start("train_online", *arguments))
    assert outcome.status == 0, outcome
    assert losses_of(run) == losses_of(undisturbed)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--method", "byol"), "method=byol"),
        (("--rerun", "television"), "rerun=television: viewer, web, or a file"),
        (("--encoder", "brain"), "encoder=brain"),
        (("--action", "telepathy"), "action=telepathy"),
        (("--categories", "mug", "submarine"), "submarine"),
        (("--image-size", 16), "image_size=16"),
        (("--workers", 0), "workers=0"),
        (("--workers", -1), "workers=-1"),
        (("--steps", 0), "steps=0"),
        (("--batch", 1), "batch=1"),
        (("--threads", -1), "threads=-1"),
        (("--warmup-episodes", -1), "warmup_episodes=-1"),
        (("--buffer-episodes", 15), "buffer_episodes=15"),
        (("--buffer", "9000TB"), "buffer=9000.0 TB"),
        (("--sampling", "window:0"), "sampling=window:0"),
        (("--replay-ratio", 0), "replay_ratio=0"),
        (("--learning-rate", 0), "learning_rate=0"),
        (("--device", "abacus"), "device=abacus"),
        (("--split", "test"), "split=test"),
        (("--flip", "independent"), "flip=independent: it falsifies the action"),
        (("--flip", "together", "--action", "command"), "flip=together: action=command has no mirror image"),
        (("--corrupt", "banana:1"), "corrupt=banana"),
        (("--corrupt", "gaussian"), "corrupt=gaussian: give a level"),
        (("--corrupt", "shuffled:2"), "corrupt=shuffled:2"),
        (("--engine", "recorded"), "--data DIR"),
        (("--data", "somewhere"), "--engine recorded"),
        (("--data-rate", 10), "only --engine recorded"),
        (("--data-rate", -1), "data_rate=-1"),
        (("--address", "auto"), "only --engine ray"),
    ],
)
def test_a_mistake_is_one_line_and_nothing_is_written(arguments: tuple[object, ...], told: str, tmp_path: Path) -> None:
    outcome = run_here("train_online", *TINY, "--out", tmp_path / "new", *arguments)
    assert_one_line(outcome)
    assert told in outcome.err
    assert list(tmp_path.iterdir()) == []


def test_folders_that_cannot_be_used(collected: Path, undisturbed: Path, tmp_path: Path) -> None:
    foreign, empty = tmp_path / "foreign", tmp_path / "empty"
    foreign.mkdir()
    empty.mkdir()
    (foreign / "thesis.tex").write_text("precious")
    new = ("--out", tmp_path / "new")
    before = contents(tmp_path), contents(undisturbed)
    cases: list[tuple[str, tuple[object, ...]]] = [
        ("/proc/x", ("--out", "/proc/x")),
        ("--out DIR", ("--resume",)),
        ("not empty", ("--out", foreign)),
        ("no run of armplay", ("--out", foreign, "--resume")),
        ("no run of armplay", ("--out", tmp_path / "no-such", "--resume")),
        ("pass --resume", ("--out", undisturbed)),
        ("seed=9", ("--out", undisturbed, "--resume", "--seed", 9)),
        ("dataset.json", (*new, "--engine", "recorded", "--data", empty)),
        ("dataset.json", (*new, "--engine", "recorded", "--data", foreign)),
        ("no such folder", (*new, "--engine", "recorded", "--data", tmp_path / "no-such")),
        ("image_size=48", (*new, "--engine", "recorded", "--data", collected, "--image-size", 48)),
        ("frames=9", (*new, "--engine", "recorded", "--data", collected, "--frames", 9)),
        ("corrupt=shuffled", (*new, "--engine", "recorded", "--data", collected, "--corrupt", "shuffled")),
    ]
    for told, arguments in cases:
        resumed = "--resume" in arguments
        outcome = run_here("train_online", *(() if resumed else TINY), *arguments)
        assert_one_line(outcome)
        assert told in outcome.err
    assert (contents(tmp_path), contents(undisturbed)) == before
    assert not (tmp_path / "new").exists()


def test_too_few_recorded_objects_to_hold_some_out(collected: Path, tmp_path: Path) -> None:
    dataset = Dataset(collected)
    metadata = {key: dataset.metadata[key] for key in ("settings", "categories", "chain", "arm")}
    with DatasetWriter(tmp_path / "data", metadata=metadata, image_format="png") as writer:
        writer.add(dataset.episode(0))
    outcome = run_here("train_online", "--out", tmp_path / "new", "--data", tmp_path / "data", *RECORDED)
    assert_one_line(outcome)
    assert "1 episodes, none of them for" in outcome.err
    assert not (tmp_path / "new").exists()
