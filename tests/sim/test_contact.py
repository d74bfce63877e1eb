"""Contacts against closed forms: friction, energy, a pile at rest, a grip."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

pytest.importorskip("pybullet")

from sim import poses
from sim.settings import SceneSettings
from sim.table_scene import FRICTION, TableScene
from tests.sim.tables import advance, block, put, velocity

G = 9.81


@pytest.fixture
def scene() -> Iterator[TableScene]:
    made = TableScene(SceneSettings(image_size=16))
    yield made
    made.close()


def where(scene: TableScene) -> np.ndarray:
    """The object in the base frame, m."""
    return poses.compose(scene.camera_pose, scene.object_pose)[:3]


@pytest.mark.parametrize(("share", "slides"), [(0.95, False), (1.3, True), (2.0, True)])
def test_a_block_on_an_incline_slides_or_stays_as_its_friction_says(
    scene: TableScene, share: float, slides: bool
) -> None:
    """It stays up to tan(angle) = friction, and beyond that is faster by g (sin - friction cos) each second. The table
    is level, and gravity is turned instead."""
    put(scene, block(1.0, 1.0, 0.3), height=0.036)
    angle, seconds = np.arctan(share * FRICTION), 0.4
    start = where(scene)
    scene._bullet.setGravity(G * np.sin(angle), 0, -G * np.cos(angle), physicsClientId=scene._client)
    advance(scene, seconds)
    expected = max(0.0, G * (np.sin(angle) - FRICTION * np.cos(angle)) * seconds) if slides else 0.0
    assert velocity(scene)[0] == pytest.approx(expected, abs=0.001 + 0.04 * expected)
    assert where(scene)[0] - start[0] == pytest.approx(expected * seconds / 2, abs=0.001 + 0.04 * expected * seconds)


@pytest.mark.parametrize("speed", [0.5, 1.0])
def test_a_pushed_block_stops_where_its_energy_says(scene: TableScene, speed: float) -> None:
    """After v^2 / (2 friction g), whatever its mass, to 3 % and the width of a step of physics."""
    for toy, height in ((block(1.0, 1.0, 0.3), 0.036), (block(1.0, 0.6, 0.4), 0.048)):
        put(scene, toy, height=height)
        start = where(scene)
        scene._bullet.resetBaseVelocity(scene._toy, [-speed, 0, 0], [0, 0, 0], physicsClientId=scene._client)
        advance(scene, 2 * speed / (FRICTION * G))
        distance = speed**2 / (2 * FRICTION * G)
        assert start[0] - where(scene)[0] == pytest.approx(distance, rel=0.03, abs=speed / 240)
        stopped = where(scene)
        advance(scene, 0.5)
        assert where(scene) == pytest.approx(stopped, abs=3e-4)


def test_a_tall_block_tips_beyond_its_corner_and_not_before(scene: TableScene) -> None:
    """Tilted by less than atan(width / height) it falls back, by more it falls over."""
    toy, width, height = block(0.4, 0.4, 1.0), 0.048, 0.12
    corner = np.arctan(width / height)
    for share, falls in ((0.85, False), (1.15, True)):
        turn = poses.from_axis_angle(np.array([0.0, 1.0, 0.0]), share * corner)
        low = height / 2 * np.cos(share * corner) + width / 2 * np.sin(share * corner)
        place = np.concatenate([[0.75, 0.35, low + 0.001], turn])
        scene.reset(toy, place=place, joints=scene.home, look=np.random.default_rng(0))
        advance(scene, 1.5)
        pose = poses.compose(scene.camera_pose, scene.object_pose)
        up = poses.to_matrix(pose[3:])[2, 2]
        assert (up < 0.1) == falls
        assert (up > 0.99) == (not falls)


def test_a_body_in_the_air_turns_as_its_inertia_says(scene: TableScene) -> None:
    """Angular momentum and energy stay, which they do not where inertia is about other axes than the body's."""
    put(scene, block(1.0, 0.6, 0.3), height=0.036)
    bullet, client, toy = scene._bullet, scene._client, scene._toy
    bullet.setGravity(0, 0, 0, physicsClientId=client)
    bullet.resetBasePositionAndOrientation(toy, [0.7, 0.3, 0.5], [0, 0, 0, 1], physicsClientId=client)
    bullet.resetBaseVelocity(toy, [0, 0, 0], [4.0, 3.0, 2.0], physicsClientId=client)
    mass = bullet.getDynamicsInfo(toy, -1, physicsClientId=client)[0]
    a, b, c = 0.12, 0.072, 0.036
    body = mass / 12 * np.array([b * b + c * c, a * a + c * c, a * a + b * b])

    def momentum() -> np.ndarray:
        pose = poses.compose(scene.camera_pose, scene.object_pose)
        turn = poses.to_matrix(pose[3:])
        return turn @ (body * (turn.T @ velocity(scene)[3:]))

    before = momentum()
    advance(scene, 0.5)
    assert momentum() == pytest.approx(before, abs=0.05 * np.linalg.norm(before))


def test_an_arm_that_is_in_the_way_of_nothing_bears_its_own_weight() -> None:
    for arm in ("kuka", "panda"):
        scene = TableScene(SceneSettings(arm=arm, image_size=16))
        put(scene, block(1.0, 1.0, 1.0), height=0.12)
        advance(scene, 0.5)
        assert scene.joints == pytest.approx(scene.home, abs=1e-4)
        scene.close()
