"""Which episode's commands another one is given."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from sim.errors import InputError
from sim.seeding import stream

BLOCK = 1024

Exists = Callable[[int], bool]
"""Whether there is an episode with this number."""


def every(number: int) -> bool:
    """All episodes exist: they can be played."""
    return True


def partner(seed: int, episode: int, exists: Exists = every) -> int:
    """The episode whose commands `episode` is given: never itself, and each one of a block of 1024 is used once.

    It is the next in a random cycle of the block. Where not all exist, those that do are a shorter cycle, and one that
    is alone in its block is given one of an earlier block. Raises InputError where there is no other.
    """
    start, within = episode - episode % BLOCK, episode % BLOCK
    cycle = _cycle(seed, start)
    position = int(np.flatnonzero(cycle == within)[0])
    following = np.roll(cycle, -position)[1:] + start
    earlier = (number for first in range(start - BLOCK, -1, -BLOCK) for number in _cycle(seed, first) + first)
    for numbers in (following, earlier):
        for number in numbers:
            if exists(int(number)):
                return int(number)
    raise InputError(f"episode {episode} is the only one: at least 2 are needed to give one the commands of another")


def _cycle(seed: int, start: int) -> np.ndarray:
    return stream("corrupt/partner", seed, start).permutation(BLOCK)
