"""A training as research code commonly has it: a file a frame, a process a core, kornia, broadcast similarities."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from _bench_step import Training, now
from kornia import augmentation
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader, Dataset, RandomSampler

from learner.augment import AugmentSettings
from learner.optimizer import build_optimizer
from learner.parts import learner_for
from learner.team import Team
from learner.training_data import EpisodeData
from sim.cores import cores

STEPS = 5
"""Steps of a round that are timed."""
AHEAD = 2
"""Batches that each process of the loader makes ready beforehand: torch's default."""


class Frames(Dataset):
    """Two frames of an episode, the difference of their poses and a category; a JPEG file for each frame."""

    def __init__(self, training: Training, folder: Path) -> None:
        self._files: list[list[Path]] = []
        self._labels: list[int] = []
        for number, episode in zip(range(len(training.buffer)), training.source.episodes(), strict=False):
            files = [folder / f"{number}-{time}.jpg" for time in range(len(episode.frames))]
            for file, frame in zip(files, episode.frames, strict=True):
                Image.fromarray(frame).save(file, quality=90)
            self._files.append(files)
            self._labels.append(training.source.categories.index(episode.category))
        self._poses = episode.object_poses

    def __len__(self) -> int:
        return len(self._files)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor, np.ndarray, int]:
        here, there = torch.randint(len(self._files[index]), (2,)).tolist()
        action = self._poses[there] - self._poses[here]
        return self._image(index, here), self._image(index, there), action, self._labels[index]

    def _image(self, index: int, time: int) -> torch.Tensor:
        with Image.open(self._files[index][time]) as file:
            pixels = np.array(file.convert("RGB"))
        return torch.from_numpy(pixels).permute(2, 0, 1).float() / 255


class PlainTraining:
    """The same networks, number format and update as of a `Training`; all else is done plainly."""

    def __init__(self, training: Training, folder: Path) -> None:
        settings = self._settings = training.settings
        self._device = settings.device
        size = settings.record.scene.image_size
        learner = learner_for(settings, EpisodeData(training.source, settings), Team(device=settings.device))
        self._method, self._probe = learner.method.train(), learner.probe
        self._optimizer = build_optimizer(self._method.parameters(), settings.optimizer)
        self._augment = kornia_augmentation(settings.augment, size)
        self._frames = Frames(training, folder)

    def round(self) -> tuple[int, float]:
        """Images and seconds of some steps. The processes begin anew each time, and end: they would work on while
        another is measured. What they made ready before the clock starts is used up before."""
        batch, untimed = self._settings.batch, cores() * AHEAD
        loader = DataLoader(
            self._frames,
            batch_size=batch,
            sampler=RandomSampler(self._frames, num_samples=(untimed + STEPS + cores() * AHEAD) * batch),
            num_workers=cores(),
            prefetch_factor=AHEAD,
            pin_memory=self._device.startswith("cuda"),
        )
        batches = iter(loader)
        for _ in range(untimed):
            self._step(*next(batches))
        began = now(self._device)
        for _ in range(STEPS):
            self._step(*next(batches))
        return 2 * batch * STEPS, now(self._device) - began

    def _step(self, first: torch.Tensor, second: torch.Tensor, action: torch.Tensor, category: torch.Tensor) -> None:
        first, second = (self._augment(images.to(self._device)) for images in (first, second))
        action, category = action.to(self._device), category.to(self._device)
        method, reduced = self._method, self._settings.precision == "bfloat16"
        with torch.autocast(first.device.type, torch.bfloat16, enabled=reduced):
            features = method.encoder(first), method.encoder(second)
        features = features[0].float(), features[1].float()
        heads = method.terms["action"]
        seen = torch.cat([method.projector(features[0]), method.projector(features[1])])
        acted, pair = heads.action_head(action), heads.pair_head(torch.cat(features, dim=1))
        loss = nt_xent(seen, self._settings.loss.temperature)
        loss = loss + across(acted, pair, self._settings.loss.action_temperature)
        self._optimizer.zero_grad()
        loss.backward()
        self._optimizer.step()
        self._probe.step(features[0].detach(), category)


def kornia_augmentation(settings: AugmentSettings, size: int) -> nn.Module:
    """The default augmentation, of float32 [B, 3, H, W] in [0, 1], with these strengths."""
    jitter = (settings.brightness, settings.contrast, settings.saturation, settings.hue)
    return nn.Sequential(
        augmentation.RandomResizedCrop(
            (size, size), scale=settings.crop_area, ratio=settings.crop_ratio, p=settings.crop_probability
        ),
        augmentation.ColorJitter(*jitter, p=settings.jitter_probability),
        augmentation.RandomGrayscale(p=settings.grey_probability),
        augmentation.Normalize(0.5, 0.5),
    )


def nt_xent(rows: torch.Tensor, temperature: float) -> torch.Tensor:
    """SimCLR's loss of rows [2N, D], of which i and N + i belong together."""
    similarity = F.cosine_similarity(rows[:, None], rows[None], dim=-1) / temperature
    itself = torch.eye(len(rows), dtype=torch.bool, device=rows.device)
    partner = torch.arange(len(rows), device=rows.device).roll(len(rows) // 2)
    return F.cross_entropy(similarity.masked_fill(itself, -torch.inf), partner)


def across(actions: torch.Tensor, pairs: torch.Tensor, temperature: float) -> torch.Tensor:
    """InfoNCE of rows [N, D], each against those of the other side."""
    similarity = F.cosine_similarity(actions[:, None], pairs[None], dim=-1) / temperature
    partner = torch.arange(len(actions), device=actions.device)
    return (F.cross_entropy(similarity, partner) + F.cross_entropy(similarity.T, partner)) / 2
