"""How fast pairs are sampled."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import tyro
from _bench import check, keep, measure, show, timed

from agent.episode import Episode
from sim.arm import chain_of
from sim.arms import arm_spec

FRAMES = 32
"""Frames an episode."""
ELSEWHERE = 20
"""Batches of frames that plain copies are made of, in turns at random."""


@dataclass(frozen=True)
class Replay:
    """Sampling from the replay buffer, beside a plain copy of as many bytes."""

    rounds: int = 40
    """Rounds; the median is given."""
    batch: int = 256
    """Pairs a batch."""
    image_size: int = 128
    """Height and width of the frames in pixels."""
    episodes: int = 3125
    """Episodes in the buffer, of 32 frames: 100,000 frames, 4.9 GB of them."""
    folder: Path | None = None
    """Folder for a buffer in a file; in memory without it."""
    out: Annotated[Path | None, tyro.conf.arg(name="json")] = None
    """File for the figures."""

    def __call__(self) -> None:
        check(self.rounds, self.out, episodes=self.episodes, batch=self.batch)
        import torch  # slow to load, and `sim` has no need of it

        torch.set_num_threads(1)
        rng = np.random.default_rng(0)
        buffer = filled_buffer(self.episodes, self.image_size, self.folder)
        # As many bytes, in one piece, from memory that is no more in a cache than the buffer is.
        looks = np.ones((ELSEWHERE, 2 * self.batch, self.image_size, self.image_size, 3), dtype=np.uint8)
        for _ in range(60):  # a virtual machine is slow to read a page for the first time
            buffer.sample(self.batch, rng)
        figures = measure(
            {
                f"replay buffer, {self.batch} pairs": timed(lambda: buffer.sample(self.batch, rng), self.batch),
                "of that, drawing them and their actions": timed(
                    lambda: buffer.sample_actions(self.batch, rng), self.batch
                ),
                "plain numpy copy": timed(lambda: looks[rng.integers(ELSEWHERE)].copy(), self.batch),
            },
            self.rounds,
        )
        show(figures, unit="pairs/s")
        ratio = figures[0].middle / figures[-1].middle
        gigabytes = 2 * self.image_size**2 * 3 / 1e9
        overhead = buffer.size_bytes / (self.episodes * FRAMES * self.image_size**2 * 3) - 1
        print(
            f"\n{figures[0].middle * gigabytes:.1f} GB/s, {ratio:.0%} of a plain copy's speed; "
            f"the buffer takes {overhead:.1%} more than its {self.episodes * FRAMES} frames, masks included"
        )
        keep(self.out, figures, unit="pairs/s", ratios={"plain numpy copy": ratio, "bytes beside frames": overhead})


def filled_buffer(episodes: int, size: int, folder: Path | None) -> Any:
    """A replay buffer of noise, with room for masks."""
    from learner.replay import ReplayBuffer

    rng, frames, chain = np.random.default_rng(0), FRAMES, chain_of(arm_spec("kuka"))
    buffer = ReplayBuffer(
        episodes, frames=frames, image_size=size, chain=chain, categories=("noise",), masks=True, folder=folder
    )
    noise = rng.integers(256, size=(frames, size, size, 3), dtype=np.uint8)
    still = np.tile(np.array([0, 0, 0, 0, 0, 0, 1], dtype=np.float32), (frames, 1))
    commands = np.zeros((frames - 1, chain.joints), dtype=np.float32)
    for number in range(episodes):
        episode = Episode(
            frames=noise,
            clean=commands,
            recorded=commands,
            executed=commands,
            limited=np.zeros(frames - 1, dtype=bool),
            joints=np.zeros((frames, chain.joints), dtype=np.float32),
            object_poses=still,
            camera_poses=still,
            intrinsics=np.eye(3, dtype=np.float32),
            grasp=still[0],
            visible=np.ones(frames, dtype=np.float32),
            times=np.arange(frames) / 5,
            category="noise",
            instance=f"noise_{number:07d}",
            number=number,
            seed=0,
        )
        buffer.insert(episode)
    return buffer
