"""Who is tested by whom: no object by itself, each once."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from learner.examination import ExamSettings, Looked, folds
from sim.errors import InputError


def looked_of(objects: list[int], frames: int, split: list[int] | None = None) -> Looked:
    """`objects[c]` objects of category c, `frames` frames each."""
    labels = np.repeat(np.arange(len(objects)), np.array(objects) * frames)
    instances = np.repeat(np.arange(sum(objects)), frames)
    of = np.repeat(split or [0] * sum(objects), frames)
    return Looked({}, labels, instances, instances, np.full((len(labels), 2), np.nan), of, np.arange(len(labels)))


@settings(max_examples=50, deadline=None)
@given(objects=st.lists(st.integers(1, 6), min_size=1, max_size=5), frames=st.integers(1, 3))
def test_leaving_one_out_tests_each_frame_once_by_other_objects(objects: list[int], frames: int) -> None:
    looked, asked = looked_of(objects, frames), ExamSettings(leave_one_out=True)
    if max(objects) == 1:
        with pytest.raises(InputError, match="no category has a second object"):
            list(folds(looked, asked))
        return
    tested = np.zeros(len(looked.labels), dtype=int)
    for train, test in folds(looked, asked):
        assert not set(looked.instances[train]) & set(looked.instances[test])
        assert (train | test).all()
        tested += test
    assert (tested == 1).all()


def test_the_test_split_is_tested_by_the_training_split_alone() -> None:
    looked = looked_of([2, 2, 2], 2, split=[0, 2, 0, 1, 0, 2])
    ((train, test),) = folds(looked, ExamSettings())
    assert set(looked.instances[train]) == {0, 2, 4}
    assert set(looked.instances[test]) == {1, 5}
    with pytest.raises(InputError, match="--leave-one-out"):
        list(folds(looked_of([2, 2], 2), ExamSettings()))
