"""What a finished run leaves: final accuracies, the exported encoder, the report."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import numpy as np

from agent.files import write_text
from agent.settings import to_json
from learner.encoders import build_encoder
from learner.evaluation import FRAMES_PER_EPISODE, NEIGHBOURS, Row, final_table
from learner.export import export_encoder
from learner.run import Run
from learner.settings import LearnSettings
from learner.training import Learner
from learner.training_data import TrainingData
from sim.seeding import stream


def finish(run: Run, learner: Learner, data: TrainingData) -> str:
    """Score on test objects, export, report; returns the table as text."""
    from learner.report import write_report  # what draws is slow to load, and only the end of a run needs it

    settings, size = run.settings, data.image_size
    bank, test = data.bank(), data.held_out("test", settings.test_episodes)
    untrained = build_encoder(settings.encoder, seed=settings.seed, image_size=size).to(learner.device)
    rows = final_table(settings.method, learner.encoder, untrained, bank, test, device=str(learner.device))
    instances = len(np.unique(test.instances))
    scores = [{"representation": row.representation, "probe": row.probe, **asdict(row.score)} for row in rows]
    protocol = (
        f"Fitted on {FRAMES_PER_EPISODE} frames of each of {len(bank.labels) // FRAMES_PER_EPISODE} training episodes, "
        f"scored on {FRAMES_PER_EPISODE} frames of each of {instances} test objects that the encoder never saw; "
        f"kNN with k={NEIGHBOURS} by cosine similarity, linear by full-batch logistic regression. "
        "Standard errors are over test objects."
    )
    outcome = {"steps": learner.steps, "categories": list(data.categories), "protocol": protocol, "scores": scores}
    write_text(run.folder / "scores.json", json.dumps(outcome, indent=2) + "\n")
    export_encoder(
        run.folder / "encoder",
        learner.encoder,
        name=settings.encoder,
        image_size=size,
        trained=provenance(settings, learner, rows, data),
    )
    write_report(
        run.folder / "report.html",
        title=f"{settings.method}: {run.folder.name}",
        settings=to_json(settings),
        machine=run.machine,
        command=run.command,
        history=run.history,
        rows=rows,
        pairs=data.pictures(stream("report", settings.seed)),
        width=min(settings.batch, learner.encoder.features),
        notes=[protocol, *data.notes()],
        category_names=data.categories,
        test_instances=instances,
    )
    return table(rows) + f"\nreport: {run.folder / 'report.html'}"


def provenance(settings: LearnSettings, learner: Learner, rows: list[Row], data: TrainingData) -> dict[str, Any]:
    """How the encoder came about, for those who are handed it without the run's folder."""
    found: dict[str, Any] = {
        "method": settings.method,
        "data": data.about,
        "steps": learner.steps,
        "batch": settings.batch,
        "seed": settings.seed,
    }
    if learner.init:
        found["init"] = learner.init
    scored = [(row.representation, row.probe, row.score.accuracy, row.score.chance) for row in rows]
    names = ("representation", "probe", "accuracy", "chance")
    return {**found, "scores": [dict(zip(names, row, strict=True)) for row in scored]}


def table(rows: list[Row]) -> str:
    """The final accuracies as plain text."""
    lines = [f"{'':20} {'probe':8} accuracy on held-out objects"]
    for row in rows:
        score = row.score
        lines.append(
            f"{row.representation:20} {row.probe:8} "
            f"{100 * score.accuracy:5.1f} % +- {100 * score.standard_error:.1f} (chance {100 * score.chance:.1f})"
        )
    return "\n".join(lines)
