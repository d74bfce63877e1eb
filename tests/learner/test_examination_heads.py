"""A run's own heads: the same embeddings as the method's, asked about what they have learned."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from agent.dataset import Dataset
from agent.export import EXPORTS
from learner.augment import plain
from learner.checkpoint import Checkpoints
from learner.data import ImageData, open_data
from learner.encoders import build_encoder
from learner.examination import Heads, TrainedRun, load_heads, read_run
from learner.examination.heads import ROTATION
from learner.export import load_encoder
from learner.probes import embed
from learner.retrieval import Told, rank_by_cosine
from sim.errors import InputError
from tests.agent.sound import store
from tests.learner.runs import write_run


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> ImageData:
    root = tmp_path_factory.mktemp("armplay") / "data"
    store(root, range(24), image_format="png")
    return open_data(f"armplay:{root}")


def loaded(folder: Path, asked: ImageData, **changed: object) -> Heads | None:
    run = read_run(folder)
    assert run is not None
    return load_heads(folder, run._replace(**changed), load_encoder(folder), asked)  # type: ignore[arg-type]


@pytest.mark.parametrize("method", ["aa-simclr", "aa-byol", "aa-vicreg", "ciper", "aa-trusting"])
def test_heads_compare_pairs_as_the_method_does(tmp_path: Path, data: ImageData, method: str) -> None:
    learner = write_run(tmp_path / "run", method=method)
    heads = loaded(tmp_path / "run", data)
    assert heads is not None
    frames = data.frames("train")
    images = data.images("train", np.arange(40))
    here, there = np.arange(20), np.arange(20) + 20
    actions = np.random.default_rng(0).normal(3, 2, (20, 7))
    with torch.no_grad():
        shown = [plain(torch.from_numpy(images[rows]).permute(0, 3, 1, 2)) for rows in (here, there)]
        standard = (torch.from_numpy(actions).float() - learner.action_mean) / learner.action_std
        matched = learner.method.eval()(*shown, standard, torch.zeros(20, dtype=torch.int64)).matched
    assert matched is not None
    features = embed(load_encoder(tmp_path / "run"), images)
    told = Told(features[here], features[there], actions, frames.instance[here])
    found, expected = heads.ranks(told), rank_by_cosine(matched[1].numpy(), matched[0].numpy(), told)
    np.testing.assert_array_equal(found.rank, expected.rank)
    assert len(set(found.rank.tolist())) > 3


@pytest.mark.parametrize("method", ["simclr", "simclr-tt", "equimod"])
def test_methods_that_compare_no_pair_with_an_action_have_no_heads(
    tmp_path: Path, data: ImageData, method: str
) -> None:
    write_run(tmp_path / "run", method=method)
    assert loaded(tmp_path / "run", data) is None


def test_heads_that_cannot_be_asked_are_refused(tmp_path: Path, data: ImageData) -> None:
    folder = tmp_path / "run"
    learner = write_run(folder)
    for changed, said in [
        ({"action": "command"}, "action=command: pairs of armplay:.* do not tell it"),
        ({"data": "rt4k:/data/RT4K"}, "action=rt4k: pairs of armplay:.* do not tell it"),
        ({"action": "rotation"}, "action=rotation: 7 numbers in .*, 9 in armplay data"),
    ]:
        with pytest.raises(InputError, match=said):
            loaded(folder, data, **changed)
    run = read_run(folder)
    assert run is not None
    with pytest.raises(InputError, match="not of the step that the encoder was exported at"):
        load_heads(folder, run, build_encoder("small", seed=5, image_size=32), data)
    Checkpoints(folder / "checkpoints").path_of(learner.steps).unlink()
    with pytest.raises(InputError, match="no checkpoint, and the heads are nowhere else"):
        loaded(folder, data)


def test_rotations_of_poses_are_those_of_exported_views(tmp_path: Path, data: ImageData) -> None:
    """So that a run that learned from rotations can be asked about photographs with angles."""
    EXPORTS["images"](Dataset(data.root), tmp_path / "out", lambda *_: None)
    photographs = open_data(f"images:{tmp_path / 'out'}")
    assert photographs.action is not None
    own, other = data.frames("train"), photographs.frames("train")
    here, there = (own.clip == 2).nonzero()[0][[0, 1]]
    name = data.instances[own.instance[here]]
    rows = np.flatnonzero(other.instance == photographs.instances.index(name))
    images = photographs.images("train", rows)
    one, two = (rows[(images == image).all(axis=(1, 2, 3))] for image in data.images("train", np.array([here, there])))
    expected = ROTATION.compute(own.motion[[here]], own.motion[[there]])
    np.testing.assert_allclose(photographs.action.compute(other.motion[one], other.motion[two]), expected, atol=2e-3)
    run = TrainedRun(0, "aa-simclr", "rotation", "", {}, {})
    assert not np.allclose(expected, np.eye(3).ravel())
    with pytest.raises(InputError, match="no checkpoint"):  # it got past the question of what the action is
        load_heads(tmp_path, run, build_encoder("small", seed=0), photographs)
