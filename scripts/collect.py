"""Let an arm play and keep what it sees: a dataset of episodes on disk.

python scripts/collect.py --episodes 1000
python scripts/collect.py --episodes 200 --out data/noisy --corrupt gaussian:0.2 --seed 1
python scripts/collect.py --episodes 5000 --out data/hold --resume
python scripts/collect.py --episodes 1000 --out data/table --play push
python scripts/collect.py --episodes 1000 --rerun web
python scripts/collect.py --episodes 100000 --engine ray --address auto --workers 64 --json
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from _cli import as_started_here, parse, program, resume_folder, stop_on_signal
from _collected import SHEET, Tally, draw_contact_sheet, effect, say_given_up
from _progress import Progress, prepare

from agent.collect import Encoding, EngineName, Failure, Limits, engine_for
from agent.dataset import read_header
from agent.record import RecordSettings
from agent.settings import from_json, to_json
from agent.versions import versions
from agent.watch import check_watch, open_watch
from agent.writer import DatasetWriter
from sim.cores import cores
from sim.errors import InputError


@dataclass(frozen=True)
class Collect:
    """Collect episodes of an arm that turns objects before its camera."""

    episodes: int = 1000
    """Episodes in the dataset when it is complete."""
    out: Path = Path("data/hold")
    """Folder of the dataset."""
    workers: int = field(default_factory=cores)
    """Workers; each simulates one arm."""
    engine: EngineName = "processes"
    """Worker processes, this process (for debugging), or a Ray cluster."""
    address: str = ""
    """Ray cluster: auto, HOST:PORT or ray://HOST:PORT; none starts Ray on this machine."""
    image_format: Literal["jpeg", "png"] = "jpeg"
    """jpeg (quality 95), or png (exact, four times as large)."""
    resume: bool = False
    """Go on with the dataset in --out; its settings are taken over."""
    rerun: str = ""
    """Show camera, arm and commands in the Rerun viewer: viewer (a window here), web (a browser), or a file to write,
    as in play.rrd."""
    quiet: bool = False
    """No progress."""
    json: bool = False
    """Progress and summary as a JSON object a line, for clusters."""
    limits: Limits = field(default_factory=Limits)
    record: RecordSettings = field(default_factory=RecordSettings)


def main(settings: Collect) -> int:
    """Numbers to the engine, episodes to the writer."""
    if settings.episodes < 1:
        raise InputError(f"episodes={settings.episodes}: at least 1 is needed, or there is nothing to collect")
    if settings.workers < 1:
        raise InputError(f"workers={settings.workers}: at least 1 is needed, or nothing is collected")
    check_watch(settings.rerun)
    record = settings.record
    recorder = record()
    prepare(recorder.catalogue, quiet=settings.quiet or settings.json)
    metadata = {"settings": to_json(record), **recorder.describe(), "versions": versions()}
    with (
        stop_on_signal() as stop,
        DatasetWriter(
            settings.out, metadata=metadata, image_format=settings.image_format, resume=settings.resume
        ) as writer,
        engine_for(
            settings.engine,
            Encoding(record, settings.image_format),
            workers=settings.workers,
            address=settings.address,
            limits=settings.limits,
        ) as engine,
        open_watch(
            settings.rerun, record=record, chain=recorder.chain, categories=recorder.catalogue.categories
        ) as watch,
        Progress(
            settings.episodes,
            unit="episodes",
            title="collect",
            start=writer.stored,
            quiet=settings.quiet,
            as_json=settings.json,
        ) as bar,
    ):
        began, before, tally = time.monotonic(), writer.stored, Tally(engine)
        for episode in engine.episodes(writer.missing(settings.episodes)):
            writer.add(episode)
            watch.episode(episode)
            tally.count(episode)
            facts = tally.facts(seconds=time.monotonic() - began, size=writer.bytes)
            bar.advance(before + tally.episodes, tally.note(facts), **facts)
            if stop:
                break
    report(settings, writer, tally, engine.failures, seconds=time.monotonic() - began)
    return stop.status or (1 if engine.failures else 0)


def report(settings: Collect, writer: DatasetWriter, tally: Tally, failures: list[Failure], *, seconds: float) -> None:
    """Say what is there, what was given up, and how to go on."""
    say_given_up(failures, settings.record)
    # A run that was killed after its last episode left none.
    if writer.stored and (tally.episodes or not (settings.out / SHEET).exists()):
        draw_contact_sheet(settings.out)
    if settings.json:
        facts = tally.facts(seconds=seconds, size=writer.bytes)
        print(json.dumps({"stored": writer.stored, "seconds": round(seconds, 1), **facts, **tally.end()}))
        return
    if tally.episodes and not settings.quiet:
        print(tally.said())
    if writer.stored and (settings.record.corruption or settings.record.timing):
        print(effect(settings.out, settings.record))
    print(f"{settings.out}: {writer.stored} episodes, {writer.bytes / 1e6:.1f} MB, {seconds:.0f} s")
    if writer.stored < settings.episodes:
        command = f"python scripts/collect.py --resume --out {settings.out} --episodes {settings.episodes}"
        print(f"go on with: {as_started_here(command)}")


def command_line() -> Collect:
    """The settings; with --resume, those stored in --out are the defaults."""
    folder = resume_folder(sys.argv[1:])
    if folder is None:
        return parse(Collect)
    header = read_header(folder)
    stored = from_json(RecordSettings, header.get("settings", {}), where=f"{folder}/dataset.json")
    return parse(Collect, default=Collect(record=stored, image_format=header["image_format"]))


if __name__ == "__main__":
    try:
        program(lambda: main(command_line()))
    except RuntimeError as error:  # no worker can make any episode
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
