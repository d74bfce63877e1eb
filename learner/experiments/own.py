"""Meshes of one's own: few objects of each category, so that all are tested, one fold after the other."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from dataclasses import replace
from functools import lru_cache

from agent.record import RecordSettings
from learner.experiments.design import Base, Condition, Data, Experiment, main_methods
from sim.errors import InputError

PANEL = "all folds"
SEEN = 4
"""Times that a tested object is seen on the average, at least."""
SHARE = 0.5
"""Of the episodes that are learned from elsewhere: a few objects are soon seen from all sides."""
MOST = 100_000
"""Episodes that are tried at most."""


def conditions(base: Base) -> list[Condition]:
    """The three methods in each fold, in the setting that `methods` opens with."""
    if not base.objects:
        raise InputError("objects=: --objects DIR names a folder of meshes, or there is nothing to cut into folds")
    found = []
    for fold in range(1, base.folds + 1):
        usual = base.data(objects=f"{base.objects}?fold={fold}/{base.folds}")
        data = replace(usual, episodes=max(1, round(SHARE * usual.episodes)))
        tested = replace(data.record, split="test")
        scored = Data(tested, episodes_for_all(tested))
        found += [
            replace(each, scored=scored, bank=data, pool=each.method)
            for each in main_methods(base, data, panel=PANEL, suffix=f", fold {fold}")
        ]
    return found


@lru_cache(maxsize=256)
def episodes_for_all(record: RecordSettings) -> int:
    """Episodes, in whole rounds of the categories, until each object has been seen, and `SEEN` times on the average.

    No episode is played: which object it shows follows from its number.
    """
    with closing(record()) as recorder:
        catalogue = recorder.catalogue
        objects = {name: catalogue.instances(name, split=record.split) for name in catalogue.categories}
        wanted = {(category, instance) for category, names in objects.items() for instance in names or ()}
        round_ = sum(bool(names) for names in objects.values())
        seen: Counter[tuple[str, str]] = Counter()
        for number in range(MOST):
            seen[recorder.choose(number)] += 1
            if (number + 1) % round_ == 0 and number + 1 >= SEEN * len(wanted) and wanted <= seen.keys():
                return number + 1
    raise InputError(f"objects={record.objects}: not all {len(wanted)} objects for {record.split} come up")


EXPERIMENT = Experiment(
    name="own",
    title="A folder of meshes, cross-validated",
    asks="Does acting help on the meshes of a folder, of which there are few a category? The objects of each category "
    "are cut into folds, near-duplicates in one; each method is trained without one fold after the other, probes are "
    "fitted on what is left, and each object is scored once, by the training that never saw it nor its like. "
    "Categories all of whose objects are alike are learned from, and not scored.",
    split="test",
    conditions=conditions,
    folded=True,
)
