"""What may differ between episodes: each part alone, by seed, and off by default."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("pybullet")

from sim import poses
from sim.camera import Camera
from sim.errors import InputError
from sim.objects import ProceduralToys
from sim.randomize import BACKDROPS, Light, Randomization, draw_background, draw_light, draw_look
from sim.scene import HoldScene, SceneSettings

CAMERA = Camera().placed((0.62, 0.0, 0.47))
MUG = ProceduralToys().toy("mug", "mug_0000001")
PARTS = {"vary_light": 0.7, "vary_size": 0.3, "vary_camera": 0.02}


def looks(count: int = 200, **settings) -> list:
    return [
        draw_look(Randomization(**settings), CAMERA, 0.12, np.random.default_rng([seed, 0])) for seed in range(count)
    ]


def test_nothing_varies_by_default() -> None:
    for look in looks(3):
        assert (look.camera, look.light, look.size) == (CAMERA, Light(), 0.12)


def test_sizes_and_cameras_vary_as_much_as_asked_for() -> None:
    varied = looks(400, **PARTS)
    sizes = np.array([look.size for look in varied])
    assert 0.7 * 0.12 <= sizes.min() < 0.72 * 0.12
    assert 1.28 * 0.12 < sizes.max() <= 1.3 * 0.12
    assert sizes.mean() == pytest.approx(0.12, abs=0.003)
    moved = np.array([look.camera.position for look in varied]) - CAMERA.position
    aimed = np.array([look.camera.target for look in varied]) - CAMERA.target
    assert moved.std(axis=0) == pytest.approx([0.02] * 3, rel=0.15)
    assert aimed.std(axis=0) == pytest.approx([0.002] * 3, rel=0.15)
    assert {look.camera.field_of_view for look in varied} == {15.0}


@pytest.mark.parametrize("off", PARTS)
def test_switching_one_part_off_leaves_the_others_as_they_were(off: str) -> None:
    fields = {"vary_light": "light", "vary_size": "size", "vary_camera": "camera"}
    for one, two in zip(looks(5, **PARTS), looks(5, **{**PARTS, off: 0.0}), strict=True):
        for part, field in fields.items():
            assert (getattr(one, field) == getattr(two, field)) == (part != off)
        assert one.behind.random() == two.behind.random()


def test_lights_differ_more_the_stronger_they_vary() -> None:
    def spread(strength: float) -> float:
        lights = [draw_light(strength, np.random.default_rng(seed)) for seed in range(200)]
        return float(np.std([light.direction for light in lights], axis=0).sum())

    assert spread(0.0) == pytest.approx(0.0, abs=1e-12)
    assert spread(1.0) == pytest.approx(2 * spread(0.5), rel=1e-6)
    for seed in range(200):
        light = draw_light(1.0, np.random.default_rng(seed))
        assert 0.3 < light.ambient < 0.8
        assert all(0.6 < channel <= 1.0 for channel in light.color)


def picture(light: Light) -> np.ndarray:
    scene = HoldScene(SceneSettings(image_size=48))
    try:
        look = scene.settings.look(np.random.default_rng(0))._replace(light=light)
        scene.reset(MUG, grasp_rotation=poses.IDENTITY[3:], joints=np.array(scene.spec.home), look=look)
        view = scene.observe()
        return view.frame[view.mask].astype(float)
    finally:
        scene.close()


def test_a_light_lights_as_it_says() -> None:
    usual = picture(Light())
    red = picture(Light(color=(1.0, 0.3, 0.3)))
    assert red[:, 1].mean() < 0.9 * usual[:, 1].mean()
    assert red[:, 0] == pytest.approx(usual[:, 0], abs=2)
    assert picture(Light(ambient=0.2, diffuse=0.2)).mean() < 0.7 * usual.mean()
    assert np.array_equal(picture(Light()), usual)  # nothing sticks from one episode to the next


@pytest.mark.parametrize("kind", BACKDROPS)
def test_backdrops_differ_and_repeat(kind: str) -> None:
    drawn = [draw_background(np.random.default_rng(seed), 48, kind) for seed in range(20)]
    assert all((image.dtype, image.shape) == (np.uint8, (48, 48, 3)) for image in drawn)
    assert len({image.tobytes() for image in drawn}) == 20
    assert np.array_equal(draw_background(np.random.default_rng(3), 48, kind), drawn[3])
    uneven = np.mean([image.astype(float).std(axis=(0, 1)).mean() for image in drawn])
    assert (uneven == 0) == (kind == "plain")


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A red, wide picture, a green, high one and a blue one deeper down, and a file that is none."""
    (tmp_path / "more").mkdir()
    for name, shape, color in (("a.png", (40, 90), 2), ("b.jpg", (300, 60), 1), ("more/c.PNG", (50, 50), 0)):
        image = np.zeros((*shape, 3), np.uint8)
        image[..., color] = 200
        cv2.imwrite(str(tmp_path / name), image)
    (tmp_path / "notes.txt").write_text("not a picture")
    return tmp_path


def test_a_folder_of_pictures_is_cut_into_backgrounds(pictures: Path) -> None:
    drawn = [draw_background(np.random.default_rng(seed), 32, str(pictures)) for seed in range(40)]
    strongest = [int(image.reshape(-1, 3).mean(axis=0).argmax()) for image in drawn]
    assert set(strongest) == {0, 1, 2}
    for image in drawn:
        assert image.shape == (32, 32, 3)
        assert image.max(axis=-1).min() > 180  # no border, nothing stretched in


def test_wrong_backdrops_are_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="backdrop=jungle: neither plain, gradient, noise, mixed nor a folder"):
        Randomization(backdrop="jungle")
    with pytest.raises(InputError, match="no picture in it"):
        HoldScene(SceneSettings(randomize=Randomization(backdrop=str(tmp_path))))
    elsewhere = Randomization(backdrop=str(tmp_path / "gone"))  # episodes stored elsewhere can be read
    with pytest.raises(InputError, match="gone: neither plain"):
        HoldScene(SceneSettings(randomize=elsewhere))
    (tmp_path / "broken.png").write_bytes(b"nothing")
    with pytest.raises(InputError, match="not a picture, remove it"):
        draw_background(np.random.default_rng(0), 32, str(tmp_path))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"background": "forest"}, "background=forest: unknown, known are fixed, frame, episode"),
        ({"vary_light": 1.5}, "vary_light=1.5: must be from 0 to 1"),
        ({"vary_size": 0.9}, "vary_size=0.9: must be from 0 to 0.8"),
        ({"vary_camera": -0.1}, "vary_camera=-0.1: must be from 0 to 0.5"),
        ({"vary_camera": float("nan")}, "vary_camera=nan"),
    ],
)
def test_settings_that_cannot_work_are_refused(settings: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Randomization(**settings)
