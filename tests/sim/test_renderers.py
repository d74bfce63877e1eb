"""Renderers: the one asked for or an error, agreement of both with the intrinsics, no blank frames."""

from __future__ import annotations

import numpy as np
import pytest

from sim import poses, renderers
from sim.camera import Camera, pixels
from sim.errors import InputError
from sim.objects import ProceduralToys
from sim.scene import HoldScene, SceneSettings

pybullet = pytest.importorskip("pybullet")
CATALOGUE = ProceduralToys()


def works(name: str) -> bool:
    try:
        renderers.renderer(name)
    except InputError:
        return False
    return True


BOTH = ["tiny", pytest.param("egl", marks=pytest.mark.skipif(not works("egl"), reason="no EGL here"))]


@pytest.fixture
def scene(request: pytest.FixtureRequest):
    made = HoldScene(SceneSettings(renderer=request.param, image_size=128, draw="hidden"))
    yield made
    made.close()


def hold(scene: HoldScene, category: str, seed: int) -> np.ndarray:
    """Hold a toy; its vertices in the camera frame, m."""
    rng = np.random.default_rng(seed)
    toy = CATALOGUE.toy(category, f"{category}_{seed:07d}")
    home = np.array(scene.spec.home)
    scene.reset(toy, grasp_rotation=poses.random_rotation(rng), joints=home, look=rng)
    pose = scene.object_pose
    return pose[:3] + poses.rotate(pose[3:], 0.12 * toy.vertices.astype(np.float64))


@pytest.mark.parametrize("scene", BOTH, indirect=True)
@pytest.mark.parametrize("category", ["mug", "chair", "car"])
def test_silhouette_and_depth_are_those_of_the_vertices(scene: HoldScene, category: str) -> None:
    for seed in range(3):
        points = hold(scene, category, seed)
        view = scene.observe(depth=True, segmentation=True)
        assert view.depth is not None
        assert view.segmentation is not None
        corners = pixels(points, scene.intrinsics)
        row, column = np.nonzero(view.segmentation == 2)
        assert np.array([column.min(), row.min()]) == pytest.approx(corners.min(axis=0), abs=1.5)
        assert np.array([column.max(), row.max()]) + 1 == pytest.approx(corners.max(axis=0), abs=1.5)
        depth = view.depth[view.mask]
        assert depth.min() >= points[:, 2].min() - 0.001
        assert depth.max() <= points[:, 2].max() + 0.001
        assert depth.min() == pytest.approx(points[:, 2].min(), abs=0.006)
        assert (view.depth[~view.mask] == 0).all()
        assert np.array_equal(view.mask, view.segmentation > 0)


@pytest.mark.skipif(not works("egl"), reason="no EGL here")
def test_both_renderers_see_the_same_toy_and_say_who_drew_it() -> None:
    masks, names = [], []
    for name in ("tiny", "egl"):
        scene = HoldScene(SceneSettings(renderer=name, image_size=96, draw="hidden"))
        try:
            hold(scene, "teapot", 4)
            masks.append(scene.observe().mask)
            names.append(scene.renderer)
        finally:
            scene.close()
    assert (masks[0] ^ masks[1]).sum() < 0.06 * masks[0].sum()
    assert names[0] == "pybullet TinyRenderer"
    assert names[1].startswith("pybullet EGL (")


def test_a_renderer_that_does_not_work_is_an_error_that_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(renderers, "_PROBE", "import os; print('no display found'); os._exit(1)")
    renderers._egl.cache_clear()
    try:
        with pytest.raises(InputError, match=r"does not work here \(no display found\); install libegl1") as caught:
            HoldScene(SceneSettings(renderer="egl"))
        assert "\n" not in str(caught.value)
    finally:
        renderers._egl.cache_clear()


class Blank:
    """PyBullet with the lights out: what a broken OpenGL returns."""

    def __getattr__(self, name: str):
        return getattr(pybullet, name)

    def getCameraImage(self, width: int, height: int, *arguments, **named):
        picture = list(pybullet.getCameraImage(width, height, *arguments, **named))
        picture[2], picture[4] = np.zeros_like(picture[2]), np.full_like(picture[4], -1)
        return tuple(picture)


@pytest.mark.parametrize("scene", ["tiny"], indirect=True)
def test_a_blank_picture_is_noticed(scene: HoldScene) -> None:
    hold(scene, "mug", 1)
    scene._bullet = Blank()
    with pytest.raises(RuntimeError, match="drew nothing where the object is"):
        scene.observe()


@pytest.mark.parametrize("scene", ["tiny"], indirect=True)
def test_an_object_out_of_view_is_no_blank_picture(scene: HoldScene) -> None:
    hold(scene, "mug", 1)
    away = np.array(scene.spec.home)
    away[0] += 1.5
    scene._robot.put(away, np.zeros(7))
    scene._place()
    view = scene.observe()
    assert not view.mask.any()
    assert view.visible == 0.0


@pytest.mark.parametrize("size", [24, 32])
def test_a_blade_between_the_pixels_is_no_blank_picture(size: int) -> None:
    near = Camera(field_of_view=8.5)
    scene = HoldScene(SceneSettings(renderer="tiny", image_size=size, draw="hidden", camera=near))
    toy = CATALOGUE.toy("mug", "mug_0000001")
    blade = toy._replace(vertices=toy.vertices * np.float32([1.0, 0.002, 1.0]))
    home, unseen = np.array(scene.spec.home), 0
    try:
        for degrees in np.arange(0.0, 180.0, 0.5):
            turn = poses.from_axis_angle(np.array([0.0, 0.0, 1.0]), np.radians(degrees))
            scene.reset(blade, grasp_rotation=turn, joints=home, look=np.random.default_rng(0))
            unseen += not scene.observe().mask.any()
    finally:
        scene.close()
    assert unseen, "no turn of the blade hid it: the test shows nothing"
