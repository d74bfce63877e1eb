"""The engines that play, by name: a new one is a file beside this and a line here."""

from __future__ import annotations

from typing import Literal, get_args

from agent.collect.engine import Engine, Make
from agent.collect.local import LocalEngine
from agent.collect.processes import ProcessEngine
from agent.collect.supervisor import DEFAULT_LIMITS, Limits
from sim.errors import InputError

EngineName = Literal["processes", "local", "ray"]


def check_address(address: str, engine: str) -> None:
    """Raises InputError for an address that nobody would use."""
    if address and engine != "ray":
        raise InputError(f"address={address}: only --engine ray has one, {engine} would ignore it")


def engine_for(
    name: EngineName, make: Make, *, workers: int, address: str = "", limits: Limits = DEFAULT_LIMITS
) -> Engine:
    """The engine `name`: worker processes, this process, or Ray at `address` (none: on this machine)."""
    check_address(address, name)
    if name == "local":
        return LocalEngine(make)
    if name == "processes":
        return ProcessEngine(make, workers=workers, limits=limits)
    if name == "ray":
        from agent.collect.ray import RayEngine  # an extra

        return RayEngine(make, workers=workers, address=address or None, limits=limits)
    raise InputError(f"engine={name}: unknown, known are {', '.join(get_args(EngineName))}")
