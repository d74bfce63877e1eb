"""Exports hold what is stored, as their own readers see it."""

from __future__ import annotations

import csv
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import pandas as pd
import pytest

from agent.dataset import Dataset, held_out
from agent.export import EXPORTS
from agent.export.minari import as_steps
from agent.export.views import angles, lean
from agent.merge import merge
from agent.writer import DatasetWriter
from sim import viewsphere
from sim.errors import InputError
from tests.agent.sound import CHAIN, FRAMES, SIZE, contents, metadata_of, sound_episode, store


def silent(done: int, total: int) -> None:
    """Nobody watches."""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """40 episodes of 12 objects, some of which are for testing; not to be written to."""
    root = tmp_path_factory.mktemp("export") / "turns"
    store(root, range(40), image_format="png")
    return Dataset(root)


@pytest.mark.parametrize("name", EXPORTS)
def test_an_export_appears_whole_or_not_at_all(
    data: Dataset, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "folder" / "out"

    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        EXPORTS[name](data, out, stop)
    assert list(out.parent.iterdir()) == []
    draft = out.parent / ".out.tmp"
    (draft / "armplay" / "half").mkdir(parents=True)
    (draft / "data.h5").write_text("half")
    steps: list[tuple[int, int]] = []
    before = contents(data.root)
    line = EXPORTS[name](data, out, lambda done, total: steps.append((done, total)))
    assert str(out) in line
    assert "\n" not in line
    assert steps[-1][0] == steps[-1][1]
    assert list(out.parent.iterdir()) == [out]
    assert not list(out.rglob("half"))
    written = contents(out)
    with pytest.raises(InputError, match="exists already, and nothing in it is to be lost"):
        EXPORTS[name](data, out, silent)
    assert contents(out) == written
    assert contents(data.root) == before
    with pytest.raises(InputError, match="cannot be written"):
        EXPORTS[name](data, Path("/proc/armplay/out"), silent)


@pytest.mark.parametrize(("name", "library"), [("minari", "minari"), ("minari", "h5py"), ("rt4k", "h5py")])
def test_a_library_that_is_missing_is_one_line(
    data: Dataset, tmp_path: Path, name: str, library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(InputError, match=rf"{library} is not installed, so .*: pip install -e \.\["):
        EXPORTS[name](data, tmp_path / "out", silent)
    assert list(tmp_path.iterdir()) == []


def test_a_minari_that_would_lose_pixels_is_refused(
    data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    minari = pytest.importorskip("minari")
    made = minari.create_dataset_from_buffers
    monkeypatch.setattr(minari, "__version__", "0.5.3")
    monkeypatch.setattr(minari, "create_dataset_from_buffers", lambda name, buffer, *, data_format: made(name, buffer))
    with pytest.raises(InputError, match=r"0\.5\.3 keeps images as JPEG only"):
        EXPORTS["minari"](data, tmp_path / "out", silent)
    assert not (tmp_path / "out").exists()


def test_minari_reads_our_episodes(data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    minari = pytest.importorskip("minari")
    monkeypatch.delenv("MINARI_DATASETS_PATH", raising=False)
    EXPORTS["minari"](data, tmp_path / "out", silent)
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path / "out"))
    assert list(minari.list_local_datasets()) == ["armplay/turns-v0"]
    loaded = minari.load_dataset("armplay/turns-v0")
    assert (loaded.total_episodes, loaded.total_steps) == (40, 40 * (FRAMES - 1))
    assert loaded.observation_space["image"].shape == (SIZE, SIZE, 3)
    assert loaded.storage.metadata["armplay"] == data.metadata
    for theirs, ours in zip(loaded.iterate_episodes(), data.episodes(), strict=True):
        np.testing.assert_array_equal(theirs.observations["image"], ours.frames)
        np.testing.assert_array_equal(theirs.observations["proprioception"], ours.joints)
        np.testing.assert_array_equal(theirs.observations["object_pose"], ours.object_poses)
        np.testing.assert_array_equal(theirs.infos["clean_command"][1:], ours.clean)
        np.testing.assert_array_equal(theirs.infos["recorded_command"][1:], ours.recorded)
        np.testing.assert_array_equal(theirs.infos["executed_command"][1:], ours.executed)
        np.testing.assert_array_equal(theirs.infos["limited"], [False, *ours.limited])
        np.testing.assert_array_equal(theirs.infos["visible"], ours.visible)
        np.testing.assert_array_equal(theirs.infos["time"], ours.times)
        assert not theirs.infos["clean_command"][0].any()
        assert {value.decode() for value in theirs.infos["category"]} == {ours.category}
        assert {value.decode() for value in theirs.infos["instance"]} == {ours.instance}
        assert set(theirs.infos["episode"]) == {ours.number}
        np.testing.assert_allclose(theirs.actions * CHAIN.velocity, ours.clean, atol=1e-6)
        assert loaded.action_space.contains(theirs.actions[0])
        seen = [viewsphere.seen(ours.object_poses[: t + 1].astype(np.float64)).mean() for t in range(FRAMES)]
        np.testing.assert_allclose(theirs.rewards, np.diff(seen), atol=1e-12)
        assert not theirs.terminations.any()
        assert theirs.truncations.tolist() == [False, False, True]


def test_actions_stay_in_their_bounds() -> None:
    episode = sound_episode(0)._replace(clean=np.full((FRAMES - 1, 7), 2.0000002, np.float32))
    assert as_steps(episode, CHAIN)["actions"].max() == 1.0


class Rows(NamedTuple):
    """A split of RT4K, read as its description says."""

    table: pd.DataFrame
    images: list[np.ndarray]
    views: list[int]


def read_rt4k(root: Path) -> dict[str, Rows]:
    """From the description alone: what the authors' loader would see."""
    h5py = pytest.importorskip("h5py")
    found = {}
    with h5py.File(root / "data.h5") as file:
        assert set(file) == {"train", "test"}
        for split, name in (("train", "dataset.parquet"), ("test", "dataset_test.parquet")):
            table = pd.read_parquet(root / name)
            entries = [bytes(file[split][index]) for index in table["h5_index"]]
            assert len(entries) == len(file[split])
            images = [cv2.imdecode(np.frombuffer(entry, np.uint8), cv2.IMREAD_COLOR)[:, :, ::-1] for entry in entries]
            found[split] = Rows(table, images, [int(name.split("_")[-3]) for name in table["0"]])
    return found


def runs_of(values: list[Any]) -> int:
    return 1 + sum(one != two for one, two in pairwise(values))


def test_rt4k_is_read_as_its_description_says(data: Dataset, tmp_path: Path) -> None:
    EXPORTS["rt4k"](data, tmp_path / "out", silent)
    found = read_rt4k(tmp_path / "out")
    stored = {(episode.number, at): episode for episode in data.episodes() for at in range(FRAMES)}
    shown: dict[str, set[str]] = {}
    for split, (table, images, views) in found.items():
        assert {"0", "2", "3", "5", "h5_index"} == set(table.columns)
        assert table["h5_index"].tolist() == list(range(len(table)))
        assert runs_of(table["2"].tolist()) == table["2"].nunique()
        assert set(table["3"]) == {"fixed"}
        assert all(1 <= view <= 180 for view in views)
        shown[split] = set(table["2"])
        for name in shown[split]:
            mine = [view for view, owner in zip(views, table["2"], strict=True) if owner == name]
            assert mine == sorted(set(mine))
        for (_, row), image, view in zip(table.iterrows(), images, views, strict=True):
            number, frame = map(int, row["0"].split("_")[-1].removesuffix(".png").split("-"))
            episode = stored[number, frame]
            np.testing.assert_array_equal(image, episode.frames[frame])
            assert row["5"] == episode.category
            assert row["2"] == f"{episode.category}_{episode.instance}"
            off = (angles(episode.object_poses)[frame, 1] - 2 * view) % 360
            assert min(off, 360 - off) <= 1.0 + 1e-3
    objects = set(data.objects().values())
    for split, names in shown.items():
        expected = {f"{c}_{i}" for c, i in objects if (held_out(i) == "test") == (split == "test")}
        assert names == expected


def turned(root: Path, yaws: list[float], **options: Any) -> Dataset:
    """Episodes of one training and one test object, each with these turns in frame 0."""
    names = {held_out(f"toy-{number}"): f"toy-{number}" for number in range(100)}
    with DatasetWriter(root, metadata=metadata_of(), image_format="png") as writer:
        for number, yaw in enumerate(yaws + yaws):
            instance = names["train"] if number < len(yaws) else names["test"]
            writer.add(sound_episode(number, yaw=yaw, **options)._replace(instance=instance, category="mug"))
    return Dataset(root)


def test_a_larger_view_number_is_seen_from_further_round_counter_clockwise(tmp_path: Path) -> None:
    """The object turns by 31 degrees a frame, so the camera goes round it the other way."""
    data = turned(tmp_path / "data", [10.0])
    EXPORTS["rt4k"](data, tmp_path / "out", silent)
    rows = read_rt4k(tmp_path / "out")["train"]
    by_frame = {int(name.split("-")[-1][:3]): view for name, view in zip(rows.table["0"], rows.views, strict=True)}
    steps = [(by_frame[frame] - by_frame[frame + 1]) % 180 for frame in range(FRAMES - 1)]
    assert set(steps) <= {15, 16}
    assert 46 <= sum(steps) <= 47


def test_the_frame_nearest_to_a_view_is_kept(tmp_path: Path) -> None:
    """The second episode is half a degree further: where one is off by more, the other is nearer."""
    data = turned(tmp_path / "data", [0.0, 0.5])
    EXPORTS["rt4k"](data, tmp_path / "out", silent)
    best: dict[int, float] = {}
    for number in (0, 1):
        for turn in angles(data.vectors(number, "object_pose"))[:, 1] / 2:
            view = int(np.round(turn)) % 180 or 180
            best[view] = min(best.get(view, 9.0), abs(turn - np.round(turn)))
    rows = read_rt4k(tmp_path / "out")["train"]
    assert rows.views == sorted(best)
    for name, view in zip(rows.table["0"], rows.views, strict=True):
        number, frame = map(int, name.split("_")[-1].removesuffix(".png").split("-"))
        turn = angles(data.vectors(number, "object_pose"))[frame, 1] / 2
        assert abs(turn - np.round(turn)) == pytest.approx(best[view])


def test_rt4k_takes_turntables_only(tmp_path: Path, data: Dataset) -> None:
    store(tmp_path / "tumbled", range(8), metadata=metadata_of(play="tumble", seed=3), image_format="png")
    with pytest.raises(InputError, match=r"play=tumble: .* collect with --play turntable"):
        EXPORTS["rt4k"](Dataset(tmp_path / "tumbled"), tmp_path / "out", silent)
    merge(tmp_path / "both", [data.root, tmp_path / "tumbled"])
    with pytest.raises(InputError, match="play=tumble"):
        EXPORTS["rt4k"](Dataset(tmp_path / "both"), tmp_path / "out", silent)
    with pytest.raises(InputError, match="the object of episode 0 leans by 9 degrees: at most 5"):
        EXPORTS["rt4k"](turned(tmp_path / "leaning", [0.0], tilt=9.0), tmp_path / "out", silent)
    store(tmp_path / "few", range(1), image_format="png")
    with pytest.raises(InputError, match="1 objects, none of them for train: more are needed"):
        EXPORTS["rt4k"](Dataset(tmp_path / "few"), tmp_path / "out", silent)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("image_format", ["jpeg", "png"])
def test_images_are_the_stored_bytes(tmp_path: Path, image_format: str) -> None:
    store(tmp_path / "data", range(5), image_format=image_format)
    data = Dataset(tmp_path / "data")
    EXPORTS["images"](data, tmp_path / "out", silent)
    with (tmp_path / "out" / "manifest.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 5 * FRAMES
    for row, (episode, frame) in zip(rows, ((e, f) for e in data.episodes() for f in range(FRAMES)), strict=True):
        assert (row["category"], row["instance"]) == (episode.category, episode.instance)
        assert (int(row["episode"]), int(row["frame"])) == (episode.number, frame)
        assert float(row["time"]) == pytest.approx(episode.times[frame])
        path = Path(row["image"])
        assert path.parent == Path(episode.category, episode.instance)
        assert path.suffix == {"jpeg": ".jpg", "png": ".png"}[image_format]
        assert (tmp_path / "out" / path).read_bytes() == data.images(episode.number)[frame]
        polar, azimuth = np.radians(float(row["polar_deg"])), np.radians(float(row["azimuth_deg"]))
        ray = np.sin(polar) * np.cos(azimuth), np.sin(polar) * np.sin(azimuth), np.cos(polar)
        np.testing.assert_allclose(viewsphere.viewpoints(episode.object_poses[frame]), ray, atol=1e-3)
    assert len(list((tmp_path / "out").rglob("*.*"))) == 1 + len(rows)


@pytest.mark.parametrize("name", ["../../escaped", "..", "a/b", "", "a\\b", "a\nb", "x" * 300])
@pytest.mark.parametrize("export", ["images", "rt4k"])
def test_names_do_not_lead_out_of_the_folder(tmp_path: Path, name: str, export: str) -> None:
    with DatasetWriter(tmp_path / "data", metadata=metadata_of()) as writer:
        for number in range(12):
            writer.add(sound_episode(number)._replace(category=name))
    data = Dataset(tmp_path / "data")
    if export == "rt4k" and name in ("", ".."):
        EXPORTS[export](data, tmp_path / "deep" / "out", silent)  # there, the object's name follows the category's
        return
    with pytest.raises(InputError, match="no name for a file or folder"):
        EXPORTS[export](data, tmp_path / "deep" / "out", silent)
    assert list((tmp_path / "deep").iterdir()) == []


def test_angles_and_leaning() -> None:
    flat = sound_episode(0, yaw=0.0)
    seen = angles(flat.object_poses)
    assert seen[:, 0] == pytest.approx(seen[0, 0])
    np.testing.assert_allclose(np.diff(seen[:, 1]) % 360, 329.0, atol=1e-2)  # the object turns by +31 degrees
    np.testing.assert_allclose(lean(flat.object_poses, flat.camera_poses), 0.0, atol=0.1)
    tilted = sound_episode(0, tilt=20.0)
    np.testing.assert_allclose(lean(tilted.object_poses, tilted.camera_poses), 20.0, atol=0.1)
