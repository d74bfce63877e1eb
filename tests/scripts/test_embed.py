"""`scripts/embed.py`: a dataset's frames as features with labels, as a user asks for them."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from agent.dataset import Dataset, held_out
from learner.encoders import build_encoder
from learner.export import export_encoder, load_encoder
from learner.probes import embed
from tests.scripts.running import Outcome, assert_one_line, contents, run_here

COLUMNS = ["features", "category", "instance", "episode", "frame", "split"]


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of which only the encoder is left; not to be written to."""
    folder = tmp_path_factory.mktemp("embed") / "run"
    export_encoder(folder / "encoder", build_encoder("small", seed=0), name="small", image_size=32, trained={})
    return folder


def run(encoder: Path, data: Path, out: Path, *more: object) -> Outcome:
    return run_here("embed", "--encoder", encoder, "--data", data, "--out", out, "--device", "cpu", *more)


def test_help_shows_examples() -> None:
    outcome = run_here("embed", "--help")
    assert outcome.status == 0
    assert outcome.out.count("python scripts/embed.py") >= 3


def test_every_frame_has_its_features_and_labels(run_folder: Path, collected: Path, tmp_path: Path) -> None:
    outcome = run(run_folder, collected, tmp_path / "features.parquet", "--batch", 17)
    assert outcome.status == 0, outcome
    assert outcome.out == f"{tmp_path}/features.parquet: 256 features of 288 frames of 48 episodes\n"
    assert "288/288 frames" in outcome.err
    table = pd.read_parquet(tmp_path / "features.parquet")
    assert list(table) == COLUMNS
    features, encoder = np.stack(table["features"]), load_encoder(run_folder)
    assert (features.shape, features.dtype) == ((288, 256), np.float32)
    for place, episode in enumerate(Dataset(collected).episodes()):
        rows = slice(6 * place, 6 * place + 6)
        np.testing.assert_allclose(features[rows], embed(encoder, episode.frames), rtol=1e-4, atol=1e-6)
        expected = (episode.category, episode.instance, episode.number, held_out(episode.instance))
        found = table[rows][["category", "instance", "episode", "split"]]
        assert set(found.itertuples(index=False, name=None)) == {expected}
        assert table[rows]["frame"].tolist() == list(range(6))


def test_npz_holds_the_same_and_no_pickle(run_folder: Path, collected: Path, tmp_path: Path) -> None:
    for name in ("a.parquet", "a.npz", "b.npz"):
        assert run(run_folder / "encoder", collected, tmp_path / name, "--quiet").status == 0
    table = pd.read_parquet(tmp_path / "a.parquet")
    with np.load(tmp_path / "a.npz", allow_pickle=False) as arrays:
        assert arrays.files == COLUMNS
        np.testing.assert_array_equal(arrays["features"], np.stack(table["features"]))
        for name in COLUMNS[1:]:
            assert arrays[name].tolist() == table[name].tolist()
        assert (arrays["features"].dtype, arrays["episode"].dtype, arrays["frame"].dtype) == ("f4", "i8", "i4")
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_some_frames_of_some_objects(run_folder: Path, collected: Path, tmp_path: Path) -> None:
    counts = 0
    for split in ("train", "validation", "test"):
        out = tmp_path / f"{split}.parquet"
        assert run(run_folder, collected, out, "--frames", 3, "--split", split, "--quiet").status == 0
        table = pd.read_parquet(out)
        assert set(table["split"]) == {split}
        assert {held_out(instance) for instance in table["instance"]} == {split}
        assert table.groupby("episode")["frame"].apply(list).tolist() == [[0, 2, 5]] * (len(table) // 3)
        counts += len(table)
    assert counts == 48 * 3
    assert run(run_folder, collected, tmp_path / "more.parquet", "--frames", 100, "--quiet").status == 0
    assert len(pd.read_parquet(tmp_path / "more.parquet")) == 288


def test_images_of_another_size_are_scaled_only_when_asked(collected: Path, tmp_path: Path) -> None:
    export_encoder(tmp_path / "large", build_encoder("small", seed=0), name="small", image_size=48, trained={})
    outcome = run(tmp_path / "large", collected, tmp_path / "out.npz")
    assert_one_line(outcome)
    assert "images of 32x32, the encoder was trained on 48x48" in outcome.err
    assert "--resize" in outcome.err
    assert run(tmp_path / "large", collected, tmp_path / "out.npz", "--resize", "--quiet").status == 0
    encoder, first = load_encoder(tmp_path / "large"), Dataset(collected).frame(0, 0)
    found = np.load(tmp_path / "out.npz")["features"][0]
    assert not np.allclose(found, embed(encoder, first[None])[0], rtol=1e-2)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--encoder", "{0}/data"), "not an encoder exported by armplay"),
        (("--encoder", "{0}/absent"), "not an encoder exported by armplay"),
        (("--data", "{0}/absent"), "no such folder"),
        (("--data", "{0}"), "holds no dataset.json"),
        (("--out", "{0}/features.csv"), "the ending must be .parquet or .npz"),
        (("--out", "{0}/absent/features.npz"), "there is no folder"),
        (("--out", "{0}/taken.npz"), "cannot be written"),
        (("--frames", "-1"), "frames=-1: 0 (all) or more"),
        (("--batch", "0"), "batch=0: at least 1"),
        (("--device", "tpu9"), "device=tpu9"),
    ],
)
def test_a_mistake_is_one_line_and_nothing_is_written(
    run_folder: Path, collected: Path, tmp_path: Path, arguments: tuple[str, str], told: str
) -> None:
    shutil.copytree(collected, tmp_path / "data")
    (tmp_path / "taken.npz").mkdir()
    before = contents(tmp_path)
    name, value = arguments
    outcome = run(run_folder, tmp_path / "data", tmp_path / "out.npz", name, value.format(tmp_path), "--quiet")
    assert_one_line(outcome)
    assert told in outcome.err
    assert contents(tmp_path) == before


def test_stopped_it_leaves_the_file_that_was_there(
    run_folder: Path, collected: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(_: int) -> None:
        raise KeyboardInterrupt

    (tmp_path / "features.npz").write_bytes(b"before")
    monkeypatch.setattr(os, "fsync", stop)
    outcome = run(run_folder, collected, tmp_path / "features.npz", "--quiet")
    assert outcome.status == 130
    assert "stopped: nothing was written" in outcome.err
    assert contents(tmp_path) == {"features.npz": b"before"}
