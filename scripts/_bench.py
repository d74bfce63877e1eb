"""What all benchmarks share: measuring in turns, a table, a file of figures."""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import cv2

from agent.versions import versions
from sim.errors import InputError

Round = Callable[[], tuple[int, float]]
"""Does some work; how many items it made, and in how many seconds."""

clock = time.process_time
"""Time of this process on its core, so that neighbours on a shared machine count as little as they can."""


class Figure(NamedTuple):
    """Items per second over some rounds."""

    name: str
    middle: float
    low: float
    high: float


def timed(work: Callable[[], Any], items: int) -> Round:
    """All of `work` is in the time."""

    def once() -> tuple[int, float]:
        before = clock()
        work()
        return items, clock() - before

    return once


def measure(works: dict[str, Round], rounds: int) -> list[Figure]:
    """On one core, in turns."""
    keep_to_one_core()
    return figures_of(in_turns(works, rounds))


def keep_to_one_core() -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    cv2.setNumThreads(1)


def in_turns(works: dict[str, Round], rounds: int) -> dict[str, list[float]]:
    """Items per second of each round: in turns, so that whatever else the machine does meets all of them; after one
    round that does not count."""
    rates: dict[str, list[float]] = {name: [] for name in works}
    for number in range(rounds + 1):
        for name, work in works.items():
            items, seconds = work()
            if number:
                rates[name].append(items / seconds)
    return rates


def figures_of(rates: dict[str, list[float]]) -> list[Figure]:
    """What is told of the rounds."""
    return [Figure(name, median(found), min(found), max(found)) for name, found in rates.items()]


def ratio(ours: list[float], peers: list[float]) -> float:
    """The median over rounds: what slows the machine down for a while is in both sides of a round."""
    return median(our / peer for our, peer in zip(ours, peers, strict=True))


def check(rounds: int, out: Path | None, **counts: int) -> None:
    """Before the measuring, so that nobody waits for figures that cannot be kept."""
    for name, count in {"rounds": rounds, **counts}.items():
        if count < 1:
            raise InputError(f"{name}={count}: at least 1 is needed, or nothing is measured")
    if out is not None and not out.parent.is_dir():
        raise InputError(f"json={out}: there is no folder {out.parent}, so the figures could not be kept")


def show(figures: list[Figure], *, unit: str, of: str = "one core's time") -> None:
    """A table, and how busy the machine was."""
    print(f"{unit} of {of}: median (least to most)")
    for figure in figures:
        print(f"{figure.name:50} {figure.middle:9.1f}  ({figure.low:.1f} to {figure.high:.1f})")
    print(f"{processor()}, load {os.getloadavg()[0]:.1f}")


def keep(out: Path | None, figures: list[Figure], *, unit: str, **more: dict[str, float]) -> None:
    """The figures with what they depend on."""
    if out is None:
        return
    about = {**versions(), "processor": processor(), "load": os.getloadavg()[0]}
    rows = [{**figure._asdict(), "unit": unit} for figure in figures]
    out.write_text(json.dumps({"about": about, "figures": rows, **more}, indent=2) + "\n")


def processor() -> str:
    """The model of the processor, as far as the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")
