"""`--init`: a run that starts from the weights of another, says so, and goes on without that file."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from learner.checkpoint import Checkpoints
from learner.encoders import build_encoder
from learner.export import export_encoder
from tests.scripts.running import assert_one_line, run_here
from tests.scripts.test_train_online import RECORDED


def test_a_run_starts_from_another_encoder_and_its_own_says_so(collected: Path, tmp_path: Path) -> None:
    start, run = tmp_path / "start", tmp_path / "run"
    export_encoder(start, build_encoder("small", seed=7), name="small", image_size=32, trained={})
    digest = hashlib.sha256((start / "encoder.safetensors").read_bytes()).hexdigest()
    quick = ("--bank-episodes", 4, "--test-episodes", 4, "--validation-episodes", 2, "--quiet")
    arguments = (*RECORDED, "--data", collected, "--out", run, *quick)
    outcome = run_here("train_online", *arguments, "--init", start, "--steps", 1, "--learning-rate", 1e-9)
    assert outcome.status == 0, outcome
    # A step at this rate changes nothing to speak of.
    last = Checkpoints(run / "checkpoints").load()[0]
    assert last is not None
    tensors = last.tensors
    for name, tensor in load_file(start / "encoder.safetensors").items():
        if "running" not in name and "num_batches" not in name:
            assert (tensors[f"method.encoder.{name}"] - tensor).abs().max() < 1e-6

    shutil.rmtree(start)  # the checkpoint has everything
    outcome = run_here("train_online", "--resume", "--out", run, "--steps", 2, "--quiet")
    assert outcome.status == 0, outcome
    trained = json.loads((run / "encoder/config.json").read_text())["trained"]
    assert trained["init"] == {"file": str(start), "sha256": digest}
    assert (trained["method"], trained["steps"], trained["seed"]) == ("aa-simclr", 2, 2)
    assert str(collected) in trained["data"]
    assert "gaussian:0.3" in trained["data"]
    stored = json.loads((run / "scores.json").read_text())["scores"]
    assert [score["accuracy"] for score in trained["scores"]] == [score["accuracy"] for score in stored]
    assert f"SHA-256 {digest}" in (run / "encoder/README.md").read_text()


@pytest.mark.parametrize("name", ["absent.pth", "other.safetensors"])
def test_weights_that_cannot_be_had_are_told_before_a_folder_is_made(
    name: str, collected: Path, tmp_path: Path
) -> None:
    save_file({"conv1.weight": torch.zeros(64, 3, 7, 7)}, tmp_path / "other.safetensors")
    arguments = (*RECORDED, "--data", collected, "--out", tmp_path / "run", "--init", tmp_path / name)
    outcome = run_here("train_online", *arguments)
    assert_one_line(outcome)
    assert f"init={tmp_path}/{name}: " in outcome.err
    assert not (tmp_path / "run").exists()
