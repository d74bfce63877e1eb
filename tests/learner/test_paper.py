"""The paper's settings and protocols, and a plan that fits its budget."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from learner.data.rt4k import Rt4k
from learner.methods import METHODS
from learner.paper import augmented, embedded, frames_each, keep, line_of, probe, rows_of
from learner.plan import Asked, Pace, Plan, fitted, looks_of, whole_plan
from learner.presets import EXPERIMENTS, paper_settings, steps_of
from learner.probes import raw_pixels
from learner.protocols import Embedded, Result
from sim.errors import InputError
from tests.references.imagefiles import codes, write_packed_co3d, write_rt4k

VIEWS = {"car_000": [7], "mug_000": list(range(1, 181))}
TRAIN = {f"{category}_{number:03d}": category for category in ("car", "mug") for number in range(10)}
TEST = {f"{category}_{number:03d}": category for category in ("car", "mug") for number in (100, 101)}
ASKED = Asked("rt4k", "rt4k:x", batch=8, encoder="small", image_size=32, budget=1.0)


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Rt4k:
    root = tmp_path_factory.mktemp("rt4k")
    write_rt4k(root, {"train": TRAIN, "test": TEST}, views=VIEWS)
    return Rt4k(root)


def test_the_settings_are_those_of_the_paper() -> None:
    found = paper_settings(
        "rt4k:x", method="aa-simclr", seed=3, steps=7, batch=256, encoder="resnet18", image_size=0, device="cpu"
    )
    assert (found.method, found.seed, found.steps, found.sampling) == ("aa-simclr", 3, 7, "uniform+same")
    rate = found.optimizer
    assert (rate.optimizer, rate.learning_rate, rate.weight_decay, rate.schedule) == ("adamw", 5e-4, 1e-6, "constant")
    assert (rate.warmup_steps, rate.clip_norm) == (0, 0)
    view = found.augment
    assert (view.crop_probability, view.crop_area, view.crop_ratio) == (1, (0.2, 1), (3 / 4, 4 / 3))
    assert (view.jitter_probability, view.brightness, view.contrast, view.saturation, view.hue) == (0.8,) * 4 + (0.2,)
    assert (view.grey_probability, view.flip, view.blur_probability) == (0.2, "off", 0)
    loss = found.loss
    assert (loss.temperature, loss.action_temperature, loss.negatives, loss.ema) == (0.1, 0.1, "all", 0.996)
    assert (loss.instance_weight, loss.action_weight, loss.action_warmup, loss.pair_norm) == (1, 1, 0, False)
    assert (loss.vicreg_invariance, loss.vicreg_variance, loss.vicreg_covariance) == (25, 25, 1)


def test_an_epoch_is_as_many_pairs_as_there_are_training_frames() -> None:
    assert steps_of(375_300, batch=256) == 146_600
    assert steps_of(100, batch=256) == 100
    assert steps_of(512, batch=256, epochs=3) == 6


def test_files_of_the_papers_authors_are_told_from_published_ones(tmp_path: Path) -> None:
    assert EXPERIMENTS["co3d"].data(f"{tmp_path}?subset=x") == f"co3d:{tmp_path}?subset=x"
    write_packed_co3d(tmp_path, {"train": [("apple", "a")], "test": [("apple", "b")]})
    assert EXPERIMENTS["co3d"].data(str(tmp_path)) == f"co3d-packed:{tmp_path}"
    (tmp_path / "data_all.h5").touch()
    assert EXPERIMENTS["mvimgnet"].data(str(tmp_path)) == f"mvimgnet-packed:{tmp_path}"
    assert EXPERIMENTS["mvimgnet-f"].data(f"{tmp_path}?objects=l") == f"mvimgnet-f:{tmp_path}?objects=l"
    assert EXPERIMENTS["rt4k"].data(str(tmp_path)) == f"rt4k:{tmp_path}"
    assert all(name in METHODS for each in EXPERIMENTS.values() for name in each.published)


@pytest.mark.parametrize("each", [1, 3, 4, 200])
def test_frames_are_spread_over_each_object(images: Rt4k, each: int) -> None:
    frames, expected = images.frames("train"), []
    for instance in np.unique(frames.instance):
        rows = [row for row in range(len(frames)) if frames.instance[row] == instance]
        count = min(each, len(rows))
        expected += [rows[round(place * (len(rows) - 1) / max(1, count - 1))] for place in range(count)]
    found = rows_of(images, "train", each)
    np.testing.assert_allclose(found, sorted(expected), atol=1)  # .5 may be rounded either way
    assert len(set(found)) == len(found) == len(expected)


def test_no_more_frames_than_a_probe_can_take(images: Rt4k) -> None:
    objects = len(np.unique(images.frames("train").instance))
    assert frames_each(images) == 180
    assert frames_each(images, most=3 * objects + 1) == 3
    assert frames_each(images, most=1) == 1


def test_a_split_is_seen_by_an_encoder_frame_by_frame_until_a_signal_comes(images: Rt4k) -> None:
    def code_of(frames: np.ndarray) -> np.ndarray:
        return np.array(codes(frames), np.float32)[:, None]

    told: list[int] = []
    seen = embedded(images, "test", code_of, each=4, image_size=32, told=told.append)
    frames = images.frames("test")
    assert seen.features[:, 0].tolist() == codes(images.images("test", np.arange(len(frames)), size=32))
    assert seen.labels.tolist() == frames.category.tolist()
    assert seen.instances.tolist() == frames.instance.tolist()
    assert sum(told) == len(frames)

    def stop(more: int) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        embedded(images, "test", code_of, each=4, image_size=32, told=stop)


def test_frames_are_augmented_anew_each_time(images: Rt4k) -> None:
    given = {"each": 4, "image_size": 32, "told": lambda more: None}
    plainly = embedded(images, "train", raw_pixels, **given).features
    anew, same, other = (augmented(images, raw_pixels, **given, seed=seed) for seed in (0, 0, 1))
    places = np.array([3, 0, 3])
    views = anew(places)
    assert views.shape == (3, plainly.shape[1])
    assert not np.array_equal(views[0], views[2])
    assert np.array_equal(views, same(places))
    assert not np.array_equal(views, anew(places))
    assert not np.array_equal(views, other(places))


def clouds(rng: np.random.Generator) -> Embedded:
    """Two categories that one number tells apart, 8 objects of 5 frames each."""
    labels = np.repeat(np.arange(8) % 2, 5)
    features = rng.normal(size=(40, 4)).astype(np.float32)
    features[:, 0] = 40.0 * labels - 20.0
    return Embedded(features, labels, np.repeat(np.arange(8), 5))


def test_both_protocols_tell_apart_what_can_be_told_apart(tmp_path: Path) -> None:
    train, test = clouds(np.random.default_rng(0)), clouds(np.random.default_rng(1))
    results = probe(train, test, seed=0, device="cpu")
    assert {name: result.score.accuracy for name, result in results.items()} == {"linear": 1, "least squares": 1}
    assert (results["linear"].settings["epochs"], results["linear"].settings["train_frames"]) == (50, 40)
    assert results["least squares"].settings["train_frames"] == 8
    again = probe(train, test, seed=0, device="cpu")
    assert np.array_equal(again["linear"].predictions, results["linear"].predictions)


@pytest.fixture
def kept(tmp_path: Path) -> Callable[..., Path]:
    def made(name: str, right: list[list[int]]) -> Path:
        """What was kept of predictions that are right (1) or wrong (0), by object."""
        labels = np.concatenate([np.full(len(each), number % 2) for number, each in enumerate(right)])
        owners = np.concatenate([np.full(len(each), number) for number, each in enumerate(right)])
        predictions = np.where(np.concatenate(right) == 1, labels, 1 - labels)
        result = Result("any", {}, predictions, labels, owners)
        keep(tmp_path / name, {"linear": result, "least squares": result})
        return tmp_path / name

    return made


def test_a_line_is_the_mean_over_seeds_and_objects(kept: Callable[..., Path]) -> None:
    paths = [kept("0", [[1, 1], [0], [1, 0]]), kept("1", [[1, 0], [0], [1, 1]])]
    line = line_of("simclr", paths)
    assert line.seeds == 2
    assert line.chance == pytest.approx(2 / 3)
    for found in line.accuracy.values():
        assert found.estimate == pytest.approx((1 + 0 + 0.5 + 0.5 + 0 + 1) / 6)
        assert found.low < found.estimate < found.high
    with pytest.raises(InputError, match="2: other test objects than"):
        line_of("simclr", [*paths, kept("2", [[1, 1], [0]])])


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"linear": {"accuracy": 1}}'])
def test_other_files_are_refused(content: str, tmp_path: Path) -> None:
    (tmp_path / "paper.json").write_text(content)
    with pytest.raises(InputError, match=r"paper.json: no accuracies by the paper's protocols .* to make it anew"):
        line_of("simclr", [tmp_path / "paper.json"])


def test_what_is_kept_names_settings_and_chance(kept: Callable[..., Path]) -> None:
    found = json.loads(kept("0", [[1, 1], [0], [1, 0]]).read_text())["linear"]
    assert found["instances"] == [0, 1, 2]
    assert found["accuracy"] == [1.0, 0.0, 0.5]
    assert found["settings"]["test_frames"] == 5


@settings(deadline=None)
@given(
    st.floats(0.01, 100),
    st.lists(st.floats(1e-3, 100), min_size=1, max_size=4),
    st.floats(1e-6, 1),
    st.integers(1, 3),
)
def test_a_cut_is_alike_for_all_and_fits_its_budget(
    images: Rt4k, hours: float, paces: list[float], frame: float, seeds: int
) -> None:
    methods = list(METHODS)[: len(paces)]
    pace, runs = Pace(dict(zip(methods, paces, strict=True)), frame), [(m, s) for m in methods for s in range(seeds)]
    whole = whole_plan(images, replace(ASKED, budget=hours))
    plan = fitted(whole, images, pace, runs, others=3)
    assert 1 <= plan.steps <= plan.paper_steps == whole.steps == steps_of(whole.training_frames, batch=8)
    assert 1 <= plan.frames <= whole.frames
    looked = looks_of(images, plan)
    taken = sum(pace.of(plan, method, looked) for method, _ in runs) + 3 * looked * frame
    if plan.steps > 1:
        assert taken <= 3600 * hours
    if plan.steps < whole.steps - 1 and plan.frames == whole.frames:
        assert taken + sum(pace.step[method] for method, _ in runs) > 0.89 * 3600 * hours


def test_enough_time_cuts_nothing(images: Rt4k) -> None:
    whole = whole_plan(images, replace(ASKED, budget=1e6))
    plan: Plan = fitted(whole, images, Pace({"simclr": 0.1}, 1e-3), [("simclr", 0)], others=3)
    assert plan == whole
    assert not plan.cut
    train, test = (len(rows_of(images, split, whole.frames)) for split in ("train", "test"))
    assert looks_of(images, plan) == 51 * train + test
    assert looks_of(images, replace(plan, steps=1)) == train + test
