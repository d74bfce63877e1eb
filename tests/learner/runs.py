"""Folders of runs, as trainings leave them, without the training."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from agent.record import RecordSettings
from learner.export import export_encoder
from learner.run import Run
from learner.settings import OnlineSettings
from learner.training import Learner
from sim.scene import SceneSettings
from tests.learner.test_checkpoint import learner_of, pairs_of


def write_run(folder: Path, *, seed: int = 0, method: str = "aa-simclr", **given: Any) -> Learner:
    """The folder of a live run after 2 steps on noise, with its last checkpoint and its encoder; and the learner."""
    record = RecordSettings(scene=SceneSettings(image_size=32), seed=seed)
    settings = OnlineSettings(method=method, batch=8, buffer_episodes=20, record=record)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    learner = learner_of(method, seed=seed)
    learner.freeze_standardisation(3 + 2 * torch.randn(50, 7, generator=torch.Generator().manual_seed(seed)))
    for step in range(2):
        learner.step(pairs_of(step))
    torch.set_num_threads(threads)
    with Run(folder, replace(settings, **given), command="python here", machine={}, resume=False) as run:
        run.checkpoint(learner, 0.0, [])
    export_encoder(folder / "encoder", learner.encoder, name="small", image_size=32, trained={"steps": 2})
    return learner
