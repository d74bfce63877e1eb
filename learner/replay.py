"""The replay buffer: each frame stored once, as uint8; a pair is two indices until it is sampled."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import Literal, NamedTuple, Protocol

import numpy as np
import torch

from agent.episode import Episode, Pairs
from learner.actions import Moments, calibration, moments_of, representation
from learner.sampling import Clips, draw_episodes, pairing
from learner.storage import SPARE, Layout, Rows, check_room
from sim.errors import InputError
from sim.kinematics import Chain
from sim.randomize import draw_background


class Entry(NamedTuple):
    """When an episode came in. The same episodes inserted at the same counts give the same batches again."""

    number: int
    """The episode's number."""
    draws: int
    """Times that the buffer had been sampled before the episode was in it."""
    interest: int | None = None
    """Version of what the episode sought; None where it sought nothing."""


class PairSource(Protocol):
    """What pairs are drawn from: a replay buffer, or a dataset of images (`learner.data.PairSet`)."""

    def __len__(self) -> int:
        """Episodes that are drawn from."""

    def take_entries(self) -> list[Entry]:
        """What came in since they were taken last, in its order."""

    def sample(self, batch: int, rng: np.random.Generator, *, second: Literal["other", "same"] = "other") -> Pairs:
        """A batch of pairs that depends on the generator and nothing else."""

    def sample_actions(self, count: int, rng: np.random.Generator) -> torch.Tensor:
        """Actions float32 [count, A] of pairs drawn as for a batch."""


