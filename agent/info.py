"""What a stored dataset holds, without decoding an image."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import Any

import numpy as np

from agent.dataset import Dataset
from agent.episode import Episode
from agent.merge import runs
from agent.outcome import Outcome, agreement, outcome
from agent.record import RecordSettings
from agent.settings import differences, to_json
from sim import viewsphere
from sim.errors import InputError
from sim.kinematics import Chain

MEASURED = 200
"""Episodes that coverage is measured on at most."""


def summary(data: Dataset) -> dict[str, Any]:
    """What is stored, as JSON values; shares are in [0, 1], times in s. What `dataset.json` does not say is left out.

    Coverage of the view sphere, how often object and hand moved alike, and what became of objects on a table are
    measured on 200 episodes at most, evenly spaced over all.
    """
    about = data.metadata
    frames, objects, numbers = data.frame_counts, data.objects(), list(data.numbers)
    measured = [
        numbers[at] for at in np.unique(np.linspace(0, len(numbers) - 1, min(MEASURED, len(numbers))).astype(int))
    ]
    motions = [_motion(data, number, objects[number]) for number in measured]
    seen = [viewsphere.coverage(motion.object_poses.astype(np.float64)) for motion in motions]
    pairs = Counter(category for category, _ in sorted(set(objects.values())))
    episodes = Counter(category for category, _ in objects.values())
    lengths = sorted(set(frames.values()))
    found: dict[str, Any] = {
        "episodes": len(data),
        "frames": sum(frames.values()),
        "frames_an_episode": lengths[0] if len(lengths) == 1 else [lengths[0], lengths[-1]],
        "bytes": data.size_bytes,
        "shards": len(data.shard_indices),
        "image_size": list(data.image_size),
        "image_format": about["image_format"],
        "coverage": {"episodes": len(seen), "mean": float(np.mean(seen)), "least": float(np.min(seen))},
        "categories": {name: {"episodes": episodes[name], "instances": pairs[name]} for name in sorted(episodes)},
        "missing": [[before[1], after[0]] for before, after in _gaps(numbers)],
    }
    found |= {name: about[name] for name in ("arm", "renderer", "versions") if name in about}
    if "chain" in about:
        chain = Chain.from_json(about["chain"])
        found["agreement"] = float(np.mean([agreement(motion, chain) for motion in motions]))
    if about.get("scene") == "table":
        found["outcomes"] = _outcomes(motions)
    if "settings" in about:
        found["settings"] = {
            name: now for name, _, now in differences(to_json(RecordSettings()), about["settings"]) if now is not None
        }
    if "sources" in about:
        found["sources"] = [
            {"name": source["name"], "episodes": source["episodes"], "numbers": source["numbers"]}
            for source in about["sources"]
        ]
    return found


def _outcomes(motions: list[Episode]) -> dict[str, Any]:
    """Shares of episodes in which the object was moved, ...; and of which categories how many were grasped."""
    found = [outcome(motion) for motion in motions]
    shares = {name: float(np.mean([getattr(each, name) for each in found])) for name in Outcome._fields}
    grasped = Counter(motion.category for motion, each in zip(motions, found, strict=True) if each.grasped)
    tried = Counter(motion.category for motion in motions)
    return {**shares, "grasped_by_category": {name: [grasped[name], tried[name]] for name in sorted(tried)}}


def _motion(data: Dataset, number: int, names: tuple[str, str]) -> Episode:
    """An episode without its images, none of which is read."""
    read = {name: data.vectors(number, name) for name in ("recorded", "joints", "object_pose", "camera_pose", "grasp")}
    for name in ("object_pose", "camera_pose", "grasp"):
        if read[name].shape[1] != 7:
            told = f"{name} of episode {number} has {read[name].shape[1]} numbers a frame, a pose has 7"
            raise InputError(f"{data.root}: {told}; see what verify says")
    times = next(data.tables([number], columns=["time"]))["time"].to_numpy()
    count = len(times)
    return Episode(
        frames=np.empty((count, 0, 0, 3), np.uint8),
        clean=read["recorded"],
        recorded=read["recorded"],
        executed=read["recorded"],
        limited=np.zeros(count - 1, bool),
        joints=read["joints"],
        object_poses=read["object_pose"],
        camera_poses=read["camera_pose"],
        intrinsics=np.eye(3, dtype=np.float32),
        grasp=read["grasp"][0],
        visible=np.ones(count, np.float32),
        times=times,
        category=names[0],
        instance=names[1],
        number=number,
        seed=0,
    )


def _gaps(numbers: list[int]) -> list[tuple[list[int], list[int]]]:
    """Pairs of runs of episode numbers with a gap between them; a gap may be before the first."""
    found = [[0, 0], *runs(iter(numbers))]
    return [(one, two) for one, two in pairwise(found) if one[1] < two[0]]
