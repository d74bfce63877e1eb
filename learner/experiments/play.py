"""How to play: turntable, tumbling, from all sides, or what the learner asks for; all scored on the same views."""

from __future__ import annotations

from dataclasses import fields, replace
from math import ceil

from agent.record import RecordSettings
from learner.experiments.design import LOOKS, Base, Condition, Experiment, main_methods
from learner.experiments.online import FEWEST, LEARNED, fed
from learner.settings import LearnSettings, OnlineSettings, TrainSettings

POLICIES = ("tumble", "turntable", "inspect")
LIVE = {"tumble": 0, "curious": 0, "turntable": 1, "inspect": 2}
"""Policies that are compared while they play, and the rank of each."""
RATIO = 10
"""Pairs that are drawn for each frame of a live run."""
PANEL, EVENLY = "live", "live, turns drawn evenly"


def conditions(base: Base) -> list[Condition]:
    """The three methods on each policy's recorded episodes; and AA-SimCLR while each plays as many frames. All are
    scored on tumbling objects."""
    like, found = base.data(play="tumble"), []
    for rank, play in enumerate(POLICIES):
        data = base.data(play=play)
        found += main_methods(base, data, panel=play, suffix=f", {play}", rank=rank, like=like)
    settings = base.train("aa-simclr")
    for play, rank in LIVE.items():
        live = played(settings, base.data(play=play).record, most=base.scale.episodes)
        against = () if play == "tumble" else ("live, tumble",) if play != "curious" else ("live, tumble", EVENLY)
        found.append(base.condition(f"live, {play}", live, like, like=like, panel=PANEL, rank=rank, against=against))
    return [*found, _evenly(base, settings)]


def played(settings: TrainSettings, record: RecordSettings, *, most: int) -> OnlineSettings:
    """The live run that sees new frames as it learns, repeatably; its buffer holds the `most` recent episodes. It keeps
    checkpoints to be scored."""
    shared = {item.name: getattr(settings, item.name) for item in fields(LearnSettings)}
    episodes = ceil(settings.steps * settings.batch / RATIO / record.scene.frames)
    first = max(1, min(2 * settings.batch, episodes // 10))
    return OnlineSettings(
        **{**shared, **_looks(settings.steps)},
        workers=max(1, settings.threads),
        replay_ratio=float(RATIO),
        lockstep=True,
        buffer_episodes=max(first, min(episodes + first, most)),
        warmup_episodes=first,
        record=record,
        store=False,
    )


def _evenly(base: Base, settings: TrainSettings) -> Condition:
    """The control of curious play: the same kind of turns, recorded before there was a learner to ask."""
    like, alone = base.data(play="tumble"), base.data(play="curious")
    frames = settings.steps * settings.batch / RATIO
    data = replace(alone, episodes=max(FEWEST, ceil(1.1 * frames / base.scale.frames / LEARNED)))
    live = replace(fed(settings, data, RATIO), **_looks(settings.steps))  # type: ignore[arg-type]
    return base.condition(EVENLY, live, data, like=like, panel=PANEL, rank=1)


def _looks(steps: int) -> dict[str, int]:
    return {"checkpoint_every": max(1, steps // LOOKS), "keep_checkpoints": LOOKS + 1}


EXPERIMENT = Experiment(
    name="play",
    title="How to play",
    asks="The same number of frames by three play policies, recorded; and live, with curious play beside them, which "
    f"seeks the turns that the learner cannot yet tell apart: {RATIO} pairs a frame, repeatable. All are scored on the "
    "same views, of objects that tumble.",
    split="test",
    conditions=conditions,
)
