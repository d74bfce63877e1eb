"""The hold scene: repeatable to the bit, exact in what it says of poses and of what is seen."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("pybullet")

from sim import poses
from sim.camera import Camera
from sim.errors import InputError
from sim.kinematics import forward, project, reach
from sim.objects.surface import surface_points
from sim.randomize import PLAIN, Randomization
from sim.scene import RECYCLE, HoldScene, SceneSettings, View
from tests.references.silhouette import whole_silhouette
from tests.sim.scenes import CATALOGUE, toy_of

Make = Callable[..., HoldScene]


@pytest.fixture
def make() -> Iterator[Make]:
    """Makes scenes, by default of small pictures, and closes them."""
    made = []

    def build(**settings) -> HoldScene:
        made.append(HoldScene(SceneSettings(**{"image_size": 48, **settings})))
        return made[-1]

    yield build
    for scene in made:
        scene.close()


def play(scene: HoldScene, seed: int, frames: int = 6) -> tuple[list[View], np.ndarray]:
    """An episode of smooth random motion near home, a function of the seed, and its commands [T-1, D]."""
    rng, behind = np.random.default_rng([seed, 0]), np.random.default_rng([seed, 1])
    joints = np.array(scene.spec.home) + rng.normal(0, 0.03, 7)
    scene.reset(toy_of(rng), grasp_rotation=poses.random_rotation(rng), joints=joints, look=behind)
    speed, rate, phase = rng.uniform([[0.05], [1.0], [0.0]], [[0.15], [2.0], [2 * np.pi]], (3, 7))
    speed[-1] = 1.2  # the last joint turns the toy on the spot
    views, commands = [scene.observe()], []
    for frame in range(1, frames):
        request = speed * np.sin(rate * frame * scene.settings.interval + phase)
        commands.append(project(scene.chain, request, scene.joints, scene.settings.interval)[0])
        scene.step(commands[-1])
        views.append(scene.observe())
    return views, np.array(commands)


def assert_same(first: list[View], second: list[View]) -> None:
    for one, two in zip(first, second, strict=True):
        for name in View._fields:
            assert np.array_equal(getattr(one, name), getattr(two, name)), name


def test_an_episode_is_the_same_to_the_bit_whatever_came_before(make: Make) -> None:
    """In a fresh scene, after other episodes, and on both sides of a new client."""
    wanted, _ = play(make(), 7)
    used = make()
    for number in range(3):
        play(used, number, frames=3)
    assert_same(play(used, 7)[0], wanted)
    for _ in range(2 * RECYCLE):
        used.reset(toy_of(np.random.default_rng(0)), **at_home(used))
    assert_same(play(used, 7)[0], wanted)
    while used._toys < RECYCLE - 1:
        used.reset(toy_of(np.random.default_rng(0)), **at_home(used))
    assert_same(play(used, 7)[0], wanted)
    assert used._toys == RECYCLE
    assert_same(play(used, 7)[0], wanted)
    assert used._toys == 1


def test_closing_twice_and_playing_again(make: Make) -> None:
    scene = make()
    wanted, _ = play(scene, 3, frames=2)
    scene.close()
    scene.close()
    assert_same(play(scene, 3, frames=2)[0], wanted)


def at_home(scene: HoldScene) -> dict:
    return {
        "grasp_rotation": poses.IDENTITY[3:],
        "joints": np.array(scene.spec.home),
        "look": np.random.default_rng(0),
    }


def test_the_object_is_where_forward_kinematics_put_the_grasp(make: Make) -> None:
    scene = make(image_size=16)
    for seed in range(5):
        views, _ = play(scene, seed, frames=10)
        hands = forward(scene.chain, np.array([view.joints for view in views]))
        wanted = poses.compose(poses.inverse(scene.camera_pose), poses.compose(hands, scene.grasp))
        missing = poses.relative(wanted, np.array([view.object_pose for view in views]))
        assert missing == pytest.approx(np.tile(poses.IDENTITY, (10, 1)), abs=1e-5)


def test_the_arm_does_what_it_is_told(make: Make) -> None:
    """Joints within 0.003 rad of the integrated commands, the object within 0.25 degrees and 2 mm, over 32 frames."""
    scene = make(image_size=16)
    for seed in range(6):
        views, commands = play(scene, seed, frames=32)
        joints = np.array([view.joints for view in views])
        told = joints[0] + np.concatenate([np.zeros((1, 7)), np.cumsum(commands, axis=0)]) * scene.settings.interval
        assert np.abs(joints - told).max() < 0.003
        missing = poses.relative(forward(scene.chain, told), forward(scene.chain, joints))
        assert np.degrees(poses.angle(missing[:, 3:])).max() < 0.25
        assert np.linalg.norm(missing[:, :3], axis=-1).max() < 0.002


def test_an_arm_at_rest_stays_where_it_is(make: Make) -> None:
    scene = make(image_size=16)
    scene.reset(toy_of(np.random.default_rng(0)), **at_home(scene))
    assert scene.joints == pytest.approx(np.array(scene.spec.home), abs=1e-9)
    assert scene.joint_velocities == pytest.approx(np.zeros(7))
    for _ in range(10):
        scene.step(np.zeros(7))
    assert scene.joints == pytest.approx(np.array(scene.spec.home), abs=1e-3)


def test_the_toy_touches_the_suction_cup(make: Make) -> None:
    """Its centre is on the hand's axis and its surface begins at the cup, neither in it nor far before it."""
    scene, rng, gaps = make(image_size=16), np.random.default_rng(0), []
    for _ in range(40):
        toy, turn = toy_of(rng), poses.random_rotation(rng)
        scene.reset(toy, **{**at_home(scene), "grasp_rotation": turn})
        assert scene.grasp[:2] == pytest.approx([0.0, 0.0])
        assert scene.grasp[3:] == pytest.approx(turn)
        points = scene.grasp[:3] + poses.rotate(turn, surface_points(toy, 20_000, size=0.12))
        near = points[np.hypot(points[:, 0], points[:, 1]) < 0.01]
        gaps.append(near[:, 2].min() if len(near) else np.inf)
    assert min(gaps) > -0.006
    assert np.mean(np.array(gaps) < 0.001) > 0.9  # the rest have a hole where the hand points


