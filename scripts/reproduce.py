"""Repeat an experiment of the AA-SSL paper: train and probe its methods, and print the table beside its figures.

python scripts/reproduce.py rt4k --root /data/RT4K --dry-run
python scripts/reproduce.py rt4k --root /data/RT4K --budget 1 --out reproduced/first-hour
python scripts/reproduce.py mvimgnet-f --root "/data/MVImgNet?objects=list.txt" --seeds 0
python scripts/reproduce.py co3d --root /data/CO3D --methods aa-simclr simclr-tt --seeds 0 1 2
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import tyro
from _cli import Stop, parse, program, stop_on_signal
from _progress import Progress
from _reproduced import hours, keep_plan, kept_plan, write_results
from _training import command, set_up
from train import train

from learner.data import ImageData, open_data
from learner.encoders import build_encoder
from learner.export import load_encoder
from learner.machine import default_device
from learner.methods import METHODS, REMEDIES
from learner.paper import Line, augmented, embedded, keep, line_of, probe
from learner.plan import Asked, Plan, fitted, looks_of, measure, whole_plan
from learner.presets import BATCH, ENCODER, EXPERIMENTS, paper_settings
from learner.probes import Embed, color_histogram, embed, raw_pixels
from learner.settings import TrainSettings
from learner.team import Team
from sim.errors import InputError

PROBED = "paper.json"
"""Beside each run: its accuracies by the paper's protocols."""


class Stopped(Exception):
    """A signal came while frames were looked at."""


@dataclass(frozen=True)
class Reproduce:
    """Train and evaluate the paper's methods with the paper's settings; begun again, it goes on where it was."""

    experiment: Annotated[Literal["rt4k", "mvimgnet", "mvimgnet-f", "co3d"], tyro.conf.Positional]
    """Which dataset: its files as published, or as the paper's authors packed them."""
    root: str
    """Its folder; options follow a question mark, as in /data/MVImgNet?objects=list.txt."""
    out: Path | None = None
    """Folder of the runs, results.json and results.md; reproduced/<experiment> by default."""
    methods: tuple[str, ...] = tuple(name for name in METHODS if name not in REMEDIES)
    """Which methods; all by default."""
    seeds: tuple[int, ...] = (0, 1, 2)
    """Of networks, pairs and augmentation: each method is trained with each; all methods with the first come first."""
    budget: float = 0.0
    """Hours that all of it may take: all methods' steps are cut alike, and the table says so. 0 cuts nothing."""
    batch: int = BATCH
    """Pairs a step; with another than the paper's the table says so, as with the next two."""
    encoder: str = ENCODER
    """Network, as for scripts/train.py."""
    image_size: int = 0
    """Pixels a side; 0 is as the publishers use the images."""
    device: str = field(default_factory=default_device)
    """Where it runs: cpu or cuda."""
    dry_run: bool = False
    """Time a few steps, show what would be run and how long it would take, and write nothing."""
    quiet: bool = False
    """No progress."""

    def __post_init__(self) -> None:
        for method in self.methods:
            if method not in METHODS:
                raise InputError(f"methods={method}: unknown, known are {', '.join(METHODS)}")
        if not self.methods or not self.seeds or min(self.seeds) < 0:
            raise InputError(f"methods={self.methods}, seeds={self.seeds}: one of each is needed, seeds from 0")
        if not 0 <= self.budget < float("inf"):
            raise InputError(f"budget={self.budget}: hours above 0 are needed, or 0 for as long as it takes")

    @property
    def folder(self) -> Path:
        """Where all is kept."""
        return self.out or Path("reproduced") / self.experiment

    @property
    def runs(self) -> list[tuple[str, int]]:
        """Method and seed of each run, in their order."""
        return [(method, seed) for seed in dict.fromkeys(self.seeds) for method in dict.fromkeys(self.methods)]

    def settings(self, plan: Plan, method: str, seed: int) -> TrainSettings:
        """Of one run."""
        shared = {"batch": self.batch, "encoder": self.encoder, "image_size": self.image_size, "device": self.device}
        return paper_settings(plan.asked.data, method=method, seed=seed, steps=plan.steps, **shared)


def main(asked: Reproduce) -> int:
    """Dataset -> plan -> for each method and seed: training -> probes -> table."""
    data = EXPERIMENTS[asked.experiment].data(asked.root)
    common = Asked(asked.experiment, data, asked.batch, asked.encoder, asked.image_size, asked.budget)
    plan, images = kept_plan(asked.folder, common), open_data(data)
    whole = whole_plan(images, common)
    set_up(asked.settings(whole, *asked.runs[0]))
    if plan is None or asked.dry_run:
        plan = planned(asked, images, whole, plan)
    if asked.dry_run:
        return 0
    keep_plan(asked.folder, plan)
    with stop_on_signal() as stop:
        for name, represent in baselines(asked, images):
            path = asked.folder / "baselines" / f"{name.replace(' ', '-')}.json"
            path.parent.mkdir(exist_ok=True)
            if not path.exists() and not look(asked, plan, images, represent, path, seed=0, stop=stop):
                return ended(stop)
        for method, seed in asked.runs:
            if not one_run(asked, plan, images, method, seed, stop):
                return ended(stop)
            told = show(asked, plan)
    print(told)
    print(f"all of it: {asked.folder}")
    return 0


