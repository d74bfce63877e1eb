"""A folder of images, with and without a manifest of angles."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from agent.dataset import Dataset, held_out
from agent.export import EXPORTS
from agent.export.views import angles
from learner.data import open_data
from learner.data.images import ImageFolder
from learner.data.views import orientations
from sim import poses
from sim.errors import InputError
from sim.objects.splits import SPLITS
from tests.agent.sound import store
from tests.learner.data.contract import check
from tests.references.imagefiles import codes, picture

ETH80 = next((folder / "shared" / "eth80" for folder in Path(__file__).parents if (folder / "shared").is_dir()), None)


def camera_pose(polar: float, azimuth: float) -> Rotation:
    """From the object's frame to the camera's, step by step: the camera that looks along the object's -x from (90, 0)
    climbs by 90 - polar about its own x axis, after it went round by the azimuth about z."""
    facing = Rotation.from_matrix([[0, 1, 0], [0, 0, -1], [-1, 0, 0]])
    climb = Rotation.from_euler("x", 90 - polar, degrees=True)
    return climb * facing * Rotation.from_euler("z", -azimuth, degrees=True)


def write(root: Path, owners: dict[str, str], *, each: int = 3, suffix: str = ".png") -> list[str]:
    """Pictures coded 1, 2, ... in the order of the paths given back; `owners` is instance -> category."""
    paths = []
    for instance, category in owners.items():
        (root / category / instance).mkdir(parents=True)
        for number in range(each):
            paths.append(f"{category}/{instance}/{number:03d}{suffix}")
            (root / paths[-1]).write_bytes(picture(len(paths)))
    return paths


def write_manifest(root: Path, rows: list[dict[str, object]]) -> None:
    with (root / "manifest.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]))
        table.writeheader()
        table.writerows(rows)


OWNERS = {f"thing{number}": ("mug", "car")[number % 2] for number in range(30)}


@pytest.mark.parametrize("suffix", [".png", ".JPG"])
def test_a_folder_without_a_manifest(tmp_path: Path, suffix: str) -> None:
    paths = write(tmp_path, OWNERS, suffix=suffix)
    (tmp_path / "mug" / "notes.txt").write_text("no image")
    (tmp_path / "mug" / "thing0" / "notes.txt").write_text("no image")
    data = open_data(f"images:{tmp_path}")
    check(data)
    assert data.image_size == 12
    assert data.action is None
    seen = []
    for split in SPLITS:
        frames = data.frames(split)
        assert frames.motion.shape == (len(frames), 0)
        assert np.isnan(frames.view).all()
        shown = codes(data.images(split, np.arange(len(frames))))
        for row, code in enumerate(shown):
            category, instance, name = paths[code - 1].split("/")
            assert data.instances[frames.instance[row]] == f"{category}/{instance}"
            assert data.categories[frames.category[row]] == category
            assert frames.time[row] == int(name[:3])
            assert held_out(instance) == split
        seen += shown
    assert sorted(seen) == list(range(1, len(paths) + 1))


@pytest.mark.parametrize("owner", ["object", "instance"])
def test_a_manifest_says_which_images_and_in_which_order(tmp_path: Path, owner: str) -> None:
    paths = write(tmp_path, {"thing0": "a", "thing1": "b"})
    listed = [paths[place] for place in (2, 5, 0, 3)]
    rows = [
        {
            "x": 7,
            "category": f"named-{path[0]}",
            owner: f"own-{path[2:8]}",
            "image": path,
            "polar_deg": 10,
            "azimuth_deg": -90,
        }
        for path in listed
    ]
    write_manifest(tmp_path, rows)
    data = ImageFolder(tmp_path)
    check(data)
    assert data.categories == ("named-a", "named-b")
    assert data.instances == ("named-a/own-thing0", "named-b/own-thing1")
    found = [code for split in SPLITS for code in codes(data.images(split, np.arange(len(data.frames(split)))))]
    assert found in ([3, 1, 6, 4], [6, 4, 3, 1])
    for split in SPLITS:
        assert (data.frames(split).view == [10, 270]).all()


def test_our_own_export_loads(tmp_path: Path) -> None:
    """With the rotations of an upright object that turns: those of its poses."""
    store(tmp_path / "data", range(12), image_format="png")
    stored = Dataset(tmp_path / "data")
    EXPORTS["images"](stored, tmp_path / "out", lambda *_: None)
    data = ImageFolder(tmp_path / "out")
    check(data)
    assert data.action is not None
    for episode in stored.episodes():
        split = held_out(episode.instance)
        frames = data.frames(split)
        rows = np.flatnonzero(frames.instance == data.instances.index(f"{episode.category}/{episode.instance}"))
        np.testing.assert_array_equal(data.images(split, rows), episode.frames)
        np.testing.assert_allclose(frames.view[rows], angles(episode.object_poses), atol=5e-3)
        true = poses.to_matrix(poses.relative(episode.object_poses[:1], episode.object_poses)[:, 3:])
        told = data.action.compute(frames.motion[rows[[0] * len(rows)]], frames.motion[rows])
        np.testing.assert_allclose(told, true.reshape(-1, 9), atol=2e-3)


@given(st.floats(0, 180), st.floats(-400, 400))
def test_the_camera_looks_at_the_object_and_is_upright(polar: float, azimuth: float) -> None:
    found = orientations(np.array([polar, azimuth]))
    np.testing.assert_allclose(found, camera_pose(polar, azimuth).as_matrix(), atol=1e-9)
    theta, phi = np.radians([polar, azimuth])
    towards = [np.sin(theta) * np.cos(phi), np.sin(theta) * np.sin(phi), np.cos(theta)]
    np.testing.assert_allclose(found @ towards, [0, 0, -1], atol=1e-9)  # the camera's side of the object faces it
    up = found @ [0, 0, 1]
    assert abs(up[0]) < 1e-9
    assert up[1] < 1e-9


def test_an_object_that_goes_round_to_the_right_turns_so_in_the_picture(tmp_path: Path) -> None:
    """By hand: from azimuth 0 to 90 at horizon height, the object seems to turn by -90 degrees about its upright axis,
    which points along the camera's -y."""
    paths = write(tmp_path, {"thing0": "a"}, each=2)
    rows = [
        {"category": "a", "object": "thing0", "image": path, "polar_deg": 90, "azimuth_deg": turn}
        for path, turn in zip(paths, (0, 90), strict=True)
    ]
    write_manifest(tmp_path, rows)
    data = ImageFolder(tmp_path)
    (split,) = (split for split in SPLITS if len(data.frames(split)))
    motion = data.frames(split).motion
    assert data.action is not None
    found = data.action.compute(motion[:1], motion[1:]).reshape(3, 3)
    np.testing.assert_allclose(found, Rotation.from_rotvec([0, np.pi / 2, 0]).as_matrix(), atol=1e-12)


