"""What a training knows of a dataset of images, and the batches that it draws from it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from agent.dataset import held_out
from agent.episode import Pairs
from learner.augment import AugmentSettings
from learner.data import PairSet, open_data
from learner.data.co3d import MEAN, STD
from learner.parts import learner_for
from learner.settings import TrainSettings
from learner.stored import Stored, open_stored
from learner.team import Team
from learner.training_data import ImageTrainingData
from sim.errors import InputError
from sim.seeding import stream
from tests.learner.data.test_images import write
from tests.references.imagefiles import codes, write_packed_co3d, write_rt4k

TRAIN = {f"{category}_{number:03d}": category for category in ("car", "mug") for number in range(20)}
TEST = {f"{category}_{number:03d}": category for category in ("car", "mug") for number in (100, 101)}
VIEWS = {"car_001": [3, 9], "mug_100": [180]}


@pytest.fixture(scope="module")
def rt4k(tmp_path_factory: pytest.TempPathFactory) -> tuple[TrainSettings, dict[int, tuple[str, int]]]:
    """Settings for a tiny RT4K, and the (object, view) of each picture's code."""
    root = tmp_path_factory.mktemp("rt4k")
    meant = write_rt4k(root, {"train": TRAIN, "test": TEST}, views=VIEWS)
    settings = TrainSettings(data=f"rt4k:{root}", image_size=32, batch=8, steps=5, precision="float32", threads=1)
    return settings, {code: key for key, code in meant.items()}


@pytest.fixture
def stored(rt4k: tuple[TrainSettings, dict[int, tuple[str, int]]], tmp_path: Path) -> Iterator[Stored]:
    with open_stored(rt4k[0], tmp_path, Team()) as found:
        yield found


def same(ours: Pairs, theirs: Pairs) -> bool:
    return all(torch.equal(one, other) for one, other in zip(ours, theirs, strict=True))


@pytest.mark.parametrize("second", ["other", "same"])
def test_a_batch_is_that_of_its_step_whichever_was_prepared(
    stored: Stored, rt4k: tuple[TrainSettings, dict[int, tuple[str, int]]], second: str
) -> None:
    """From the beginning, resumed in the middle, asked for twice, or out of order."""
    plain = PairSet(open_data(rt4k[0].data), "train", image_size=32)
    for step in (0, 1, 2, 2, 3, 1, 4):
        expected = plain.sample(8, stream("replay", rt4k[0].seed, step, 0), second=second)  # type: ignore[arg-type]
        assert same(stored.batch(step, second=second), expected), step  # type: ignore[arg-type]


def test_the_second_view_asked_for_is_the_one_given(stored: Stored) -> None:
    first = stored.batch(0, second="same")
    assert torch.equal(first.first, first.second)


def test_a_frame_that_cannot_be_read_is_told_at_the_step_that_needs_it(tmp_path: Path) -> None:
    write_rt4k(tmp_path, {"train": TRAIN, "test": TEST}, packed=False)
    settings = TrainSettings(data=f"rt4k:{tmp_path}", image_size=32, batch=8, steps=9)
    with open_stored(settings, tmp_path, Team()) as stored:
        stored.batch(0, second="other")
        for path in tmp_path.glob("*_0*/*.png"):
            path.unlink()
        # What is prepared may have been read before they went, but nothing of step 5 was.
        with pytest.raises(InputError, match="an image is expected there"):
            stored.batch(5, second="other")


def test_processes_share_the_clips_and_draw_apart(
    rt4k: tuple[TrainSettings, dict[int, tuple[str, int]]], tmp_path: Path
) -> None:
    settings, shares = replace(rt4k[0], batch=30), []
    for rank in range(3):
        with open_stored(settings, tmp_path, Team(rank=rank, size=3)) as stored:
            batches = [stored.batch(step, second="other") for step in range(4)]
            assert all(len(pairs.episode) == 10 for pairs in batches)
            shares.append({int(clip) for pairs in batches for clip in pairs.episode})
    clips = {int(clip) for clip in open_data(settings.data).frames("train").clip}
    assert set.union(*shares) == clips
    assert sum(map(len, shares)) == len(clips)
    with pytest.raises(InputError, match=r"\d+ clips for train, fewer than 99 processes"):
        open_stored(replace(settings, batch=198), tmp_path, Team(rank=1, size=99))


def test_probes_see_four_frames_of_clips_from_all_over_the_split(
    rt4k: tuple[TrainSettings, dict[int, tuple[str, int]]],
) -> None:
    settings, meant = rt4k
    data = ImageTrainingData(open_data(settings.data), replace(settings, bank_episodes=7))
    bank = data.bank()
    assert bank.images.shape == (28, 32, 32, 3)
    shown = [meant[code] for code in codes(bank.images)]
    owners = [owner for owner, _ in shown[::4]]
    training = [name for name in TRAIN if held_out(name) != "validation"]
    assert owners == [training[round(place * (len(training) - 1) / 6)] for place in range(7)]
    for place, owner in enumerate(owners):
        views = VIEWS.get(owner, [1, 2, 90, 180])
        expected = [views[0], views[0], views[-1], views[-1]] if len(views) == 2 else views
        assert [view for name, view in shown[4 * place : 4 * place + 4] if name == owner] == expected
        assert {data.categories[label] for label in bank.labels[4 * place : 4 * place + 4]} == {owner[:3]}
    assert len(np.unique(bank.instances)) == 7
    test = data.held_out("test", 100)
    assert {meant[code][0] for code in codes(test.images)} == set(TEST)
    assert len(data.held_out("validation", 1).labels) == 4


