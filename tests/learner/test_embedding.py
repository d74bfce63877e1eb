"""Features of stored frames: which frames, how they are scaled, and that few are in memory at once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from agent.dataset import Dataset
from learner.embedding import check_images, choose, embed_dataset, scaled
from learner.encoders import build_encoder
from sim.errors import InputError
from tests.agent.stores import store


class Watched(Dataset):
    """Remembers which episodes were read."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.read: list[int] = []

    def frames(self, number: int, indices: Sequence[int]) -> np.ndarray:
        self.read.append(number)
        return super().frames(number, indices)


@pytest.fixture
def data(tmp_path: Path) -> Watched:
    """11 episodes of 4 frames 16x16, with a gap."""
    store(tmp_path / "data", [*range(6), *range(8, 13)], image_format="png")
    return Watched(tmp_path / "data")


def test_frames_are_read_when_their_batch_comes(data: Watched) -> None:
    encoder = build_encoder("small", seed=0, image_size=32)
    found = embed_dataset(encoder, data, choose(data), batch=6)
    assert data.read == []
    first = next(found)
    assert first.features.shape == (6, 256)
    assert first.labels["episode"] == [0, 0, 0, 0, 1, 1]
    assert data.read == [0, 1]
    rest = list(found)
    assert [len(batch.features) for batch in rest] == [6, 6, 6, 6, 6, 6, 2]
    assert data.read == list(data.numbers)


def test_one_frame_an_episode_is_its_first(data: Watched) -> None:
    assert [(found.episode, found.frames) for found in choose(data, frames=1)] == [(n, [0]) for n in data.numbers]


def test_a_split_without_objects_is_told(tmp_path: Path) -> None:
    store(tmp_path / "data", [0])
    dataset = Dataset(tmp_path / "data")
    (only,) = choose(dataset)
    for split in {"train", "validation", "test"} - {only.split}:
        with pytest.raises(InputError, match=f"^split={split}: none of the 1 episodes in .*, so nothing to embed$"):
            choose(dataset, split=split)


def test_images_of_another_size_are_refused(data: Watched) -> None:
    with pytest.raises(InputError, match=r"images of 16x16, the encoder was trained on 32x32 .*; pass --resize"):
        check_images(build_encoder("small", seed=0, image_size=32), data)
    check_images(build_encoder("small", seed=0), data)  # nobody knows what it was trained on


@pytest.mark.parametrize(("before", "after"), [(32, 48), (48, 32), (64, 32), (33, 32), (32, 32)])
def test_frames_are_scaled_without_aliasing(before: int, after: int) -> None:
    frame = np.random.default_rng(0).integers(0, 256, (before, before, 3), dtype=np.uint8)
    planes = torch.from_numpy(frame).permute(2, 0, 1)[None].double()
    if after < before:  # each pixel is the mean of what it covers: repeat pixels, then average blocks
        fine = planes.repeat_interleave(after, dim=2).repeat_interleave(after, dim=3)
        expected = F.avg_pool2d(fine, before)
    else:
        expected = F.interpolate(planes, (after, after), mode="bilinear", align_corners=False)
    found = scaled(frame, after).astype(float)
    assert np.abs(found - expected[0].permute(1, 2, 0).numpy()).max() <= 1
