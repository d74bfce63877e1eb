"""All settings of a live run, and the choice that suits the machine."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, get_args

from agent.collect import check_address
from agent.record import RecordSettings
from learner.actions import REPRESENTATIONS, representation
from learner.augment import AugmentSettings, Flip
from learner.encoders import check_encoder, check_image_size
from learner.machine import default_device
from learner.methods import METHODS, MethodSettings
from learner.precision import Precision
from learner.sampling import pairing
from learner.storage import Layout, Storage, parse_size
from learner.training import OptimizerSettings
from sim.arms import arm_spec
from sim.camera import Camera
from sim.cores import cores
from sim.errors import InputError
from sim.scene import SceneSettings

FREE_ON_RESUME = (
    *("steps", "engine", "address", "workers", "threads", "device", "storage"),
    *("log_every", "validate_every", "checkpoint_every"),
)
"""Settings that a resumed run may change without being another run."""


@dataclass(frozen=True)
class OnlineSettings:
    """A live run: the arm plays and the encoder learns at the same time."""

    method: str = "aa-simclr"
    """Which loss: simclr, simclr-tt, aa-simclr, ciper, equimod, byol-tt, aa-byol, vicreg-tt, aa-vicreg; or supervised,
    their upper bound."""
    steps: int = 500
    """Updates of the encoder."""
    batch: int = 128
    """Pairs a step."""
    encoder: str = "small"
    """Network: small (for CPUs), resnet18, resnet50, or timm:NAME for any model of timm, where that is installed."""
    init: str = ""
    """Weights that the encoder starts from: a state dict as torchvision's (.safetensors, .pth or .pt), the folder of an
    exported encoder or of a run; empty means random ones."""
    action: str = "efference"
    """What is told of an action: efference, rotation (of efference), command+state, command, pose or pose-rotation."""
    sampling: str = "uniform"
    """How t' is drawn: uniform (any other frame), uniform+same (any frame, as in the paper), window:FRAMES (at most so
    far away), next, walk (the frame before or after) or opposite (where the object is turned most)."""
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
    """Worker processes that simulate arms."""
    buffer_episodes: int = 2000
    """Episodes that the replay buffer holds, unless --buffer gives its size."""
    buffer: str = ""
    """Size of the replay buffer in bytes, such as 2GB: it then holds as many episodes as fit."""
    storage: Storage = "memory"
    """Where its frames lie: memory, file (in the run's folder, gone when the run ends) or cuda (the learner's GPU)."""
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
    device: str = "cpu"
    """Where the learner runs: cpu or cuda."""
    precision: Precision = "auto"
    """Number format of the encoder: float32, bfloat16, or auto: whichever is faster here in a short trial."""
    threads: int = 0
    """CPU threads of the learner; 0 leaves it to torch."""
    validation_episodes: int = 96
    """Held-out episodes for the accuracy shown while training."""
    test_episodes: int = 240
    """Held-out episodes for the final accuracy, looked at once."""
    bank_episodes: int = 480
    """Training episodes, the first ones, that the probes are fitted on."""
    log_every: int = 10
    """Steps between two rows of the history."""
    validate_every: int = 50
    """Steps between two looks at the validation instances."""
    checkpoint_every: int = 100
    """Steps between two checkpoints."""
    record: RecordSettings = field(default_factory=RecordSettings)
    loss: MethodSettings = field(default_factory=MethodSettings)
    augment: AugmentSettings = field(default_factory=AugmentSettings)
    optimizer: OptimizerSettings = field(default_factory=OptimizerSettings)

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise InputError(f"method={self.method}: unknown, known are {', '.join(METHODS)}")
        check_encoder(self.encoder)
        representation(self.action)
        pairing(self.sampling)
        check_image_size(self.record.scene.image_size)
        if self.batch < 2:
            raise InputError(f"batch={self.batch}: at least 2 pairs are needed, or there is nothing to contrast")
        counts = ("steps", "workers", "buffer_episodes", "log_every", "validate_every", "checkpoint_every")
        for name in (*counts, "validation_episodes", "test_episodes", "bank_episodes"):
            if getattr(self, name) < 1:
                raise InputError(f"{name}={getattr(self, name)}: at least 1 is needed, or nothing happens")
        for name in ("warmup_episodes", "threads"):
            if getattr(self, name) < 0:
                raise InputError(f"{name}={getattr(self, name)}: 0 (the default is chosen) or more")
        if self.capacity < self.minimum_episodes:
            name = f"buffer={self.buffer}: room for {self.capacity} episodes" if self.buffer else ""
            raise InputError(
                f"{name or f'buffer_episodes={self.buffer_episodes}'}: at least {self.minimum_episodes}, "
                "or learning never starts"
            )
        for name, known in (("storage", get_args(Storage)), ("eviction", ("oldest", "random"))):
            if getattr(self, name) not in known:
                raise InputError(f"{name}={getattr(self, name)}: unknown, known are {', '.join(known)}")
        if self.storage == "cuda" and not self.device.startswith("cuda"):
            raise InputError(f"storage=cuda with device={self.device}: frames would go to a GPU only to come back")
        if not 0 < self.replay_ratio < float("inf"):
            raise InputError(f"replay_ratio={self.replay_ratio}: must be above 0, or the learner would wait for ever")
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
        if METHODS[self.method].uses_action:
            check_flip(self.augment.flip, action=self.action)

    @property
    def minimum_episodes(self) -> int:
        """Episodes in the buffer before learning starts."""
        return self.warmup_episodes or 2 * self.batch

    @property
    def layout(self) -> Layout:
        """What the replay buffer keeps of an episode."""
        scene = self.record.scene
        masks = scene.randomize.background == "frame"
        return Layout(scene.frames, scene.image_size, len(arm_spec(scene.arm).joints), masks)

    @property
    def capacity(self) -> int:
        """Episodes that the replay buffer holds."""
        return self.layout.episodes_in(parse_size(self.buffer)) if self.buffer else self.buffer_episodes


def check_flip(flip: Flip, *, action: str) -> None:
    """Refuse flips that falsify the action, for methods that learn from it."""
    if flip == "independent":
        raise InputError("flip=independent: it falsifies the action that this method learns from; together does not")
    if flip == "together" and representation(action).mirror is None:
        known = ", ".join(sorted(name for name, each in REPRESENTATIONS.items() if each.mirror is not None))
        raise InputError(
            f"flip=together: action={action} has no mirror image, as another arm would do it; {known} have"
        )


def suited() -> OnlineSettings:
    """Defaults for this machine: small pictures and a small encoder on a CPU, ResNet-18 at 128 pixels on CUDA."""
    available = cores()
    if default_device() == "cuda":
        scene = SceneSettings(image_size=128)
        return OnlineSettings(
            steps=20_000,
            batch=256,
            encoder="resnet18",
            device="cuda",
            workers=max(1, available - 1),
            buffer_episodes=5000,
            replay_ratio=8.0,
            validate_every=500,
            checkpoint_every=1000,
            record=RecordSettings(scene=scene),
        )
    # In the few hundred steps that a CPU has time for, the encoder learns fastest from a close look at the object, from
    # crops that keep it whole, and from hues that cannot give an instance away.
    scene = SceneSettings(image_size=64, camera=Camera(field_of_view=8.5))
    return OnlineSettings(
        steps=1000,
        workers=available,
        threads=available,
        record=RecordSettings(scene=scene),
        augment=AugmentSettings(crop_area=(0.7, 1.0), hue=0.5),
        optimizer=OptimizerSettings(learning_rate=2e-3),
    )
