"""The main job: an arm plays, and an encoder learns from what it sees and what the arm did, at the same time.

python scripts/train_online.py
python scripts/train_online.py --method simclr-tt --steps 2000 --out runs/tt --seed 1
python scripts/train_online.py --corrupt gaussian:0.5 --corrupt-what recorded --out runs/noisy
python scripts/train_online.py --resume --out runs/tt --steps 4000
"""

from __future__ import annotations

import shlex
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from _cli import parse, program, resume_folder, stop_on_signal, value_of
from _progress import Progress, prepare

from learner.evaluation import GalleryBuilder, validate
from learner.feeder import Feeder
from learner.machine import check_device, describe
from learner.meters import Meters
from learner.online import buffer_for, check_buffer, check_start, learner_for, limiter_for, settled
from learner.outcome import Album, finish
from learner.run import Run, stored_settings
from learner.settings import OnlineSettings, suited
from learner.source import open_source, recorded_settings
from learner.storage import size_text
from sim.seeding import stream


@dataclass(frozen=True)
class TrainOnline:
    """Train an encoder while the arm plays. The defaults suit this machine."""

    out: Path | None = None
    """Folder of the run; runs/<method>-<seed> by default."""
    resume: bool = False
    """Go on with the run in --out; its settings are taken over, --steps may be raised."""
    quiet: bool = False
    """No progress."""
    settings: OnlineSettings = field(default_factory=suited)


def main(arguments: TrainOnline) -> int:
    """Arm -> buffer -> pairs -> loss -> step, until the steps are done or a signal comes."""
    check_device(arguments.settings.device)
    if arguments.settings.threads:
        torch.set_num_threads(arguments.settings.threads)
    settings = settled(arguments.settings)
    if not arguments.resume:
        check_start(settings)
    seed = settings.record.seed
    folder = arguments.out or Path("runs") / f"{settings.method}-{seed}"
    check_buffer(settings, folder)
    machine = describe(settings.device)
    if settings.engine != "recorded":
        prepare(settings.record().catalogue, quiet=arguments.quiet)
    command = shlex.join(["python", "scripts/train_online.py", *sys.argv[1:]])
    with (
        stop_on_signal() as stop,
        open_source(settings, folder / "episodes", resume=arguments.resume) as source,
        Run(folder, settings, command=command, machine=machine, resume=arguments.resume) as run,
    ):
        announce(arguments, settings, folder)
        buffer = buffer_for(settings, source, folder)
        learner = learner_for(settings, source, buffer, resumed=run.checkpoint_path.exists())
        limiter = limiter_for(settings, source)
        stop.then = limiter.close
        rng = stream("replay", seed)
        meters = Meters(seconds=run.restore(learner, rng))
        validation = source.held_out("validation", settings.validation_episodes)
        bank = GalleryBuilder(source.categories, episodes=settings.bank_episodes)
        album = Album()
        feeder = Feeder(source.episodes(), buffer, limiter, lockstep=settings.lockstep, watch=(bank.add, album.add))
        with (
            buffer,
            feeder,
            run.keeping(learner, rng, meters),
            Progress(settings.steps, unit="steps", title="train", start=learner.steps, quiet=arguments.quiet) as bar,
        ):
            if learner.steps >= settings.steps and not stop:
                # An earlier session got here: the probes need its episodes again.
                feeder.before_sampling(learner.steps - 1, settings.batch)
            while learner.steps < settings.steps and not stop:
                feeder.before_sampling(learner.steps, settings.batch)
                if stop:
                    break
                if learner.steps == 0:
                    learner.freeze_standardisation(buffer.sample_actions(4096, stream("standardise", seed)))
                pairs = buffer.sample(settings.batch, rng, second=learner.method.second_view)
                losses = learner.step(pairs)
                meters.count(losses, pairs)
                step, last = learner.steps, learner.steps == settings.steps
                if step % settings.validate_every == 0 or last:
                    held = validate(learner.encoder, learner.probe, bank.build(), validation, device=settings.device)
                    meters.note(held)
                if step % settings.log_every == 0 or last:
                    run.log(step, meters.row(limiter, buffer))
                if step % settings.checkpoint_every == 0:
                    run.checkpoint(learner, rng, meters.seconds)
                bar.advance(step, meters.line(limiter, buffer))
        if stop:
            print(f"kept at step {learner.steps}; go on with: python scripts/train_online.py --resume --out {folder}")
            return stop.status
        source.rest()
        for failure in source.failures:
            print(f"given up: {failure} (seed {seed})", file=sys.stderr)
        test = source.held_out("test", settings.test_episodes)
        print(finish(run, learner, bank.build(), test, album, source))
    return 0


def announce(arguments: TrainOnline, settings: OnlineSettings, folder: Path) -> None:
    """Say what was chosen for this machine, before it is claimed."""
    if not arguments.quiet:
        scene, threads = settings.record.scene, torch.get_num_threads()
        size = settings.layout.bytes_of(settings.capacity)
        print(
            f"{folder}: {settings.method}, {settings.encoder} encoder, action {settings.action}\n"
            f"  {settings.steps} steps of {settings.batch} pairs of {scene.image_size}-pixel frames at "
            f"{scene.camera.field_of_view:g} degrees\n"
            f"  {settings.device} in {settings.precision}, {threads} learner threads, {settings.workers} arms, "
            f"a buffer of {settings.capacity} episodes that takes {size_text(size)} when full ({settings.storage})\n"
            "  all this suits the machine or is what you asked for; see --help\n"
            f"  first come {settings.validation_episodes} episodes of held-out objects, then "
            f"{settings.minimum_episodes} into the buffer",
            flush=True,
        )


def command_line() -> TrainOnline:
    """The arguments; the defaults are those of the run in --out with --resume, or of the episodes in --data."""
    folder, data = resume_folder(sys.argv[1:]), value_of("--data", sys.argv[1:])
    settings = stored_settings(folder) if folder else suited()
    if data and not folder and value_of("--engine", sys.argv[1:]) == "recorded":
        settings = replace(settings, record=recorded_settings(Path(data)))
    return parse(TrainOnline, default=TrainOnline(settings=settings))


if __name__ == "__main__":
    program(lambda: main(command_line()))
