"""A run in TensorBoard: curves, pairs as sampled, and the projector's view of the validation features."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
from tensorboard.plugins.projector.projector_config_pb2 import ProjectorConfig
from torch.utils.tensorboard import SummaryWriter

from agent.episode import Pairs
from agent.files import unwritable, write_text, write_whole
from agent.pictures import pair_sheet
from agent.watch import Watch

RARELY = 10
"""Looks at the validation features between two that are written for the projector."""
SPRITE = 32
"""Height and width in pixels of a frame in the projector."""
WIDEST = 8192
"""Pixels of a side of the projector's picture of all frames, at most."""
CONFIG, TENSORS, METADATA, PICTURES = "projector_config.pbtxt", "features.tsv", "metadata.tsv", "frames.png"


class Board(Watch):
    """Writes a folder of TensorBoard's. Raises InputError where nothing can be kept there."""

    def __init__(self, folder: Path, categories: Sequence[str] = ()) -> None:
        """`categories` are the names of the labels 0, 1, ..."""
        self._folder, self._categories = folder, categories
        self._writer: SummaryWriter | None = None
        self._looks = 0
        self._latest: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None

    def figures(self, step: int, values: Mapping[str, float]) -> None:
        try:
            writer = self._at(step)
            for name, value in values.items():
                writer.add_scalar(name, value, step)
        except OSError as error:
            raise unwritable(self._folder, error) from error

    def pairs(self, step: int, pairs: Pairs) -> None:
        """A few of them, t over t'."""
        try:
            self._at(step).add_image("pairs", pair_sheet(pairs), step, dataformats="HWC")
        except OSError as error:
            raise unwritable(self._folder, error) from error

    def features(self, step: int, features: np.ndarray, frames: np.ndarray, labels: np.ndarray) -> None:
        """The first look is written, each tenth after it, and the last when this is closed, in the place of the one
        before."""
        self._latest = features, frames, labels
        if self._looks % RARELY == 0:
            self._project()
        self._looks += 1

    def close(self) -> None:
        """Raises InputError where the last of it cannot be written: the disk may be full."""
        self._project()
        if self._writer is not None:
            try:
                self._writer.close()
            except OSError as error:
                raise unwritable(self._folder, error) from error

    def _at(self, step: int) -> SummaryWriter:
        """What was written beyond the first step of a session is of steps that are taken anew."""
        if self._writer is None:
            self._writer = SummaryWriter(str(self._folder), purge_step=step)
        return self._writer

    def _project(self) -> None:
        """Write the files that TensorBoard's projector reads, the one that names the others last."""
        if self._latest is None:
            return
        (features, frames, labels), self._latest = self._latest, None
        found = ProjectorConfig().embeddings.add()
        found.tensor_name, found.tensor_path, found.metadata_path = "validation", TENSORS, METADATA
        found.tensor_shape.extend(features.shape)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            write_text(self._folder / TENSORS, "".join("\t".join(f"{x:.5g}" for x in row) + "\n" for row in features))
            write_text(self._folder / METADATA, "".join(f"{self._categories[label]}\n" for label in labels))
            side = min(SPRITE, WIDEST // math.ceil(len(frames) ** 0.5))
            if side:
                encoded = cv2.imencode(".png", cv2.cvtColor(sprites(frames, side), cv2.COLOR_RGB2BGR))[1]
                write_whole(self._folder / PICTURES, lambda file: file.write(encoded.tobytes()))
                found.sprite.image_path = PICTURES
                found.sprite.single_image_dim.extend([side, side])
            write_text(self._folder / CONFIG, str(ProjectorConfig(embeddings=[found])))
        except OSError as error:
            raise unwritable(self._folder, error) from error


def sprites(frames: np.ndarray, side: int) -> np.ndarray:
    """Frames uint8 [N, H, W, 3] as small pictures, row by row in a square one, uint8 [S, S, 3]."""
    across = math.ceil(len(frames) ** 0.5)
    sheet = np.zeros((across, across, side, side, 3), np.uint8)
    for number, frame in enumerate(frames):
        sheet[divmod(number, across)] = cv2.resize(frame, (side, side), interpolation=cv2.INTER_AREA)
    return sheet.swapaxes(1, 2).reshape(across * side, across * side, 3)
