"""docs/results.md: made from the sections and pictures of experiments that were run. No number is written by hand."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from agent.files import write_text
from learner.experiments.design import Experiment
from learner.experiments.merit import NOT_YET
from learner.experiments.outcome import VERDICT
from learner.experiments.overview import PICTURE as GAINS
from learner.experiments.overview import draw_gains

KEPT = ("cells.csv", "summary.csv", "curves.csv", "seen.csv", "section.md", "grid.json", "choice.json", "*.png")
"""Of an experiment's folder, what is committed."""
HEAD = """# Results

Written by `python scripts/experiment.py results` from the files under `results/` beside it; no number is typed by hand.
Each experiment can be run again with the settings that it was run with:
`python scripts/experiment.py NAME --grid docs/results/NAME/grid.json --out again`.
"""
TWO = {
    "Accuracy by method": (("methods", "accuracy"),),
    "What corruption does": (("noise", "knn"), ("noise-quick", "knn")),
}
"""The figures that the page opens with: the first of these that there is."""


def gather(outcomes: Path, kept: Path, names: Iterable[str]) -> None:
    """Copy what is committed of each experiment that was run from `outcomes`/NAME to `kept`/NAME."""
    for name in names:
        if not (outcomes / name / "section.md").exists():
            continue
        (kept / name).mkdir(parents=True, exist_ok=True)
        for pattern in KEPT:
            for old in (kept / name).glob(pattern):
                old.unlink()
            for path in (outcomes / name).glob(pattern):
                shutil.copyfile(path, kept / name / path.name)


def write_page(page: Path, kept: Path, experiments: Iterable[Experiment]) -> None:
    """Write the page from the experiments in `kept`, which lies beside it."""
    page.parent.mkdir(parents=True, exist_ok=True)
    all_ = list(experiments)
    sections = {each.name: (kept / each.name / "section.md") for each in all_}
    there = {name: path.read_text(encoding="utf-8") for name, path in sections.items() if path.exists()}
    parts = [HEAD]
    if draw_gains(kept, there):
        parts.append(f"**Does acting help?**\n\n![Does acting help?]({kept.name}/{GAINS})\n")
    for title, choices in TWO.items():
        parts.append(_opening(title, choices, kept, there))
    parts += there.values()
    missing = [f"- {each.title}: `python scripts/experiment.py {each.name}`" for each in all_ if each.name not in there]
    if missing:
        parts.append("## Not yet measured\n\n" + "\n".join(missing) + "\n")
    write_text(page, "\n".join(part.rstrip("\n") + "\n" for part in parts))


def _opening(title: str, choices: Iterable[tuple[str, str]], kept: Path, there: dict[str, str]) -> str:
    for name, picture in choices:
        if name not in there:
            continue
        told = [line for line in there[name].splitlines() if line.startswith(("`python", f"{VERDICT} by "))]
        if NOT_YET in there[name] and (kept / name / "retrieval.png").exists():
            picture = "retrieval"
            told.append(
                "The gain of clean actions is below 3 standard errors here, so accuracy has too little to lose: what "
                "is shown is how many of the other pairs an action puts behind its own."
            )
        words = "\n\n".join(told)
        return f"**{title}**\n\n![{title}]({kept.name}/{name}/{picture}.png)\n\n{words}\n"
    return f"**{title}**: not yet measured (`python scripts/experiment.py {next(iter(choices))[0]}`).\n"
