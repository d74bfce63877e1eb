"""Makes the parts of a live run from its settings: each part gets its own, none gets the whole."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from learner.actions import representation
from learner.encoders import build_encoder
from learner.limiter import Limiter
from learner.precision import choose_precision
from learner.replay import ReplayBuffer
from learner.settings import OnlineSettings
from learner.source import Source
from learner.start import start_from
from learner.storage import check_room
from learner.training import Learner
from sim.seeding import stream


def settled(settings: OnlineSettings) -> OnlineSettings:
    """The settings with `auto` decided, so that a resumed run goes on as it began."""
    if settings.precision != "auto":
        return settings
    if settings.lockstep and settings.device == "cpu":
        return replace(settings, precision="float32")  # a trial could end otherwise next time
    size = settings.record.scene.image_size
    return replace(settings, precision=choose_precision(settings.encoder, size, device=settings.device))


def check_buffer(settings: OnlineSettings, folder: Path) -> None:
    """Raise InputError where the buffer of a run in `folder` would not fit."""
    check_room(settings.layout.bytes_of(settings.capacity), **_place(settings, folder))


def buffer_for(settings: OnlineSettings, source: Source, folder: Path) -> ReplayBuffer:
    """An empty buffer for the source's episodes, of a run in `folder`."""
    return ReplayBuffer(
        settings.capacity,
        frames=settings.record.scene.frames,
        image_size=settings.record.scene.image_size,
        chain=source.chain,
        categories=source.categories,
        action=settings.action,
        sampling=settings.sampling,
        backdrop=settings.record.scene.randomize.backdrop,
        masks=settings.layout.masks,
        evict=stream("evict", settings.record.seed) if settings.eviction == "random" else None,
        **_place(settings, folder),
    )


def _place(settings: OnlineSettings, folder: Path) -> dict[str, Any]:
    """Where the buffer lies, for `learner.storage`."""
    return {
        "device": settings.device if settings.storage == "cuda" else "cpu",
        "folder": folder if settings.storage == "file" else None,
    }


def check_start(settings: OnlineSettings) -> None:
    """Raise InputError where the encoder cannot start as the settings ask, before a folder is made for the run."""
    if settings.init:
        size = settings.record.scene.image_size
        start_from(build_encoder(settings.encoder, seed=settings.record.seed, image_size=size), settings.init)


def learner_for(settings: OnlineSettings, source: Source, buffer: ReplayBuffer, *, resumed: bool = False) -> Learner:
    """A learner at its start; one that is `resumed` needs no starting weights, its checkpoint has all."""
    return Learner(
        method=settings.method,
        encoder=settings.encoder,
        image_size=settings.record.scene.image_size,
        action_size=buffer.action_size,
        categories=len(source.categories),
        method_settings=settings.loss,
        augment_settings=settings.augment,
        optimizer_settings=settings.optimizer,
        device=settings.device,
        seed=settings.record.seed,
        horizon=settings.steps,
        precision=settings.precision,
        mirror=representation(settings.action).mirror,
        init="" if resumed else settings.init,
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
