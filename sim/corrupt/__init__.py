"""Corruption on purpose: of commands (`KINDS`) and of time (`TIME_KINDS`), drawn once an episode.

A new kind is a function in one of these files, or in a new one that is imported here, under its line of registration.
"""

from sim.corrupt import faults, noise, shuffle
from sim.corrupt.commands import KINDS, Corruption, Kind, corrupt
from sim.corrupt.levels import Levels
from sim.corrupt.partner import BLOCK, partner
from sim.corrupt.time import TIME_KINDS, TimeKind, Timing, kept_frames

__all__ = [
    "BLOCK",
    "KINDS",
    "TIME_KINDS",
    "Corruption",
    "Kind",
    "Levels",
    "TimeKind",
    "Timing",
    "corrupt",
    "faults",
    "kept_frames",
    "noise",
    "partner",
    "shuffle",
]
