"""The settings that suit this machine."""

from __future__ import annotations

import os
from typing import Any

from agent.record import RecordSettings
from learner.augment import AugmentSettings
from learner.machine import default_device
from learner.optimizer import OptimizerSettings
from learner.settings.online import OnlineSettings
from learner.settings.recorded import TrainSettings
from sim.camera import Camera
from sim.cores import cores
from sim.scene import SceneSettings


def suited() -> OnlineSettings:
    """For a live run: small pictures and a small encoder on a CPU, ResNet-18 at 128 pixels on CUDA."""
    available = _cores()
    if default_device() == "cuda":
        scene = SceneSettings(image_size=128)
        workers = max(1, available - 1)
        record = RecordSettings(scene=scene)
        return OnlineSettings(**_learning(), workers=workers, buffer_episodes=5000, replay_ratio=8.0, record=record)
    # In the few hundred steps that a CPU has time for, the encoder learns fastest from a close look at the object.
    scene = SceneSettings(image_size=64, camera=Camera(field_of_view=8.5))
    return OnlineSettings(**_learning(), workers=available, record=RecordSettings(scene=scene))


def suited_training() -> TrainSettings:
    """The same for a training on stored episodes."""
    return TrainSettings(**_learning())


def _cores() -> int:
    """This process's share of the cores, where torchrun has started several here."""
    return max(1, cores() // int(os.environ.get("LOCAL_WORLD_SIZE", "1")))


def _learning() -> dict[str, Any]:
    if default_device() == "cuda":
        return {
            "steps": 20_000,
            "batch": 256,
            "encoder": "resnet18",
            "device": "cuda",
            "log_every": 50,
            "validate_every": 500,
            "checkpoint_every": 1000,
        }
    # Crops that keep the object whole, and hues that cannot give an instance away.
    return {
        "steps": 1000,
        "threads": _cores(),
        "augment": AugmentSettings(crop_area=(0.7, 1.0), hue=0.5),
        "optimizer": OptimizerSettings(learning_rate=2e-3),
    }
