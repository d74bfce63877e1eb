"""The plan of a repetition on disk, and the table that it ends in."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from agent.files import read_json, write_text
from agent.settings import differences, from_json
from agent.versions import versions
from learner.card import table
from learner.paper import PROTOCOLS, Line
from learner.plan import Asked, Plan
from learner.presets import BATCH, ENCODER, EPOCHS, PROBE_EPOCHS
from sim.errors import InputError

NAME = "plan.json"


def kept_plan(out: Path, asked: Asked) -> Plan | None:
    """The plan of an earlier start; None where there is none. Raises InputError for another's."""
    path = out / NAME
    try:
        stored = read_json(path)
    except FileNotFoundError:
        if out.is_dir() and any(not each.name.startswith(".") for each in out.iterdir()):
            raise InputError(f"{out}: exists and is no repetition of the paper, give another --out") from None
        return None
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: no plan that can be read ({error})") from None
    plan = from_json(Plan, stored, where=str(path))
    for name, old, new in differences(asdict(plan.asked), asdict(asked)):
        raise InputError(f"{name}={new}: the runs in {out} have {old}, and one table cannot show both")
    return plan


def keep_plan(out: Path, plan: Plan) -> None:
    """Write it, whole or not at all."""
    out.mkdir(parents=True, exist_ok=True)
    write_text(out / NAME, json.dumps(asdict(plan), indent=1) + "\n")


def hours(seconds: float) -> str:
    """A time in words."""
    return f"{seconds / 3600:.1f} h" if seconds >= 3600 else f"{seconds / 60:.1f} min"


def write_results(out: Path, plan: Plan, lines: Sequence[Line], published: Mapping[str, float]) -> str:
    """results.json and results.md; gives the latter."""
    figures = [{**line._asdict(), "published": published.get(line.name)} for line in lines]
    for figure, line in zip(figures, lines, strict=True):
        figure["accuracy"] = {protocol: asdict(found) for protocol, found in line.accuracy.items()}
    result = {"plan": asdict(plan), "cut": plan.cut, "notes": notes(plan), "figures": figures, "versions": versions()}
    write_text(out / "results.json", json.dumps(result, indent=1) + "\n")
    rows = [(line.name, line.seeds or "", *_cells(line), _published(line, published)) for line in lines]
    heading = f"# {plan.asked.experiment}: the experiment of AA-SSL (arXiv 2407.06704), repeated\n\n"
    said = "".join(f"- {note}\n" for note in notes(plan))
    text = heading + said + "\n" + table(("", "seeds", *PROTOCOLS, "the paper"), rows)
    write_text(out / "results.md", text)
    return text


def _cells(line: Line) -> list[str]:
    """Accuracies in percent, with their intervals."""
    found = (line.accuracy[protocol] for protocol in PROTOCOLS)
    return [f"{100 * each.estimate:.1f} [{100 * each.low:.1f}, {100 * each.high:.1f}]" for each in found]


def _published(line: Line, published: Mapping[str, float]) -> str:
    return f"{published[line.name]:.1f}" if line.name in published else "not given here" if line.seeds else ""


def notes(plan: Plan) -> list[str]:
    """What is to be known of the figures; first, what makes them others than the paper's."""
    found = []
    if plan.cut:
        share = 100 * plan.steps / plan.paper_steps
        found.append(
            f"**A cut, not the paper's experiment: {plan.steps} of {plan.paper_steps} steps ({share:.2g} %) of each "
            f"method, to fit {plan.asked.budget:g} h. These figures do not compare with the published ones.**"
        )
    for name, usual in {"batch": BATCH, "encoder": ENCODER, "image_size": 0}.items():
        if (given := getattr(plan.asked, name)) != usual:
            found.append(f"**Not the paper's: {name}={given}" + (f" in place of {usual}.**" if usual else ".**"))
    return [
        *found,
        f"{plan.asked.data}, {plan.training_frames} training frames. An epoch is as many pairs as there are training "
        f"frames; {EPOCHS} epochs of batches of {plan.asked.batch} are {plan.paper_steps} steps.",
        "Where no validation split was published, a tenth of the training objects is held out for it, and neither "
        "encoders nor probes learn from those.",
        f"Percent of the frames of test objects, each object weighing the same; of an object {plan.frames} frames at "
        "most, evenly spaced. In brackets 95 % intervals by bootstrap over seeds and test objects.",
        f"linear: a linear layer on frozen features, AdamW, {PROBE_EPOCHS} epochs, "
        f"{'without augmentation, which the paper has' if plan.cut else 'frames augmented anew in each'}. "
        "least squares: on one random frame of each training object.",
    ]
