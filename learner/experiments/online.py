"""Online or recorded: the same frames as they come in, or all from the beginning; and how often each may be used."""

from __future__ import annotations

from dataclasses import fields, replace
from math import ceil

from learner.experiments.design import Base, Condition, Data, Experiment
from learner.settings import LearnSettings, OnlineSettings, TrainSettings

RATIOS = (1, 3, 10, 30, 100)
"""Pairs that are drawn for each frame that came in."""
LEARNED = 0.8
"""Share of a dataset that is learned from; the rest is held out by instance."""
FEWEST = 60
"""Episodes, or some split may have none."""


def conditions(base: Base) -> list[Condition]:
    """For each ratio as many episodes as the steps use up; a live run that is fed them, and a training on all."""
    found = []
    for rank, ratio in enumerate(sorted(RATIOS, key=lambda ratio: abs(ratio - 10))):
        settings = base.train("aa-simclr")
        frames = settings.steps * settings.batch / ratio
        data = replace(base.data(), episodes=max(FEWEST, ceil(frames / base.scale.frames / LEARNED)))
        like, about = base.data(), {"panel": f"{ratio} pairs a frame", "x": float(ratio), "rank": max(0, rank - 1)}
        recorded = f"recorded, {ratio} pairs a frame"
        found.append(base.condition(recorded, settings, data, like=like, **about))
        live = fed(settings, data, ratio)
        found.append(
            base.condition(f"live, {ratio} pairs a frame", live, data, like=like, against=(recorded,), **about)
        )
    return found


def fed(settings: TrainSettings, data: Data, ratio: float) -> OnlineSettings:
    """The live run that is fed stored episodes in their order, repeatably, so that all have come in when it ends."""
    shared = {item.name: getattr(settings, item.name) for item in fields(LearnSettings)}
    most = int(LEARNED * data.episodes)
    return OnlineSettings(
        **shared,
        engine="recorded",
        data=data.key,
        replay_ratio=float(ratio),
        lockstep=True,
        buffer_episodes=data.episodes,
        warmup_episodes=max(1, min(2 * settings.batch, most // 10)),
        record=data.record,
        store=False,
    )


EXPERIMENT = Experiment(
    name="online",
    title="Online or recorded",
    asks="The same stored frames, fed to a live run as if an arm played them now, or all there from the first step; at "
    "1 to 100 pairs a frame, and the same number of steps. What does learning while playing cost, and how often "
    "can a frame be used?",
    split="test",
    conditions=conditions,
)
