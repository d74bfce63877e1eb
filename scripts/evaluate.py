"""How good an encoder is: on whose images, by which protocol, how sure, and beside which baselines.

python scripts/evaluate.py --encoder runs/demo --data armplay:data/hold
python scripts/evaluate.py --encoder runs/a runs/b --data rt4k:/data/RT4K --out evaluations/rt4k
python scripts/evaluate.py --encoder runs/demo --data images:/data/eth80 --leave-one-out
python scripts/evaluate.py --encoder runs/demo --data "sim:toys?episodes=300&seed=1"
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from _cli import parse, program
from _evaluated import figures, table
from _progress import Progress, prepare, shown
from _training import command

from agent.files import new_folder, write_text
from agent.settings import to_json
from agent.versions import versions
from learner.data import ImageData, Simulated, open_data
from learner.encoders import Encoder
from learner.examination import (
    ExamSettings,
    Heads,
    contents,
    examine,
    findings,
    folds,
    load_heads,
    look,
    read_run,
    representations,
    retrievals,
    retrieve,
    seeds_of,
)
from learner.export import load_encoder
from learner.machine import check_device, default_device
from learner.pages import Evaluation, read_trained, write_pages
from sim.errors import InputError


@dataclass(frozen=True)
class Evaluate:
    """Probe frozen encoders, beside the untrained encoder, raw pixels and colour histograms."""

    encoder: tuple[Path, ...]
    """Folders of runs or of exported encoders; differences are told from the first one. Runs with the same settings but
    the seed are one representation."""
    data: str
    """KIND:ROOT, as in images:/data/eth80; see the docs for the kinds."""
    out: Path | None = None
    """New folder for results.json, report.html and pictures; evaluations/<encoder>-<kind> by default."""
    device: str = field(default_factory=default_device)
    """Where encoders run: cpu or cuda."""
    quiet: bool = False
    """No progress."""
    settings: ExamSettings = field(default_factory=ExamSettings)


def main(asked: Evaluate) -> int:
    """Images -> features of all representations -> protocols -> figures with intervals."""
    check_device(asked.device)
    encoders = {str(path): load_encoder(path) for path in asked.encoder}
    trained = {str(path): read_trained(path) for path in asked.encoder}
    sizes = {encoder.image_size or 0 for encoder in encoders.values()}
    if len(sizes) != 1:
        raise InputError(f"encoder: image sizes {sorted(sizes)}, one is needed to compare them on the same images")
    (size,) = sizes
    data = open_data(asked.data)
    embeds, seeds = representations(encoders, seeds_of(asked.encoder), device=asked.device)
    out = asked.out or Path("evaluations") / f"{Path(asked.encoder[0]).name}-{data.kind}"
    out.parent.mkdir(parents=True, exist_ok=True)
    with new_folder(out) as draft:
        play(data, size, quiet=asked.quiet)
        heads = heads_of(encoders, data)
        with shown("look", "frames", quiet=asked.quiet) as told:
            looked = look(data, embeds, asked.settings, size=size, told=told)
        results, holds, ranks = {}, {}, {}
        count = len(list(folds(looked, asked.settings)))
        with Progress(len(embeds) * count, unit="folds", title="probe", quiet=asked.quiet) as bar:
            for place, name in enumerate(embeds):
                results[name] = examine(looked, name, asked.settings, partial(_note, bar, place * count, name))
                holds[name] = contents(looked, name, asked.settings)
                ranks[name] = retrieve(looked, name, asked.settings, data.action, heads.get(name))
                bar.advance((place + 1) * count, name)
        found = findings(results, asked.settings, seeds)
        retrieved = retrievals(ranks, seeds, asked.settings)
        about = {"data": asked.data, "settings": to_json(asked.settings), "versions": versions(), "seeds": seeds}
        about |= {"categories": data.categories, "frames": len(looked.labels), "objects": looked.objects}
        whole = {**about, **figures(found, results, holds, retrieved)}
        write_text(draft / "results.json", json.dumps(whole, indent=1) + "\n")
        evaluation = Evaluation(data, looked, results, holds, found, asked.settings, trained, seeds, retrieved)
        with shown("draw", "pictures", quiet=asked.quiet) as told:
            write_pages(draft, evaluation, command=command(), versions=versions(), told=told)
    print(f"{asked.data}: {len(looked.labels)} frames of {looked.objects} objects, {len(data.categories)} categories")
    print(table(found, holds, retrieved, seeds))
    print(f"all figures, settings and pictures: {out}")
    return 0


def _note(bar: Progress, before: int, name: str, protocol: str, fold: int) -> None:
    bar.advance(before + fold, f"{name}: {protocol}")


def play(data: ImageData, size: int, *, quiet: bool) -> None:
    """Have what is simulated played now, in images of the encoder's size."""
    if isinstance(data, Simulated):
        prepare(data.catalogue, quiet=quiet)
        with shown("play", "episodes", quiet=quiet) as told:
            data.play(size, told)


def heads_of(encoders: Mapping[str, Encoder], data: ImageData) -> dict[str, Heads]:
    """The heads of encoders that come from runs; says which cannot be asked about this data, and why."""
    found = {}
    for name, encoder in encoders.items():
        run = read_run(Path(name))
        try:
            heads = load_heads(Path(name), run, encoder, data) if run and data.action else None
        except InputError as error:
            print(f"look: {name}: retrieval by its own heads is left out: {error}", file=sys.stderr)
        else:
            found |= {name: heads} if heads else {}
    return found


if __name__ == "__main__":
    program(lambda: main(parse(Evaluate)))
