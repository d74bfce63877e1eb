"""The table scene: repeatable to the bit, objects that stand where they are put, pictures that tell them apart."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("pybullet")

from sim import poses
from sim.camera import Camera
from sim.errors import InputError
from sim.kinematics import forward, project
from sim.randomize import Randomization
from sim.stage import ARM, OBJECT, OTHER, RECYCLE, TABLE, View
from sim.table_scene import SceneSettings, TableScene, draw_others, draw_place
from tests.sim.scenes import CATALOGUE, toy_of

Make = Callable[..., TableScene]


@pytest.fixture
def make() -> Iterator[Make]:
    """Makes scenes, by default of small pictures, and closes them."""
    made = []

    def build(**settings) -> TableScene:
        made.append(TableScene(SceneSettings(**{"image_size": 32, **settings})))
        return made[-1]

    yield build
    for scene in made:
        scene.close()


def begin(scene: TableScene, seed: int) -> None:
    rng = np.random.default_rng(seed)
    toy, size = toy_of(rng), scene.settings.object_size
    place = draw_place(toy, scene.settings, size, rng)
    toys = [toy_of(rng) for _ in range(scene.settings.clutter)]
    others = draw_others(toys, scene.settings, size, place, rng)
    scene.reset(toy, place=place, joints=scene.home, look=rng, others=others)


def bump(scene: TableScene, seed: int, frames: int = 7) -> list[View]:
    """An episode in which the arm sinks onto the table and what stands there."""
    begin(scene, seed)
    rng, views = np.random.default_rng(seed), [scene.observe()]
    for _ in range(frames - 1):
        request = rng.normal(0, 0.2, scene.chain.joints) + np.eye(scene.chain.joints)[1] * 0.6
        scene.step(project(scene.chain, request, scene.joints, scene.settings.interval)[0])
        views.append(scene.observe())
    return views


def assert_same(first: list[View], second: list[View]) -> None:
    for one, two in zip(first, second, strict=True):
        for name in View._fields:
            assert np.array_equal(getattr(one, name), getattr(two, name)), name


@pytest.mark.parametrize("arm", ["kuka", "panda"])
def test_an_episode_with_contacts_is_the_same_to_the_bit_whatever_came_before(make: Make, arm: str) -> None:
    wanted = bump(make(arm=arm, clutter=1), 7)
    used = make(arm=arm, clutter=1)
    bump(used, 1, frames=3)
    assert_same(bump(used, 7), wanted)
    used._toys = RECYCLE
    assert_same(bump(used, 7), wanted)
    assert used._toys == 2


@pytest.mark.parametrize("frames", [2, 8])
def test_a_saved_moment_comes_back_to_the_bit_in_the_middle_of_a_contact(make: Make, frames: int) -> None:
    first, other = make(arm="panda", clutter=1), make(arm="panda", clutter=1)
    begin(first, 1)
    bump(first, 3, frames=frames)
    state = first.save()
    command = np.array([0.1, 0.3, 0, 0.2, 0, 0, 0, -0.5])

    def go_on(scene: TableScene) -> list[View]:
        views = []
        for _ in range(4):
            scene.step(command)
            views.append(scene.observe())
        return views

    wanted = go_on(first)
    for scene in (first, other):
        scene.restore(state)
        assert_same(go_on(scene), wanted)


def test_toys_stand_where_they_are_put(make: Make) -> None:
    """Nearly all of them to a millimetre; a few that rock come to rest beside it."""
    scene, moved = make(), []
    for category in CATALOGUE.categories[::3]:
        toy = CATALOGUE.toy(category, f"{category}_0000005")
        place = draw_place(toy, scene.settings, 0.12, np.random.default_rng(len(moved)))
        scene.reset(toy, place=place, joints=scene.home, look=np.random.default_rng(0))
        scene.step(np.zeros(7))
        there = poses.compose(scene.camera_pose, scene.object_pose)
        moved.append(np.linalg.norm(poses.relative(place, there)[:3]))
        assert not scene.fallen
        assert scene.touch == (False, False)
    assert np.mean(np.array(moved) < 0.001) > 0.85
    assert max(moved) < 0.03


def test_the_pose_is_that_of_the_canonical_frame_and_not_of_the_centre_of_mass(make: Make) -> None:
    """A silhouette is where the pose says, for toys whose centre of mass is elsewhere."""
    scene = make(image_size=128, draw="hidden")
    for category in ("hammer", "guitar", "mug"):
        toy = CATALOGUE.toy(category, f"{category}_0000003")
        place = draw_place(toy, scene.settings, 0.12, np.random.default_rng(1))
        scene.reset(toy, place=place, joints=scene.home, look=np.random.default_rng(0))
        view = scene.observe(segmentation=True)
        assert view.segmentation is not None
        corners = (
            0.12 * toy.vertices.astype(np.float64) @ poses.to_matrix(view.object_pose[3:]).T + view.object_pose[:3]
        )
        at = corners @ scene.intrinsics.T
        at = at[:, :2] / at[:, 2:]
        row, column = np.nonzero(view.segmentation == OBJECT)
        assert [column.min(), row.min()] == pytest.approx(at.min(axis=0), abs=1.5)
        assert [column.max() + 1, row.max() + 1] == pytest.approx(at.max(axis=0), abs=1.5)


@pytest.mark.parametrize("arm", ["kuka", "panda"])
def test_no_more_of_the_arm_is_seen_than_is_asked_for(make: Make, arm: str) -> None:
    """PyBullet would draw the shapes that the arm touches things with, where it has nothing else to draw."""
    seen = {}
    for draw in ("whole", "hand", "hidden"):
        scene = make(arm=arm, draw=draw, image_size=64, camera=Camera(field_of_view=40))
        bump(scene, 3, 4)
        seen[draw] = scene.observe(segmentation=True)
        assert np.array_equal(seen[draw].joints, seen["whole"].joints)
        assert np.array_equal(seen[draw].object_pose, seen["whole"].object_pose)
    shown = [int((view.segmentation == ARM).sum()) for view in seen.values()]
    assert shown[0] > shown[1] > shown[2] == 0
    assert seen["hidden"].visible >= seen["hand"].visible


def test_a_free_arm_does_what_it_is_told(make: Make) -> None:
    for arm in ("kuka", "panda"):
        scene = make(arm=arm)
        begin(scene, 2)
        start, command = scene.joints, np.zeros(scene.chain.joints)
        command[[0, 3, 6]] = 0.3, -0.2, 0.5
        if arm == "panda":
            command[7] = -0.5
        for _ in range(5):
            scene.step(command)
        assert scene.joints == pytest.approx(start + command * 5 * scene.settings.interval, abs=0.004)
        hand = forward(scene.chain, scene.joints)
        tip = poses.compose(scene._robot.link_pose, scene.chain.hand)
        assert hand[:3] == pytest.approx(tip[:3], abs=1e-6)


def test_an_arm_that_meets_the_table_gives_way_and_does_not_leap_when_it_is_called_back(make: Make) -> None:
    scene = make()
    begin(scene, 2)
    down = np.eye(7)[1] * 0.8
    for _ in range(15):
        scene.step(down)
    assert scene.touch.table
    low = scene.joints
    scene.step(down)
    assert np.abs(scene.joints - low).max() < 0.02
    scene.step(-0.2 * down)
    assert 0 < (low - scene.joints)[1] < 0.06


def test_a_picture_tells_arm_object_table_and_others_apart(make: Make) -> None:
    scene = make(image_size=96, clutter=3)
    begin(scene, 4)
    view = scene.observe(depth=True, segmentation=True)
    assert view.segmentation is not None
    assert view.depth is not None
    assert set(np.unique(view.segmentation)) >= {OBJECT, TABLE, OTHER}
    assert np.array_equal(view.mask, np.isin(view.segmentation, (ARM, OBJECT, OTHER)))
    table = view.segmentation == TABLE
    assert (view.depth[table] > 0.5).all()
    assert np.median(view.depth[view.segmentation == OBJECT]) == pytest.approx(view.object_pose[2], abs=0.06)


def test_a_background_that_is_drawn_covers_the_table_and_no_object(make: Make) -> None:
    plain, drawn = (make(image_size=48, randomize=Randomization(background=kind)) for kind in ("fixed", "frame"))
    begin(plain, 3), begin(drawn, 3)
    one, two, three = plain.observe(), drawn.observe(), drawn.observe()
    assert np.array_equal(one.frame[one.mask], two.frame[two.mask])
    for other in (one, three):
        assert (other.frame[~other.mask] != two.frame[~two.mask]).any(axis=-1).mean() > 0.9


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(InputError, match="drive=kinematics: on a table"):
        TableScene(SceneSettings(drive="kinematics"))
    with pytest.raises(InputError, match="clutter=9: from 0 to 5"):
        SceneSettings(clutter=9)


@pytest.mark.parametrize(("resets", "most"), [(70, 4e6), pytest.param(1000, 30e6, marks=pytest.mark.long)])
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="tells memory by /proc")
def test_memory_does_not_grow_with_toys(make: Make, resets: int, most: float) -> None:
    scene, before = make(), 0
    for number in range(resets + 60):
        if number == 60:  # one client has come and gone
            before = resident()
        begin(scene, number % 20)
    assert resident() - before < most


def resident() -> int:
    """Bytes of memory that this process holds."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")
