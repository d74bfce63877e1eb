"""Where objects come from: categories, and instances that are drawn by name and made from the name alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from sim.errors import InputError
from sim.objects.folds import Fold, FoldedFolder
from sim.objects.mesh import Toy
from sim.objects.meshes import MeshFolder, Progress
from sim.objects.names import check_category, check_split, chosen_categories
from sim.objects.splits import SHARES, SPLITS, split_of, stable_hash
from sim.objects.toys import CATEGORIES, build
from sim.options import check_options, with_options

NUMBERS = 10_000_000
"""Instances a category has."""


class Catalogue(Protocol):
    """A source of objects. The learner never sees the names; probes do."""

    @property
    def categories(self) -> tuple[str, ...]: ...

    def draw(self, category: str, rng: np.random.Generator, *, split: str = "train") -> str:
        """The name of an instance of that split. Raises InputError where there is none."""

    def toy(self, category: str, instance: str) -> Toy:
        """The object: a pure function of the names, as long as the source stays as it is."""

    def instances(self, category: str, *, split: str) -> tuple[str, ...] | None:
        """The names of all instances of that split, sorted; None where they are endless."""

    def prepare(self, progress: Progress | None = None) -> str:
        """Make all objects ready, and say in a line what there is; empty where there was nothing to do. Raises
        InputError where nothing can be held."""

    def describe(self) -> dict[str, Any]:
        """What the objects are and where they come from, as JSON. "source" is its kind. Where objects may change, as
        files do, a "digest" changes with them."""


class ProceduralToys:
    """The built-in toys: forms drawn anew for each instance, nothing to download.

    An instance is named by its category and a number, which seeds its generator: "mug_0123456".
    """

    def __init__(self, categories: Sequence[str] | None = None) -> None:
        self.categories = chosen_categories(categories, tuple(CATEGORIES))

    def draw(self, category: str, rng: np.random.Generator, *, split: str = "train") -> str:
        check_category(category, self.categories)
        check_split(split)
        while True:
            instance = f"{category}_{rng.integers(NUMBERS):07d}"
            if split_of(category, instance) == split:
                return instance

    def toy(self, category: str, instance: str) -> Toy:
        check_category(category, self.categories)
        match = re.fullmatch(rf"{category}_([0-9]{{7}})", instance)
        if match is None:
            raise InputError(f"instance={instance!r}: {category}_ and seven digits are needed to make the object")
        rng = np.random.default_rng(np.random.SeedSequence([int(match[1]), stable_hash(category)]))
        return build(CATEGORIES[category](rng), rng, category=category, instance=instance)

    def instances(self, category: str, *, split: str) -> tuple[str, ...] | None:
        check_category(category, self.categories)
        check_split(split)
        return None

    def prepare(self, progress: Progress | None = None) -> str:
        return ""

    def describe(self) -> dict[str, Any]:
        return {"source": "toys", "categories": list(self.categories)}


SOURCES: dict[str, Callable[[Sequence[str] | None], Catalogue]] = {"toys": ProceduralToys}
"""By name. A new source is one file with a class such as ProceduralToys, and one line here."""


def named_objects(objects: str) -> tuple[str, Fold | None]:
    """The source or folder that `objects` names, and the fold that is asked for, as in ../meshes?fold=2/5; nothing is
    looked for. Raises InputError where it cannot be meant."""
    name, options = with_options(objects)
    check_options(options, ("fold",), given=f"objects={objects}", kind="a folder of meshes")
    if "fold" not in options:
        return name, None
    if name in SOURCES:
        raise InputError(f"objects={objects}: {name} are endless and need no folds; those are of a folder of meshes")
    return name, Fold.parse(options["fold"])


def catalogue_of(objects: str, categories: Sequence[str] | None = None) -> Catalogue:
    """The catalogue that `objects` names: one of SOURCES, or a folder of meshes (./toys, where it is called like one),
    or that with the splits of a fold: ../meshes?fold=2/5.

    Raises InputError where there is neither, the folder holds no mesh file, or a category or option is unknown.
    """
    name, fold = named_objects(objects)
    if name in SOURCES:
        return SOURCES[name](categories)
    if not Path(name).is_dir():
        raise InputError(f"objects={objects}: neither {' nor '.join(SOURCES)} nor a folder, so there are no objects")
    folder = MeshFolder(name, categories)
    return folder if fold is None else FoldedFolder(folder, fold)


def splits_table(catalogue: Catalogue, *, names: bool = False) -> str:
    """A line for each category: how many instances are in each split, and which where `names` is given; of a fold, then
    a line for each group of near-duplicates. Lines end with a newline. Objects from files are converted first, because
    those that cannot be shown do not count."""
    catalogue.describe()  # converts all at once, which is faster than split by split
    width = max(len(category) for category in (*catalogue.categories, "category"))
    lines = [f"{'category':{width}} " + " ".join(f"{split:>12}" for split in SPLITS)]
    listed = []
    for category in catalogue.categories:
        members = {split: catalogue.instances(category, split=split) for split in SPLITS}
        counts = [f"endless {SHARES[split]:.0%}" if them is None else str(len(them)) for split, them in members.items()]
        lines.append(f"{category:{width}} " + " ".join(f"{count:>12}" for count in counts))
        listed += [f"{category} {split}: {' '.join(them)}" for split, them in members.items() if names and them]
    if isinstance(catalogue, FoldedFolder):
        groups = [(category, group) for category in catalogue.categories for group in catalogue.groups(category)]
        listed += [f"{category}, alike: {' '.join(group)}" for category, group in groups if len(group) > 1]
    return "".join(f"{line}\n" for line in lines + listed)
