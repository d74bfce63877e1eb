"""Settings of a training on stored episodes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Literal

from agent.dataset import read_header
from agent.record import RecordSettings
from agent.settings import from_json
from learner.settings.shared import LearnSettings
from sim.errors import InputError


@dataclass(frozen=True)
class TrainSettings(LearnSettings):
    """A training on a stored dataset, all of which is in the buffer before the first step."""

    script = "train"

    data: str = ""
    """Folder of the dataset."""
    replay_log: str = ""
    """Folder of a live run (scripts/train_online.py) that is to be repeated: the same episodes come in at the same
    steps. Its settings are taken over."""
    seed: int = 0
    """Of the networks, the order of pairs, the augmentation and the corruption."""
    corrupt: str = ""
    """Corrupt the stored commands: KIND:LEVEL, as in gaussian:0.2 (rad/s); empty leaves them as they are."""
    corrupt_time: str = ""
    """Lose stored frames: KIND:LEVEL, as in missing:0.2 (share of frames); empty leaves them as they are."""
    time_told: Literal["nominal", "true"] = "nominal"
    """nominal: the learner takes each interval for the nominal one. true: it is told how long they were (a control)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.seed < 0:
            raise InputError(f"seed={self.seed}: 0 or more, or no generator can be made")

    @cached_property
    def record(self) -> RecordSettings:  # type: ignore[override]
        """What the episodes were recorded with, and what is done to them. Raises InputError for a folder that holds no
        dataset."""
        if not self.data:
            raise InputError("data: --data DIR is needed, or there is nothing to learn from")
        stored = recorded_settings(Path(self.data))
        asked = {"corrupt": self.corrupt, "corrupt_time": self.corrupt_time}
        changed = {name: value for name, value in asked.items() if value}
        if self.corrupt_time:
            changed["time_told"] = self.time_told
        if self.corrupt:
            changed["corrupt_what"] = "recorded"
        return replace(stored, seed=self.seed, **changed)  # type: ignore[arg-type]


def recorded_settings(root: Path) -> RecordSettings:
    """What the episodes in a dataset were recorded with. Raises InputError for a folder that is none."""
    header = read_header(root)
    if not isinstance(header.get("settings"), dict):
        raise InputError(f"{root}: dataset.json lacks 'settings', and without it nothing can be learned")
    return from_json(RecordSettings, header["settings"], where=f"{root}/dataset.json")
