"""Settings of a training on stored episodes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Literal

from agent.dataset import read_header
from agent.record import RecordSettings
from agent.settings import from_json
from learner.encoders import check_image_size
from learner.methods import METHODS
from learner.settings.shared import LearnSettings
from sim.errors import InputError


@dataclass(frozen=True)
class TrainSettings(LearnSettings):
    """A training on a stored dataset. One of ours is in the buffer before the first step; images of other datasets are
    read as they are drawn."""

    script = "train"

    data: str = ""
    """Folder of a dataset of ours; or KIND:ROOT or KIND:ROOT?OPTION=VALUE, images whose action is their own. KIND is
    rt4k, images, mvimgnet, mvimgnet-packed, mvimgnet-f, co3d, co3d-packed or armplay."""
    image_size: int = 0
    """Pixels a side that images of KIND:ROOT are scaled to; 0 means as their publishers use them."""
    replay_log: str = ""
    """Folder of a live run (scripts/train_online.py) that is to be repeated: the same episodes come in at the same
    steps. Its settings are taken over."""
    seed: int = 0  # type: ignore[misc]
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
        if self.image_size:
            check_image_size(self.image_size)
        if self.of_images:
            self._check_for_images()

    @property
    def of_images(self) -> bool:
        """Whether `data` is KIND:ROOT rather than the folder of a dataset of ours."""
        return ":" in self.data and not Path(self.data).exists()

    def _check_for_images(self) -> None:
        """Raise InputError for what is possible with our own episodes alone."""
        for name, why in {
            "action": "its action is its own",
            "storage": "its images are read as they are drawn, there is no buffer",
            "corrupt": "no commands are known there that could be wrong",
            "corrupt_time": "no times are known there that could be wrong",
        }.items():
            given, usual = getattr(self, name), type(self).__dataclass_fields__[name].default
            if given != usual:
                raise InputError(f"{name}={given} with data={self.data}: {why}; leave --{name.replace('_', '-')} out")
        if self.augment.flip == "together" and METHODS[self.method].uses_action:
            raise InputError(f"flip=together with data={self.data}: its action has no mirror image; leave --flip out")

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
