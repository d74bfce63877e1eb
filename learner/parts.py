"""Makes the parts of a training from its settings: each part gets its own, none gets the whole."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import torch

from learner.actions import representation
from learner.encoders import build_encoder, check_image_size
from learner.limiter import Limiter
from learner.precision import choose_precision
from learner.replay import ReplayBuffer
from learner.settings import LearnSettings, OnlineSettings
from learner.source import Source
from learner.start import start_from
from learner.storage import Layout, check_room
from learner.team import Team
from learner.training import Learner
from sim.seeding import stream

Settings = TypeVar("Settings", bound=LearnSettings)


def settled(settings: Settings, team: Team, *, repeats: bool) -> Settings:
    """The settings with `auto` decided, alike on all processes of a team, so that a resumed run goes on as it began,
    and with images that the encoder can take. What `repeats` on a CPU is not decided by a trial, which could end
    otherwise next time."""
    size = settings.record.scene.image_size
    check_image_size(size)
    if settings.precision != "auto":
        return settings
    if repeats and settings.device == "cpu":
        return replace(settings, precision="float32")
    chosen = choose_precision(settings.encoder, size, device=settings.device)
    reduced = bool(team.from_first(torch.tensor(chosen == "bfloat16")))
    return replace(settings, precision="bfloat16" if reduced else "float32")


def check_start(settings: LearnSettings) -> None:
    """Raise InputError where the encoder cannot start as the settings ask, before a folder is made for the run."""
    if settings.init:
        size = settings.record.scene.image_size
        start_from(build_encoder(settings.encoder, seed=settings.record.seed, image_size=size), settings.init)


def check_buffer(settings: LearnSettings, layout: Layout, episodes: int, folder: Path) -> None:
    """Raise InputError where the buffer of a run in `folder` would not fit."""
    check_room(layout.bytes_of(episodes), **_place(settings, folder, settings.device))


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
        evict=stream("evict", settings.record.seed) if eviction == "random" else None,
        **_place(settings, folder, device),
    )


def _place(settings: LearnSettings, folder: Path, device: str) -> dict[str, Any]:
    """Where the buffer lies, for `learner.storage`."""
    return {
        "device": device if settings.storage == "cuda" else "cpu",
        "folder": folder if settings.storage == "file" else None,
    }


def learner_for(settings: LearnSettings, source: Source, team: Team, *, resumed: bool = False) -> Learner:
    """A learner at its start; one that is `resumed` needs no starting weights, its checkpoint has all."""
    told = representation(settings.action)
    return Learner(
        method=settings.method,
        encoder=settings.encoder,
        image_size=source.layout.image_size,
        action_size=told.size(source.chain.joints),
        categories=len(source.categories),
        method_settings=settings.loss,
        augment_settings=settings.augment,
        optimizer_settings=settings.optimizer,
        team=team,
        seed=settings.record.seed,
        horizon=settings.steps,
        precision=settings.precision,
        mirror=told.mirror,
        init="" if resumed else settings.init,
        compiled=settings.compile,
        local_bn=settings.local_bn,
    )


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
