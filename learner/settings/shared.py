"""What all trainings have in common: what is learned, how, and what is noted on the way."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, get_args

from agent.record import RecordSettings
from learner.actions import REPRESENTATIONS, representation
from learner.augment import AugmentSettings, Flip
from learner.encoders import check_encoder
from learner.methods import METHODS, MethodSettings
from learner.optimizer import OptimizerSettings
from learner.precision import Precision
from learner.sampling import pairing
from learner.storage import Storage
from sim.errors import InputError

FREE_ON_RESUME = (
    *("steps", "engine", "address", "workers", "threads", "device", "storage"),
    *("log_every", "validate_every", "checkpoint_every", "keep_checkpoints"),
)
"""Settings that a resumed run may change without being another run."""


@dataclass(frozen=True)
class LearnSettings:
    """What is learned, and how."""

    script: ClassVar[str]
    """The script whose runs these are settings of."""
    record: ClassVar[RecordSettings]
    """What the episodes were recorded with; a field or a property where this is made concrete."""
    seed: ClassVar[int]
    """Of the networks, the order of pairs and the augmentation; a field or a property, as `record`."""

    method: str = "aa-simclr"
    """Which loss: simclr, simclr-tt, aa-simclr, ciper, equimod, byol-tt, aa-byol, vicreg-tt, aa-vicreg; for wrong
    actions aa-bounded, aa-trusting, aa-soft; or supervised, their upper bound."""
    steps: int = 500
    """Updates of the encoder."""
    batch: int = 128
    """Pairs a step, over all processes."""
    encoder: str = "small"
    """Network: small (for CPUs), resnet18, resnet50, or timm:NAME for any model of timm, where that is installed."""
    init: str = ""
    """Weights that the encoder starts from: a state dict as torchvision's (.safetensors, .pth or .pt), the folder of an
    exported encoder or of a run; empty means random ones."""
    action: str = "efference"
    """What is told of an action: efference, rotation (of efference), calibrated-rotation (by what joint positions have
    shown of the commands so far), command+state, command, pose, pose-rotation or gap (the time alone, a control)."""
    sampling: str = "uniform"
    """How t' is drawn: uniform (any other frame), uniform+same (any frame, as in the paper), window:FRAMES (at most so
    far away), next, walk (the frame before or after) or opposite (where the object is turned most)."""
    storage: Storage = "memory"
    """Where the buffer's frames lie: memory, file (in the run's folder, gone when the run ends) or cuda (the learner's
    GPU)."""
    device: str = "cpu"
    """Where the learner runs: cpu or cuda."""
    precision: Precision = "auto"
    """Number format of the encoder: float32, bfloat16, or auto: whichever is faster here in a short trial."""
    compile: bool = False
    """Let torch.compile make the encoder faster; the first steps then take minutes."""
    local_bn: bool = False
    """With several processes: BatchNorm over each process's own share of the batch. Faster, and another method."""
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
    keep_checkpoints: int = 2
    """Checkpoints that are kept, besides the best by validation."""
    loss: MethodSettings = field(default_factory=MethodSettings)
    augment: AugmentSettings = field(default_factory=AugmentSettings)
    optimizer: OptimizerSettings = field(default_factory=OptimizerSettings)

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise InputError(f"method={self.method}: unknown, known are {', '.join(METHODS)}")
        check_encoder(self.encoder)
        representation(self.action)
        pairing(self.sampling)
        if self.batch < 2:
            raise InputError(f"batch={self.batch}: at least 2 pairs are needed, or there is nothing to contrast")
        counts = ("steps", "log_every", "validate_every", "checkpoint_every", "keep_checkpoints")
        for name in (*counts, "validation_episodes", "test_episodes", "bank_episodes"):
            check_count(self, name)
        if self.threads < 0:
            raise InputError(f"threads={self.threads}: 0 (the default is chosen) or more")
        if self.storage not in get_args(Storage):
            raise InputError(f"storage={self.storage}: unknown, known are {', '.join(get_args(Storage))}")
        if self.storage == "cuda" and not self.device.startswith("cuda"):
            raise InputError(f"storage=cuda with device={self.device}: frames would go to a GPU only to come back")
        if METHODS[self.method].uses_action:
            check_flip(self.augment.flip, action=self.action)


def check_count(settings: LearnSettings, name: str) -> None:
    """Raise InputError for a count below 1."""
    if getattr(settings, name) < 1:
        raise InputError(f"{name}={getattr(settings, name)}: at least 1 is needed, or nothing happens")


def check_flip(flip: Flip, *, action: str) -> None:
    """Refuse flips that falsify the action, for methods that learn from it."""
    if flip == "independent":
        raise InputError("flip=independent: it falsifies the action that this method learns from; together does not")
    if flip == "together" and representation(action).mirror is None:
        known = ", ".join(sorted(name for name, each in REPRESENTATIONS.items() if each.mirror is not None))
        raise InputError(
            f"flip=together: action={action} has no mirror image, as another arm would do it; {known} have"
        )
