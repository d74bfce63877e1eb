"""Which instances are for training, which for choosing settings, and which are looked at once."""

from __future__ import annotations

import hashlib

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