def test_actions_are_standardised_as_published_where_they_are(
    stored: Stored, rt4k: tuple[TrainSettings, dict[int, tuple[str, int]]], tmp_path: Path
) -> None:
    learner = learner_for(rt4k[0], stored.data, Team())
    stored.standardise(learner)
    assert learner.action_mean.tolist() == [0.0, 0.0]
    assert learner.action_std.tolist() == [1.0, 1.0]
    objects = {"train": [("car", f"{n}") for n in range(20)], "test": [("mug", "m")]}
    objects["train"] += [("mug", f"other{n}") for n in range(20)]
    write_packed_co3d(tmp_path, objects)
    settings = replace(rt4k[0], data=f"co3d-packed:{tmp_path}")
    with open_stored(settings, tmp_path, Team()) as packed:
        learner = learner_for(settings, packed.data, Team())
        packed.standardise(learner)
    np.testing.assert_allclose(learner.action_mean, MEAN, rtol=1e-6)
    np.testing.assert_allclose(learner.action_std, STD, rtol=1e-6)


def test_pictures_are_pairs_of_one_object_with_the_turn_between_them(
    rt4k: tuple[TrainSettings, dict[int, tuple[str, int]]],
) -> None:
    settings, meant = rt4k
    data = ImageTrainingData(open_data(settings.data), settings)
    found = data.pictures(np.random.default_rng(0))
    assert sorted(picture.category for picture in found) == ["car", "mug"]
    for picture in found:
        (owner, one), (same, other) = (meant[codes(look[None])[0]] for look in (picture.first, picture.second))
        assert owner == same
        assert picture.category == owner[:3]
        assert picture.turn == pytest.approx(np.radians(2 * min((one - other) % 180, (other - one) % 180)))


OWNERS = {f"thing{number}": ("mug", "car")[number % 2] for number in range(40)}


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Without angles, so without an action."""
    root = tmp_path_factory.mktemp("photographs")
    write(root, OWNERS)
    return f"images:{root}"


def test_without_an_action_only_methods_that_need_none_learn(photographs: str, tmp_path: Path) -> None:
    for method in ("aa-simclr", "ciper", "equimod", "aa-byol", "aa-vicreg"):
        with pytest.raises(InputError, match=rf"method={method}: nothing is known of the motion .* only simclr, si"):
            open_stored(TrainSettings(data=photographs, method=method), tmp_path, Team())
    settings = TrainSettings(data=photographs, method="simclr-tt", image_size=32, batch=4, augment=AugmentSettings())
    with open_stored(settings, tmp_path, Team()) as stored:
        learner = learner_for(settings, stored.data, Team())
        stored.standardise(learner)
        assert torch.isfinite(learner.step(stored.batch(0, second="other")).losses["loss"])


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"action": "pose"}, "action=pose with data=images:.*: its action is its own; leave --action out"),
        ({"corrupt": "gaussian:1"}, "corrupt=gaussian:1 with data=.*; leave --corrupt out"),
        ({"corrupt_time": "missing:0.1"}, "corrupt_time=missing:0.1 with data=.*; leave --corrupt-time out"),
        ({"storage": "file"}, "storage=file with data=.*: its images are read as they are drawn"),
        ({"augment": AugmentSettings(flip="together")}, "flip=together with data=.*: its action has no mirror image"),
        ({"image_size": 20}, "image_size=20: at least 32"),
    ],
)
def test_what_goes_with_our_own_episodes_alone_is_refused(
    asked: dict[str, object], told: str, photographs: str
) -> None:
    with pytest.raises(InputError, match=told):
        TrainSettings(data=photographs, **asked)  # type: ignore[arg-type]


def test_flips_are_for_methods_without_an_action(photographs: str) -> None:
    TrainSettings(data=photographs, method="simclr", augment=AugmentSettings(flip="together"))


@pytest.mark.parametrize(
    ("owners", "told"),
    [
        ({"thing0": "mug", "thing2": "mug"}, r"no frames for (train|validation|test): more objects are needed"),
        ({f"thing{number}": "mug" for number in range(40)}, "1 category for train, at least 2"),
    ],
)
def test_data_that_cannot_be_probed_is_refused(owners: dict[str, str], told: str, tmp_path: Path) -> None:
    write(tmp_path / "data", owners)
    with pytest.raises(InputError, match=told):
        open_stored(TrainSettings(data=f"images:{tmp_path}/data", method="simclr"), tmp_path, Team())


def test_a_folder_with_a_colon_in_its_name_is_a_folder(tmp_path: Path) -> None:
    (tmp_path / "rt4k:mine").mkdir()
    assert not TrainSettings(data=f"{tmp_path}/rt4k:mine").of_images
    assert TrainSettings(data="rt4k:mine").of_images
    with pytest.raises(InputError, match="data=rt5k:mine: KIND:ROOT is needed, with one of armplay, rt4k"):
        open_stored(TrainSettings(data="rt5k:mine"), tmp_path, Team())
