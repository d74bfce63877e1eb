"""Meshes of one's own: a folder of categories, each with a folder for each instance."""

from __future__ import annotations

import hashlib
import zipfile
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from sim.cache import cached
from sim.errors import InputError
from sim.objects.convert import Ledger, Outcome, Settings, Up, cache_name, check, convert_all, find_meshes
from sim.objects.mesh import Toy
from sim.objects.names import check_category, check_split, chosen_categories
from sim.objects.splits import split_of

Progress = Callable[[int, int], None]
"""Called with the number of objects that are done and of all."""


class MeshFolder:
    """The objects of `root`/category/instance/*.{glb,gltf,obj,ply,off,stl}, brought into the form of `Toy`.

    A mesh file may lie deeper in its instance's folder, or stand for an instance in its category's. All its parts are
    put together, simplified to at most `triangles`, centred, scaled to length 1, turned to show their outer side, and
    their materials painted into one texture. `up` is the files' upward axis: "z" leaves them as they are; "y" turns
    y up and z, the front of glTF, to x; "auto" is "y" for glb and gltf, "z" for all others. Transparency, shine, skins
    and animations are not shown.

    Files are read by other processes with bounds of memory and time, and each once: results are kept in the cache, by
    content. What cannot be shown is left out, and named by `skipped`. Nothing outside `root` is read, nor any network.
    Making a MeshFolder only lists the folder; `prepare` converts all objects, otherwise each is when it is first asked
    for, with the same result. Raises InputError where `root` holds no mesh file, or a category is unknown.
    """

    def __init__(
        self,
        root: Path | str,
        categories: Sequence[str] | None = None,
        *,
        triangles: int = 2000,
        up: Up = "auto",
    ) -> None:
        self.root = Path(root).absolute()
        self.settings = Settings(triangles, up)
        check(self.settings)
        self._meshes, self._left_out = find_meshes(self.root)
        if not self._meshes:
            raise InputError(f"objects={root}: no mesh file in category/instance/ below it, so there are no objects")
        self.categories = chosen_categories(categories, tuple(self._meshes))
        self._outcomes: dict[str, Outcome] = {}

    def draw(self, category: str, rng: np.random.Generator, *, split: str = "train") -> str:
        """An instance of that split, each with the same chance. Raises InputError where there is none."""
        names = list(self._listed(category, split))
        while names:
            place = int(rng.integers(len(names)))
            if not self._settled([self._meshes[category][names[place]]])[0].refusal:
                return names[place]
            del names[place]
        raise InputError(
            f"category={category!r}: of {len(self._meshes[category])} objects none that can be shown is for {split}, "
            "so none can be drawn; add objects, or leave the category out"
        )

    def toy(self, category: str, instance: str) -> Toy:
        """The object. Raises InputError where it is unknown or cannot be shown, with the reason."""
        check_category(category, self.categories)
        mesh = self._meshes[category].get(instance)
        if mesh is None:
            raise InputError(f"instance={instance!r}: not among the {len(self._meshes[category])} of {category}")
        outcome = self._settled([mesh])[0]
        if not outcome.refusal:
            try:
                folder = cached(cache_name(outcome.digest, self.settings), _absent)
            except FileNotFoundError:  # the ledger knows it, but the cache was emptied since
                outcome = next(convert_all(self.root, [mesh], self.settings))
        if outcome.refusal:
            raise InputError(f"instance={category}/{instance}: cannot be shown, {mesh} {outcome.refusal}")
        folder = cached(cache_name(outcome.digest, self.settings), _absent)
        try:
            with np.load(folder / "toy.npz", allow_pickle=False) as arrays:
                return Toy(arrays["vertices"], arrays["faces"], arrays["uvs"], arrays["texture"], category, instance)
        except (OSError, ValueError, KeyError, zipfile.BadZipFile):
            raise InputError(f"{folder}: damaged, delete this folder and the object is converted again") from None

    def instances(self, category: str, *, split: str) -> tuple[str, ...]:
        """The instances of a split that can be shown, sorted; they are converted first."""
        names = self._listed(category, split)
        outcomes = self._settled([self._meshes[category][name] for name in names])
        return tuple(name for name, outcome in zip(names, outcomes, strict=True) if not outcome.refusal)

    def contents(self, category: str) -> dict[str, str]:
        """The instances of all splits that can be shown, sorted, each with the digest of its files; they are converted
        first."""
        check_category(category, self.categories)
        outcomes = self._settled([*self._meshes[category].values()])
        pairs = zip(self._meshes[category], outcomes, strict=True)
        return {name: outcome.digest for name, outcome in pairs if not outcome.refusal}

    def prepare(self, progress: Progress | None = None) -> str:
        """Convert all objects, and say in a line how many there are, and how many were left out and why.

        Raises InputError where none can be shown.
        """
        meshes = [mesh for category in self.categories for mesh in self._meshes[category].values()]
        usable = sum(not outcome.refusal for outcome in self._settled(meshes, progress))
        skipped = self.skipped
        reasons = "; ".join(f"{count} {reason}" for reason, count in Counter(skipped.values()).most_common())
        if not usable:
            raise InputError(f"objects={self.root}: none of {len(meshes)} mesh files can be shown: {reasons}")
        summary = f"{usable} objects in {len(self.categories)} categories"
        return f"{summary}, {len(skipped)} left out: {reasons}" if skipped else summary

    @property
    def skipped(self) -> dict[str, str]:
        """Why a file or folder gives no object, by path from `root`, as far as it is known; after `prepare`, of all."""
        ours = {mesh for category in self.categories for mesh in self._meshes[category].values()}
        refused = {mesh: outcome.refusal for mesh, outcome in self._outcomes.items() if outcome.refusal}
        left_out = {
            path: reason
            for path, reason in self._left_out.items()
            if path.split("/")[0] in self.categories or path.split("/")[0] not in self._meshes
        }
        return dict(sorted({**left_out, **{mesh: refused[mesh] for mesh in refused.keys() & ours}}.items()))

    def describe(self) -> dict[str, Any]:
        """The source, as JSON. `digest` changes with the objects' names and contents; all are converted first."""
        self.prepare()
        named = [
            f"{category}/{instance} {digest}"
            for category in sorted(self.categories)
            for instance, digest in self.contents(category).items()
        ]
        return {
            "source": "folder",
            "root": str(self.root),
            "categories": list(self.categories),
            "digest": hashlib.sha256("\n".join(named).encode()).hexdigest(),
            "objects": len(named),
            "skipped": [f"{path}: {reason}" for path, reason in self.skipped.items()],
            "triangles": self.settings.triangles,
            "up": self.settings.up,
        }

    def _settled(self, meshes: Sequence[str], progress: Progress | None = None) -> list[Outcome]:
        """What became of mesh files; those of which it is not known are converted."""
        for mesh in meshes:
            if mesh not in self._outcomes and (known := self._ledger[mesh]) is not None:
                self._outcomes[mesh] = known
        unknown = [mesh for mesh in meshes if mesh not in self._outcomes]
        if unknown:
            try:
                outcomes = zip(unknown, convert_all(self.root, unknown, self.settings), strict=True)
                for done, (mesh, outcome) in enumerate(outcomes, len(meshes) - len(unknown) + 1):
                    self._outcomes[mesh] = self._ledger[mesh] = outcome
                    if progress is not None:
                        progress(done, len(meshes))
            finally:
                self._ledger.save()
        return [self._outcomes[mesh] for mesh in meshes]

    def _listed(self, category: str, split: str) -> tuple[str, ...]:
        """The instances of a split, whether they can be shown or not."""
        check_category(category, self.categories)
        check_split(split)
        return tuple(name for name in self._meshes[category] if self._splits[category, name] == split)

    @cached_property
    def _ledger(self) -> Ledger:
        return Ledger(self.root, self.settings)

    @cached_property
    def _splits(self) -> dict[tuple[str, str], str]:
        return {
            (category, name): split_of(category, name)
            for category in self.categories
            for name in self._meshes[category]
        }


def _absent(draft: Path) -> None:
    raise FileNotFoundError
