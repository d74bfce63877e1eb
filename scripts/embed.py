"""Features of a stored dataset's frames by a trained encoder, with their labels, for pandas, scikit-learn or R.

python scripts/embed.py --encoder runs/demo --data data/hold --out features.parquet
python scripts/embed.py --encoder runs/demo/encoder --data data/hold --out test.npz --split test --frames 4
python scripts/embed.py --encoder runs/demo --data data/large --out features.parquet --resize --device cuda --batch 1024
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Literal

from _cli import parse, program
from _progress import Progress

from agent.dataset import Dataset
from agent.files import unwritable, write_whole
from learner import load_encoder
from learner.embedding import WRITERS, Embedded, check_images, choose, embed_dataset
from learner.machine import check_device, default_device
from sim.errors import InputError


@dataclass(frozen=True)
class Embed:
    """Embed the frames of a stored dataset."""

    encoder: Path
    """Folder of a run that has ended, or of an exported encoder."""
    data: Path
    """Folder of the dataset."""
    out: Path
    """File to write, .parquet (a row a frame) or .npz (an array a column): features, category, instance, episode,
    frame, split."""
    frames: int = 0
    """Frames of each episode, evenly spaced; 0 means all."""
    split: Literal["all", "train", "validation", "test"] = "all"
    """Which objects: of stored data, a tenth each is held out for validation and test, by their names."""
    resize: bool = False
    """Scale images of another size to that of the encoder's training."""
    batch: int = 256
    """Frames that are embedded, and held in memory, at once."""
    device: str = field(default_factory=default_device)
    """Where the encoder runs: cpu or cuda."""
    quiet: bool = False
    """No progress."""

    def __post_init__(self) -> None:
        if self.frames < 0:
            raise InputError(f"frames={self.frames}: 0 (all) or more")
        if self.batch < 1:
            raise InputError(f"batch={self.batch}: at least 1, or nothing is embedded")
        if self.out.suffix not in WRITERS:
            raise InputError(f"out={self.out}: the ending must be .parquet or .npz, or it is not known what to write")
        if not self.out.parent.is_dir():
            raise InputError(f"out={self.out}: there is no folder {self.out.parent}, so nothing could be kept")


def main(settings: Embed) -> int:
    """Stored frames -> encoder -> features with their labels, in a file that appears whole or not at all."""
    check_device(settings.device)
    dataset, encoder = Dataset(settings.data), load_encoder(settings.encoder).to(settings.device)
    if not settings.resize:
        check_images(encoder, dataset)
    chosen = choose(dataset, frames=settings.frames, split=settings.split)
    rows = sum(len(episode.frames) for episode in chosen)
    found = embed_dataset(encoder, dataset, chosen, batch=settings.batch, device=settings.device)
    with Progress(rows, unit="frames", title="embed", quiet=settings.quiet) as bar:
        write = partial(WRITERS[settings.out.suffix], found=watched(found, bar), rows=rows, width=encoder.features)
        try:
            write_whole(settings.out, write)
        except OSError as error:
            raise unwritable(settings.out, error) from None
        except KeyboardInterrupt:
            print("\nstopped: nothing was written", file=sys.stderr)
            return 130
    print(f"{settings.out}: {encoder.features} features of {rows} frames of {len(chosen)} episodes")
    return 0


def watched(found: Iterator[Embedded], bar: Progress) -> Iterator[Embedded]:
    """The same, with progress shown."""
    done = 0
    for batch in found:
        yield batch
        done += len(batch.features)
        bar.advance(done, batch.labels["category"][-1])


if __name__ == "__main__":
    program(lambda: main(parse(Embed)))
