"""Engines: the ways to collect episodes, all behind one interface.

`RecordedEngine` is imported from `agent.collect.recorded`: it loads pyarrow, which no worker process needs.
"""

from agent.collect.engine import Engine, Make, Play
from agent.collect.local import LocalEngine
from agent.collect.processes import ProcessEngine

__all__ = ["Engine", "LocalEngine", "Make", "Play", "ProcessEngine"]
