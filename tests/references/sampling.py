"""What each way to draw pairs means, pair by pair."""

from __future__ import annotations

from scipy.spatial.transform import Rotation

from agent.episode import Episode


def partners(sampling: str, episode: Episode, here: int) -> list[int]:
    """The frames t' that frame `here` of an episode may be paired with, all equally likely."""
    count = len(episode.frames)
    others = [there for there in range(count) if there != here]
    name, _, reach = sampling.partition(":")
    match name:
        case "uniform":
            return others
        case "uniform+same":
            return list(range(count))
        case "window":
            return [there for there in others if abs(there - here) <= int(reach)]
        case "next":
            return [there for there in others if there == here + 1]
        case "walk":
            return [there for there in others if there in (here - 1, here + 1)]
    rotations = Rotation.from_quat(episode.object_poses[:, 3:])
    return [max(others, key=lambda there: (rotations[there] * rotations[here].inv()).magnitude())]


def probabilities(sampling: str, episode: Episode) -> dict[tuple[int, int], float]:
    """How likely each pair of an episode's frames is: every t that has a partner equally, then every partner."""
    found = {here: partners(sampling, episode, here) for here in range(len(episode.frames))}
    able = [here for here in found if found[here]]
    return {(here, there): 1 / len(able) / len(found[here]) for here in able for there in found[here]}
