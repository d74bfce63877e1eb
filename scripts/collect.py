"""Let an arm play and keep what it sees: a dataset of episodes on disk.

python scripts/collect.py --episodes 1000
python scripts/collect.py --episodes 200 --out data/noisy --corrupt gaussian:0.2 --seed 1
python scripts/collect.py --episodes 5000 --out data/hold --resume
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Literal

from _cli import one_line_errors, resume_folder, run, stop_on_signal
from _progress import Progress, prepare

from agent.collect import LocalEngine, ProcessEngine
from agent.dataset import Dataset, read_header
from agent.record import RecordSettings
from agent.settings import from_json, to_json
from agent.versions import versions
from agent.writer import DatasetWriter
from sim.cores import cores
from sim.errors import InputError


@dataclass(frozen=True)
class Collect:
    """Collect episodes of an arm that turns toys before its camera."""

    episodes: int = 1000
    """Episodes in the dataset when it is complete."""
    out: Path = Path("data/hold")
    """Folder of the dataset."""
    workers: int = field(default_factory=cores)
    """Worker processes; each simulates one arm."""
    engine: Literal["processes", "local"] = "processes"
    """Worker processes, or this process (for debugging)."""
    image_format: Literal["jpeg", "png"] = "jpeg"
    """jpeg (quality 95), or png (exact, four times as large)."""
    resume: bool = False
    """Go on with the dataset in --out; its settings are taken over."""
    quiet: bool = False
    """No progress."""
    record: RecordSettings = field(default_factory=RecordSettings)


def main(settings: Collect) -> int:
    """Numbers to the engine, episodes to the writer."""
    if settings.episodes < 1:
        raise InputError(f"episodes={settings.episodes}: at least 1 is needed, or there is nothing to collect")
    if settings.workers < 1:
        raise InputError(f"workers={settings.workers}: at least 1 is needed, or nothing is collected")
    record = settings.record
    recorder = record()
    prepare(recorder.catalogue, quiet=settings.quiet)
    metadata = {"settings": to_json(record), **recorder.describe(), "versions": versions()}
    local = settings.engine == "local"
    with (
        stop_on_signal() as stop,
        DatasetWriter(
            settings.out, metadata=metadata, image_format=settings.image_format, resume=settings.resume
        ) as writer,
        LocalEngine(record) if local else ProcessEngine(record, workers=settings.workers) as engine,
        Progress(settings.episodes, unit="episodes", title="collect", start=writer.stored, quiet=settings.quiet) as bar,
    ):
        began, before = time.monotonic(), writer.stored
        for done, episode in enumerate(engine.episodes(writer.missing(settings.episodes)), start=1):
            writer.add(episode)
            rate = done * len(episode.frames) / (time.monotonic() - began)
            bar.advance(before + done, f"{rate:.0f} frames/s, {writer.bytes / 1e6:.1f} MB")
            if stop:
                break
    if writer.stored and (record.corruption or record.timing):
        print(effect(settings.out, record))
    complete = writer.stored >= settings.episodes
    print(f"{settings.out}: {writer.stored} episodes, {writer.bytes / 1e6:.1f} MB, {time.monotonic() - began:.0f} s")
    if not complete:
        print(f"go on with: python scripts/collect.py --resume --out {settings.out} --episodes {settings.episodes}")
    return stop.status


def effect(folder: Path, record: RecordSettings, *, most: int = 20) -> str:
    """What was corrupted, and how wrong that made what a learner will be told of an action."""
    from learner.actions import action_error  # loads torch, which nothing else here needs

    kinds = "; ".join(str(kind) for kind in (record.corruption, record.timing) if kind)
    found = list(islice(Dataset(folder).episodes(), most))
    return f"corrupted: {kinds}: {action_error(found, record().chain)}"


def command_line() -> Collect:
    """The settings; with --resume, those stored in --out are the defaults."""
    folder = resume_folder(sys.argv[1:])
    if folder is None:
        return run(Collect)
    header = read_header(folder)
    stored = from_json(RecordSettings, header.get("settings", {}), where=f"{folder}/dataset.json")
    return run(Collect, default=Collect(record=stored, image_format=header["image_format"]))


if __name__ == "__main__":
    with one_line_errors():
        sys.exit(main(command_line()))
