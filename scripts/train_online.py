"""The main job: an arm plays, and an encoder learns from what it sees and what the arm did, at the same time.

python scripts/train_online.py
python scripts/train_online.py --method simclr-tt --steps 2000 --out runs/tt --seed 1
python scripts/train_online.py --corrupt gaussian:0.5 --corrupt-what recorded --out runs/noisy
python scripts/train_online.py --rerun web
python scripts/train_online.py --resume --out runs/tt --steps 4000
torchrun --nproc-per-node=2 scripts/train_online.py --out runs/two
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from _cli import Stop, parse, resume_folder, value_of
from _collected import say_given_up
from _progress import Progress, prepare
from _training import Training, command, left, restore, speed_and_size, start, stopped, training_program

from agent.watch import check_watch, open_watch
from learner.feeder import Feeder
from learner.journal import Journal
from learner.machine import describe
from learner.outcome import finish
from learner.parts import buffer_for, buffer_text, check_buffer, learner_for, limiter_for, settled
from learner.run import Run, stored_settings
from learner.settings import OnlineSettings, recorded_settings, suited
from learner.source import Source, open_source
from learner.team import Team
from learner.training_data import EpisodeData
from learner.validation import Validation
from sim.seeding import stream


@dataclass(frozen=True)
class TrainOnline(Training):
    """Train an encoder while the arm plays. The defaults suit this machine."""

    rerun: str = ""
    """Show arm, camera, commands, pairs and curves in the Rerun viewer: viewer (a window here), web (a browser), or a
    file to write, as in play.rrd."""
    settings: OnlineSettings = field(default_factory=suited)


def train(
    settings: OnlineSettings, folder: Path, team: Team, stop: Stop, *, rerun: str, resume: bool, quiet: bool
) -> int:
    """Arm -> buffer -> pairs -> loss -> step, until the steps are done or a signal comes."""
    check_watch(rerun)
    size = settings.record.scene.image_size
    settings = settled(settings, team, image_size=size, repeats=settings.lockstep, resumed=resume)
    seed, part = settings.seed, settings.part(team)
    check_buffer(settings, settings.layout, settings.capacity, folder)
    with (
        open_source(part, store_of(folder, team), resume=resume, team=team) as source,
        Run(folder, settings, **about(team, source), resume=resume, team=team) as run,
        open_watch(
            rerun if team.leads else "",
            record=part.record,
            chain=source.chain,
            categories=source.categories,
            learns=True,
        ) as watch,
    ):
        data = EpisodeData(source, settings)
        announce(settings, part, data, folder, quiet=quiet)
        buffer = buffer_for(part, source, part.capacity, folder, device=team.device, eviction=part.eviction)
        learner = learner_for(settings, data, team, resumed=bool(run.checkpoints.steps))
        limiter = limiter_for(part, source)
        stop.call(limiter.close)
        restore(run, learner)
        source.seek(learner.interest)
        validation = Validation(learner, data, episodes=settings.validation_episodes, watches=(run.board, watch))
        shown = (data.watch, watch.episode)
        feeder = Feeder(source.episodes(), buffer, limiter, lockstep=part.lockstep, watch=shown)
        with (
            buffer,
            feeder,
            Progress(settings.steps, unit="steps", title="train", start=learner.steps, quiet=quiet) as bar,
            Journal(run, learner, buffer, limiter=limiter, validation=validation, bar=bar, watch=watch) as journal,
        ):
            if learner.steps >= settings.steps:
                # An earlier session got here: the probes need its episodes again.
                feeder.before_sampling(learner.steps - 1, part.batch)
            while learner.steps < settings.steps:
                feeder.before_sampling(learner.steps, part.batch)
                if stopped(stop, team):
                    break
                if learner.steps == 0:
                    learner.freeze_standardisation(buffer.sample_actions(4096, stream("standardise", seed)))
                rng = stream("replay", seed, learner.steps, team.rank)
                pairs = buffer.sample(part.batch, rng, second=learner.method.second_view)
                step = learner.step(pairs)
                source.seek(learner.interest)
                journal.note(step, pairs)
        say_given_up(source.failures, part.record)
        if stopped(stop, team):
            return left(stop, learner, folder, settings.script)
        source.rest()
        if team.leads:
            print(finish(run, learner, data))
    return 0


def about(team: Team, source: Source) -> dict[str, Any]:
    """What a run's folder tells of how it came about."""
    return {"command": command(), "machine": describe(team.device), "categories": source.categories}


def store_of(folder: Path, team: Team) -> Path:
    """Where a process keeps the episodes of its arms."""
    return folder / ("episodes" if team.leads else f"episodes-{team.rank}")


def announce(settings: OnlineSettings, part: OnlineSettings, data: EpisodeData, folder: Path, *, quiet: bool) -> None:
    """Say what was chosen for this machine, before memory is claimed, and make the objects ready."""
    if not quiet:
        scene = settings.record.scene
        arms = part.data or f"{part.workers} arms"
        print(
            f"{speed_and_size(settings, folder, data, buffer_text(part, part.layout, part.capacity))}, fed by {arms}\n"
            f"  frames at {scene.camera.field_of_view:g} degrees; first come {settings.validation_episodes} episodes "
            f"of held-out objects, then {part.minimum_episodes} into the buffer\n"
            "  all this suits the machine or is what you asked for; see --help",
            flush=True,
        )
        if not part.store and not part.data:
            lost = "a resumed run begins with an empty buffer, and the run cannot be repeated"
            print(f"  --no-store: episodes are not kept, so {lost}", flush=True)
    if part.engine != "recorded":
        prepare(part.record().catalogue, quiet=quiet)


def command_line() -> TrainOnline:
    """The arguments; the defaults are those of the run in --out with --resume, or of the episodes in --data."""
    folder, data = resume_folder(sys.argv[1:]), value_of("--data", sys.argv[1:])
    settings = stored_settings(folder, OnlineSettings) if folder else suited()
    if data and not folder and value_of("--engine", sys.argv[1:]) == "recorded":
        settings = replace(settings, record=recorded_settings(Path(data)))
    return parse(TrainOnline, default=TrainOnline(settings=settings))


def begin(asked: TrainOnline) -> int:
    """Train as was asked for."""
    return start(asked, partial(train, rerun=asked.rerun))


if __name__ == "__main__":
    training_program(lambda: begin(command_line()))
