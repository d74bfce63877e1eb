"""The replay buffer: each frame stored once, as uint8; a pair is two indices until it is sampled."""

from __future__ import annotations

import threading
from typing import Literal, get_args

import numpy as np
import torch

from agent.episode import Episode, Pairs
from learner.actions import Moments, moments_of, representation
from sim.errors import InputError
from sim.kinematics import Chain
from sim.randomize import draw_background

Sampling = Literal["uniform", "uniform+same"]
"""`uniform`: t' is any other frame of the episode. `uniform+same`: any frame, t too, as in the paper's code."""


class ReplayBuffer:
    """A ring of whole episodes in CPU memory; the oldest is evicted. One thread may insert while another samples."""

    def __init__(
        self,
        episodes: int,
        *,
        frames: int,
        image_size: int,
        chain: Chain,
        categories: tuple[str, ...],
        action: str = "efference",
        sampling: Sampling = "uniform",
        backdrop: str = "mixed",
    ) -> None:
        """Room for `episodes` of up to `frames` frames; memory is claimed as it fills. `backdrop` is what is drawn
        behind frames whose background is drawn anew (`sim.randomize`)."""
        self._backdrop = backdrop
        if episodes < 1:
            raise InputError(f"buffer_episodes={episodes}: at least 1 is needed, or nothing can be sampled")
        if sampling not in get_args(Sampling):
            raise InputError(f"sampling={sampling}: unknown, known are {', '.join(get_args(Sampling))}")
        self.capacity, self.frames, self.image_size = episodes, frames, image_size
        self.sampling = sampling
        self.categories = categories
        self._representation = representation(action)
        self._chain = chain
        self._pixels = torch.empty((episodes, frames, image_size, image_size, 3), dtype=torch.uint8)
        self._masks: np.ndarray | None = None
        widths = (chain.joints, chain.joints, 7, 7, 7)
        self._moments = Moments(*(np.empty((episodes, frames, width)) for width in widths))
        self._times = np.empty((episodes, frames))
        self._lengths = np.zeros(episodes, dtype=np.int64)
        self._labels = np.empty((episodes, 3), dtype=np.int64)
        self._instances: dict[str, int] = {}
        self._next = 0
        self._lock = threading.Lock()

    @property
    def action_size(self) -> int:
        """Length A of the action representation."""
        return self._representation.size(self._chain.joints)

    @property
    def size_bytes(self) -> int:
        """Bytes that a full buffer holds, frames and all that goes with them."""
        small = (*self._moments, self._times, self._lengths, self._labels)
        masks = 0 if self._masks is None else self._masks.nbytes
        return self._pixels.numel() + masks + sum(array.nbytes for array in small)

    def __len__(self) -> int:
        """Episodes held."""
        return min(self._next, self.capacity)

    def insert(self, episode: Episode) -> None:
        """Store an episode in place of the oldest. Raises InputError, and evicts nothing, for one that does not fit."""
        count, height, width, _ = episode.frames.shape
        if (height, width) != (self.image_size, self.image_size) or count > self.frames:
            raise InputError(
                f"episode {episode.number} has {count} frames of {width}x{height}: "
                f"the buffer was made for {self.frames} of {self.image_size}x{self.image_size}"
            )
        if count < 2:
            raise InputError(f"episode {episode.number} has {count} frames: at least 2 are needed, or there is no pair")
        if episode.joints.shape[1] != self._chain.joints:
            raise InputError(
                f"episode {episode.number} is of an arm with {episode.joints.shape[1]} joints: "
                f"the kinematic chain has {self._chain.joints}"
            )
        if episode.category not in self.categories:
            raise InputError(f"episode {episode.number}: category {episode.category} is none of {len(self.categories)}")
        moments = moments_of(episode)
        with self._lock:
            slot = self._next % self.capacity
            self._pixels[slot, :count] = torch.from_numpy(episode.frames)
            for store, values in zip(self._moments, moments, strict=True):
                store[slot, :count] = values
            self._keep_masks(slot, episode.masks)
            self._times[slot, :count] = episode.times
            self._lengths[slot] = count
            instance = self._instances.setdefault(f"{episode.category}/{episode.instance}", len(self._instances))
            self._labels[slot] = self.categories.index(episode.category), instance, episode.number
            self._next += 1

    def sample(self, batch: int, rng: np.random.Generator, *, second: Literal["other", "same"] = "other") -> Pairs:
        """A batch of pairs, at most one an episode while there are enough episodes.

        `second` "same" shows the first frame twice (SimCLR): t' is t, nothing was done between them; where masks are
        stored, the background is another.
        """
        with self._lock:
            slots, here, there = self.draw(batch, rng)
            there = there if second == "other" else here
            first, other = self._look(slots, here), self._look(slots, there)
            action = self._representation.compute(first, other, self._chain)
            frames = self._gather(slots, here)
            others = self._gather(slots, there) if second == "other" else self._redrawn(frames, slots, here, rng)
            category, instance, episode = torch.from_numpy(self._labels[slots]).unbind(1)
            gap = self._times[slots, there] - self._times[slots, here]
        return Pairs(
            first=frames.permute(0, 3, 1, 2),
            second=others.permute(0, 3, 1, 2),
            action=torch.from_numpy(action.astype(np.float32)),
            category=category,
            instance=instance,
            episode=episode,
            gap=torch.from_numpy(gap.astype(np.float32)),
        )

    def sample_actions(self, count: int, rng: np.random.Generator) -> torch.Tensor:
        """Actions float32 [count, A] of pairs drawn as for a batch: to measure their mean and spread."""
        with self._lock:
            slots, here, there = self.draw(count, rng)
            action = self._representation.compute(self._look(slots, here), self._look(slots, there), self._chain)
        return torch.from_numpy(action.astype(np.float32))

    def draw(self, batch: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Slots, t and t' [batch] of pairs. Raises RuntimeError while the buffer is empty."""
        held = len(self)
        if held == 0:
            raise RuntimeError("the replay buffer is empty: insert episodes before sampling")
        rounds = [rng.permutation(held) for _ in range(batch // held)]
        slots = np.concatenate([*rounds, rng.choice(held, batch % held, replace=False)])
        lengths = self._lengths[slots]
        here = rng.integers(lengths)
        if self.sampling == "uniform+same":
            return slots, here, rng.integers(lengths)
        return slots, here, (here + 1 + rng.integers(lengths - 1)) % lengths

    def _look(self, slots: np.ndarray, frames: np.ndarray) -> Moments:
        return Moments(*(store[slots, frames] for store in self._moments))

    def _gather(self, slots: np.ndarray, frames: np.ndarray) -> torch.Tensor:
        """Frames uint8 [B, H, W, 3]: whole rows of memory, at memory speed."""
        rows = torch.from_numpy(slots * self.frames + frames)
        flat = self._pixels.view(self.capacity * self.frames, -1)
        return flat.index_select(0, rows).view(len(rows), self.image_size, self.image_size, 3)

    def _keep_masks(self, slot: int, masks: np.ndarray | None) -> None:
        """Masks are kept from the first episode that has them; one without them is all foreground."""
        if masks is not None and self._masks is None:
            row = -(-self.image_size * self.image_size // 8)
            self._masks = np.full((self.capacity, self.frames, row), 0xFF, dtype=np.uint8)
        if self._masks is not None:
            self._masks[slot] = 0xFF
        if masks is not None and self._masks is not None:
            self._masks[slot, : len(masks)] = np.packbits(masks.reshape(len(masks), -1), axis=-1)

    def _redrawn(
        self, frames: torch.Tensor, slots: np.ndarray, here: np.ndarray, rng: np.random.Generator
    ) -> torch.Tensor:
        """The same frames [B, H, W, 3], with other backgrounds where those are drawn per frame: they would tell."""
        if self._masks is None:
            return frames
        size = self.image_size
        masks = np.unpackbits(self._masks[slots, here], axis=-1, count=size * size).astype(bool)
        backgrounds = np.stack([draw_background(rng, size, self._backdrop) for _ in slots])
        kept = masks.reshape(-1, size, size, 1)
        return torch.from_numpy(np.where(kept, frames.numpy(), backgrounds))
