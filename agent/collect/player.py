"""What runs where episodes are made, in a worker process or on another machine, and what it says of its troubles."""

from __future__ import annotations

import os
import pickle
import resource
import sys
import traceback
from typing import Any, NamedTuple

from agent.collect.engine import Order
from agent.episode import Episode
from sim.errors import InputError


class Trouble(NamedTuple):
    """Why there is no episode."""

    text: str
    users: bool
    """An InputError: no worker can do better."""


class Player:
    """Makes episodes with what a pickled factory makes: at the first number, so that its failure counts as that
    episode's. After a Trouble it is not to be used again."""

    def __init__(self, factory: bytes) -> None:
        self._factory = factory
        self._play: Any = None

    def __call__(self, order: Order) -> Episode | Trouble:
        try:
            if self._play is None:
                self._play = pickle.loads(self._factory)()
            return self._play(*order)
        except Exception as error:
            return trouble(error)

    def close(self) -> None:
        close = getattr(self._play, "close", None)
        if close is not None:
            close()


def trouble(error: Exception) -> Trouble:
    if isinstance(error, InputError):
        return Trouble(str(error), users=True)
    return Trouble("".join(traceback.format_exception(error)).strip(), users=False)


def resident() -> int:
    """Memory of this process in bytes; where the system tells only the most it ever was, that."""
    try:
        with open("/proc/self/statm", "rb") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
