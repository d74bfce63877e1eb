"""Episodes as a misled learner is told them: pure functions of an episode, what goes wrong, and the seed.

Where both are asked for, commands are corrupted first, frames are lost after that.
"""

from __future__ import annotations

import numpy as np

from agent.episode import Episode
from sim.corrupt import Corruption, Timing, corrupt, kept_frames
from sim.corrupt.commands import Other
from sim.corrupt.partner import Exists, every
from sim.errors import InputError


def corrupt_episode(
    episode: Episode, corruption: Corruption, *, seed: int, other: Other, exists: Exists = every
) -> Episode:
    """The episode with other recorded commands; `other` gives the clean commands of any episode that `exists`.

    Raises InputError for executed corruption, which takes another collection, and for an episode whose recorded
    commands are not the clean ones: corrupted twice, they would be of no stated level.
    """
    if corruption.what != "recorded":
        raise InputError(f"corrupt-what={corruption.what}: what the motors did cannot be changed; collect anew with it")
    if not np.array_equal(episode.recorded, episode.clean):
        raise InputError(
            f"corrupt={corruption.kind}:{corruption.level:g}: the recorded commands of episode {episode.number} "
            "are corrupted already, twice would be of no stated level"
        )
    recorded = corrupt(episode.clean, corruption, seed=seed, episode=episode.number, other=other, exists=exists)
    return episode._replace(recorded=recorded)


def thin_episode(episode: Episode, timing: Timing, *, seed: int) -> Episode:
    """The episode without the frames that are lost; times stay true, counted from the first frame, which is kept.

    Clean and executed commands become the mean over each interval between kept frames, weighted by time: what they add
    up to is the same. Recorded ones too where true times are told. Where nominal times are told, the learner
    integrates the command of each kept frame over one interval of the episode as it was; the recorded command is that
    command, scaled so that it adds up to as much over the true interval.
    """
    kept = kept_frames(timing, len(episode.frames), seed=seed, episode=episode.number)
    if len(kept) == len(episode.frames):
        return episode
    starts = kept[:-1]
    seconds = np.diff(episode.times)[:, None]
    merged = np.diff(episode.times[kept])[:, None]

    def mean(commands: np.ndarray) -> np.ndarray:
        steps = (commands.astype(np.float64) * seconds)[: kept[-1]]
        return (np.add.reduceat(steps, starts, axis=0) / merged).astype(np.float32)

    if timing.told == "true":
        recorded = mean(episode.recorded)
    else:
        recorded = (episode.recorded[starts] * (seconds[starts] / merged)).astype(np.float32)
    return episode._replace(
        frames=episode.frames[kept],
        clean=mean(episode.clean),
        recorded=recorded,
        executed=mean(episode.executed),
        limited=np.logical_or.reduceat(episode.limited[: kept[-1]], starts),
        joints=episode.joints[kept],
        object_poses=episode.object_poses[kept],
        camera_poses=episode.camera_poses[kept],
        visible=episode.visible[kept],
        times=episode.times[kept],
        masks=None if episode.masks is None else episode.masks[kept],
        encoded=None,
    )