@pytest.mark.parametrize("category", ["table", "cactus"])
def test_surface_points_are_even(category: str) -> None:
    """Each face holds as many points as it has area, to the rounding of one face."""
    toy = CATALOGUE.toy(category, f"{category}_0000001")
    corners = 0.12 * toy.vertices[toy.faces].astype(np.float64)
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1) / 2
    points = surface_points(toy, 3000, size=0.12)
    centre = np.average(corners.mean(axis=1), axis=0, weights=area)
    assert points.mean(axis=0) == pytest.approx(centre, abs=0.001)
    assert points.max(axis=0) == pytest.approx(corners.max(axis=(0, 1)), abs=0.006)
    assert points.min(axis=0) == pytest.approx(corners.min(axis=(0, 1)), abs=0.006)


@pytest.mark.parametrize("image_size", [64, 128])
def test_visible_is_the_share_of_the_silhouette_that_is_shown(make: Make, image_size: int) -> None:
    """Against pixels counted in a picture of the toy alone, three times as wide; toys cut off and hidden included."""
    scene, rng = make(image_size=image_size), np.random.default_rng(0)
    camera = scene.settings.eye
    stated, counted = [], []
    for _ in range(28):
        toy = toy_of(rng)
        near = np.array(scene.spec.home) + rng.normal(0, 0.3, 7)
        rotation = poses.to_matrix(forward(scene.chain, near)[3:])
        place = np.array(camera.target) + rng.normal(0, 0.08, 3)
        joints, _, _ = reach(scene.chain, near, place, rotation, np.array([0.0, 0.0, 0.05]))
        scene.reset(toy, grasp_rotation=poses.random_rotation(rng), joints=joints, look=rng)
        view = scene.observe()
        picture = scene._bullet.getCameraImage(
            image_size,
            image_size,
            *scene._matrices,
            renderer=scene._bullet.ER_TINY_RENDERER,
            physicsClientId=scene._client,
        )
        shown = np.sum(np.reshape(picture[4], (image_size, image_size)) == scene._toy)
        pose = poses.compose(scene.camera_pose, view.object_pose)
        whole = whole_silhouette(toy, pose, camera, object_size=0.12, image_size=image_size)
        if whole[[0, -1]].any() or whole[:, [0, -1]].any():
            continue  # not all of it is in the wider picture
        stated.append(view.visible)
        counted.append(shown / whole.sum())
    assert len(counted) > 20
    assert np.ptp(counted) > 0.6  # there is something to tell apart
    assert np.mean(np.abs(np.subtract(stated, counted))) < 0.06
    assert np.max(np.abs(np.subtract(stated, counted))) < 0.16  # thin toys: a pixel at the rim is much of them


def test_frames_show_something_that_changes_with_each_command(make: Make) -> None:
    scene = make()
    for seed in range(4):
        views, _ = play(scene, seed, frames=8)
        frames = np.array([view.frame for view in views]).astype(int)
        assert (frames.std(axis=(1, 2)).max(axis=-1) > 5).all()
        assert (np.abs(np.diff(frames, axis=0)).max(axis=(1, 2, 3)) > 20).all()
        for view in views:
            assert (view.frame.dtype, view.frame.shape, view.mask.dtype) == (np.uint8, (48, 48, 3), np.bool_)
            assert 0.02 < view.mask.mean() < 0.9


def test_the_fixed_background_is_one_colour_in_all_frames(make: Make) -> None:
    scene = make()
    for seed in range(3):
        for view in play(scene, seed, frames=3)[0]:
            assert (view.frame[~view.mask] == PLAIN).all()


def test_without_the_object_its_arm_moves_as_before_and_is_all_that_is_seen(make: Make) -> None:
    shown, alone = (make(draw_object=drawn) for drawn in (True, False))
    with_toy, without = (play(scene, seed=3)[0] for scene in (shown, alone))
    for one, other in zip(with_toy, without, strict=True):
        np.testing.assert_array_equal(one.joints, other.joints)
        np.testing.assert_array_equal(one.object_pose, other.object_pose)
        assert other.visible == 0
        assert other.mask.any()
        # The arm may be where the toy hid it, and is nowhere else.
        assert (one.mask | ~other.mask).all()
        assert (one.mask & ~other.mask).any()


