"""The experiments of the AA-SSL paper (arXiv 2407.06704): data, settings, and the figures that it gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from learner.data.mvimgnet_packed import packing_of
from learner.methods import MethodSettings
from learner.settings import TrainSettings

EPOCHS = 100
PROBE_EPOCHS = EPOCHS // 2
"""Of the final linear probe."""
BATCH = 256
ENCODER = "resnet18"


@dataclass(frozen=True)
class Experiment:
    """What the paper did on one dataset."""

    kind: str
    """The word before the colon in `--data KIND:ROOT`, for files as their publishers have them."""
    packed: str = ""
    """The same for files as the paper's authors packed them; empty where one word does for both."""
    published: Mapping[str, float] = field(default_factory=dict)
    """Accuracy in percent by method, as far as this project knows it."""

    def data(self, root: str) -> str:
        """What `--data` is given, for a folder and perhaps ?OPTION=VALUE."""
        folder = Path(root.partition("?")[0])
        authors = packing_of(folder) is not None or (folder / "data.h5").is_file()
        return f"{self.packed if self.packed and authors else self.kind}:{root}"


EXPERIMENTS = {
    "rt4k": Experiment("rt4k", published={"aa-simclr": 74.8, "simclr-tt": 72.3, "simclr": 71.1}),
    "mvimgnet": Experiment("mvimgnet", "mvimgnet-packed"),
    "mvimgnet-f": Experiment("mvimgnet-f", published={"aa-simclr": 96.1, "simclr": 94.2}),
    "co3d": Experiment("co3d", "co3d-packed"),
}


def paper_settings(
    data: str, *, method: str, seed: int, steps: int, batch: int, encoder: str, image_size: int, device: str
) -> TrainSettings:
    """A training as in the paper; augmentation, optimiser and temperatures are the defaults, which are the paper's.

    Each looks at validation objects twenty times, and keeps as many checkpoints, a thousand steps apart at most.
    """
    return TrainSettings(
        data=data,
        method=method,
        seed=seed,
        steps=steps,
        batch=batch,
        encoder=encoder,
        image_size=image_size,
        device=device,
        # A trial could choose differently for two methods that are to be compared.
        precision="auto" if device.startswith("cuda") else "float32",
        sampling="uniform+same",
        loss=MethodSettings(negatives="all"),
        bank_episodes=200,
        test_episodes=200,
        log_every=max(1, min(50, steps // 20)),
        validate_every=max(1, steps // 20),
        checkpoint_every=max(1, min(1000, steps // 20)),
    )


def steps_of(frames: int, *, batch: int, epochs: int = EPOCHS) -> int:
    """Steps of `epochs` epochs: in one, as many pairs are drawn as there are training frames, the last short batch
    left out."""
    return epochs * max(1, frames // batch)
