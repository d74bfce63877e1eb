"""What a collection says of itself: while it goes on, and at its end."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from agent.collect import Engine, Failure
from agent.dataset import Dataset
from agent.episode import Episode
from agent.pictures import contact_sheet, save_picture
from agent.record import RecordSettings
from sim import viewsphere

SHEET = "contact_sheet.png"


def say_given_up(failures: Sequence[Failure], record: RecordSettings) -> None:
    """One line for each, with the object that was to be played, and the seed with which it is made again."""
    recorder = record() if failures else None
    for failure in failures:
        assert recorder is not None
        category, instance = recorder.choose(failure.number)
        print(f"given up: {failure} ({category} {instance}, seed {record.seed})", file=sys.stderr)


class Tally:
    """Counts the episodes of this session."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.episodes = self.frames = 0
        self.categories: Counter[str] = Counter()
        self._coverage: list[float] = []

    def count(self, episode: Episode) -> None:
        self.episodes += 1
        self.frames += len(episode.frames)
        self.categories[episode.category] += 1
        self._coverage.append(viewsphere.coverage(episode.object_poses.astype(np.float64)))

    def facts(self, *, seconds: float, size: int) -> dict[str, Any]:
        """What is going on, as JSON."""
        health = self._engine.health
        return {
            "frames_per_second": round(self.frames / max(seconds, 1e-9), 1),
            "bytes": size,
            "failures": len(self._engine.failures),
            "restarts": health.restarts,
            "resident_bytes": sum(health.resident),
            "categories": len(self.categories),
        }

    def note(self, facts: dict[str, Any]) -> str:
        """The same in a few words."""
        said = [f"{facts['frames_per_second']:.0f} frames/s", f"{facts['bytes'] / 1e6:.1f} MB"]
        counts = sorted(self.categories.values())
        said.append(f"{len(counts)} categories x {counts[0]} to {counts[-1]}")
        if facts["resident_bytes"]:
            said.append(f"workers {facts['resident_bytes'] / 1e6:.0f} MB")
        said += [f"{facts[name]} {name}" for name in ("failures", "restarts") if facts[name]]
        return ", ".join(said)

    def end(self) -> dict[str, Any]:
        """What was collected, as JSON."""
        shares = np.array(self._coverage or [0.0])
        return {
            "episodes_by_category": dict(sorted(self.categories.items())),
            "view_sphere": {"mean": round(float(shares.mean()), 4), "least": round(float(shares.min()), 4)},
        }

    def said(self) -> str:
        """The same in two lines."""
        end, counts = self.end(), sorted(self.categories.values())
        seen = end["view_sphere"]
        return (
            f"this session: {self.episodes} episodes of {len(counts)} categories ({counts[0]} to {counts[-1]} each), "
            f"an episode shows {seen['mean']:.0%} of the view sphere (least {seen['least']:.0%})"
        )


def draw_contact_sheet(folder: Path, *, rows: int = 24, frames: int = 8) -> Path:
    """A picture of one episode of each category, `rows` of them at most, in the dataset's folder."""
    dataset = Dataset(folder)
    first: dict[str, int] = {}
    for number, (category, _) in dataset.objects().items():
        first.setdefault(category, number)
    shown = []
    for category, number in islice(sorted(first.items()), rows):
        count = dataset.frame_counts[number]
        shown.append((category, dataset.frames(number, np.linspace(0, count - 1, frames).astype(int).tolist())))
    save_picture(folder / SHEET, contact_sheet(shown))
    return folder / SHEET


def effect(folder: Path, record: RecordSettings, *, most: int = 20) -> str:
    """What was corrupted, and how wrong that made what a learner will be told of an action."""
    from learner.actions import action_error  # loads torch, which nothing else here needs

    kinds = "; ".join(str(kind) for kind in (record.corruption, record.timing) if kind)
    found = list(islice(Dataset(folder).episodes(), most))
    return f"corrupted: {kinds}: {action_error(found, record().chain)}"