@pytest.mark.skipif(ETH80 is None or not ETH80.is_dir(), reason="no photographs of ETH-80 beside this checkout")
def test_all_pairs_of_eth80_agree_with_scipy() -> None:
    assert ETH80 is not None
    data = ImageFolder(ETH80)
    assert data.image_size == 128
    assert len(data.categories) == 8
    assert sum(len(data.frames(split)) for split in SPLITS) == 1640
    assert data.action is not None
    for split in SPLITS:
        frames = data.frames(split)
        seen = [camera_pose(polar, azimuth) for polar, azimuth in frames.view]
        for clip in range(frames.clip.max() + 1):
            rows = np.flatnonzero(frames.clip == clip)
            assert len(rows) == 41
            first, second = (side.ravel() for side in np.meshgrid(rows, rows))
            before, after = (Rotation.concatenate([seen[row] for row in side]) for side in (first, second))
            expected = (after * before.inv()).as_matrix()
            found = data.action.compute(frames.motion[first], frames.motion[second])
            np.testing.assert_allclose(found.reshape(-1, 3, 3), expected, atol=1e-9)


GOOD = {"category": "a", "object": "thing0", "image": "a/thing0/000.png", "polar_deg": "90", "azimuth_deg": "0"}


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (
            [{k: v for k, v in GOOD.items() if k != "object"}],
            "column object or instance is missing: it has category, image,",
        ),
        ([{k: v for k, v in GOOD.items() if k != "azimuth_deg"}], "column azimuth_deg is missing"),
        ([{k: v for k, v in GOOD.items() if k != "image"}], "column image is missing"),
        ([GOOD, {**GOOD, "category": ""}], "manifest.csv: line 3: category is empty"),
        ([GOOD, {**GOOD, "polar_deg": ""}], "manifest.csv: line 3: polar_deg is empty"),
        ([{**GOOD, "azimuth_deg": "east"}], "manifest.csv: line 2: azimuth_deg=east: an angle in degrees is expected"),
        ([{**GOOD, "polar_deg": "inf"}], "manifest.csv: line 2: polar_deg=inf: an angle in degrees is expected"),
        ([{**GOOD, "polar_deg": "181"}], "manifest.csv: line 2: polar_deg=181: 0 to 180 is expected"),
        ([{**GOOD, "image": "a/thing0/009.png"}], "009.png: an image is expected there"),
        ([{**GOOD, "image": "../secret.png"}], r"the image '../secret.png' lies elsewhere"),
        ([{**GOOD, "image": "/etc/hostname"}], r"the image '/etc/hostname' lies elsewhere"),
    ],
)
def test_manifests_that_cannot_be_used(tmp_path: Path, rows: list[dict[str, object]], said: str) -> None:
    write(tmp_path, {"thing0": "a"})
    write_manifest(tmp_path, rows)
    with pytest.raises(InputError, match=said) as raised:
        ImageFolder(tmp_path)
    assert "\n" not in str(raised.value)


def test_folders_and_files_that_cannot_be_used(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"0 images: <category>/<instance>/\*.jpg or \*.png, or a manifest.csv"):
        ImageFolder(tmp_path)
    write(tmp_path, {"thing0": "a"})
    (tmp_path / "a" / "thing0" / "000.png").write_bytes(b"no image")
    with pytest.raises(InputError, match=r"000.png: no image that can be read; restore it"):
        ImageFolder(tmp_path)
    (tmp_path / "manifest.csv").write_bytes(b"")
    with pytest.raises(InputError, match="column category is missing: it has none"):
        ImageFolder(tmp_path)
    (tmp_path / "manifest.csv").write_bytes(b"category,object,image\n\xff\xfe,b,c\n")
    with pytest.raises(InputError, match=r"manifest.csv: no CSV table that can be read"):
        ImageFolder(tmp_path)
    (tmp_path / "manifest.csv").write_text("category,object,image\n")
    with pytest.raises(InputError, match="0 images"):
        ImageFolder(tmp_path)
