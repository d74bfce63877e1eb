"""What the scripts that train share: set-up, what is said before memory is claimed, and how a run ends early."""

from __future__ import annotations

import os
import shlex
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import torch
from _cli import Stop, as_started_here, program, stop_on_signal

from learner.checkpoint import Checkpoints
from learner.machine import check_compile, check_device, keep_memory
from learner.run import Run
from learner.settings import LearnSettings
from learner.team import Team, TeamLost, first_to_tell, join_team
from learner.training import Learner
from learner.training_data import TrainingData


def training_program(main: Callable[[], int]) -> NoReturn:
    """As `program`; of several processes, one tells what went wrong."""
    try:
        program(main, tells=first_to_tell)
    except SystemExit as ended:
        if int(os.environ.get("WORLD_SIZE", "1")) > 1:
            # Gloo's threads may still let go of tensors, which aborts a Python that is ending; all is closed by now.
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(int(ended.code or 0))
        raise


@dataclass(frozen=True)
class Training:
    """What is asked of every training beside its settings."""

    out: Path | None = None
    """Folder of the run; runs/<method>-<seed> by default."""
    resume: bool = False
    """Go on with the run in --out; its settings are taken over, --steps may be raised."""
    quiet: bool = False
    """No progress."""


def start(asked: Any, train: Callable[..., int]) -> int:
    """Train with `asked.settings`, alone or as one of the processes that torchrun started."""
    settings = asked.settings
    folder = asked.out or Path("runs") / f"{settings.method}-{settings.seed}"
    set_up(settings)
    with session(settings.device, folder, settings.script) as (team, stop):
        return train(settings, folder, team, stop, resume=asked.resume, quiet=asked.quiet or not team.leads)


def set_up(settings: LearnSettings) -> None:
    """The device is there, so many threads work, and memory is kept between steps."""
    keep_memory()
    check_device(settings.device)
    if settings.compile:
        check_compile(settings.device)
    if settings.threads:
        torch.set_num_threads(settings.threads)


def command() -> str:
    """This command, to be repeated."""
    return as_started_here(shlex.join([*_launcher(Path(sys.argv[0]).stem), *sys.argv[1:]]))


def how_to_go_on(folder: Path, script: str) -> str:
    """The command that goes on with the run in `folder`, which is one of scripts/`script`.py."""
    return f"go on with: {as_started_here(shlex.join([*_launcher(script), '--resume', '--out', str(folder)]))}"


def _launcher(script: str) -> list[str]:
    """What starts a script as this one was started: python, or torchrun for several processes."""
    script = f"scripts/{script}.py"
    size, here = (int(os.environ.get(name, "1")) for name in ("WORLD_SIZE", "LOCAL_WORLD_SIZE"))
    if size == 1:
        return ["python", script]
    machines = "--standalone" if size == here else f"--nnodes={size // here}"
    return ["torchrun", machines, f"--nproc-per-node={here}", script]


def speed_and_size(settings: LearnSettings, folder: Path, data: TrainingData, room: str) -> str:
    """What is learned, how, and where the frames are."""
    threads = f", {torch.get_num_threads()} threads" if settings.device == "cpu" else ""
    return (
        f"{folder}: {settings.method}, {settings.encoder} encoder, action {data.action}\n"
        f"  {settings.steps} steps of {settings.batch} pairs of {data.image_size}-pixel frames, {settings.device} in "
        f"{settings.precision}{threads}\n"
        f"  {room}"
    )


def restore(run: Run, learner: Learner) -> None:
    """Go on from the newest sound checkpoint, and say which are not."""
    run.restore(learner)
    for sentence in run.damaged if learner.team.leads else ():
        print(f"look: {sentence}; going on from step {learner.steps}", file=sys.stderr)


def stopped(stop: Stop, team: Team) -> bool:
    """Whether a signal has come to any process; all are told at once, and then know which."""
    told = team.largest(stop.signal)
    if told:
        stop.signal = told
    return bool(told)


def left(stop: Stop, learner: Learner, folder: Path, script: str) -> int:
    """Say where a stopped run of scripts/`script`.py can be taken up, and give the exit status."""
    if learner.team.leads:
        print(f"kept at step {learner.steps}; {how_to_go_on(folder, script)}")
    return stop.status


@contextmanager
def session(device: str, folder: Path, script: str) -> Iterator[tuple[Team, Stop]]:
    """The processes that train together, and the signals that end it; where a process is lost, what is left of the run
    in `folder` is told."""
    try:
        with join_team(device) as team, stop_on_signal(aloud=team.size == 1) as stop:
            yield team, stop
    except TeamLost as error:
        for number in (signal.SIGTERM, signal.SIGINT):  # torchrun ends the others too, and this one has yet to tell
            signal.signal(number, signal.SIG_IGN)
        kept = max(Checkpoints(folder / "checkpoints").steps, default=0)
        raise TeamLost(f"{error}; kept at step {kept}; {how_to_go_on(folder, script)}") from error
