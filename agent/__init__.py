"""The agent: episodes and pairs, play policies, collectors, and the dataset on disk.

What is heavy to load is imported when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from agent.episode import Episode, Pairs

if TYPE_CHECKING:
    from agent.dataset import Dataset
    from agent.record import Recorder, RecordSettings

_HOMES = {"Dataset": "agent.dataset", "RecordSettings": "agent.record", "Recorder": "agent.record"}

__all__ = ["Dataset", "Episode", "Pairs", "RecordSettings", "Recorder"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'agent' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
