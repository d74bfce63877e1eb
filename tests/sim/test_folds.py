"""Folds of a folder of meshes: who is tested when, near-duplicates together, and what changes a fold."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path

import hypothesis
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.errors import InputError
from sim.objects import SPLITS, Fold, FoldedFolder, MeshFolder, catalogue_of, splits_table
from sim.objects.folds import folds_of, splits_of
from tests.references.heaps import add, heap, heaps

SIZES = {"cup": 3, "hat": 7, "lone": 1, "twin": 1}
BROKEN = ("gone/gone_00", "hat/hat_broken")
ALIKE = {"hat_03": ("hat_copy", "hat_other"), "twin_00": ("twin_b",)}
Sizes = st.lists(st.integers(1, 9), min_size=1, max_size=60)


@pytest.fixture(scope="module", autouse=True)
def _cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Results are kept by content, so tests may share them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ARMPLAY_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Not to be written to: four categories, two of which have stretched copies, and a fifth that is broken."""
    made = heaps(tmp_path_factory.mktemp("heaps"), SIZES, ALIKE)
    for name in BROKEN:
        add(made, name, "broken")
    MeshFolder(made).prepare()
    return made


def grouped(sizes: list[int]) -> list[tuple[str, ...]]:
    """Groups of so many objects."""
    return [tuple(f"g{at:02d}_{k}" for k in range(size)) for at, size in enumerate(sizes)]


