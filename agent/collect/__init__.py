"""Engines: the ways to collect episodes, all behind one interface.

`RecordedEngine` is imported from `agent.collect.recorded`, which loads pyarrow, and `RayEngine` from
`agent.collect.ray`, which loads Ray: no worker process needs either.
"""

from agent.collect.choice import EngineName, check_address, engine_for
from agent.collect.encoding import Encoding
from agent.collect.engine import Engine, Failure, Health, Make, Play
from agent.collect.local import LocalEngine
from agent.collect.processes import ProcessEngine
from agent.collect.supervisor import Limits

__all__ = [
    "Encoding",
    "Engine",
    "EngineName",
    "Failure",
    "Health",
    "Limits",
    "LocalEngine",
    "Make",
    "Play",
    "ProcessEngine",
    "check_address",
    "engine_for",
]