class ReplayBuffer:
    """Whole episodes, the oldest or a random one evicted for a new one.

    Threads may insert and sample at the same time. An episode is written to a spare slot and then published, so a
    sample sees all of it or nothing; the slot of an evicted one is written to again when no sample can be reading it.
    What is sampled depends on the episodes published until then, in their order, and on the generator: on no slot and
    no moment.
    """

    def __init__(
        self,
        episodes: int,
        *,
        frames: int,
        image_size: int,
        chain: Chain,
        categories: tuple[str, ...],
        action: str = "efference",
        sampling: str = "uniform",
        backdrop: str = "mixed",
        masks: bool = False,
        evict: np.random.Generator | None = None,
        device: str = "cpu",
        folder: Path | None = None,
    ) -> None:
        """Room for `episodes` of up to `frames` frames, in the memory of `device` or in a file in `folder`.

        `sampling` is how t' is drawn (`learner.sampling`). `masks`: keep them, and draw `backdrop` (`sim.randomize`)
        behind the second view where it is of the same frame. `evict` draws the episode that goes; without it the oldest
        does. Raises InputError for settings that cannot work, and where the room is not free.
        """
        if episodes < 1:
            raise InputError(f"buffer_episodes={episodes}: at least 1 is needed, or nothing can be sampled")
        self.capacity, self.frames, self.image_size = episodes, frames, image_size
        self.categories = categories
        self.entries: list[Entry] = []
        """Insertions that nobody has taken yet, in their order."""
        self._pairing, self._representation = pairing(sampling), representation(action)
        self._chain, self._backdrop, self._evict = chain, backdrop, evict
        layout = Layout(frames, image_size, chain.joints, masks)
        check_room(layout.bytes_of(episodes), device=device, folder=folder)
        slots = episodes + SPARE
        self._pixels = Rows(slots * frames, layout.pixel_bytes, device=device, folder=folder)
        self._masks = Rows(slots * frames, layout.mask_bytes, device=device, folder=folder) if masks else None
        self._frame_facts = np.zeros((slots, frames), dtype=layout.frame_facts)
        self._episode_facts = np.zeros(slots, dtype=layout.episode_facts)
        self._slot_of = np.zeros(episodes, dtype=np.int64)
        """[capacity]: the slot of each episode that can be sampled."""
        self._free = deque((0, slot) for slot in range(slots))
        """Slots that nothing published is in, each with the insertion that it was freed by."""
        self._draws = self._inserted = 0
        self._reading: list[int] = []
        """Insertions that were there when each sample in progress began."""
        self._changed = threading.Condition()

    def __enter__(self) -> ReplayBuffer:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Give memory or file back; the buffer cannot be used any more."""
        self._pixels.close()
        if self._masks is not None:
            self._masks.close()

    @property
    def action_size(self) -> int:
        """Length A of the action representation."""
        return self._representation.size(self._chain.joints)

    @property
    def size_bytes(self) -> int:
        """Bytes of a full buffer: frames, masks where they are kept, and all that goes with them."""
        masks = 0 if self._masks is None else self._masks.nbytes
        small = (self._frame_facts, self._episode_facts, self._slot_of)
        return self._pixels.nbytes + masks + sum(array.nbytes for array in small)

    def __len__(self) -> int:
        """Episodes held."""
        return min(self._inserted, self.capacity)

    def insert(self, episode: Episode) -> None:
        """Store an episode, in place of another when full. Raises InputError, and evicts nothing, for one that does not
        fit. Waits only where samples in progress still read all that was evicted of late."""
        self._check(episode)
        with self._changed:
            self._changed.wait_for(self._has_spare)
            slot = self._free.popleft()[1]
        try:
            self._write(slot, episode)
        except BaseException:
            with self._changed:
                self._free.appendleft((0, slot))
            raise
        with self._changed:
            self._publish(slot, episode)

    def take_entries(self) -> list[Entry]:
        """The entries, which are then forgotten: a run of days has millions."""
        with self._changed:
            taken, self.entries = self.entries, []
        return taken

    def sample(self, batch: int, rng: np.random.Generator, *, second: Literal["other", "same"] = "other") -> Pairs:
        """A batch of pairs, at most one an episode while there are enough episodes; frames lie on the device.

        `second` "same" shows the first frame twice (SimCLR): t' is t, nothing was done between them; where masks are
        kept, the background is another. Raises RuntimeError while the buffer is empty.
        """
        with self._episodes_held() as held:
            slots, here, there = self._draw(held, batch, rng)
            there = there if second == "other" else here
            episodes = self._episode_facts[slots]
            ends = self._moments(slots, here), self._moments(slots, there)
            rows, partners = slots * self.frames + here, slots * self.frames + there
            looks = self._pixels.gather(rows if second == "same" else np.concatenate([rows, partners]))
            masks = self._masks.gather(rows) if second == "same" and self._masks else None
        looks = looks.view(-1, self.image_size, self.image_size, 3)
        frames, others = looks[:batch], looks[-batch:]
        if masks is not None:
            others = self._redrawn(frames, masks, rng)
        return Pairs(
            first=frames.permute(0, 3, 1, 2),
            second=others.permute(0, 3, 1, 2),
            action=self._actions(*ends),
            category=torch.from_numpy(episodes["category"].copy()),
            instance=torch.from_numpy(episodes["instance"].copy()),
            episode=torch.from_numpy(episodes["number"].copy()),
            gap=torch.from_numpy((ends[1].time - ends[0].time).astype(np.float32)),
        )

    def sample_actions(self, count: int, rng: np.random.Generator) -> torch.Tensor:
        """Actions float32 [count, A] of pairs drawn as for a batch: to measure their mean and spread."""
        with self._episodes_held() as held:
            slots, here, there = self._draw(held, count, rng)
            ends = self._moments(slots, here), self._moments(slots, there)
        return self._actions(*ends)

    def _check(self, episode: Episode) -> None:
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

    def _has_spare(self) -> bool:
        """The slot that was freed first is read by no sample that began before that."""
        return bool(self._free) and self._free[0][0] <= min(self._reading, default=self._inserted)

    def _write(self, slot: int, episode: Episode) -> None:
        count, start = len(episode.frames), slot * self.frames
        self._pixels.write(start, episode.frames.reshape(count, -1))
        if self._masks is not None:
            area = self.image_size**2
            # Without masks all is foreground: there is no background that could be another.
            masks = np.ones((count, area), dtype=bool) if episode.masks is None else episode.masks.reshape(count, area)
            self._masks.write(start, np.packbits(masks, axis=1))
        facts = self._frame_facts[slot, :count]
        moments = moments_of(episode)._asdict()
        for name in self._frame_facts.dtype.names or ():
            facts[name] = moments[name]

    def _publish(self, slot: int, episode: Episode) -> None:
        place, full = self._inserted % self.capacity, self._inserted >= self.capacity
        if full and self._evict is not None:
            place = int(self._evict.integers(self.capacity))
        self._inserted += 1
        if full:
            self._free.append((self._inserted, int(self._slot_of[place])))
        category, instance = self.categories.index(episode.category), identity(episode)
        self._episode_facts[slot] = (len(episode.frames), category, instance, episode.number)
        self._slot_of[place] = slot
        sought = None if episode.interest is None else episode.interest.version
        self.entries.append(Entry(episode.number, self._draws, sought))
        self._changed.notify_all()

    @contextmanager
    def _episodes_held(self) -> Iterator[np.ndarray]:
        """The slots of the episodes that can be sampled now; none of them is written to before this ends."""
        with self._changed:
            if not self._inserted:
                raise RuntimeError("the replay buffer is empty: insert episodes before sampling")
            began, held = self._inserted, self._slot_of[: len(self)].copy()
            self._draws += 1
            self._reading.append(began)
        try:
            yield held
        finally:
            with self._changed:
                self._reading.remove(began)
                self._changed.notify_all()

    def _draw(
        self, held: np.ndarray, batch: int, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Slots, t and t' [batch] of pairs."""
        slots = held[draw_episodes(len(held), batch, rng)]
        clips = Clips(self._episode_facts["length"][slots], lambda: self._frame_facts["object_pose"][slots])
        return slots, *self._pairing(clips, rng)

    def _moments(self, slots: np.ndarray, frames: np.ndarray) -> Moments:
        """What is known of a frame of each slot."""
        facts = self._frame_facts[slots, frames]
        moments = Moments(**{name: facts[name].astype(np.float64) for name in facts.dtype.names or ()})
        if not self._representation.calibrated:
            return moments
        clips, rows = self._frame_facts[slots], np.arange(len(slots))
        with np.errstate(all="ignore"):  # of what lies after an episode's last frame, and is not looked at
            gain, bias = calibration(clips["turned"], clips["joints"], clips["time"])
        return moments._replace(gain=gain[rows, frames], bias=bias[rows, frames])

    def _actions(self, first: Moments, second: Moments) -> torch.Tensor:
        """Actions float32 [B, A] between two moments of each pair."""
        return torch.from_numpy(self._representation.compute(first, second, self._chain).astype(np.float32))

    def _redrawn(self, frames: torch.Tensor, masks: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
        """The same frames [B, H, W, 3], with other backgrounds: they would tell where a pair is from."""
        size = self.image_size
        kept = np.unpackbits(masks.cpu().numpy(), axis=1, count=size * size).reshape(-1, size, size, 1).view(bool)
        backgrounds = np.stack([draw_background(rng, size, self._backdrop) for _ in kept])
        device = frames.device
        return torch.where(torch.from_numpy(kept).to(device), frames, torch.from_numpy(backgrounds).to(device))


def identity(episode: Episode) -> int:
    """A number of the episode's object, 64 bits of a hash of its name: nothing has to be remembered of objects that are
    gone. Two of a million objects share one in less than one of 10^7 runs."""
    name = f"{episode.category}/{episode.instance}".encode()
    return int.from_bytes(blake2b(name, digest_size=8).digest(), "little", signed=True)
