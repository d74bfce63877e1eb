"""Makes the parts of a live run from its settings: each part gets its own, none gets the whole."""

from __future__ import annotations

from dataclasses import replace

from learner.limiter import Limiter
from learner.precision import choose_precision
from learner.replay import ReplayBuffer
from learner.settings import OnlineSettings
from learner.source import Source
from learner.training import Learner


def settled(settings: OnlineSettings) -> OnlineSettings:
    """The settings with `auto` decided, so that a resumed run goes on as it began."""
    if settings.precision != "auto":
        return settings
    if settings.lockstep and settings.device == "cpu":
        return replace(settings, precision="float32")  # a trial could end otherwise next time
    size = settings.record.scene.image_size
    return replace(settings, precision=choose_precision(settings.encoder, size, device=settings.device))


def buffer_for(settings: OnlineSettings, source: Source) -> ReplayBuffer:
    """An empty buffer for the source's episodes."""
    return ReplayBuffer(
        settings.buffer_episodes,
        frames=settings.record.scene.frames,
        image_size=settings.record.scene.image_size,
        chain=source.chain,
        categories=source.categories,
        action=settings.action,
        sampling=settings.sampling,
        backdrop=settings.record.scene.randomize.backdrop,
    )


def learner_for(settings: OnlineSettings, source: Source, buffer: ReplayBuffer) -> Learner:
    """A learner at its start."""
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
