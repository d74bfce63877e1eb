"""Pairs of frames of a dataset on disk, read as from a replay buffer."""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch

from agent.episode import Pairs
from learner.data.base import ImageData
from learner.replay import Entry
from learner.sampling import Clips, draw_episodes, pairing
from learner.team import Team
from sim.errors import InputError


class PairSet:
    """The clips of a split that have two frames or more; frames are read and decoded when they are sampled.

    What is sampled depends on the generator and nothing else.
    """

    def __init__(
        self,
        data: ImageData,
        split: str,
        *,
        image_size: int = 0,
        sampling: str = "uniform",
        team: Team | None = None,
    ) -> None:
        """`image_size` in pixels, 0 for the dataset's; `sampling` is how t' is drawn (`learner.sampling`). Of a team,
        each process gets its share of the clips. Raises InputError where there is no pair, or a way of drawing needs
        view angles that are not known."""
        self.image_size = image_size or data.image_size
        self._data, self._split, self._pairing = data, split, pairing(sampling)
        self._frames = data.frames(split)
        starts = np.flatnonzero(np.diff(self._frames.clip, prepend=-1))
        lengths = np.diff(starts, append=len(self._frames))
        self._starts, self._lengths = starts[lengths > 1], lengths[lengths > 1]
        if not len(self._starts):
            raise InputError(f"{data.kind}:{data.root}: no clip for {split} has 2 frames or more, so there is no pair")
        if team is not None and team.size > 1:
            clips = len(self._starts)
            if clips < team.size:
                raise InputError(
                    f"{data.kind}:{data.root}: {clips} clips for {split}, fewer than {team.size} processes"
                )
            self._starts, self._lengths = (of[team.rank :: team.size] for of in (self._starts, self._lengths))
        self._turns = data.turns(split) if sampling == "opposite" else None

    def __len__(self) -> int:
        """Clips that are drawn from."""
        return len(self._starts)

    def take_entries(self) -> list[Entry]:
        """None: nothing comes in later."""
        return []

    @property
    def action_size(self) -> int:
        """Length A of the dataset's action; 0 where nothing is known of the motion."""
        return self._data.action.size if self._data.action else 0

    def sample(self, batch: int, rng: np.random.Generator, *, second: Literal["other", "same"] = "other") -> Pairs:
        """A batch of pairs, at most one a clip while there are enough clips; `episode` is the clip's number.

        `second` "same" shows the first frame twice (SimCLR): t' is t, nothing was done between them.
        """
        here, there = self.draw(batch, rng)
        there = there if second == "other" else here
        rows = here if second == "same" else np.concatenate([here, there])
        looks = torch.from_numpy(self._data.images(self._split, rows, size=self.image_size)).permute(0, 3, 1, 2)
        known = self._frames
        return Pairs(
            first=looks[:batch],
            second=looks[-batch:],
            action=self._actions(here, there),
            category=torch.from_numpy(known.category[here]),
            instance=torch.from_numpy(known.instance[here]),
            episode=torch.from_numpy(known.clip[here]),
            gap=torch.from_numpy((known.time[there] - known.time[here]).astype(np.float32)),
        )

    def sample_actions(self, count: int, rng: np.random.Generator) -> torch.Tensor:
        """Actions float32 [count, A] of pairs drawn as for a batch: to measure their mean and spread."""
        return self._actions(*self.draw(count, rng))

    def draw(self, batch: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Rows of t and of t' [batch] in the frames of the split, as `sample` draws them."""
        clips = draw_episodes(len(self), batch, rng)
        starts, lengths = self._starts[clips], self._lengths[clips]
        here, there = self._pairing(Clips(lengths, lambda: self._poses(starts, lengths)), rng)
        return starts + here, starts + there

    def _poses(self, starts: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        """[B, T, 7] of clips; where the object is does not matter here, and is not filled in."""
        assert self._turns is not None
        steps = np.minimum(np.arange(lengths.max()), lengths[:, None] - 1)
        turns = self._turns[starts[:, None] + steps]
        return np.concatenate([np.zeros_like(turns[..., :3]), turns], axis=-1)

    def _actions(self, here: np.ndarray, there: np.ndarray) -> torch.Tensor:
        """float32 [B, A]."""
        formula, motion = self._data.action, self._frames.motion
        found = formula.compute(motion[here], motion[there]) if formula else np.zeros((len(here), 0))
        return torch.from_numpy(found.astype(np.float32))
