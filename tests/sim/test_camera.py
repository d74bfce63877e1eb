"""The camera's matrices agree with each other, with PyBullet's own, and with what the renderer draws."""

from __future__ import annotations

import numpy as np
import pytest

from sim import poses
from sim.camera import FAR, NEAR, Camera, pixels
from sim.errors import InputError
from sim.objects import ProceduralToys, Toy
from sim.scene import HoldScene, SceneSettings

pybullet = pytest.importorskip("pybullet")

CATALOGUE = ProceduralToys()
CAMERAS = [
    Camera().placed((0.62, 0.0, 0.47)),
    Camera(field_of_view=40.0).placed((0.62, 0.0, 0.47)),
    Camera(position=(1.4, 0.5, 0.9), target=(0.6, 0.05, 0.5), field_of_view=25.0),
]


def toy_of(category: str) -> Toy:
    return CATALOGUE.toy(category, CATALOGUE.draw(category, np.random.default_rng(0)))


@pytest.mark.parametrize("camera", CAMERAS)
def test_matrices_equal_pybullets(camera: Camera) -> None:
    view = pybullet.computeViewMatrix(camera.position, camera.target, (0.0, 0.0, 1.0))
    assert camera.view_matrix == pytest.approx(view, abs=1e-5)
    projection = pybullet.computeProjectionMatrixFOV(camera.field_of_view, 1.0, NEAR, FAR)
    assert camera.projection_matrix == pytest.approx(projection, abs=1e-5)


@pytest.mark.parametrize("camera", CAMERAS)
def test_pixels_equal_the_opengl_pipeline(camera: Camera) -> None:
    """A point through view, projection, division and viewport, against the pinhole."""
    size, rng = 96, np.random.default_rng(0)
    points = np.array(camera.target) + rng.uniform(-0.2, 0.2, (50, 3))
    view, projection = (np.reshape(m, (4, 4)).T for m in (camera.view_matrix, camera.projection_matrix))
    clip = np.concatenate([points, np.ones((50, 1))], axis=1) @ (projection @ view).T
    x, y, depth = (clip[:, :3] / clip[:, 3:]).T
    assert (np.abs(depth) < 1).all()
    expected = np.stack([(1 + x) * size / 2, (1 - y) * size / 2], axis=-1)
    seen = poses.compose(poses.inverse(camera.pose), np.concatenate([points, np.tile(poses.IDENTITY[3:], (50, 1))], 1))
    assert pixels(seen[:, :3], camera.intrinsics(size)) == pytest.approx(expected, abs=1e-6)


def test_axes_are_opencvs() -> None:
    camera = Camera().placed((0.62, 0.0, 0.47))
    axes = poses.to_matrix(camera.pose[3:])
    assert np.linalg.det(axes) == pytest.approx(1.0)
    away = np.subtract(camera.target, camera.position)
    assert axes[:, 2] == pytest.approx(away / np.linalg.norm(away))
    assert axes[2, 0] == pytest.approx(0.0, abs=1e-12)  # x is level
    assert axes[2, 1] < 0  # y is down
    centre = poses.rotate(poses.conjugate(camera.pose[3:]), away)
    assert pixels(centre, camera.intrinsics(100)) == pytest.approx([50.0, 50.0])


@pytest.mark.parametrize("camera", CAMERAS)
@pytest.mark.parametrize("category", ["mug", "airplane", "chair"])
def test_the_drawn_toy_lies_where_its_vertices_are_projected(camera: Camera, category: str) -> None:
    """The box around the silhouette is the box around the projected vertices, at whatever depth they lie."""
    toy, rng = toy_of(category), np.random.default_rng(1)
    scene = HoldScene(SceneSettings(camera=camera))
    compared = 0
    try:
        for _ in range(4):
            joints = np.array(scene.spec.home) + rng.normal(0, 0.05, 7)
            scene.reset(toy, grasp_rotation=poses.random_rotation(rng), joints=joints, look=rng)
            pose = scene.observe().object_pose
            projected = pixels(poses.rotate(pose[3:], toy.vertices * 0.12) + pose[:3], scene.intrinsics)
            low, high = projected.min(axis=0), projected.max(axis=0)
            pybullet.removeBody(scene._robot.body, physicsClientId=scene._client)  # it would hide some of the toy
            picture = pybullet.getCameraImage(
                128, 128, *scene._matrices, renderer=pybullet.ER_TINY_RENDERER, physicsClientId=scene._client
            )
            scene.close()  # brings the arm back at the next reset
            row, column = np.nonzero(np.reshape(picture[4], (128, 128)) == scene._toy)
            drawn = np.array([column.min(), row.min()]), np.array([column.max(), row.max()]) + 1
            if (low < 0).any() or (high > 128).any():
                continue
            compared += 1
            assert drawn[0] == pytest.approx(low, abs=1.5)
            assert drawn[1] == pytest.approx(high, abs=1.5)
            assert (drawn[0] >= low - 0.51).all()  # a pixel is drawn where its centre is covered
            assert (drawn[1] <= high + 0.51).all()
    finally:
        scene.close()
    assert compared >= 2


@pytest.mark.parametrize("degrees", [0.0, 0.5, 121.0, float("nan")])
def test_a_field_of_view_that_shows_nothing_is_refused(degrees: float) -> None:
    with pytest.raises(InputError, match="field_of_view"):
        Camera(field_of_view=degrees)


@pytest.mark.parametrize("target", [(0.2, 0.3, 0.0), (0.2, 0.3, 2.0), (0.2, 0.3, 1.0)])
def test_a_camera_without_an_upright_direction_is_refused(target: tuple[float, float, float]) -> None:
    with pytest.raises(InputError, match="straight up or down"):
        Camera(position=(0.2, 0.3, 1.0), target=target)
