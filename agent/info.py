"""What a stored dataset holds, without decoding an image."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import Any

import numpy as np

from agent.dataset import Dataset
from agent.merge import runs
from agent.record import RecordSettings
from agent.settings import differences, to_json
from sim import viewsphere

MEASURED = 200
"""Episodes that coverage is measured on at most."""


def summary(data: Dataset) -> dict[str, Any]:
    """What is stored, as JSON values; shares are in [0, 1], times in s. What `dataset.json` does not say is left out.

    Coverage of the view sphere is measured on 200 episodes at most, evenly spaced over all.
    """
    about = data.metadata
    frames, objects, numbers = data.frame_counts, data.objects(), list(data.numbers)
    seen = [
        viewsphere.coverage(data.vectors(numbers[at], "object_pose").astype(np.float64))
        for at in np.unique(np.linspace(0, len(numbers) - 1, min(MEASURED, len(numbers))).astype(int))
    ]
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


def _gaps(numbers: list[int]) -> list[tuple[list[int], list[int]]]:
    """Pairs of runs of episode numbers with a gap between them; a gap may be before the first."""
    found = [[0, 0], *runs(iter(numbers))]
    return [(one, two) for one, two in pairwise(found) if one[1] < two[0]]
