"""Maps: which frames are on them, and that they are scikit-learn's."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from sklearn.preprocessing import normalize
from threadpoolctl import threadpool_limits

from learner.charts import PAGE, drawing, svg
from learner.pages.maps import Known, category_colors, draw_maps, has_azimuth, project, spread

RNG = np.random.default_rng(0)
FEATURES = RNG.normal(size=(24, 8)).astype(np.float32) + np.repeat(np.eye(3, 8) * 4, 8, axis=0).astype(np.float32)


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 1000), most=st.integers(1, 50), frames=st.lists(st.integers(1, 12), min_size=1, max_size=8))
def test_no_object_has_two_more_frames_than_another_that_has_more_to_give(
    seed: int, most: int, frames: list[int]
) -> None:
    rng = np.random.default_rng(seed)
    instances = rng.permutation(np.repeat(np.arange(len(frames)) * 3, frames))
    rows = spread(instances, rng, most=most)
    assert len(rows) == min(most, len(instances))
    assert (np.diff(rows) > 0).all()
    taken = [int((instances[rows] == 3 * number).sum()) for number in range(len(frames))]
    fewest = min((got for got, had in zip(taken, frames, strict=True) if got < had), default=max(taken))
    assert max(taken) <= fewest + 1


def test_maps_are_those_of_scikit_learn() -> None:
    found = project(FEATURES, seed=7)
    rows = normalize(FEATURES.astype(np.float64))
    components = PCA(8).fit(rows)
    reduced = components.transform(rows)
    assert found.explained == pytest.approx(components.explained_variance_ratio_[:2])
    assert np.abs(found.pca) == pytest.approx(np.abs(reduced[:, :2]), abs=1e-9)
    with threadpool_limits(1):
        plain = TSNE(perplexity=23 / 3, init="pca", random_state=7).fit_transform(reduced)
    assert found.tsne == pytest.approx(plain, abs=1e-3)


def test_the_length_of_features_says_nothing() -> None:
    scaled = project(FEATURES * np.linspace(1, 9, 24, dtype=np.float32)[:, None], seed=0)
    assert scaled.pca == pytest.approx(project(FEATURES, seed=0).pca, abs=1e-5)


def test_features_that_are_all_one_are_one_point() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = project(np.ones((6, 4), dtype=np.float32), seed=0)
    assert not np.concatenate([found.tsne, found.pca]).any()


def test_an_azimuth_from_above_or_below_means_nothing() -> None:
    view = np.array([[0.0, 90.0], [90.0, 90.0], [np.nan, 90.0], [180.0, 0.0], [90.0, np.nan]])
    assert has_azimuth(view).tolist() == [False, True, True, False, False]


@pytest.mark.parametrize("count", [3, 10, 60])
def test_each_category_has_a_colour_of_its_own(count: int) -> None:
    colors = category_colors([f"category {number}" for number in range(count)])
    assert len({tuple(color) for color in colors.values()}) == count


@pytest.mark.parametrize("known", [True, False])
def test_a_map_names_its_categories_and_shows_azimuths_only_where_they_are_known(known: bool) -> None:
    names = np.repeat(["mug", "$x^{$", "<b>"], 8)
    view = np.stack([np.full(24, 90.0), np.linspace(0, 345, 24)], axis=1) if known else np.full((24, 2), np.nan)
    with drawing():
        drawn = svg(draw_maps({"one": project(FEATURES, seed=0)}, Known(names, view, 6), PAGE, columns=2))
    for told in ("mug", "$x^{$", "&lt;b&gt;", "t-SNE by category: 24 frames of 6 objects", "of the variance"):
        assert told in drawn
    assert ("azimuth" in drawn) == known
