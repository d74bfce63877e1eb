"""A folder of meshes cut into folds: each object is tested in one of them, near-duplicates in the same."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from sim.cache import cached
from sim.errors import InputError
from sim.objects.mesh import Toy
from sim.objects.meshes import MeshFolder, Progress
from sim.objects.names import check_category, check_split
from sim.objects.splits import SPLITS, stable_hash
from sim.waiting import counted

FORMAT = 1
"""Counts the changes of how objects are grouped and cut into folds: groups in the cache, and digests, are of each."""
Group = tuple[str, ...]
"""Instances of a category that have nearly the same shape, sorted."""


class Fold(NamedTuple):
    """Which part of the objects is tested, from 1, and of how many."""

    number: int
    of: int

    @staticmethod
    def parse(text: str) -> Fold:
        """2/5. Raises InputError for what is none."""
        found = re.fullmatch(r"([0-9]{1,6})/([0-9]{1,6})", text)
        fold = Fold(*map(int, found.groups())) if found else Fold(0, 0)
        if not 1 <= fold.number <= fold.of or fold.of < 2:
            raise InputError(
                f"fold={text}: K/N is needed, as in 2/5, with N from 2 and K from 1 to N: fold K is tested"
            )
        return fold

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"


class FoldedFolder:
    """The objects of a MeshFolder with the splits of a fold, for cross-validation over objects.

    Objects of a category that have nearly the same shape (`duplicates`) form a group, and stay together. The groups of
    a category are dealt to the folds so that each has as many of its objects as can be. `test` are those of this fold;
    `validation` is a tenth of the groups, rounded down, out of the next fold, so that small categories keep theirs to
    learn from; `train` are the others. Over all folds, each object is tested once.

    A category with fewer groups than folds has nothing to test in some of them. One with a single group is never
    tested, and is for training in all folds: nothing would be left to know it by.

    A fold is a pure function of the names and contents of a category's objects that can be shown, so all of them are
    converted, and looked at, when the first is asked for; groups are kept in the cache.
    """

    def __init__(self, folder: MeshFolder, fold: Fold) -> None:
        self.folder, self.fold = folder, fold
        self._groups: dict[str, list[Group]] = {}

    @property
    def categories(self) -> tuple[str, ...]:
        return self.folder.categories

    def draw(self, category: str, rng: np.random.Generator, *, split: str = "train") -> str:
        """An instance of that split, each with the same chance. Raises InputError where there is none."""
        names = self.instances(category, split=split)
        if not names:
            raise InputError(f"category={category!r}: none of its objects is for {split} in fold {self.fold}")
        return names[int(rng.integers(len(names)))]

    def toy(self, category: str, instance: str) -> Toy:
        return self.folder.toy(category, instance)

    def instances(self, category: str, *, split: str) -> tuple[str, ...]:
        check_split(split)
        found = splits_of(category, self.groups(category), self.fold)
        return tuple(sorted(name for name, its in found.items() if its == split))

    def groups(self, category: str) -> list[Group]:
        """The near-duplicates of a category, sorted; an object that is like no other is a group of its own."""
        check_category(category, self.categories)
        if category not in self._groups:
            self._groups[category] = self._grouped(category)
        return self._groups[category]

    def prepare(self, progress: Progress | None = None) -> str:
        said = self.folder.prepare(progress)
        known = counted(self.categories, len(self.categories), title="near-duplicates", unit="categories")
        alike = [group for category in known for group in self.groups(category) if len(group) > 1]
        return f"{said}; fold {self.fold}, {sum(map(len, alike))} objects in {len(alike)} groups of near-duplicates"

    def describe(self) -> dict[str, Any]:
        """As that of the folder; `alike` are groups of more than one, and `digest` changes with fold and groups too."""
        about = self.folder.describe()
        groups = {category: self.groups(category) for category in sorted(self.categories)}
        alike = [[f"{name}/{each}" for each in group] for name, found in groups.items() for group in found if group[1:]]
        digest = _digest([FORMAT, about["digest"], self.fold, groups])
        return {**about, "digest": digest, "fold": str(self.fold), "alike": alike}

    def _grouped(self, category: str) -> list[Group]:
        self.folder.prepare()  # all at once, which is faster than category by category
        names = self.folder.contents(category)
        if not names:
            return []
        from sim.objects import duplicates  # its libraries are slow to load, and folds are rare

        made_of = [FORMAT, duplicates.LARGEST, self.folder.settings, sorted(names.items())]

        def fill(draft: Path) -> None:
            toys = [self.folder.toy(category, name) for name in sorted(names)]
            found = [[toys[number].instance for number in group] for group in duplicates.groups_of(toys)]
            (draft / "groups.json").write_text(json.dumps(found), "utf-8")

        path = cached(f"duplicates/{_digest(made_of)[:32]}", fill) / "groups.json"
        try:
            return [tuple(group) for group in json.loads(path.read_bytes())]
        except (OSError, ValueError, TypeError):
            raise InputError(f"{path.parent}: damaged, delete this folder and it is made again") from None


def folds_of(category: str, groups: Sequence[Group], count: int) -> list[int]:
    """The number of the fold of each group, from 1; 0 where it is tested in none.

    The largest first, each to the fold with the fewest objects so far, so that no two folds differ by more objects than
    the largest group has. With which fold a category begins is drawn by its name, or all small ones would lie in the
    first.
    """
    if len(groups) < 2:
        return [0] * len(groups)
    order = sorted(range(len(groups)), key=lambda at: (-len(groups[at]), stable_hash(f"{category}/{groups[at][0]}")))
    begin, sizes, found = stable_hash(category) % count, [0] * count, [0] * len(groups)
    for at in order:
        fold = min(range(count), key=lambda k: (sizes[k], (k - begin) % count))
        sizes[fold] += len(groups[at])
        found[at] = fold + 1
    return found


def splits_of(category: str, groups: Sequence[Group], fold: Fold) -> dict[str, str]:
    """The split of each object of a category, by its name."""
    train, validation, test = SPLITS
    numbers = folds_of(category, groups, fold.of)
    following = sorted(group for group, number in zip(groups, numbers, strict=True) if number == _after(fold))
    held = following[: len(groups) // 10]
    found: dict[str, str] = {}
    for group, number in zip(groups, numbers, strict=True):
        split = test if number == fold.number else validation if group in held else train
        found |= dict.fromkeys(group, split)
    return found


def _after(fold: Fold) -> int:
    return fold.number % fold.of + 1


def _digest(values: Any) -> str:
    return hashlib.sha256(json.dumps(values).encode()).hexdigest()
