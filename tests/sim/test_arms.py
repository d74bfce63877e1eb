"""Both arms behave alike: limits of their datasheets, light meshes, and what is drawn of them."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from sim import poses
from sim.arm import chain_of, light_urdf
from sim.arms import ARMS, arm_spec
from sim.errors import InputError
from sim.kinematics import forward, reach
from sim.objects import ProceduralToys
from sim.scene import OBJECT, HoldScene, SceneSettings

pybullet = pytest.importorskip("pybullet")
NAMES = sorted(ARMS)
MUG = ProceduralToys().toy("mug", "mug_0000001")


def triangles_of(urdf) -> dict[str, int]:
    """Link -> faces of its first mesh file, counted line by line."""
    counts = {}
    for link in ElementTree.parse(urdf).getroot().iter("link"):
        mesh = link.find("visual/geometry/mesh")
        if mesh is not None:
            text = (urdf.parent / mesh.get("filename")).read_text()
            counts[link.get("name")] = sum(line.startswith("f ") for line in text.splitlines())
    return counts


def test_limits_are_those_of_the_datasheets() -> None:
    """KUKA LBR iiwa 14 R820: degrees and degrees/s. Franka Emika Panda: rad and rad/s."""
    kuka, panda = arm_spec("kuka"), arm_spec("panda")
    assert np.degrees(kuka.upper) == pytest.approx([170, 120, 170, 120, 170, 120, 175])
    assert np.degrees(kuka.velocity) == pytest.approx([85, 85, 100, 75, 130, 135, 135])
    assert panda.lower == (-2.8973, -1.7628, -2.8973, -3.0718, -2.8973, -0.0175, -2.8973)
    assert panda.upper == (2.8973, 1.7628, 2.8973, -0.0698, 2.8973, 3.7525, 2.8973)
    assert panda.velocity == (2.175,) * 4 + (2.61,) * 3


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("triangles", [2000, 3000, 6000])
def test_light_meshes_keep_their_budget(name: str, triangles: int) -> None:
    counts = triangles_of(light_urdf(arm_spec(name), triangles))
    assert 0.6 * triangles < sum(counts.values()) < 1.4 * triangles


@pytest.mark.parametrize("name", NAMES)
def test_the_hand_is_drawn_as_finely_alone_as_with_the_arm(name: str) -> None:
    whole, hand = (triangles_of(light_urdf(arm_spec(name), 2000, draw)) for draw in ("whole", "hand"))
    assert 0 < len(hand) < len(whole)
    links = arm_spec(name).hand_links
    assert {link: hand[link] for link in links} == {link: whole[link] for link in links}
    assert sum(hand.values()) < 0.5 * sum(whole.values())
    assert triangles_of(light_urdf(arm_spec(name), 2000, "hidden")) == {}


@pytest.mark.parametrize("name", NAMES)
def test_the_arm_at_home_reaches_the_home_point_with_room_to_move(name: str) -> None:
    spec, chain = arm_spec(name), chain_of(arm_spec(name))
    home = np.array(spec.home)
    assert (home > chain.lower + 0.2).all()
    assert (home < chain.upper - 0.2).all()
    hand = poses.to_matrix(forward(chain, home)[3:])
    _, metres, radians = reach(chain, home, np.array(spec.home_point), hand, np.array([0.0, 0.0, 0.05]))
    assert metres < 1e-4
    assert radians < 1e-3


@pytest.mark.parametrize("name", NAMES)
def test_links_resist_as_their_urdf_or_the_literature_says(name: str) -> None:
    """PyBullet puts almost no inertia where there is no collision shape, unless it is told to read the file."""
    scene = HoldScene(SceneSettings(arm=name, image_size=16))
    try:
        reset(scene)
        heaviest = [
            max(pybullet.getDynamicsInfo(scene._robot.body, index, physicsClientId=scene._client)[2])
            for index in scene._robot.joints
        ]
    finally:
        scene.close()
    assert min(heaviest) > 5e-4
    if name == "panda":
        assert heaviest[0] == pytest.approx(0.707, abs=0.002)  # the largest principal moment of link 1


@pytest.mark.parametrize("name", NAMES)
def test_what_is_drawn_leaves_the_motion_alone(name: str) -> None:
    """Whole, hand or hidden: the same joints and object poses; each shows less than the one before."""
    seen = {}
    for draw in ("whole", "hand", "hidden"):
        scene = HoldScene(SceneSettings(arm=name, draw=draw, image_size=64))
        try:
            reset(scene)
            scene.step(np.full(7, 0.2))
            seen[draw] = scene.observe(segmentation=True)
        finally:
            scene.close()
    for draw in ("hand", "hidden"):
        assert np.array_equal(seen[draw].joints, seen["whole"].joints)
        assert np.array_equal(seen[draw].object_pose, seen["whole"].object_pose)
    shown = [int(seen[draw].mask.sum()) for draw in ("whole", "hand", "hidden")]
    assert shown[0] >= shown[1] > shown[2] > 0
    assert (seen["hidden"].segmentation[seen["hidden"].mask] == OBJECT).all()
    assert seen["hidden"].visible >= seen["whole"].visible


def test_a_way_to_draw_that_does_not_exist_is_refused() -> None:
    with pytest.raises(InputError, match="draw=ghost: unknown, known are whole, hand, hidden"):
        light_urdf(arm_spec("kuka"), 2000, "ghost")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="arm_triangles=10: at least 400"):
        light_urdf(arm_spec("kuka"), 10)


def reset(scene: HoldScene) -> None:
    scene.reset(
        MUG,
        grasp_rotation=poses.IDENTITY[3:],
        joints=np.array(scene.spec.home),
        look=np.random.default_rng(0),
    )
