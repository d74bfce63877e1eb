"""Protocols on frozen features against loops, scikit-learn and cases with a known answer."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.special import log_softmax
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import confusion_matrix
from sklearn.preprocessing import StandardScaler

from learner.protocols import (
    Embedded,
    Result,
    evenly_spaced,
    few_shot,
    knn,
    least_squares,
    linear,
    logistic,
    nearest_to,
    one_per_instance,
)
from learner.protocols.few_shot import drawn, nearest_mean, unit
from sim.errors import InputError
from tests.references.probes import knn_by_loops
from tests.references.protocols import adamw_by_loops, nearest_mean_by_loops

WIDTH, LABELS = 6, np.array([2, 3, 5])


def embedded(per_category: int = 8, frames: int = 3, *, seed: int = 0, noise: float = 1.0) -> Embedded:
    """Frames of instances that lie about the centres of 3 categories; instance numbers say nothing of the category."""
    rng = np.random.default_rng(seed)
    count = 3 * per_category
    kind = np.arange(count) % 3
    centres = np.random.default_rng(99).normal(size=(3, WIDTH))
    objects = centres[kind] + noise * rng.normal(size=(count, WIDTH))
    features = np.repeat(objects, frames, axis=0) + 0.3 * noise * rng.normal(size=(count * frames, WIDTH))
    names = np.repeat(rng.permutation(count), frames)
    return Embedded(features.astype(np.float32), np.repeat(LABELS[kind], frames), names)


def torch_generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


PROTOCOLS = {
    "knn": knn,
    "logistic": logistic,
    "least squares": least_squares,
    "linear": lambda train, test: linear(train, test, generator=torch_generator(), epochs=60, learning_rate=0.05),
    "few shot": lambda train, test: few_shot(train, test, shots=2, draws=1, rng=np.random.default_rng(0))[0],
}


@pytest.mark.parametrize("name", PROTOCOLS)
def test_every_protocol_tells_clear_categories_apart_and_noise_not(name):
    train, test = embedded(noise=0.05), embedded(seed=1, noise=0.05)
    found = PROTOCOLS[name](train, test)
    assert found.protocol == name
    assert found.score.accuracy == 1
    assert set(found.predictions) == set(LABELS)
    np.testing.assert_array_equal(found.labels, test.labels)
    np.testing.assert_array_equal(found.instances, test.instances)
    shuffled = train._replace(labels=np.random.default_rng(3).permutation(train.labels))
    assert PROTOCOLS[name](shuffled, test).score.accuracy < 0.8


@pytest.mark.parametrize("name", PROTOCOLS)
def test_every_protocol_refuses_no_frames_and_features_that_are_not_finite(name):
    train, test = embedded(), embedded(seed=1)
    nothing = np.zeros(0, np.int64)
    with pytest.raises(InputError, match=r"^train=0 frames: at least 1 is needed"):
        PROTOCOLS[name](train.take(nothing), test)
    with pytest.raises(InputError, match=r"^test=0 frames: at least 1 is needed"):
        PROTOCOLS[name](train, test.take(nothing))
    broken = test.features.copy()
    broken[4, 1] = math.nan
    with pytest.raises(InputError, match=r"^test: features of frame 4 are not finite"):
        PROTOCOLS[name](train, test._replace(features=broken))


@pytest.mark.parametrize(("batch", "weight_decay"), [(7, 1e-6), (100, 0.5)])
def test_linear_probe_equals_adamw_by_loops(batch, weight_decay):
    train, test = embedded(4, 2), embedded(30, 1, seed=1)
    settings = {"batch": batch, "learning_rate": 0.03, "weight_decay": weight_decay}
    found = linear(train, test, generator=torch_generator(5), epochs=6, **settings)
    draw = torch_generator(5)
    bound = 1 / math.sqrt(WIDTH)
    weight, bias = (torch.empty(*shape).uniform_(-bound, bound, generator=draw) for shape in ((3, WIDTH), (3,)))
    orders = [torch.randperm(24, generator=draw).tolist() for _ in range(6)]
    classes = np.searchsorted(LABELS, train.labels)
    weights, biases = adamw_by_loops(train.features, classes, weight.numpy(), bias.numpy(), orders, **settings)
    scores = test.features @ weights.T + biases
    np.testing.assert_array_equal(found.predictions, LABELS[scores.argmax(axis=1)])
    untrained = LABELS[(test.features @ weight.numpy().T + bias.numpy()).argmax(axis=1)]
    assert (found.predictions != untrained).mean() > 0.2
    assert found.settings == {
        "epochs": 6,
        **settings,
        "augmented": False,
        "train_frames": 24,
        "train_categories": 3,
    }


def test_linear_probe_learns_from_views_that_are_made_anew():
    train, test = embedded(4, 2), embedded(30, 1, seed=1)
    asked: list[int] = []

    def turned(places: np.ndarray) -> np.ndarray:
        asked.extend(places.tolist())
        return -train.features[places]

    given = {"epochs": 3, "batch": 7, "learning_rate": 0.03}
    found = linear(train, test, generator=torch_generator(5), anew=turned, **given)
    same = linear(train._replace(features=-train.features), test, generator=torch_generator(5), **given)
    np.testing.assert_array_equal(found.predictions, same.predictions)
    assert sorted(asked) == sorted(3 * list(range(len(train.labels))))
    assert found.settings["augmented"] is True


def test_linear_probe_comes_from_its_generator_alone():
    train, test = embedded(4, 2), embedded(100, 1, seed=1)
    before = torch.get_rng_state()
    one, same, other = (
        linear(train, test, generator=torch_generator(seed), epochs=1).predictions for seed in (1, 1, 2)
    )
    assert torch.equal(torch.get_rng_state(), before)
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()
    for name in ("epochs", "batch"):
        with pytest.raises(InputError, match=f"^{name}=0: at least 1 is needed"):
            linear(train, test, generator=torch_generator(), **{name: 0})


def test_knn_equals_the_loop():
    train, test = embedded(), embedded(seed=1)
    found = knn(train, test, k=5, temperature=0.2)
    expected = [
        knn_by_loops(train.features, train.labels, query, k=5, temperature=0.2) for query in test.features.astype(float)
    ]
    assert found.predictions.tolist() == expected
    assert found.settings == {"k": 5, "temperature": 0.2, "train_frames": 72, "train_categories": 3}


def test_logistic_regression_is_the_minimum_that_scipy_finds_and_scikit_learns():
    train, test = embedded(10, 2, noise=2.0), embedded(100, 1, seed=1, noise=2.0)
    scaler = StandardScaler().fit(train.features)
    rows, asked = scaler.transform(train.features).astype(float), scaler.transform(test.features).astype(float)
    classes = np.searchsorted(LABELS, train.labels)

    def loss(flat: np.ndarray) -> float:
        theta = flat.reshape(3, WIDTH + 1)
        shares = log_softmax(rows @ theta[:, :-1].T + theta[:, -1], axis=1)
        return -0.3 * shares[np.arange(len(rows)), classes].sum() + 0.5 * np.square(theta[:, :-1]).sum()

    theta = minimize(loss, np.zeros(3 * (WIDTH + 1)), method="BFGS").x.reshape(3, WIDTH + 1)
    expected = LABELS[(asked @ theta[:, :-1].T + theta[:, -1]).argmax(axis=1)]
    found = logistic(train, test, inverse_penalty=0.3).predictions
    assert np.mean(found == expected) > 0.99
    model = LogisticRegression(C=0.3, max_iter=1000).fit(rows, train.labels)
    assert np.mean(found == test.labels) == pytest.approx(model.score(asked, test.labels), abs=1e-3)


def test_least_squares_equals_scikit_learn_and_lives_with_few_frames():
    train, test = embedded(noise=2.0), embedded(100, 1, seed=1, noise=2.0)
    one_hot = (train.labels[:, None] == LABELS).astype(float)
    model = LinearRegression(fit_intercept=False).fit(train.features, one_hot)
    expected = LABELS[model.predict(test.features).argmax(axis=1)]
    found = least_squares(train, test)
    assert np.mean(found.predictions == test.labels) == pytest.approx(np.mean(expected == test.labels), abs=1e-3)
    few = least_squares(train.take(np.arange(6)), train.take(np.arange(6)))  # as many frames as features: all are met
    assert few.score.accuracy == 1


def test_few_shot_equals_the_loop_on_what_is_drawn():
    train, test = embedded(frames=4), embedded(20, 1, seed=1)
    found = few_shot(train, test, shots=2, draws=3, rng=np.random.default_rng(7))
    again = np.random.default_rng(7)
    centre = train.features.mean(axis=0, dtype=float)
    rows, queries = unit(train.features - centre), unit(test.features - centre)
    for draw, result in enumerate(found):
        mask = drawn(train, 2, again)
        expected = [nearest_mean_by_loops(rows[mask], train.labels[mask], train.instances[mask], q) for q in queries]
        assert result.predictions.tolist() == expected
        assert result.settings == {"shots": 2, "draw": draw, "draws": 3, "train_frames": 24, "train_categories": 3}
    assert len({tuple(result.predictions) for result in found}) > 1


@pytest.mark.parametrize("shots", [1, 5, 8])
def test_that_many_whole_instances_of_each_category_are_drawn(shots):
    train = embedded(8)
    rng, seen = np.random.default_rng(0), set()
    for _ in range(100):
        mask = drawn(train, shots, rng)
        chosen = set(train.instances[mask])
        assert mask.sum() == 3 * 3 * shots
        assert chosen.isdisjoint(train.instances[~mask])
        for label in LABELS:
            assert len(set(train.instances[mask & (train.labels == label)])) == shots
        seen |= chosen
    assert seen == set(train.instances)


def test_an_instance_of_many_frames_weighs_as_much_as_one_of_few():
    rows = np.array([[0.0], [0.0], [0.0], [4.0], [5.0]])
    support = Embedded(rows, np.array([0, 0, 0, 0, 1]), np.array([3, 3, 3, 4, 5]))
    # The means are 2 and 5, half way between them 3.5; by frames they would be 1 and 5.
    assert nearest_mean(support, np.array([[3.4], [3.6]])).tolist() == [0, 1]


def test_few_shot_refuses_more_shots_than_instances():
    train, test = embedded(4), embedded(4, seed=1)
    short = train.take(~np.isin(train.instances, train.instances[train.labels == 3][:1]))
    with pytest.raises(InputError, match=r"^shots=4: category 3 has 3 training instances"):
        few_shot(short, test, shots=4, draws=1, rng=np.random.default_rng(0))
    for wrong in ({"shots": 0, "draws": 1}, {"shots": 1, "draws": 0}):
        with pytest.raises(InputError, match=r"=0: at least 1 is needed"):
            few_shot(train, test, rng=np.random.default_rng(0), **wrong)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**31), st.sampled_from([0.0, 270.0, 314.0, 359.5]), st.sampled_from([5.0, 40.0, 180.0]))
def test_the_nearest_frame_of_each_object_is_that_of_the_loop(seed: int, azimuth: float, within: float) -> None:
    rng = np.random.default_rng(seed)
    instances = rng.integers(0, 5, 20)
    view = np.stack([np.full(20, np.nan), 15.0 * rng.integers(0, 24, 20)], axis=1)
    expected = []
    for instance in sorted(set(instances.tolist())):
        rows = [row for row in range(20) if instances[row] == instance]
        off = [min(abs(view[row, 1] - azimuth + turn) for turn in (-360, 0, 360)) for row in rows]
        if min(off) <= within:
            expected.append(rows[off.index(min(off))])
    assert nearest_to(azimuth, view, instances, within=within).tolist() == expected


def test_the_nearest_frame_is_not_told_without_azimuths() -> None:
    with pytest.raises(InputError, match=r"^view=nan: the azimuth of some frames is not known"):
        nearest_to(0.0, np.full((1, 2), np.nan), np.zeros(1, np.int64))


def test_evenly_spaced_frames_of_each_instance() -> None:
    instances = np.array([7, 7, 3, 7, 7, 7, 3, 7, 7])  # of 7: rows 0, 1, 3, 4, 5, 7, 8
    assert evenly_spaced(instances, 3).tolist() == [0, 2, 4, 6, 8]
    assert evenly_spaced(instances, 1).tolist() == [0, 2]
    for all_of_them in (0, 7, 99):
        assert evenly_spaced(instances, all_of_them).tolist() == [*range(9)]
    assert evenly_spaced(np.zeros(0, np.int64), 2).tolist() == []


def test_one_random_frame_of_each_instance():
    instances = np.array([5, 5, 5, 2, 2, 9])
    rng = np.random.default_rng(0)
    rows = np.stack([one_per_instance(instances, rng) for _ in range(300)])
    assert (instances[rows] == [2, 5, 9]).all()
    np.testing.assert_allclose(np.bincount(rows.ravel(), minlength=6) / 300, [1 / 3] * 3 + [1 / 2] * 2 + [1], atol=0.1)


def test_a_result_counts_by_instance_by_category_and_by_confusion():
    labels, instances = np.array([0, 0, 0, 1, 1, 4]), np.array([8, 8, 3, 5, 5, 6])
    predictions = np.array([0, 1, 0, 1, 7, 0])
    found = Result("knn", {"k": 1}, predictions, labels, instances)
    names, accuracy = found.by_instance
    assert names.tolist() == [3, 5, 6, 8]
    assert accuracy.tolist() == [1, 0.5, 0, 0.5]
    assert found.score.per_category == {0: 0.75, 1: 0.5, 4: 0.0}
    classes, counts = found.confusion
    assert classes.tolist() == [0, 1, 4, 7]
    np.testing.assert_array_equal(counts, confusion_matrix(labels, predictions))
    assert counts.tolist() == [[2, 1, 0, 0], [0, 1, 0, 1], [1, 0, 0, 0], [0, 0, 0, 0]]
    summary = json.loads(json.dumps(found.summary()))
    assert summary["protocol"] == "knn"
    assert summary["settings"] == {"k": 1}
    assert summary["accuracy"] == pytest.approx(0.5)
    assert summary["per_category"]["0"] == 0.75
    assert (summary["frames"], summary["instances"]) == (6, 4)
    assert summary["confusion"] == {"categories": [0, 1, 4, 7], "counts": counts.tolist()}
