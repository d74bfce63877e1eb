"""What a finished run leaves: final accuracies, the exported encoder, the report."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import numpy as np

from agent.episode import Episode
from agent.files import write_text
from agent.record import RecordSettings
from agent.settings import to_json
from learner.actions import action_error
from learner.charts import PairPicture
from learner.encoders import build_encoder
from learner.evaluation import FRAMES_PER_EPISODE, NEIGHBOURS, Gallery, Row, final_table
from learner.export import export_encoder
from learner.report import write_report
from learner.run import Run
from learner.settings import LearnSettings
from learner.source import Source
from learner.training import Learner
from sim import poses
from sim.kinematics import Chain
from sim.seeding import stream


class Album:
    """Keeps a few episodes, of different categories, whose pairs the report shows."""

    def __init__(self, *, size: int = 12) -> None:
        self._size = size
        self.episodes: dict[str, Episode] = {}

    def add(self, episode: Episode) -> None:
        if len(self.episodes) < self._size:
            self.episodes.setdefault(episode.category, episode)

    def pairs(self, rng: np.random.Generator) -> list[PairPicture]:
        """One uniform pair of each."""
        found = []
        for episode in sorted(self.episodes.values(), key=lambda kept: kept.number):
            here, there = rng.choice(len(episode.frames), 2, replace=False)
            turn = poses.relative(episode.object_poses[here], episode.object_poses[there])[3:]
            found.append(
                PairPicture(
                    first=episode.frames[here],
                    second=episode.frames[there],
                    clean=episode.clean,
                    recorded=episode.recorded,
                    span=(int(here), int(there)),
                    category=episode.category,
                    gap=float(episode.times[there] - episode.times[here]),
                    turn=float(poses.angle(turn)),
                )
            )
        return found


def finish(run: Run, learner: Learner, bank: Gallery, test: Gallery, album: Album, source: Source) -> str:
    """Score, export, report; returns the table as text."""
    settings = run.settings
    size = settings.record.scene.image_size
    untrained = build_encoder(settings.encoder, seed=settings.record.seed, image_size=size).to(learner.device)
    rows = final_table(settings.method, learner.encoder, untrained, bank, test, device=str(learner.device))
    instances = len(np.unique(test.instances))
    scores = [{"representation": row.representation, "probe": row.probe, **asdict(row.score)} for row in rows]
    protocol = (
        f"Fitted on {FRAMES_PER_EPISODE} frames of each of {len(bank.labels) // FRAMES_PER_EPISODE} training episodes, "
        f"scored on {FRAMES_PER_EPISODE} frames of each of {instances} test objects that the encoder never saw; "
        f"kNN with k={NEIGHBOURS} by cosine similarity, linear by full-batch logistic regression. "
        "Standard errors are over test objects."
    )
    outcome = {"steps": learner.steps, "categories": list(source.categories), "protocol": protocol, "scores": scores}
    write_text(run.folder / "scores.json", json.dumps(outcome, indent=2) + "\n")
    export_encoder(
        run.folder / "encoder",
        learner.encoder,
        name=settings.encoder,
        image_size=size,
        trained=provenance(settings, learner, rows, source),
    )
    write_report(
        run.folder / "report.html",
        title=f"{settings.method}: {run.folder.name}",
        settings=to_json(settings),
        machine=run.machine,
        command=run.command,
        history=run.history,
        rows=rows,
        pairs=album.pairs(stream("report", settings.record.seed)),
        width=min(settings.batch, learner.encoder.features),
        notes=[protocol, *corruption_notes(settings.record, list(album.episodes.values()), source.chain)],
        category_names=source.categories,
        test_instances=instances,
    )
    return table(rows) + f"\nreport: {run.folder / 'report.html'}"


def provenance(settings: LearnSettings, learner: Learner, rows: list[Row], source: Source) -> dict[str, Any]:
    """How the encoder came about, for those who are handed it without the run's folder."""
    record = settings.record
    corrupted = [str(kind) for kind in (record.corruption, record.timing) if kind]
    found: dict[str, Any] = {
        "method": settings.method,
        "data": "; ".join([f"{source.told}, objects: {record.objects}", *corrupted]),
        "steps": learner.steps,
        "batch": settings.batch,
        "seed": record.seed,
    }
    if learner.init:
        found["init"] = learner.init
    scored = [(row.representation, row.probe, row.score.accuracy, row.score.chance) for row in rows]
    names = ("representation", "probe", "accuracy", "chance")
    return {**found, "scores": [dict(zip(names, row, strict=True)) for row in scored]}


def corruption_notes(record: RecordSettings, episodes: list[Episode], chain: Chain) -> list[str]:
    """What was corrupted, and how wrong that made what the learner was told of an action; nothing where it is clean."""
    said = [f"Commands are corrupted: {record.corruption}."] if record.corruption else []
    said += [f"Times are corrupted: {record.timing}."] if record.timing else []
    if said and episodes:
        said.append(f"Over {len(episodes)} episodes, {action_error(episodes, chain)}.")
    return said


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
