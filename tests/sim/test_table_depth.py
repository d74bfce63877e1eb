"""Contacts on the table: what presses or holds does so with the force that it should, and nothing sinks in."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest

pytest.importorskip("pybullet")

from sim import poses
from sim.kinematics import inverse
from sim.settings import SceneSettings
from sim.stage import Stage
from sim.table_scene import TableScene
from tests.sim.tables import FAR_FROM_ARM, advance, block, put, velocity

DEEP = 0.002
"""m; a contact may not be deeper."""
DOWN = np.diag([1.0, -1.0, -1.0])
"""How the hand points down."""


@pytest.fixture
def make() -> Iterator[Callable[..., TableScene]]:
    """Makes scenes of tiny pictures, and closes them."""
    made = []

    def build(**settings) -> TableScene:
        made.append(TableScene(SceneSettings(image_size=16, **settings)))
        return made[-1]

    yield build
    for scene in made:
        scene.close()


@pytest.fixture
def depths(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Of the deepest contact in each step of physics from now on, m."""
    found: list[float] = []
    advanced = Stage._advance

    def watched(scene: TableScene) -> None:
        advanced(scene)
        points = scene._bullet.getContactPoints(physicsClientId=scene._client)
        found.append(max([0.0, *(-point[8] for point in points)]))

    monkeypatch.setattr(Stage, "_advance", watched)
    return found


def points_down_at(scene: TableScene, xyz: tuple[float, float, float]) -> np.ndarray:
    """A posture with the tool's end, or what is between the fingertips, there."""
    gripper = scene.spec.gripper
    tip = np.array([0.0, 0.0, gripper.tip if gripper else 0.0])
    joints = inverse(scene.chain, np.array(xyz), DOWN, tip, start=scene.home)
    assert joints is not None
    return joints


@pytest.mark.parametrize("tilt", [0.0, 0.4, 1.2])
def test_what_falls_lands_on_the_table_and_not_in_it(
    make: Callable[..., TableScene], depths: list[float], tilt: float
) -> None:
    """At 2.4 m/s, which is 10 mm in a step of physics that is done in one part."""
    scene = make()
    put(scene, block(1.0, 0.4, 0.05), height=0.006)
    turn = poses.from_axis_angle(np.array([0.0, 1.0, 0.0]), tilt)
    scene._bullet.resetBasePositionAndOrientation(
        scene._toy, [*FAR_FROM_ARM, 0.36], turn.tolist(), physicsClientId=scene._client
    )
    advance(scene, 0.2)
    assert velocity(scene)[2] == pytest.approx(-9.81 * 0.2, rel=0.01)
    advance(scene, 0.6)
    assert np.abs(velocity(scene)).max() < 0.3
    assert 0.0 < max(depths) < DEEP


def test_a_step_in_parts_is_as_long_as_a_whole_one_and_motors_are_as_strong(make: Callable[..., TableScene]) -> None:
    """Something else falls for as long as it takes, and an arm that speeds up meanwhile gets nowhere sooner."""
    ways = []
    for speed in (0.0, 3.0):
        scene = make()
        put(scene, block(1.0, 1.0, 1.0), height=0.12)
        bullet, client = scene._bullet, scene._client
        bullet.resetBasePositionAndOrientation(scene._toy, [0.75, 0.35, 2.0], [0, 0, 0, 1], physicsClientId=client)
        bullet.resetBaseVelocity(scene._toy, [0, 0, speed], [0, 0, 0], physicsClientId=client)
        scene._robot.command(np.eye(7)[0] * 1.4)
        advance(scene, 0.05)
        assert velocity(scene)[2] == pytest.approx(speed - 9.81 * 0.05, abs=1e-6)
        ways.append(scene.joints - scene.home)
    assert ways[0][0] < 0.05  # the motor is at its limit
    assert ways[1] == pytest.approx(ways[0], abs=0.002)


@pytest.mark.parametrize("arm", ["kuka", "panda"])
def test_an_arm_presses_a_thin_light_thing_onto_the_table_with_little_force(
    make: Callable[..., TableScene], depths: list[float], arm: str
) -> None:
    scene = make(arm=arm)
    x, y = scene.settings.table_point[:2]
    plate = block(1.0, 0.3, 0.03)
    put(scene, plate, xy=(x, y), height=0.0036)
    joints, low = (points_down_at(scene, (x, y, height)) for height in (0.02, -0.02))
    joints[7:] = low[7:] = 0.0
    place = np.array([x, y, 0.0028, 0.0, 0.0, 0.0, 1.0])
    scene.reset(plate, place=place, joints=joints, look=np.random.default_rng(0))
    command = (low - joints) / (6 * scene.settings.interval)
    forces = []
    for _ in range(8):
        scene.step(command)
        points = scene._bullet.getContactPoints(scene._robot.body, scene._toy, physicsClientId=scene._client)
        forces.append(sum(point[9] for point in points))
    assert 5.0 < np.mean(forces[-2:]) < 35.0
    assert 0.0 < max(depths) < DEEP


def test_fingers_hold_with_the_force_of_the_gripper_and_contacts_turn_with_the_hand(
    make: Callable[..., TableScene], depths: list[float]
) -> None:
    scene = make(arm="panda", object_size=0.08)
    x, y = scene.settings.table_point[:2]
    bar = block(1.0, 0.4, 0.4)
    place = np.array([x, y, 0.017, 0.0, 0.0, 0.0, 1.0])
    joints = points_down_at(scene, (x, y, 0.01))
    joints[-1] = 1.0
    scene.reset(bar, place=place, joints=joints, look=np.random.default_rng(0))
    close, lift, turn = (np.eye(8)[joint] * speed for joint, speed in ((7, -1.0), (1, -0.25), (6, 1.0)))
    for command in (*(6 * [close]), *(4 * [lift]), *(8 * [turn])):
        scene.step(command)
    assert scene.joints[-1] == pytest.approx(0.4, abs=0.06)
    assert poses.compose(scene.camera_pose, scene.object_pose)[2] > 0.05
    bullet, client = scene._bullet, scene._client
    for finger in scene._arm.fingers:
        points = bullet.getContactPoints(scene._robot.body, scene._toy, finger, physicsClientId=client)
        pose = bullet.getLinkState(scene._robot.body, finger, physicsClientId=client)
        along = poses.to_matrix(np.array(pose[5]))[:, 1]
        force = sum(point[9] for point in points)
        assert force == pytest.approx(10.0, rel=0.2)
        assert abs(sum(point[9] * np.dot(point[7], along) for point in points)) > 0.75 * force
        assert max(-point[8] for point in points) < 0.0003
    assert max(depths) < DEEP


def test_a_moment_in_which_something_flies_comes_back_to_the_bit(make: Callable[..., TableScene]) -> None:
    scene, other = make(), make()
    put(scene, block(1.0, 0.4, 0.4), height=0.048)
    scene._bullet.resetBaseVelocity(scene._toy, [-1.0, 0.3, 1.5], [3.0, 9.0, 1.0], physicsClientId=scene._client)
    advance(scene, 0.3)
    state, found = scene.save(), []
    for each in (scene, scene, other):
        each.restore(state)
        advance(each, 0.4)
        found.append(each.object_pose)
    assert np.array_equal(found[0], found[1])
    assert np.array_equal(found[0], found[2])
