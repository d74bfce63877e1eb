"""Named random streams: every draw has a purpose, so adding one draw never shifts another."""

from __future__ import annotations

import hashlib

import numpy as np


def stream(purpose: str, *keys: int) -> np.random.Generator:
    """A generator that depends on the purpose and the keys (seed, episode number, ...; from 0) and nothing else."""
    word = int.from_bytes(hashlib.sha256(purpose.encode()).digest()[:8], "little")
    return np.random.default_rng(np.random.SeedSequence([word, *keys]))
