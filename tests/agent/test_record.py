"""An episode depends on the settings and its number, and holds what `Episode` says."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

pytest.importorskip("pybullet")

from agent.record import Recorder, RecordSettings
from sim import poses
from sim.errors import InputError
from sim.kinematics import forward
from sim.objects import SPLITS, ProceduralToys, split_of
from sim.randomize import Randomization
from sim.scene import SceneSettings
from tests.agent.episodes import assert_same

SMALL = SceneSettings(image_size=32, frames=6)
CATEGORIES = ProceduralToys().categories


def chosen(settings: RecordSettings, count: int) -> list[tuple[str, str]]:
    recorder = settings()
    return [recorder.choose(number) for number in range(count)]


# Which toy


def test_categories_come_in_balanced_shuffled_rounds() -> None:
    size = len(CATEGORIES)
    names = [category for category, _ in chosen(RecordSettings(), 4 * size)]
    rounds = [tuple(names[start : start + size]) for start in range(0, 4 * size, size)]
    assert all(set(names) == set(CATEGORIES) for names in rounds)
    assert len(set(rounds)) == 4
    few = Counter(category for category, _ in chosen(RecordSettings(categories=("mug", "car", "dog")), 30))
    assert few == {"mug": 10, "car": 10, "dog": 10}


def test_each_episode_has_a_fresh_instance() -> None:
    names = chosen(RecordSettings(), 500)
    assert len(set(names)) == 500
    assert all(instance.startswith(f"{category}_") for category, instance in names)


def test_a_pool_holds_as_many_instances_as_asked_for() -> None:
    settings = RecordSettings(categories=("mug", "car"), instances_per_category=5)
    names = chosen(settings, 200)
    assert Counter(category for category, _ in set(names)) == {"mug": 5, "car": 5}
    assert min(Counter(names).values()) > 5
    assert set(chosen(RecordSettings(categories=("mug", "car"), instances_per_category=5, seed=1), 200)) != set(names)
    larger = chosen(RecordSettings(categories=("mug", "car"), instances_per_category=8), 300)
    assert set(names) < set(larger)


def test_splits_share_no_instance_and_no_motion() -> None:
    settings = {split: RecordSettings(split=split, categories=("mug", "car")) for split in SPLITS}
    names = {split: set(chosen(settings[split], 200)) for split in SPLITS}
    for split in SPLITS:
        assert {split_of(*name) for name in names[split]} == {split}
    for one, two in ((0, 1), (0, 2), (1, 2)):
        assert not names[SPLITS[one]] & names[SPLITS[two]]
    starts = {split: settings[split]().plan(0)[1].start.tobytes() for split in SPLITS}
    assert len(set(starts.values())) == 3


# What an episode depends on


@pytest.mark.parametrize("background", ["fixed", "frame", "episode"])
def test_an_episode_depends_on_settings_and_number_only(background: str) -> None:
    """Another recorder, another order, and after the first one was closed."""
    scene = SceneSettings(image_size=32, frames=6, randomize=Randomization(background=background))  # type: ignore[arg-type]
    settings = RecordSettings(scene=scene, seed=3)
    first, second = settings(), settings()
    forward_order = {number: first(number) for number in range(5)}
    backward_order = {number: second(number) for number in (4, 2, 0, 3, 1)}
    for number in range(5):
        assert_same(forward_order[number], backward_order[number])
    first.close()
    first.close()
    assert_same(first(2), forward_order[2])
    first.close()
    second.close()


def test_numbers_and_seeds_make_other_episodes() -> None:
    recorders = [RecordSettings(scene=SMALL, seed=seed)() for seed in (0, 1)]
    episodes = [recorder(number) for recorder in recorders for number in (0, 1)]
    for name in ("instance", "frames", "clean", "grasp", "joints"):
        values = {np.asarray(getattr(episode, name)).tobytes() for episode in episodes}
        assert len(values) == 4, name
    for recorder in recorders:
        recorder.close()


def test_the_picture_settings_do_not_change_the_motion() -> None:
    one, two = RecordSettings(scene=SMALL)(), RecordSettings(scene=SceneSettings(image_size=48, frames=6))()
    a, b = one(7), two(7)
    assert a.instance == b.instance
    for name in ("clean", "joints", "object_poses"):
        assert np.array_equal(getattr(a, name), getattr(b, name)), name
    one.close()
    two.close()


# What an episode holds


def record(settings: RecordSettings, number: int):
    recorder: Recorder = settings()
    try:
        return recorder(number)
    finally:
        recorder.close()


def test_an_episode_has_the_stated_shapes_types_and_units() -> None:
    episode = record(RecordSettings(scene=SMALL), 11)
    shapes = {
        "frames": ((6, 32, 32, 3), np.uint8),
        "clean": ((5, 7), np.float32),
        "recorded": ((5, 7), np.float32),
        "executed": ((5, 7), np.float32),
        "limited": ((5,), np.bool_),
        "joints": ((6, 7), np.float32),
        "object_poses": ((6, 7), np.float32),
        "camera_poses": ((6, 7), np.float32),
        "intrinsics": ((3, 3), np.float32),
        "grasp": ((7,), np.float32),
        "visible": ((6,), np.float32),
        "times": ((6,), np.float64),
    }
    for name, (shape, kind) in shapes.items():
        assert (getattr(episode, name).shape, getattr(episode, name).dtype) == (shape, kind), name
    assert (episode.number, episode.seed, episode.masks) == (11, 0, None)
    assert episode.times == pytest.approx(np.arange(6) / 5)
    assert np.array_equal(episode.clean, episode.recorded)
    assert np.array_equal(episode.clean, episode.executed)
    assert ((episode.visible >= 0) & (episode.visible <= 1)).all()


def test_masks_are_kept_where_backgrounds_are_redrawn() -> None:
    drawn = record(
        RecordSettings(scene=SceneSettings(image_size=32, frames=6, randomize=Randomization(background="frame"))), 11
    )
    plain = record(RecordSettings(scene=SMALL), 11)
    assert drawn.masks is not None
    assert (drawn.masks.shape, drawn.masks.dtype) == ((6, 32, 32), np.bool_)
    assert np.array_equal(drawn.frames[drawn.masks], plain.frames[drawn.masks])
    assert (drawn.frames[~drawn.masks] != plain.frames[~drawn.masks]).any(axis=-1).mean() > 0.9


def test_poses_joints_and_commands_agree() -> None:
    """Object poses are forward kinematics of the joints, and joints are the integral of the executed commands."""
    settings = RecordSettings(scene=SceneSettings(image_size=16))
    recorder = settings()
    for number in range(8):
        episode = recorder(number)
        hands = forward(recorder.chain, episode.joints)
        wanted = poses.compose(poses.inverse(episode.camera_poses), poses.compose(hands, episode.grasp))
        missing = poses.relative(wanted, episode.object_poses)
        assert missing == pytest.approx(np.tile(poses.IDENTITY, (32, 1)), abs=1e-5)
        told = episode.joints[0] + np.concatenate([np.zeros((1, 7)), np.cumsum(episode.executed, axis=0)]) / 5
        assert np.abs(told - episode.joints).max() < 0.006
        moved = poses.relative(hands, forward(recorder.chain, told))
        assert np.degrees(poses.angle(moved[:, 3:])).max() < 0.3
        assert np.linalg.norm(moved[:, :3], axis=-1).max() < 0.003
    recorder.close()


def test_toys_are_mostly_seen() -> None:
    """Half of the toy in 95 % of the frames; the long form of test_play.py counts 100 episodes."""
    recorder = RecordSettings(scene=SceneSettings(image_size=64))()
    visible = np.array([recorder(number).visible for number in range(8)])
    recorder.close()
    assert (visible >= 0.5).mean() >= 0.95


def test_the_description_says_what_readers_need() -> None:
    described = RecordSettings(categories=("mug", "car"))().describe()
    assert described["categories"] == ["mug", "car"]
    assert described["arm"] == "kuka"
    assert len(described["chain"]["axes"]) == 7
    assert "TinyRenderer" in described["renderer"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"play": "juggle"}, "play=juggle: unknown"),
        ({"categories": ("spaceship",)}, "'spaceship': unknown"),
        ({"categories": ("mug", "mug")}, "at most once"),
        ({"split": "holdout"}, "split=holdout: unknown, known are train, validation, test"),
        ({"instances_per_category": -1}, "instances_per_category=-1: 0 "),
        ({"seed": -1}, "seed=-1: 0 or more"),
        ({"objects": "toys?fold=1/5"}, "toys are endless and need no folds"),
        ({"objects": "../meshes?fold=6/5"}, "fold=6/5: K/N is needed"),
        ({"objects": "../meshes?part=1"}, "option part is unknown, a folder of meshes has fold"),
        ({"corrupt": "fog:1"}, "corrupt=fog: unknown kind"),
        ({"corrupt": "gaussian"}, "give a level in rad/s"),
        ({"corrupt": "gaussian:1", "corrupt_what": "thought"}, "corrupt-what=thought"),
    ],
)
def test_settings_that_cannot_work_are_refused_in_one_line(settings: dict, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        RecordSettings(**settings)
    assert "\n" not in str(caught.value)
