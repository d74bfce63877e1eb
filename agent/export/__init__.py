"""Stored episodes in formats that others read. A new one is a module with such a function, and a line here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from agent.dataset import Dataset
from agent.export.images import export_images
from agent.export.minari import export_minari
from agent.export.rt4k import export_rt4k

Told = Callable[[int, int], object]
"""(done, in all) of what is counted."""
Export = Callable[[Dataset, Path, Told], str]
"""Writes a dataset into a new folder, which appears whole or not at all; returns a line on how to read it. Raises
InputError for a folder that exists, a library that is not installed, and episodes that the format has no place for."""

EXPORTS: dict[str, Export] = {"minari": export_minari, "rt4k": export_rt4k, "images": export_images}
"""By name of the format."""
