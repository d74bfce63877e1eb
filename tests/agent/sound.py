"""Small datasets whose every value could have been recorded: an upright object, turned before a camera that stands."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from agent.episode import Episode
from agent.record import RecordSettings
from agent.settings import to_json
from agent.writer import DatasetWriter
from sim import poses
from sim.camera import Camera
from sim.kinematics import Chain
from sim.scene import SceneSettings
from tests.agent.episodes import fake_episode

SIZE, FRAMES, PER_SHARD = 32, 4, 4
OBJECT = (0.5, 0.1, 0.4)
CAMERA = Camera().placed(OBJECT)
CHAIN = Chain(
    origins=np.tile(poses.IDENTITY, (7, 1)),
    axes=np.tile([0.0, 0.0, 1.0], (7, 1)),
    hand=poses.IDENTITY,
    lower=np.full(7, -3.0),
    upper=np.full(7, 3.0),
    velocity=np.full(7, 2.0),
)


def sound_episode(number: int, *, seed: int = 0, yaw: float | None = None, tilt: float = 0.0) -> Episode:
    """An episode of 4 frames 32x32. The object's turn about its upright axis is `yaw` degrees in frame 0 (by default,
    another one each episode) and 31 more each frame; it leans by `tilt` degrees."""
    episode = fake_episode(number, seed=seed, frames=FRAMES, size=SIZE)
    start = 7.3 * number if yaw is None else yaw
    turns = np.radians(start + 31.0 * np.arange(FRAMES))
    upright = poses.from_axis_angle(np.tile([0.0, 0.0, 1.0], (FRAMES, 1)), turns)
    leaning = poses.multiply(poses.from_axis_angle(np.array([1.0, 0.0, 0.0]), np.radians(tilt)), upright)
    in_base = np.concatenate([np.tile(OBJECT, (FRAMES, 1)), leaning], axis=-1)
    camera = np.tile(CAMERA.pose, (FRAMES, 1))
    return episode._replace(
        clean=np.clip(episode.clean, -2, 2),
        object_poses=poses.compose(poses.inverse(camera), in_base).astype(np.float32),
        camera_poses=camera.astype(np.float32),
        intrinsics=CAMERA.intrinsics(SIZE).astype(np.float32),
        grasp=poses.IDENTITY.astype(np.float32),
        category=("mug", "car", "tree")[number % 3],
        instance=f"toy-{number % 12}",
    )


def metadata_of(*, seed: int = 0, play: str = "turntable", **scene: Any) -> dict[str, Any]:
    """What a collection says of itself."""
    settings = SceneSettings(**{"image_size": SIZE, "frames": FRAMES, **scene})
    record = RecordSettings(scene=settings, play=play, seed=seed)
    return {
        "settings": to_json(record),
        "categories": ["mug", "car", "tree"],
        "arm": settings.arm,
        "chain": CHAIN.to_json(),
        "renderer": "none",
        "versions": {"python": "3.11.0", "machine": "x86_64"},
    }


def store(root: Path, numbers: Iterable[int], *, seed: int = 0, metadata: dict[str, Any] | None = None, **given: Any):
    """Writes sound episodes with these numbers; `given` goes to the writer."""
    metadata = metadata or metadata_of(seed=seed)
    with DatasetWriter(root, **{"metadata": metadata, "episodes_per_shard": PER_SHARD, **given}) as writer:
        for number in numbers:
            writer.add(sound_episode(number, seed=seed))


def contents(root: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}
