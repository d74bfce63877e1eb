"""What a learner is told of an action when commands or times are corrupted, and how wrong that is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from agent.corrupted import corrupt_episode, thin_episode
from agent.dataset import Dataset
from agent.episode import Episode
from learner.actions import ActionError, action_error
from sim.corrupt import Corruption, Timing
from sim.kinematics import Chain

Case = Corruption | Timing | None
"""What is corrupted; None is nothing."""
EPISODES = 60
"""That an error is measured over."""


def misled(case: Case, episodes: Sequence[Episode], *, seed: int) -> Iterator[Episode]:
    """Honest episodes as a learner is told them. Raises InputError as `agent.corrupted` does."""
    clean = {episode.number: episode.clean for episode in episodes}
    for episode in episodes:
        if isinstance(case, Corruption):
            yield corrupt_episode(episode, case, seed=seed, other=clean.__getitem__, exists=clean.__contains__)
        else:
            yield episode if case is None else thin_episode(episode, case, seed=seed)


def light(episode: Episode) -> Episode:
    """The episode with one pixel of each frame: actions need no more."""
    return episode._replace(frames=episode.frames[:, :1, :1].copy(), masks=None)


def first_of_each(dataset: Dataset, count: int) -> list[int]:
    """The first `count` episode numbers; of a merged dataset, as many of each part, `count` in all."""
    ends = np.cumsum([part["episodes"] for part in dataset.metadata.get("sources", [])])
    parts = np.split(np.array(list(dataset.numbers)), ends[:-1])
    return [number for part in parts for number in part[: max(1, count // len(parts))].tolist()]


def told_error(root: Path, cases: Sequence[Case], *, seed: int, action: str = "efference") -> ActionError:
    """How wrong the `action` of a pair is over the first stored episodes (of a merged dataset, of each part), with
    what was corrupted when they were collected, and `cases` after that."""
    dataset = Dataset(root)
    episodes = [light(episode) for episode in dataset.episodes(first_of_each(dataset, EPISODES))]
    for case in cases:
        episodes = list(misled(case, episodes, seed=seed))
    return action_error(episodes, Chain.from_json(dataset.metadata["chain"]), action=action)