def planned(asked: Reproduce, images: ImageData, whole: Plan, kept: Plan | None) -> Plan:
    """How many steps, which is the plan that was kept where there is one; tells what is run and how long it takes."""
    plan = kept or whole
    if kept is None and not (asked.budget or asked.dry_run):
        return plan
    pace = measure(images, list(dict.fromkeys(asked.methods)), lambda method: asked.settings(whole, method, 0))
    if kept is None and asked.budget:
        plan = fitted(whole, images, pace, asked.runs, others=3)
    looked, total = looks_of(images, plan), 0.0
    for method, seed in asked.runs:
        folder = run_folder(asked, method, seed)
        state = "done" if (folder / PROBED).exists() else "begun" if folder.exists() else "new"
        seconds = 0.0 if state == "done" else pace.of(plan, method, looked)
        total += seconds
        print(f"{method:12} seed {seed}  {plan.steps} steps  {hours(seconds):>9}  {state}")
    print(f"{len(asked.runs)} runs of {plan.steps} of the paper's {plan.paper_steps} steps: about {hours(total)}")
    return plan


def one_run(asked: Reproduce, plan: Plan, images: ImageData, method: str, seed: int, stop: Stop) -> bool:
    """Train and probe, as far as that is not done; False where a signal came."""
    folder = run_folder(asked, method, seed)
    if (folder / PROBED).exists():
        return True
    settings = asked.settings(plan, method, seed)
    if not (folder / "report.html").exists():
        resume = (folder / "settings.json").exists()
        train(settings, folder, Team(device=asked.device), stop, rerun="", resume=resume, quiet=asked.quiet)
        if stop:
            return False
    encoder = load_encoder(folder).to(asked.device)
    represent = partial(embed, encoder, device=asked.device)
    return look(asked, plan, images, represent, folder / PROBED, seed=seed, stop=stop)


def run_folder(asked: Reproduce, method: str, seed: int) -> Path:
    """Where a run is kept."""
    return asked.folder / f"{method}-{seed}"


def look(
    asked: Reproduce, plan: Plan, images: ImageData, represent: Embed, path: Path, *, seed: int, stop: Stop
) -> bool:
    """Probe a representation; False where a signal came."""
    done = 0

    def told(more: int) -> None:
        nonlocal done
        if stop:
            raise Stopped
        bar.advance(done := done + more, path.stem if path.name != PROBED else path.parent.name)

    given = {"embed": represent, "each": plan.frames, "image_size": size_of(asked, images), "told": told}
    with Progress(looks_of(images, plan), unit="frames", title="probe", quiet=asked.quiet) as bar:
        try:
            train_split, test_split = (embedded(images, split, **given) for split in ("train", "test"))
            anew = None if plan.cut else augmented(images, **given, seed=seed)
            keep(path, probe(train_split, test_split, seed=seed, device=asked.device, anew=anew))
        except Stopped:
            return False
    return True


def baselines(asked: Reproduce, images: ImageData) -> Iterator[tuple[str, Embed]]:
    """What a trained encoder has to be better than."""
    untrained = build_encoder(asked.encoder, seed=0, image_size=size_of(asked, images)).to(asked.device)
    yield "untrained encoder", partial(embed, untrained, device=asked.device)
    yield "raw pixels", raw_pixels
    yield "colour histogram", color_histogram


def size_of(asked: Reproduce, images: ImageData) -> int:
    """Pixels a side."""
    return asked.image_size or images.image_size


def show(asked: Reproduce, plan: Plan) -> str:
    """Write the table of all that is done in the folder, by whichever call."""
    lines: list[Line] = []
    for method in METHODS:
        paths = sorted(asked.folder.glob(f"{method}-[0-9]*/{PROBED}"))
        lines += [line_of(method, paths)] if paths else []
    for path in sorted((asked.folder / "baselines").glob("*.json")):
        lines.append(line_of(path.stem.replace("-", " "), [path])._replace(seeds=0))
    return write_results(asked.folder, plan, lines, EXPERIMENTS[asked.experiment].published)


def ended(stop: Stop) -> int:
    """A signal came; everything is kept."""
    print(f"stopped; the same command goes on: {command()}")
    return stop.status


if __name__ == "__main__":
    program(lambda: main(parse(Reproduce)))