def test_the_frame_background_is_drawn_anew_and_leaves_arm_and_toy_alone(make: Make) -> None:
    plain, drawn = play(make(), 2)[0], play(make(randomize=Randomization(background="frame")), 2)[0]
    for one, two in zip(plain, drawn, strict=True):
        assert np.array_equal(one.mask, two.mask)
        assert np.array_equal(one.frame[one.mask], two.frame[one.mask])
    behind = [np.where(view.mask[..., None], 0, view.frame) for view in drawn]
    both = ~np.any([view.mask for view in drawn], axis=0)
    for one, two in pairwise(behind):
        assert (one[both] != two[both]).any(axis=-1).mean() > 0.9


def test_the_episode_background_is_constant_in_an_episode_and_another_in_the_next(make: Make) -> None:
    scene = make(randomize=Randomization(background="episode"))
    episodes = [play(scene, seed, frames=4)[0] for seed in range(2)]
    both = ~np.any([view.mask for views in episodes for view in views], axis=0)
    for views in episodes:
        for view in views[1:]:
            assert np.array_equal(view.frame[both], views[0].frame[both])
    assert (episodes[0][0].frame[both] != episodes[1][0].frame[both]).any(axis=-1).mean() > 0.9


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"frame_rate": 7.3}, "frame_rate=7.3: must divide 240 Hz"),
        ({"frame_rate": 0.0}, "frame_rate=0.0"),
        ({"frame_rate": -5.0}, "frame_rate=-5.0"),
        ({"frame_rate": 480.0}, "frame_rate=480.0"),
        ({"frame_rate": float("nan")}, "frame_rate=nan"),
        ({"frame_rate": float("inf")}, "frame_rate=inf"),
        ({"frames": 1}, "frames=1: at least 2"),
        ({"image_size": 8}, "image_size=8: between 16 and 1024"),
        ({"image_size": 2000}, "image_size=2000"),
        ({"object_size": 0.0}, "object_size=0.0"),
        ({"object_size": float("nan")}, "object_size=nan"),
        ({"arm_triangles": 10}, "arm_triangles=10"),
        ({"draw": "hidden", "draw_object": False}, "draw_object=False: with draw=hidden nothing is seen"),
        ({"draw": "ghost"}, "draw=ghost: unknown, known are whole, hand, hidden"),
        ({"drive": "magic"}, "drive=magic: unknown, known are dynamics, kinematics"),
        ({"renderer": "paint"}, "renderer=paint: unknown, known are tiny, egl"),
        ({"camera": Camera(mount="wrist")}, "mount=wrist: a camera on the wrist sees the held object motionless"),
    ],
)
def test_settings_that_cannot_work_are_refused_in_one_line(settings: dict, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        SceneSettings(**settings)
    assert "\n" not in str(caught.value)


def test_an_unknown_arm_is_refused() -> None:
    with pytest.raises(InputError, match="arm=tentacle"):
        SceneSettings(arm="tentacle")


def test_a_cache_that_cannot_be_written_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("ARMPLAY_CACHE", str(tmp_path / "file"))
    with pytest.raises(InputError, match="set ARMPLAY_CACHE"):
        HoldScene(SceneSettings())


@pytest.mark.parametrize(("frame_rate", "substeps"), [(5.0, 48), (30.0, 8), (240.0, 1), (0.5, 480)])
def test_time(frame_rate: float, substeps: int) -> None:
    settings = SceneSettings(frame_rate=frame_rate)
    assert settings.substeps == substeps
    assert settings.interval == pytest.approx(1 / frame_rate)


def test_another_camera_sees_the_same_world(make: Make) -> None:
    one, two = make(), make(camera=Camera(position=(1.3, -0.6, 0.9), field_of_view=25.0))
    for a, b in zip(play(one, 1)[0], play(two, 1)[0], strict=True):
        assert np.array_equal(a.joints, b.joints)
        in_base = [poses.compose(scene.camera_pose, view.object_pose) for scene, view in ((one, a), (two, b))]
        assert in_base[0] == pytest.approx(in_base[1], abs=1e-12)


def resident() -> int:
    """Bytes of memory that this process holds."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


@pytest.mark.parametrize(("resets", "most"), [(200, 8e6), pytest.param(2000, 30e6, marks=pytest.mark.long)])
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="tells memory by /proc")
def test_memory_does_not_grow_with_toys(make: Make, resets: int, most: float) -> None:
    """Without new clients, a toy costs about 85 kB for ever: 17 MB in 200 resets."""
    scene, rng = make(image_size=32), np.random.default_rng(0)
    toys = [toy_of(rng) for _ in range(25)]
    before = 0
    for number in range(resets + 60):
        if number == 60:  # one client has come and gone
            before = resident()
        scene.reset(toys[number % 25], **at_home(scene))
        scene.observe()
    assert resident() - before < most
