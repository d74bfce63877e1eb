"""How good an encoder is: on whose images, by which protocol, how sure, and beside which baselines.

python scripts/evaluate.py --encoder runs/demo --data armplay:data/hold
python scripts/evaluate.py --encoder runs/a runs/b --data rt4k:/data/RT4K --out evaluations/rt4k
python scripts/evaluate.py --encoder runs/demo --data images:/data/eth80 --leave-one-out
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from _cli import parse, program
from _evaluated import figures, table
from _progress import Progress, shown
from _training import command

from agent.files import new_folder, write_text
from agent.settings import to_json
from agent.versions import versions
from learner.data import open_data
from learner.examination import ExamSettings, contents, examine, findings, look, representations
from learner.export import load_encoder
from learner.machine import check_device, default_device
from learner.pages import Evaluation, read_trained, write_pages
from sim.errors import InputError


@dataclass(frozen=True)
class Evaluate:
    """Probe frozen encoders, beside the untrained encoder, raw pixels and colour histograms."""

    encoder: tuple[Path, ...]
    """Folders of runs or of exported encoders; differences are told from the first one."""
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
    data = open_data(asked.data)
    encoders = {str(path): load_encoder(path) for path in asked.encoder}
    trained = {str(path): read_trained(path) for path in asked.encoder}
    sizes = {encoder.image_size for encoder in encoders.values()}
    if len(sizes) != 1:
        raise InputError(f"encoder: image sizes {sorted(sizes)}, one is needed to compare them on the same images")
    embeds = representations(encoders, device=asked.device)
    out = asked.out or Path("evaluations") / f"{Path(asked.encoder[0]).name}-{data.kind}"
    out.parent.mkdir(parents=True, exist_ok=True)
    with new_folder(out) as draft:
        with shown("look", "frames", quiet=asked.quiet) as told:
            looked = look(data, embeds, asked.settings, size=sizes.pop(), told=told)
        results, holds = {}, {}
        with Progress(len(embeds), unit="representations", title="probe", quiet=asked.quiet) as bar:
            for done, name in enumerate(embeds, start=1):
                results[name] = examine(looked, name, asked.settings)
                holds[name] = contents(looked, name, asked.settings)
                bar.advance(done, name)
        found = findings(results, asked.settings)
        about = {"data": asked.data, "settings": to_json(asked.settings), "versions": versions()}
        about |= {"categories": data.categories, "frames": len(looked.labels), "objects": looked.objects}
        write_text(draft / "results.json", json.dumps({**about, **figures(found, results, holds)}, indent=1) + "\n")
        evaluation = Evaluation(data, looked, results, holds, found, asked.settings, trained)
        with shown("draw", "pictures", quiet=asked.quiet) as told:
            write_pages(draft, evaluation, command=command(), versions=versions(), told=told)
    print(f"{asked.data}: {len(looked.labels)} frames of {looked.objects} objects, {len(data.categories)} categories")
    print(table(found, holds))
    print(f"all figures, settings and pictures: {out}")
    return 0


if __name__ == "__main__":
    program(lambda: main(parse(Evaluate)))
