"""Which instances are for training, which for choosing settings, and which are looked at once."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sim.objects.catalogue import Catalogue

SPLITS = ("train", "validation", "test")
SHARES = {"train": 0.8, "validation": 0.1, "test": 0.1}
"""Of many instances."""


def stable_hash(text: str) -> int:
    """64 bits that are the same in every process and release, unlike `hash`."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def split_of(category: str, instance: str) -> str:
    """The split of an instance, from its names alone: 10 % test, 10 % validation, the rest train.

    No other instance matters, so objects keep their split when a catalogue grows.
    """
    tenth = stable_hash(f"{category}/{instance}") % 10
    return {0: "test", 1: "validation"}.get(tenth, "train")


def splits_table(catalogue: Catalogue, *, names: bool = False) -> str:
    """A line for each category: how many instances are in each split, and which where `names` is given. Lines end with
    a newline. Objects from files are converted first, because those that cannot be shown do not count."""
    catalogue.describe()  # converts all at once, which is faster than split by split
    width = max(len(category) for category in (*catalogue.categories, "category"))
    lines = [f"{'category':{width}} " + " ".join(f"{split:>12}" for split in SPLITS)]
    listed = []
    for category in catalogue.categories:
        members = {split: catalogue.instances(category, split=split) for split in SPLITS}
        counts = [f"endless {SHARES[split]:.0%}" if them is None else str(len(them)) for split, them in members.items()]
        lines.append(f"{category:{width}} " + " ".join(f"{count:>12}" for count in counts))
        listed += [f"{category} {split}: {' '.join(them)}" for split, them in members.items() if names and them]
    return "".join(f"{line}\n" for line in lines + listed)
