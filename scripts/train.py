"""Train an encoder on a stored dataset: all of it is in the buffer before the first step. A live run can be repeated.

python scripts/train.py --data data/hold
python scripts/train.py --data data/hold --method vicreg-tt --steps 5000 --out runs/vicreg --seed 1
python scripts/train.py --data data/hold --corrupt gaussian:0.5 --out runs/misled
python scripts/train.py --resume --out runs/vicreg --steps 10000
python scripts/train.py --replay-log runs/live --out runs/again
torchrun --nproc-per-node=2 scripts/train.py --data data/hold --out runs/two
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path

from _cli import Stop, parse, resume_folder, value_of
from _progress import Progress
from _training import Training, command, how_to_go_on, restore, speed_and_size, start, stopped, training_program

from learner.evaluation import GalleryBuilder
from learner.journal import Journal
from learner.machine import describe
from learner.outcome import Album, finish
from learner.parts import learner_for
from learner.run import Run, stored_settings
from learner.settings import TrainSettings, suited_training
from learner.stored import Stored, open_stored, repeated_settings
from learner.team import Team
from learner.validation import Validation
from sim.seeding import stream


@dataclass(frozen=True)
class Train(Training):
    """Train an encoder on a stored dataset. The defaults suit this machine."""

    settings: TrainSettings = field(default_factory=suited_training)


def train(settings: TrainSettings, folder: Path, team: Team, stop: Stop, *, resume: bool, quiet: bool) -> int:
    """Dataset -> buffer -> pairs -> loss -> step, until the steps are done or a signal comes."""
    seed, batch = settings.record.seed, team.share(settings.batch)
    with (
        open_stored(settings, folder, team) as stored,
        Run(folder, settings, command=command(), machine=describe(team.device), resume=resume, team=team) as run,
    ):
        announce(settings, stored, folder, quiet=quiet)
        bank, album = GalleryBuilder(stored.source.categories, episodes=settings.bank_episodes), Album()
        learner = learner_for(settings, stored.source, team, resumed=bool(run.checkpoints.steps))
        restore(run, learner)
        with Progress(stored.episodes, unit="episodes", title="read", quiet=quiet) as bar:
            stored.open(watch=(bank.add, album.add), told=lambda done: bar.advance(done, "into the buffer"))
        validation = Validation(learner, bank, stored.source, episodes=settings.validation_episodes)
        with (
            Progress(settings.steps, unit="steps", title="train", start=learner.steps, quiet=quiet) as bar,
            Journal(run, learner, stored.at(learner.steps), validation=validation, bar=bar) as journal,
        ):
            while learner.steps < settings.steps and not stopped(stop, team):
                if learner.steps == 0:
                    actions = stored.at(0).sample_actions(4096, stream("standardise", seed))
                    learner.freeze_standardisation(actions)
                journal.buffer, learner.horizon = stored.at(learner.steps + 1), stored.horizon
                rng = stream("replay", seed, learner.steps, team.rank)
                pairs = journal.buffer.sample(batch, rng, second=learner.method.second_view)
                journal.note(learner.step(pairs), pairs)
        if stopped(stop, team):
            if team.leads:
                print(f"kept at step {learner.steps}; {how_to_go_on(folder)}")
            return stop.status
        if team.leads:
            test = stored.source.held_out("test", settings.test_episodes)
            print(finish(run, learner, bank.build(), test, album, stored.source))
    return 0


def announce(settings: TrainSettings, stored: Stored, folder: Path, *, quiet: bool) -> None:
    """Say what was chosen for this machine, before memory is claimed."""
    if not quiet:
        size = stored.layout.image_size
        print(
            f"{speed_and_size(settings, folder, size, stored.layout, stored.capacity)}, of {stored.source.told}\n"
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


if __name__ == "__main__":
    training_program(lambda: start(command_line(), train))
