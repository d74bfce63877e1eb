"""Settings of a live run."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

from agent.collect import check_address
from agent.play import asks
from agent.record import RecordSettings
from learner.encoders import check_image_size
from learner.settings.shared import LearnSettings, check_count
from learner.storage import Layout, parse_size
from learner.team import Team
from sim.errors import InputError


@dataclass(frozen=True)
class OnlineSettings(LearnSettings):
    """A live run: the arm plays and the encoder learns at the same time."""

    script = "train_online"

    engine: Literal["processes", "local", "ray", "recorded"] = "processes"
    """Who plays: worker processes, this process, a Ray cluster (--address), or a stored dataset (--data)."""
    address: str = ""
    """Ray cluster: auto, HOST:PORT or ray://HOST:PORT; none starts Ray on this machine."""
    data: str = ""
    """Folder of a stored dataset, for --engine recorded."""
    data_rate: float = 0.0
    """Frames/s at which stored episodes come, as if they were collected now; 0 is as fast as they are read."""
    data_repeat: bool = False
    """Begin the stored dataset again when it ends; otherwise learning goes on with what is in the buffer."""
    workers: int = 1
    """Workers that simulate arms; with several processes, of each."""
    buffer_episodes: int = 2000
    """Episodes that the replay buffer holds, unless --buffer gives its size."""
    buffer: str = ""
    """Size of the replay buffer in bytes, such as 2GB: it then holds as many episodes as fit."""
    eviction: Literal["oldest", "random"] = "oldest"
    """Which episode goes for a new one when the buffer is full."""
    warmup_episodes: int = 0
    """Episodes in the buffer before learning starts; 0 means twice the batch."""
    replay_ratio: float = 4.0
    """Pairs sampled per frame collected; whoever is ahead waits."""
    lockstep: bool = False
    """Make each step see exactly the same episodes in every run: on a CPU, losses then repeat."""
    store: bool = True
    """Keep every collected episode in the run's folder, as a dataset; a resumed run refills its buffer from it."""
    record: RecordSettings = field(default_factory=RecordSettings)  # type: ignore[misc]

    def __post_init__(self) -> None:
        super().__post_init__()
        check_image_size(self.record.scene.image_size)
        for name in ("workers", "buffer_episodes"):
            check_count(self, name)
        if self.warmup_episodes < 0:
            raise InputError(f"warmup_episodes={self.warmup_episodes}: 0 (the default is chosen) or more")
        if self.capacity < self.minimum_episodes:
            name = f"buffer={self.buffer}: room for {self.capacity} episodes" if self.buffer else ""
            raise InputError(
                f"{name or f'buffer_episodes={self.buffer_episodes}'}: at least {self.minimum_episodes}, "
                "or learning never starts"
            )
        if self.eviction not in ("oldest", "random"):
            raise InputError(f"eviction={self.eviction}: unknown, known are oldest, random")
        if not 0 < self.replay_ratio < float("inf"):
            raise InputError(f"replay_ratio={self.replay_ratio}: must be above 0, or the learner would wait for ever")
        self._check_source()

    def _check_source(self) -> None:
        if (self.engine == "recorded") != bool(self.data):
            raise InputError(
                f"data={self.data!r} with engine={self.engine}: --data DIR and --engine recorded go together"
            )
        check_address(self.address, self.engine)
        if not 0 <= self.data_rate < float("inf"):
            raise InputError(f"data_rate={self.data_rate}: 0 (as fast as they are read) or more frames/s is needed")
        for name in ("data_rate", "data_repeat"):
            if getattr(self, name) and self.engine != "recorded":
                raise InputError(f"{name}={getattr(self, name)}: only --engine recorded has one")
        if self.record.split != "train":
            raise InputError(f"split={self.record.split}: the encoder learns from train; the other splits are held out")

    @property
    def seed(self) -> int:  # type: ignore[override]
        """Of everything that is drawn."""
        return self.record.seed

    @property
    def minimum_episodes(self) -> int:
        """Episodes in the buffer before learning starts."""
        return self.warmup_episodes or 2 * self.batch

    @property
    def curious(self) -> bool:
        """The arms ask the learner what it would like to see."""
        return self.engine != "recorded" and asks(self.record.play)

    @property
    def layout(self) -> Layout:
        """What the replay buffer keeps of an episode."""
        scene = self.record.scene
        masks = scene.randomize.background == "frame"
        return Layout(scene.frames, scene.image_size, self.record.joints, masks)

    @property
    def capacity(self) -> int:
        """Episodes that the replay buffer holds."""
        return self.layout.episodes_in(parse_size(self.buffer)) if self.buffer else self.buffer_episodes

    def part(self, team: Team) -> OnlineSettings:
        """What one process of a team does: its share of the batch and of the buffer, by arms of its own seed. Stored
        episodes keep theirs, which their corruption follows from."""
        if team.size == 1:
            return self
        played = self.engine != "recorded"
        return replace(
            self,
            batch=team.share(self.batch),
            buffer="",
            buffer_episodes=self.capacity // team.size,
            warmup_episodes=-(-self.warmup_episodes // team.size),
            record=replace(self.record, seed=team.seed(self.record.seed)) if played else self.record,
        )
