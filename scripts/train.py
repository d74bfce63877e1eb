"""Train an encoder on a stored dataset: episodes of ours, or images of others. A live run can be repeated.

python scripts/train.py --data data/hold
python scripts/train.py --data data/hold --method vicreg-tt --steps 5000 --out runs/vicreg --seed 1
python scripts/train.py --data rt4k:/data/RT4K --method aa-simclr --out runs/rt4k
python scripts/train.py --data data/hold --corrupt gaussian:0.5 --out runs/misled
python scripts/train.py --data data/hold --rerun web
python scripts/train.py --resume --out runs/vicreg --steps 10000
python scripts/train.py --replay-log runs/live --out runs/again
torchrun --nproc-per-node=2 scripts/train.py --data data/hold --out runs/two
"""

from __future__ import annotations

import sys
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from _cli import Stop, parse, resume_folder, value_of
from _progress import Progress
from _training import Training, command, left, restore, speed_and_size, start, stopped, training_program

from agent.watch import Watch, check_watch, open_watch
from learner.journal import Journal
from learner.machine import describe
from learner.outcome import finish
from learner.parts import learner_for, settled
from learner.run import Run, stored_settings
from learner.settings import TrainSettings, recorded_settings, suited_training
from learner.stored import Stored, open_stored, repeated_settings
from learner.team import Team
from learner.validation import Validation
from sim.errors import InputError


@dataclass(frozen=True)
class Train(Training):
    """Train an encoder on a stored dataset. The defaults suit this machine."""

    rerun: str = ""
    """Show the stored episodes, pairs and curves in the Rerun viewer: viewer (a window here), web (a browser), or a
    file to write, as in play.rrd."""
    settings: TrainSettings = field(default_factory=suited_training)


def train(
    settings: TrainSettings, folder: Path, team: Team, stop: Stop, *, rerun: str, resume: bool, quiet: bool
) -> int:
    """Dataset -> buffer -> pairs -> loss -> step, until the steps are done or a signal comes."""
    check_watch(rerun)
    with ExitStack() as opened:
        stored = opened.enter_context(open_stored(settings, folder, team))
        data = stored.data
        check_shown(rerun, stored)
        settings = settled(settings, team, image_size=data.image_size, resumed=resume)
        about = {"command": command(), "machine": describe(team.device), "categories": data.categories}
        run = opened.enter_context(Run(folder, settings, **about, resume=resume, team=team))
        watch = stored.watch = opened.enter_context(watch_of(rerun if team.leads else "", settings, stored))
        announce(settings, stored, folder, quiet=quiet)
        learner = learner_for(settings, data, team, resumed=bool(run.checkpoints.steps))
        restore(run, learner)
        with Progress(stored.episodes, unit="episodes", title="read", quiet=quiet) as bar:
            for done in stored.read():
                bar.advance(done, "into the buffer")
                if stop:
                    break
        if stopped(stop, team):
            return left(stop, learner, folder, settings.script)
        validation = Validation(learner, data, episodes=settings.validation_episodes, watches=(run.board, watch))
        with (
            Progress(settings.steps, unit="steps", title="train", start=learner.steps, quiet=quiet) as bar,
            Journal(run, learner, stored.at(learner.steps), validation=validation, bar=bar, watch=watch) as journal,
        ):
            while learner.steps < settings.steps and not stopped(stop, team):
                if learner.steps == 0:
                    stored.standardise(learner)
                journal.buffer, learner.horizon = stored.at(learner.steps + 1), stored.horizon
                pairs = stored.batch(learner.steps, second=learner.method.second_view)
                journal.note(learner.step(pairs), pairs)
        if stopped(stop, team):
            return left(stop, learner, folder, settings.script)
        if team.leads:
            print(finish(run, learner, data))
    return 0


def check_shown(rerun: str, stored: Stored) -> None:
    """Raise InputError where it is asked to show an arm, and there is none."""
    if rerun and stored.source is None:
        raise InputError(f"rerun={rerun}: there is no arm in {stored.data.told}; TensorBoard shows pairs and curves")


def watch_of(rerun: str, settings: TrainSettings, stored: Stored) -> Watch:
    """What shows a training on stored episodes; they look as they were recorded."""
    source = stored.source
    if not rerun or source is None:
        return Watch()
    record = recorded_settings(Path(settings.data))
    return open_watch(rerun, record=record, chain=source.chain, categories=source.categories, learns=True)


def announce(settings: TrainSettings, stored: Stored, folder: Path, *, quiet: bool) -> None:
    """Say what was chosen for this machine, before memory is claimed."""
    if not quiet:
        print(
            f"{speed_and_size(settings, folder, stored.data, stored.room)}, of {stored.data.told}\n"
            "  all this suits the machine or is what you asked for; see --help",
            flush=True,
        )
    if stored.told:
        print(f"look: {stored.told}", file=sys.stderr)


def command_line() -> Train:
    """The arguments; the defaults are those of the run in --out with --resume, or of the live run in --replay-log."""
    folder, live = resume_folder(sys.argv[1:]), value_of("--replay-log", sys.argv[1:])
    if folder is not None:
        return parse(Train, default=Train(settings=stored_settings(folder, TrainSettings)))
    if not live:
        return parse(Train)
    return parse(Train, default=Train(settings=repeated_settings(Path(live))))


def begin(asked: Train) -> int:
    """Train as was asked for."""
    return start(asked, partial(train, rerun=asked.rerun))


if __name__ == "__main__":
    training_program(lambda: begin(command_line()))
