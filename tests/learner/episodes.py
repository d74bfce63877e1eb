"""Episodes for the learner's tests: coded ones whose pixels tell where they are from, and real ones of the arm."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import torch

from agent.episode import Episode
from agent.record import RecordSettings
from learner.replay import ReplayBuffer
from sim.arm import chain_of
from sim.arms import arm_spec
from sim.kinematics import Chain
from sim.scene import SceneSettings
from tests.agent.episodes import fake_episode

CATEGORIES = ("category-0", "category-1", "category-2")


@cache
def kuka() -> Chain:
    return chain_of(arm_spec("kuka"))


def coded_episode(number: int, *, frames: int = 5, size: int = 4, masks: bool = False) -> Episode:
    """Frame t is filled with (number, t, 7); the joints are `number` throughout."""
    episode = fake_episode(number, frames=frames, size=size, masks=masks)
    pictures = np.empty((frames, size, size, 3), dtype=np.uint8)
    pictures[..., 0], pictures[..., 2] = number % 256, 7
    pictures[..., 1] = np.arange(frames)[:, None, None]
    return episode._replace(frames=pictures, joints=np.full((frames, 7), number, dtype=np.float32))


def buffer_of(
    episodes: int, *, frames: int = 5, size: int = 4, action: str = "command+state", **options: Any
) -> ReplayBuffer:
    return ReplayBuffer(
        episodes,
        frames=frames,
        image_size=size,
        chain=kuka(),
        categories=CATEGORIES,
        action=action,
        **options,
    )


def filled(count: int, capacity: int = 0, **options: Any) -> ReplayBuffer:
    """A buffer into which `count` coded episodes were inserted."""
    buffer = buffer_of(capacity or count, **options)
    for number in range(count):
        buffer.insert(coded_episode(number))
    return buffer


def codes(images: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Episode numbers and frame indices that coded frames [B, 3, H, W] tell; every pixel must agree."""
    assert (images == images[:, :, :1, :1]).all()
    return images[:, 0, 0, 0].numpy(), images[:, 1, 0, 0].numpy()


@cache
def real_episodes(count: int, corrupt: str = "", what: str = "recorded") -> tuple[Episode, ...]:
    """Short episodes of the simulated arm, 32x32."""
    scene = SceneSettings(image_size=32, frames=8)
    recorder = RecordSettings(scene=scene, corrupt=corrupt, corrupt_what=what, seed=3)()  # type: ignore[arg-type]
    try:
        return tuple(recorder(number) for number in range(count))
    finally:
        recorder.close()


def real_buffer(episodes: tuple[Episode, ...], action: str) -> ReplayBuffer:
    categories = tuple(sorted({episode.category for episode in episodes}))
    count, size = episodes[0].frames.shape[:2]
    buffer = ReplayBuffer(
        len(episodes), frames=count, image_size=size, chain=kuka(), categories=categories, action=action
    )
    for episode in episodes:
        buffer.insert(episode)
    return buffer
