"""Which frames are looked at, single views among them, and which pairs actions are sought for."""

from __future__ import annotations

import numpy as np
import pytest

from learner.data import ImageData, open_data
from learner.data.rt4k import TURN
from learner.examination import CANDIDATES, ExamSettings, Looked, contents, examine, look, retrievals, retrieve
from learner.protocols import knn
from sim.objects.splits import SPLITS
from tests.references.imagefiles import write_rt4k

TRAIN = {f"{category}_{number:03d}": category for category in ("mug", "car") for number in range(8)}
TEST = {f"{category}_{number:03d}": category for category in ("mug", "car") for number in range(100, 103)}
ALL = [20, 40, 60, 80, 100, 136, 158, 179]
VIEWS = dict.fromkeys(TRAIN | TEST, ALL) | {"mug_101": [20, 40, 60, 80, 100, 110], "car_101": [*ALL[:-2], 180]}
NEAREST = {"side": {179, 180}, "face": {136}, "quarter": {158}}
ASKED = ExamSettings(frames=3, shots=(1,), draws=2)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> ImageData:
    root = tmp_path_factory.mktemp("rt4k")
    write_rt4k(root, {"train": TRAIN, "test": TEST}, views=VIEWS)
    return open_data(f"rt4k:{root}")


def colours(images: np.ndarray) -> np.ndarray:
    """Random projections of the colour, so that features are of no use but differ."""
    seen = images[:, 0, 0].astype(np.float32) / 255
    return np.sin(40 * seen @ np.random.default_rng(0).normal(size=(3, 6))).astype(np.float32)


def looked_at(data: ImageData, settings: ExamSettings = ASKED) -> Looked:
    return look(data, {"x": colours}, settings, size=32, told=lambda done, total: None)


@pytest.mark.parametrize("leave_one_out", [False, True])
def test_single_views_are_the_nearest_of_tested_objects(data: ImageData, leave_one_out: bool) -> None:
    looked = looked_at(data, ExamSettings(frames=3, leave_one_out=leave_one_out))
    names = np.array(data.instances)[looked.instances]
    views = {name: (looked.view[rows, 1] / 2 % 180).tolist() for name, rows in looked.single.items()}
    tested = set(TEST) | (set(TRAIN) if leave_one_out else set())
    assert looked.single.keys() == NEAREST.keys()
    for name, rows in looked.single.items():
        assert set(views[name]) <= {view % 180 for view in NEAREST[name]}
        without = {"mug_101"} | ({"car_101"} if name == "quarter" else set())
        assert sorted(names[rows]) == sorted(tested - without)
    for owner in np.unique(names):
        mine = (names == owner) & looked.even
        expected = [VIEWS[owner][place] for place in np.linspace(0, len(VIEWS[owner]) - 1, 3).round().astype(int)]
        assert (looked.motion[mine, 0]).tolist() == expected
    for number, split in enumerate(SPLITS):
        rows = looked.row[looked.split == number]
        np.testing.assert_array_equal(data.frames(split).view[rows], looked.view[looked.split == number])


@pytest.mark.parametrize("leave_one_out", [False, True])
def test_all_else_is_as_without_single_views(data: ImageData, leave_one_out: bool) -> None:
    asked = ExamSettings(frames=3, shots=(1,), draws=2, leave_one_out=leave_one_out)
    looked = looked_at(data, asked)
    assert not looked.even.all()
    kept = {
        name: getattr(looked, name)[looked.even] for name in ("labels", "instances", "clip", "view", "split", "row")
    }
    alone = Looked({"x": looked.features["x"][looked.even]}, **kept, motion=looked.motion[looked.even])
    found, expected = examine(looked, "x", asked), examine(alone, "x", asked)
    views = {f"{name}, {view}" for name in ("knn", "logistic", "least squares", "linear") for view in NEAREST}
    assert found.keys() == expected.keys() | views
    for protocol, result in expected.items():
        np.testing.assert_array_equal(found[protocol].predictions, result.predictions)
        np.testing.assert_array_equal(found[protocol].instances, result.instances)
    assert contents(looked, "x", asked) == contents(alone, "x", asked)
    for ranks, others in zip(
        *(retrieve(each, "x", asked, TURN)["regression"] for each in (looked, alone)), strict=True
    ):
        np.testing.assert_array_equal(ranks.rank, others.rank)
    if not leave_one_out:
        train = looked.of("x", looked.even & (looked.split == 0))
        for name, rows in looked.single.items():
            expected_result = knn(train, looked.of("x", rows))
            np.testing.assert_array_equal(found[f"knn, {name}"].predictions, expected_result.predictions)


def test_pairs_are_of_test_objects_and_the_same_for_all(data: ImageData) -> None:
    asked = ExamSettings(frames=0)
    looked = looked_at(data, asked)
    looked.features["told"] = np.stack([f(np.radians(looked.view[:, 1])) for f in (np.sin, np.cos)], axis=1).astype(
        np.float32
    )
    ranks = {name: retrieve(looked, name, asked, data.action) for name in ("x", "told")}
    (random,), (clear,) = (ranks[name]["regression"] for name in ("x", "told"))
    np.testing.assert_array_equal(random.instances, clear.instances)
    assert {data.instances[instance] for instance in random.instances} == set(TEST)
    assert random.candidates.tolist() == [CANDIDATES] * CANDIDATES
    seeds = {"both": {0: "x", 1: "told"}, "clear": {0: "told"}}
    both, alone = retrievals(ranks, seeds, asked)
    assert (both.representation, both.by, both.seeds, alone.seeds) == ("both", "regression", 2, 1)
    for row, members in ((both, (random, clear)), (alone, (clear,))):
        means = [np.mean([each.rank[each.instances == i].mean() for i in set(each.instances)]) for each in members]
        assert row.mean_rank.estimate == pytest.approx(np.mean(means))
        assert row.mean_rank.low <= row.mean_rank.estimate <= row.mean_rank.high
    assert alone.mean_rank.high < 128.5
    assert alone.chance == {"top1": 1 / 256, "top5": 5 / 256, "mean_rank": 128.5}


def test_nothing_is_sought_without_actions_or_pairs(data: ImageData) -> None:
    assert retrieve(looked_at(data), "x", ASKED, None) == {}
    single = ExamSettings(frames=1)
    assert retrieve(looked_at(data, single), "x", single, data.action) == {}
    assert retrievals({"x": {}}, {"x": {0: "x"}}, ASKED) == []
