"""Stored datasets: what is in one, whether it is sound, several made one, and other formats.

python scripts/dataset.py info data/hold
python scripts/dataset.py verify data/hold
python scripts/dataset.py merge data/both data/hold data/more
python scripts/dataset.py append data/hold data/more
python scripts/dataset.py export data/hold --format minari --out exports/hold
python scripts/dataset.py export data/turns --format rt4k --out exports/turns
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import tyro
from _cli import as_started_here, parse, program
from _progress import shown

from agent.dataset import Dataset
from agent.export import EXPORTS
from agent.files import read_json
from agent.info import summary
from agent.merge import append, merge
from agent.outcome import Outcome
from agent.verify import Problem, problems

Folder = tyro.conf.Positional[Path]
Folders = tyro.conf.Positional[tuple[Path, ...]]


@dataclass(frozen=True)
class Info:
    """What a dataset holds: episodes, categories, settings, versions, gaps."""

    data: Folder
    """Folder of the dataset."""
    json: bool = False
    """As JSON, for other programs."""

    def __call__(self) -> int:
        found = summary(Dataset(self.data))
        print(json.dumps(found, indent=2) if self.json else "\n".join(lines(found)))
        return 0


@dataclass(frozen=True)
class Verify:
    """Check every byte, image and value. Exit status 1 where something is wrong, a line for each file."""

    data: Folder
    """Folder of the dataset."""
    quiet: bool = False
    """No progress."""

    def __call__(self) -> int:
        with shown("verify", "shards", quiet=self.quiet) as told:
            found = problems(self.data, progress=told)
        if found:
            print("\n".join(f"{self.data}/{problem}" for problem in found))
            print(advice(self.data, found))
            return 1
        data = Dataset(self.data)
        print(f"{self.data}: {len(data)} episodes, {data.size_bytes / 1e6:.1f} MB: every byte is as it was written")
        return 0


@dataclass(frozen=True)
class Merge:
    """Make one dataset of several. Interrupted, the same command goes on."""

    out: Folder
    """Folder of the new dataset."""
    data: Folders
    """Folders of the datasets whose episodes it gets, in this order."""
    quiet: bool = False
    """No progress."""

    def __call__(self) -> int:
        with shown("merge", "episodes", quiet=self.quiet) as told:
            added = merge(self.out, self.data, told=told)
        print(f"{self.out}: {len(Dataset(self.out))} episodes, {added} of them added now")
        return 0


@dataclass(frozen=True)
class Append:
    """Add the episodes of other datasets to one. Interrupted, the same command goes on."""

    to: Folder
    """Folder of the dataset that grows; nothing more can be collected into it."""
    data: Folders
    """Folders of the datasets whose episodes it gets, in this order."""
    quiet: bool = False
    """No progress."""

    def __call__(self) -> int:
        with shown("append", "episodes", quiet=self.quiet) as told:
            added = append(self.to, self.data, told=told)
        print(f"{self.to}: {len(Dataset(self.to))} episodes, {added} of them added now")
        return 0


@dataclass(frozen=True)
class Export:
    """Write a dataset in another format, into a new folder that appears whole or not at all."""

    data: Folder
    """Folder of the dataset."""
    format: Literal["minari", "rt4k", "images"]
    """minari (for minari.load_dataset), rt4k (HDF5 and Parquet as code for RT4K reads them; needs turntable episodes),
    or images (folders of images by category, and a manifest.csv)."""
    out: Path
    """Folder to write."""
    quiet: bool = False
    """No progress."""

    def __call__(self) -> int:
        unit = "objects" if self.format == "rt4k" else "episodes"
        with shown("export", unit, quiet=self.quiet) as told:
            print(EXPORTS[self.format](Dataset(self.data), self.out, told))
        return 0


def advice(folder: Path, found: list[Problem]) -> str:
    """What to do about damage."""
    try:
        merged = "sources" in read_json(folder / "dataset.json")
    except (OSError, ValueError):
        return "restore dataset.json from a copy: without it the shards cannot be understood"
    if not any(problem.name.startswith("data/shard-") for problem in found):
        return "shards are sound; restore the other files from a copy, and move foreign ones elsewhere"
    if merged:
        return "restore these from a copy, or delete the whole dataset and merge its sources again"
    return as_started_here(
        "restore these from a copy, or delete them and make the same bytes again with: python scripts/collect.py "
        f"--resume --out {folder} --episodes N (as many as it had)"
    )


def lines(found: dict[str, Any]) -> Iterator[str]:
    """The summary of a dataset for people."""
    width, height = found["image_size"]
    coverage = found["coverage"]
    yield (
        f"{found['episodes']} episodes, {found['frames']} frames {width}x{height} {found['image_format']}, "
        f"{found['bytes'] / 1e6:.1f} MB in {found['shards']} shards"
    )
    yield f"frames an episode: {found['frames_an_episode']}"
    yield (
        f"view sphere seen: {coverage['mean']:.0%} an episode, {coverage['least']:.0%} at least "
        f"({coverage['episodes']} episodes measured)"
    )
    if "agreement" in found:
        yield f"object and hand moved alike (1 cm, 10 degrees) in {found['agreement']:.0%} of pairs"
    if "outcomes" in found:
        shares = ", ".join(
            f"{name} {share:.0%}" for name, share in found["outcomes"].items() if name in Outcome._fields
        )
        yield f"outcomes: {shares}"
    for name in ("arm", "renderer"):
        if name in found:
            yield f"{name}: {found[name]}"
    if "settings" in found:
        changed = [f"{name}={json.dumps(value)}" for name, value in found["settings"].items()]
        yield f"settings that are not the default: {', '.join(changed) or 'none'}"
    for source in found.get("sources", []):
        ranges = ", ".join(f"{first} to {end - 1}" for first, end in source["numbers"])
        yield f"merged from {source['name']}: {source['episodes']} episodes, there {ranges}"
    for entry in found.get("versions", []):
        rest = ", ".join(f"{name} {value}" for name, value in entry.items() if name != "after_episodes")
        yield f"versions after {entry['after_episodes']} episodes: {rest}"
    for first, end in found["missing"]:
        yield f"missing: episodes {first} to {end - 1}"
    yield f"{len(found['categories'])} categories:"
    grasped = found.get("outcomes", {}).get("grasped_by_category", {})
    for name, counts in found["categories"].items():
        said = (
            f", grasped {grasped[name][0]} of {grasped[name][1]}"
            if any(count for count, _ in grasped.values()) and name in grasped
            else ""
        )
        yield f"  {name:16} {counts['episodes']:6} episodes, {counts['instances']:6} objects{said}"


def main() -> int:
    try:
        return parse(Info | Verify | Merge | Append | Export)()
    except KeyboardInterrupt:
        print("\nstopped: the same command goes on, or begins anew where it writes a new format", file=sys.stderr)
        return 130


if __name__ == "__main__":
    program(main)