@given(Sizes, st.integers(2, 12))
def test_each_object_is_tested_once_beside_its_like_and_apart_from_what_is_learned(sizes: list[int], of: int) -> None:
    groups = grouped(sizes)
    tested: Counter[str] = Counter()
    for number in range(1, of + 1):
        found = splits_of("mug", groups, Fold(number, of))
        assert sorted(found) == sorted(name for group in groups for name in group)
        assert all(len({found[name] for name in group}) == 1 for group in groups)
        tested.update(name for name, split in found.items() if split == "test")
        assert "train" in found.values()
        validation = sum(found[group[0]] == "validation" for group in groups)
        following = sum(fold == number % of + 1 for fold in folds_of("mug", groups, of))
        assert validation == min(following, len(groups) // 10)
    assert set(tested.values()) <= {1}
    assert len(tested) == (sum(sizes) if len(groups) > 1 else 0)


@given(Sizes, st.integers(2, 12))
def test_folds_are_even_and_do_not_depend_on_the_order(sizes: list[int], of: int) -> None:
    groups = grouped(sizes)
    found = folds_of("mug", groups, of)
    assert folds_of("mug", groups[::-1], of)[::-1] == found
    if len(groups) > 1:
        load = [sum(size for size, fold in zip(sizes, found, strict=True) if fold == k + 1) for k in range(of)]
        assert sum(load) == sum(sizes)
        assert max(load) - min(load) <= max(sizes)


@hypothesis.settings(max_examples=20)
@given(st.integers(2, 6))
def test_small_categories_do_not_all_begin_with_the_same_fold(of: int) -> None:
    begin = Counter(folds_of(f"kind{k}", grouped([2, 1]), of)[0] for k in range(40 * of))
    assert set(begin) == set(range(1, of + 1))
    assert max(begin.values()) < 3 * 40


def test_a_folder_keeps_copies_together(root: Path) -> None:
    tested = []
    for number in (1, 2, 3):
        catalogue = catalogue_of(f"{root}?fold={number}/3")
        assert isinstance(catalogue, FoldedFolder)
        assert catalogue.groups("hat")[3] == ("hat_03", "hat_copy", "hat_other")
        of = {
            (category, split): set(catalogue.instances(category, split=split)) for category in SIZES for split in SPLITS
        }
        for category in SIZES:
            every = [name for split in SPLITS for name in of[category, split]]
            assert sorted(every) == sorted(MeshFolder(root).contents(category))
        assert {"hat_03", "hat_copy", "hat_other"} & of["hat", "test"] in (set(), {"hat_03", "hat_copy", "hat_other"})
        # What is all of one shape is never tested.
        assert of["lone", "train"] == {"lone_00"}
        assert of["twin", "train"] == {"twin_00", "twin_b"}
        tested += [*of["hat", "test"], *of["cup", "test"]]
        drawn = {catalogue.draw("hat", np.random.default_rng(seed), split="test") for seed in range(60)}
        assert drawn == of["hat", "test"]
        assert catalogue.toy("hat", min(drawn)).instance == min(drawn)
        with pytest.raises(InputError, match=rf"category='lone': none of its objects is for test in fold {number}/3"):
            catalogue.draw("lone", np.random.default_rng(0), split="test")
    assert len(tested) == len({*tested}) == 9 + 3


@pytest.mark.long
def test_a_category_has_the_same_folds_alone_and_in_files_of_another_order(root: Path, tmp_path: Path) -> None:
    first = catalogue_of(f"{root}?fold=2/3")
    alone = catalogue_of(f"{root}?fold=2/3", ["hat"])
    again = tmp_path / "again"
    for path in sorted(root.rglob("*.obj"), reverse=True):
        add(again, str(path.parent.relative_to(root)), path.read_text())
    MeshFolder(again).prepare()
    for split in SPLITS:
        wanted = first.instances("hat", split=split)
        assert alone.instances("hat", split=split) == catalogue_of(f"{again}?fold=2/3").instances("hat", split=split)
        assert alone.instances("hat", split=split) == wanted
    assert {**catalogue_of(f"{again}?fold=2/3").describe(), "root": str(root)} == first.describe()


@pytest.mark.long
def test_what_is_stored_tells_fold_and_groups(root: Path, tmp_path: Path) -> None:
    one, two, plain = (catalogue_of(f"{root}{fold}") for fold in ("?fold=1/3", "?fold=2/3", ""))
    about = one.describe()
    assert json.loads(json.dumps(about)) == about
    assert (about["fold"], about["source"], about["objects"]) == ("1/3", "folder", 15)
    assert about["alike"] == [["hat/hat_03", "hat/hat_copy", "hat/hat_other"], ["twin/twin_00", "twin/twin_b"]]
    assert len({each.describe()["digest"] for each in (one, two, plain)}) == 3
    assert one.prepare().startswith("15 objects in 5 categories, 2 left out: ")
    assert one.prepare().endswith("; fold 1/3, 5 objects in 2 groups of near-duplicates")
    changed = shutil.copytree(root, tmp_path / "changed")
    add(changed, "hat/hat_copy", heap(77))
    after = catalogue_of(f"{changed}?fold=1/3").describe()
    assert after["alike"][0] == ["hat/hat_03", "hat/hat_other"]
    assert after["digest"] != about["digest"]


def test_the_table_of_splits_names_what_is_alike(root: Path) -> None:
    lines = splits_table(catalogue_of(f"{root}?fold=1/3")).splitlines()
    assert [line.split()[0] for line in lines[:6]] == ["category", "cup", "gone", "hat", "lone", "twin"]
    assert lines[6:] == ["hat, alike: hat_03 hat_copy hat_other", "twin, alike: twin_00 twin_b"]


def test_what_cannot_be_shown_is_in_no_fold(root: Path) -> None:
    for number in (1, 2, 3):
        catalogue = catalogue_of(f"{root}?fold={number}/3")
        listed = {name for split in SPLITS for name in catalogue.instances("hat", split=split)}
        assert "hat_broken" not in listed
        assert all(catalogue.instances("gone", split=split) == () for split in SPLITS)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("?fold=0/5", "fold=0/5: K/N is needed, as in 2/5"),
        ("?fold=6/5", "fold=6/5: K/N is needed"),
        ("?fold=1/1", "fold=1/1: K/N is needed"),
        ("?fold=x", "fold=x: K/N is needed"),
        ("?fold=-1/5", "fold=-1/5: K/N is needed"),
        ("?fold=1/5?fold=1/5", "K/N is needed"),
        ("?fold=", "fold=: K/N is needed"),
        ("?fold=\u0662/\u0665", "K/N is needed"),
        ("?folds=5", "option folds is unknown, a folder of meshes has fold"),
        ("/none?fold=1/5", "neither toys nor a folder"),
    ],
)
def test_bad_text_is_one_line(asked: str, told: str, root: Path) -> None:
    with pytest.raises(InputError) as error:
        catalogue_of(f"{root}{asked}")
    assert told in str(error.value)
    assert "\n" not in str(error.value)


def test_endless_toys_have_no_folds() -> None:
    with pytest.raises(InputError, match=r"objects=toys\?fold=1/5: toys are endless and need no folds"):
        catalogue_of("toys?fold=1/5")
