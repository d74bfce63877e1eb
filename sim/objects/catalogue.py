"""Where objects come from: categories, and instances that are drawn by name and made from the name alone."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Protocol

import numpy as np

from sim.errors import InputError
from sim.objects.mesh import Toy
from sim.objects.splits import SPLITS, split_of, stable_hash
from sim.objects.toys import CATEGORIES, build

NUMBERS = 10_000_000
"""Instances a category has."""


class Catalogue(Protocol):
    """A source of objects. The learner never sees the names; probes do."""

    @property
    def categories(self) -> tuple[str, ...]: ...

    def draw(self, category: str, rng: np.random.Generator, *, split: str = "train") -> str:
        """The name of an instance of that split."""

    def toy(self, category: str, instance: str) -> Toy:
        """The object: a pure function of the names."""


class ProceduralToys:
    """The built-in toys: forms drawn anew for each instance, nothing to download.

    An instance is named by its category and a number, which seeds its generator: "mug_0123456".
    """

    def __init__(self, categories: Sequence[str] | None = None) -> None:
        chosen = tuple(CATEGORIES) if categories is None else tuple(categories)
        for category in chosen:
            _known(category, tuple(CATEGORIES))
        if not chosen or len(set(chosen)) < len(chosen):
            raise InputError(f"categories={list(chosen)}: each at most once and at least one, or labels are ambiguous")
        self.categories = chosen

    def draw(self, category: str, rng: np.random.Generator, *, split: str = "train") -> str:
        _known(category, self.categories)
        if split not in SPLITS:
            raise InputError(f"split={split!r}: known are {', '.join(SPLITS)}; no instance can be drawn")
        while True:
            instance = f"{category}_{rng.integers(NUMBERS):07d}"
            if split_of(category, instance) == split:
                return instance

    def toy(self, category: str, instance: str) -> Toy:
        _known(category, self.categories)
        match = re.fullmatch(rf"{category}_([0-9]{{7}})", instance)
        if match is None:
            raise InputError(f"instance={instance!r}: {category}_ and seven digits are needed to make the object")
        rng = np.random.default_rng(np.random.SeedSequence([int(match[1]), stable_hash(category)]))
        return build(CATEGORIES[category](rng), rng, category=category, instance=instance)


def _known(category: str, categories: tuple[str, ...]) -> None:
    if category not in categories:
        raise InputError(f"category={category!r}: unknown; known are {', '.join(categories)}")
