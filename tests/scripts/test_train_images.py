"""`scripts/train.py --data KIND:ROOT`: datasets of images by the loop that our own episodes go through."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from learner.export import load_encoder
from tests.learner.data.test_images import write
from tests.scripts.running import assert_one_line, run_here, start, wait_until
from tests.scripts.test_torchrun import run_two
from tests.scripts.test_train import LEARNING, kept_by, losses_of
from tests.scripts.test_train_online import history_of

STEPS = 14
SMALL = (*LEARNING, "--image-size", 32, "--quiet")


@pytest.fixture(scope="module")
def undisturbed(rt4k: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("train") / "run"
    outcome = run_here("train", "--data", rt4k, "--out", run, "--steps", STEPS, *SMALL)
    assert (outcome.status, outcome.err) == (0, ""), outcome
    return run


def test_everything_is_left_that_our_own_data_leave(undisturbed: Path, rt4k: str) -> None:
    history = history_of(undisturbed)
    assert [row["step"] for row in history] == list(range(1, STEPS + 1))
    assert [row["step"] for row in history if "probe/knn_validation" in row] == [5, 10, STEPS]
    assert all(row["loss/action"] > 0 for row in history)
    expected = {"settings.json", "history.jsonl", "checkpoints", "encoder", "scores.json", "report.html", "tensorboard"}
    assert {path.name for path in undisturbed.iterdir() if not path.name.startswith(".")} == expected
    scores = json.loads((undisturbed / "scores.json").read_text())
    assert scores["categories"] == ["car", "mug", "tree"]
    assert "6 test objects" in scores["protocol"]
    config = json.loads((undisturbed / "encoder/config.json").read_text())
    assert (config["image_size"], config["trained"]["data"]) == (32, rt4k)
    assert load_encoder(undisturbed).image_size == 32
    page = (undisturbed / "report.html").read_text()
    assert page.count('<figure class="pair">') == 3
    assert "joint velocity commands" not in page
    assert "nan" not in page


def test_killed_and_resumed_it_gives_the_losses_of_the_undisturbed(
    undisturbed: Path, rt4k: str, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    process = start("train", "--data", rt4k, "--out", run, "--steps", STEPS, *SMALL)
    wait_until(lambda: kept_by(run) > 0, process)
    process.kill()
    process.communicate()
    assert run_here("train", "--resume", "--out", run, "--quiet").status == 0
    assert losses_of(run) == losses_of(undisturbed)
    for left in ("encoder/encoder.safetensors", "scores.json"):
        assert (run / left).read_bytes() == (undisturbed / left).read_bytes()


@pytest.mark.long
@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds processes by /proc")
def test_two_processes_share_the_clips(undisturbed: Path, rt4k: str, tmp_path: Path) -> None:
    run = tmp_path / "run"
    outcome = run_two("train", "--data", rt4k, "--out", run, "--steps", 3, *SMALL)
    assert outcome.status == 0, outcome
    assert outcome.out.count("report: ") == 1
    alone, together = history_of(undisturbed)[0], history_of(run)[0]
    assert together["loss/instance_chance"] == alone["loss/instance_chance"]
    assert together["buffer/episodes"] == -(-alone["buffer/episodes"] // 2)


@pytest.mark.parametrize("method", ["simclr", "vicreg-tt"])
def test_pictures_without_angles_are_learned_from_without_actions(method: str, tmp_path: Path) -> None:
    write(tmp_path / "data", {f"thing{number}": ("mug", "car")[number % 2] for number in range(40)})
    data = ("--data", f"images:{tmp_path}/data")
    outcome = run_here("train", *data, "--out", tmp_path / "run", "--method", method, "--steps", 2, *SMALL)
    assert (outcome.status, outcome.err) == (0, ""), outcome
    page = (tmp_path / "run/report.html").read_text()
    assert '<figure class="pair">' in page
    assert "nan" not in page
    outcome = run_here("train", *data, "--out", tmp_path / "other", "--method", "aa-simclr")
    assert_one_line(outcome)
    assert "only simclr, simclr-tt, byol-tt, vicreg-tt, supervised learn without" in outcome.err
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--action", "pose"), "its action is its own; leave --action out"),
        (("--corrupt", "gaussian:1"), "leave --corrupt out"),
        (("--storage", "file"), "leave --storage out"),
        (("--flip", "together"), "its action has no mirror image; leave --flip out"),
        (("--image-size", 8), "image_size=8: at least 32"),
        (("--init", "absent.pth"), "init=absent.pth: no weights that can be read"),
    ],
)
def test_a_mistake_is_one_line_and_nothing_is_written(
    arguments: tuple[object, ...], told: str, rt4k: str, tmp_path: Path
) -> None:
    outcome = run_here("train", "--data", rt4k, "--out", tmp_path / "new", *SMALL, *arguments)
    assert_one_line(outcome)
    assert told in outcome.err
    assert list(tmp_path.iterdir()) == []


def test_another_image_size_is_another_run(undisturbed: Path) -> None:
    outcome = run_here("train", "--resume", "--out", undisturbed, "--image-size", 48)
    assert_one_line(outcome)
    assert "image_size=48: the run in" in outcome.err
