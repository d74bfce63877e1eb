"""Makes the parts of a training from its settings: each part gets its own, none gets the whole."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import torch

from learner.curiosity import Curiosity
from learner.encoders import build_encoder, check_image_size
from learner.limiter import Limiter
from learner.precision import choose_precision
from learner.replay import ReplayBuffer
from learner.settings import LearnSettings, OnlineSettings
from learner.source import Source
from learner.start import start_from
from learner.storage import Layout, check_room, size_text
from learner.team import Team
from learner.training import Learner
from learner.training_data import TrainingData
from sim.seeding import stream

Settings = TypeVar("Settings", bound=LearnSettings)


def settled(
    settings: Settings, team: Team, *, image_size: int, repeats: bool = False, resumed: bool = False
) -> Settings:
    """The settings with `auto` decided, alike on all processes of a team, so that a resumed run goes on as it began.
    What `repeats` on a CPU is not decided by a trial, which could end otherwise next time.

    Raises InputError for images that the encoder cannot take and, unless it is `resumed`, for starting weights that it
    cannot have: before a folder is made for the run.
    """
    check_image_size(image_size)
    if settings.init and not resumed:
        start_from(build_encoder(settings.encoder, seed=settings.seed, image_size=image_size), settings.init)
    if settings.precision != "auto":
        return settings
    if repeats and settings.device == "cpu":
        return replace(settings, precision="float32")
    chosen = choose_precision(settings.encoder, image_size, device=settings.device)
    reduced = bool(team.from_first(torch.tensor(chosen == "bfloat16")))
    return replace(settings, precision="bfloat16" if reduced else "float32")


def check_buffer(settings: LearnSettings, layout: Layout, episodes: int, folder: Path) -> None:
    """Raise InputError where the buffer of a run in `folder` would not fit."""
    check_room(layout.bytes_of(episodes), **_place(settings, folder, settings.device))


def buffer_text(settings: LearnSettings, layout: Layout, episodes: int) -> str:
    """How large that buffer is, in words."""
    size = size_text(layout.bytes_of(episodes))
    return f"a buffer of {episodes} episodes that takes {size} when full ({settings.storage})"


def buffer_for(
    settings: LearnSettings, source: Source, episodes: int, folder: Path, *, device: str, eviction: str = "oldest"
) -> ReplayBuffer:
    """An empty buffer for that many of the source's episodes, of a run in `folder` whose learner is on `device`."""
    return ReplayBuffer(
        episodes,
        frames=source.layout.frames,
        image_size=source.layout.image_size,
        chain=source.chain,
        categories=source.categories,
        action=settings.action,
        sampling=settings.sampling,
        backdrop=settings.record.scene.randomize.backdrop,
        masks=source.layout.masks,
        evict=stream("evict", settings.seed) if eviction == "random" else None,
        **_place(settings, folder, device),
    )


def _place(settings: LearnSettings, folder: Path, device: str) -> dict[str, Any]:
    """Where the buffer lies, for `learner.storage`."""
    return {
        "device": device if settings.storage == "cuda" else "cpu",
        "folder": folder if settings.storage == "file" else None,
    }


def learner_for(settings: LearnSettings, data: TrainingData, team: Team, *, resumed: bool = False) -> Learner:
    """A learner at its start; one that is `resumed` needs no starting weights, its checkpoint has all."""
    return Learner(
        method=settings.method,
        encoder=settings.encoder,
        image_size=data.image_size,
        action_size=data.action_size,
        categories=len(data.categories),
        method_settings=settings.loss,
        augment_settings=settings.augment,
        optimizer_settings=settings.optimizer,
        team=team,
        seed=settings.seed,
        horizon=settings.steps,
        precision=settings.precision,
        mirror=data.mirror,
        init="" if resumed else settings.init,
        compiled=settings.compile,
        local_bn=settings.local_bn,
        curiosity=Curiosity(settings.method, settings.action) if _curious(settings) else None,
    )


def _curious(settings: LearnSettings) -> bool:
    return isinstance(settings, OnlineSettings) and settings.curious


def limiter_for(settings: OnlineSettings, source: Source) -> Limiter:
    """The limiter; stored episodes of a resumed run count as its start, so that nobody owes anything for them."""
    frames = settings.record.scene.frames
    refilled = 0 if settings.lockstep else source.stored
    return Limiter(
        ratio=settings.replay_ratio,
        minimum=max(settings.minimum_episodes, refilled) * frames,
        batch=settings.batch,
        episode_frames=frames,
    )
