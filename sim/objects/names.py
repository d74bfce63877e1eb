"""What a user may say of categories and splits, checked the same way for all catalogues."""

from __future__ import annotations

from collections.abc import Sequence

from sim.errors import InputError
from sim.objects.splits import SPLITS


def chosen_categories(categories: Sequence[str] | None, known: tuple[str, ...]) -> tuple[str, ...]:
    """The chosen ones, or all that are known. Raises InputError where one is unknown, named twice, or there is none."""
    chosen = known if categories is None else tuple(categories)
    for category in chosen:
        check_category(category, known)
    if not chosen or len(set(chosen)) < len(chosen):
        raise InputError(f"categories={list(chosen)}: each at most once and at least one, or labels are ambiguous")
    return chosen


def check_category(category: str, known: tuple[str, ...]) -> None:
    """Raises InputError where a category is unknown."""
    if category not in known:
        raise InputError(f"category={category!r}: unknown; known are {', '.join(known)}")


def check_split(split: str) -> None:
    """Raises InputError where a split is unknown."""
    if split not in SPLITS:
        raise InputError(f"split={split!r}: known are {', '.join(SPLITS)}; no instance can be drawn")
