"""Probes against plain loops and against what is known of the features."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from learner import probes
from learner.augment import plain
from learner.encoders import build_encoder
from learner.probes import (
    OnlineLinearProbe,
    color_histogram,
    embed,
    knn_accuracy,
    knn_predict,
    linear_probe,
    raw_pixels,
    score,
)
from sim.errors import InputError
from tests.references.probes import knn_by_loops, score_by_loops


def clusters(count: int, *, seed: int, noise: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Features float32 [count, 10] of 4 categories with labels 3, 5, 7 and 9."""
    rng = np.random.default_rng(seed)
    kind = rng.integers(0, 4, count)
    centres = np.random.default_rng(99).normal(size=(4, 10))
    return (centres[kind] + noise * rng.normal(size=(count, 10))).astype(np.float32), 3 + 2 * kind


@pytest.mark.parametrize(("k", "temperature"), [(1, 0.07), (5, 0.07), (20, 0.07), (20, 1.0), (500, 0.5), (5, 0.005)])
@pytest.mark.parametrize("at_once", [1 << 24, 1000])
def test_knn_equals_the_loop(monkeypatch, k, temperature, at_once):
    monkeypatch.setattr(probes, "SIMILARITIES_AT_ONCE", at_once)
    bank, labels = clusters(120, seed=0)
    queries, _ = clusters(50, seed=1)
    expected = [knn_by_loops(bank, labels, query, k=k, temperature=temperature) for query in queries.astype(float)]
    assert knn_predict(bank, labels, queries, k=k, temperature=temperature).tolist() == expected
    tensors = (torch.from_numpy(bank), torch.from_numpy(labels), torch.from_numpy(queries))
    assert knn_predict(*tensors, k=k, temperature=temperature).tolist() == expected


def test_knn_accuracy_of_clear_clusters_is_one_and_of_itself_too():
    bank, labels = clusters(80, seed=0, noise=0.05)
    queries, truth = clusters(40, seed=1, noise=0.05)
    assert knn_accuracy(bank, labels, queries, truth, k=10) == 1
    assert knn_accuracy(bank, labels, 7 * bank, labels, k=1) == 1


def test_knn_refuses_an_empty_bank():
    with pytest.raises(InputError, match=r"^bank=0 rows: at least 1 is needed"):
        knn_predict(np.empty((0, 3), np.float32), np.empty(0, int), np.ones((2, 3), np.float32))


def test_linear_probe_ignores_scale_and_shift_and_constant_features():
    features, labels = clusters(200, seed=0, noise=0.4)
    queries, truth = clusters(100, seed=1, noise=0.4)
    found = linear_probe(features, labels, queries)
    assert np.mean(found == truth) > 0.9
    scale = np.logspace(-2, 2, 10, dtype=np.float32)
    moved = [np.concatenate([side * scale + 3, np.ones((len(side), 1))], axis=1) for side in (features, queries)]
    assert np.mean(linear_probe(moved[0], labels, moved[1]) == found) > 0.98


def test_online_probe_learns_and_leaves_the_features_alone():
    features, labels = clusters(200, seed=0, noise=0.2)
    source = torch.from_numpy(features).requires_grad_()
    kind = torch.from_numpy((labels - 3) // 2)
    probe = OnlineLinearProbe(10, 4, seed=0, learning_rate=0.05)
    first = probe.step(source, kind)
    for _ in range(100):
        last = probe.step(source, kind)
    assert source.grad is None
    assert last["loss"] < 0.5 * first["loss"]
    assert last["accuracy"] > 0.95
    assert (probe.predict(source) == kind).float().mean() > 0.95


def test_online_probe_comes_from_its_seed():
    before = torch.get_rng_state()
    one, same, other = (OnlineLinearProbe(10, 4, seed=seed).linear.weight for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_color_histogram_counts_colours():
    images = np.zeros((2, 4, 4, 3), np.uint8)
    images[1, :2] = (255, 0, 64)
    histogram = color_histogram(images)
    assert histogram.shape == (2, 64)
    assert histogram.dtype == np.float32
    np.testing.assert_allclose((histogram**2).sum(axis=1), 1, rtol=1e-6)
    assert histogram[0, 0] == 1
    assert histogram[1, 0] ** 2 == pytest.approx(0.5)
    assert histogram[1, 3 * 16 + 1] ** 2 == pytest.approx(0.5)
    planes = torch.from_numpy(images.transpose(0, 3, 1, 2).copy())
    np.testing.assert_array_equal(color_histogram(planes), histogram)
    assert color_histogram(images, bins=8).shape == (2, 512)


def test_raw_pixels_are_block_means_without_the_frames_mean():
    images = np.random.default_rng(0).integers(0, 256, (3, 64, 64, 3), dtype=np.uint8)
    pixels = raw_pixels(images)
    means = images.reshape(3, 32, 2, 32, 2, 3).mean(axis=(2, 4)).transpose(0, 3, 1, 2).reshape(3, -1) / 255
    np.testing.assert_allclose(pixels, means - means.mean(axis=1, keepdims=True), atol=1e-6)
    np.testing.assert_array_equal(raw_pixels(images.transpose(0, 3, 1, 2)), pixels)


def test_images_without_colours_are_refused():
    with pytest.raises(InputError, match=r"^images=\(2, 8, 8\): "):
        raw_pixels(np.zeros((2, 8, 8), np.uint8))


def test_embed_is_the_evaluation_mode_and_restores_every_mode():
    encoder = build_encoder("small", seed=0)
    encoder.train()
    encoder.stem.eval()
    images = np.random.default_rng(0).integers(0, 256, (5, 32, 32, 3), dtype=np.uint8)
    before = {name: value.clone() for name, value in encoder.state_dict().items()}
    features = embed(encoder, images, batch=2)
    assert encoder.training
    assert not encoder.stem.training
    assert encoder.stages.training
    assert all(torch.equal(before[name], value) for name, value in encoder.state_dict().items())
    assert features.shape == (5, encoder.features)
    assert features.dtype == np.float32
    with torch.inference_mode():
        together = encoder.eval()(plain(torch.from_numpy(images).permute(0, 3, 1, 2)))
    np.testing.assert_allclose(features, together.numpy(), rtol=1e-4, atol=1e-5)


def test_score_weighs_instances_not_frames():
    labels, instances = [0] * 12 + [1] * 3, [7] * 10 + [8] * 2 + [9] * 3
    predictions = [0] * 10 + [1, 0] + [1, 0, 0]
    found = score(predictions, labels, instances)
    accuracy, error = score_by_loops(predictions, labels, instances)
    assert found.accuracy == pytest.approx(accuracy)
    assert found.accuracy == pytest.approx((1 + 1 / 2 + 1 / 3) / 3)
    assert found.standard_error == pytest.approx(error)
    assert found.chance == pytest.approx(2 / 3)
    assert found.per_category == pytest.approx({0: 0.75, 1: 1 / 3})


def test_score_of_one_instance_has_no_standard_error():
    found = score(torch.tensor([1, 1]), torch.tensor([1, 1]), torch.tensor([4, 4]))
    assert found.accuracy == 1
    assert math.isnan(found.standard_error)


def test_score_refuses_no_frames_and_an_instance_of_two_categories():
    with pytest.raises(InputError, match=r"^frames=0: at least 1 is needed"):
        score([], [], [])
    with pytest.raises(InputError, match=r"^instance=5: one label is needed"):
        score([0, 0, 1], [0, 0, 1], [4, 5, 5])
