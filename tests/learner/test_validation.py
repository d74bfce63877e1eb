"""The look at validation objects: what is measured is what is shown."""

from __future__ import annotations

from typing import Any, cast

import numpy as np

from agent.watch import Watch
from learner.evaluation import Gallery
from learner.probes import embed, knn_accuracy
from learner.training_data import TrainingData
from learner.validation import Validation
from tests.learner.test_checkpoint import learner_of

RNG = np.random.default_rng(0)


def gallery(count: int) -> Gallery:
    images = RNG.integers(0, 256, (count, 32, 32, 3), dtype=np.uint8)
    return Gallery(images, np.arange(count) % 3, np.arange(count))


class Fixed:
    """Two galleries that stay."""

    known, asked = gallery(30), gallery(9)

    def bank(self) -> Gallery:
        return self.known

    def held_out(self, split: str, episodes: int) -> Gallery:
        assert (split, episodes) == ("validation", 4)
        return self.asked


def test_those_who_watch_see_the_features_that_are_measured() -> None:
    class Notes(Watch):
        def features(self, *about: Any) -> None:
            self.seen = about

    learner, data, watches = learner_of(), Fixed(), (Notes(), Notes())
    learner.steps = 5
    figures = Validation(learner, cast(TrainingData, data), episodes=4, watches=watches)()
    expected, known = (embed(learner.encoder, frames.images) for frames in (data.asked, data.known))
    for watch in watches:
        step, features, frames, labels = watch.seen
        assert step == 5
        np.testing.assert_array_equal(features, expected)
        assert frames is data.asked.images
        assert labels is data.asked.labels
    assert figures["probe/knn_validation"] == knn_accuracy(known, data.known.labels, expected, data.asked.labels, k=20)
    assert 0 <= figures["probe/linear_online"] <= 1
