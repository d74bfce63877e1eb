"""Robot arms: what a datasheet says of one, its kinematic chain, and a URDF with light meshes, made once and cached."""

from __future__ import annotations

import hashlib
import json
import xml.etree.ElementTree as ElementTree
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, NamedTuple, get_args

import numpy as np

from sim import poses
from sim.cache import cached
from sim.collisions import Gripper, add_collisions, add_cylinder
from sim.errors import InputError
from sim.kinematics import Chain

Draw = Literal["whole", "hand", "hidden"]
"""What is drawn of an arm: all of it, the hand or tool alone, or nothing."""
FEWEST_TRIANGLES = 400
_FEWEST_A_LINK = 110
"""With fewer, links get holes."""
_COARSER = 0.6
"""How much of a link's share of triangles the link before it gets: what is near the object is looked at."""
_FORMAT = 14
"""Counts the versions of the cached files."""


class Inertia(NamedTuple):
    """How a link resists; all in the link's frame."""

    mass: float
    """kg."""
    center: tuple[float, float, float]
    """Centre of mass, m."""
    tensor: tuple[float, float, float, float, float, float]
    """xx, xy, xz, yy, yz, zz about the centre of mass, kg m^2."""


@dataclass(frozen=True)
class ArmSpec:
    """One arm. The limits are the datasheet's: shipped URDFs often allow far more."""

    name: str
    urdf: str
    """Path inside `pybullet_data`."""
    joints: tuple[str, ...]
    """Names of the D driven revolute joints, base first."""
    lower: tuple[float, ...]
    """Lower joint limits, rad."""
    upper: tuple[float, ...]
    """Upper joint limits, rad."""
    velocity: tuple[float, ...]
    """Velocity limits, rad/s."""
    torque: tuple[float, ...]
    """Torque limits, N m."""
    hand: tuple[float, ...]
    """Hand frame in the last driven link, 7: where an object is held, z pointing out of the hand."""
    home: tuple[float, ...]
    """A posture, rad, from which the arm reaches the home point; play starts near it."""
    home_point: tuple[float, float, float]
    """Where play keeps the object, m in the base frame."""
    hand_links: tuple[str, ...]
    """Links of the hand, which are drawn where nothing else of the arm is; a stem is too."""
    colors: tuple[tuple[float, float, float], ...]
    """RGB of the links in [0, 1], base first, repeated when there are more links."""
    stem: tuple[float, float] | None = None
    """Radius and length in m of a suction stem that is drawn on the last driven link and ends at the hand frame."""
    frozen: tuple[tuple[str, float], ...] = ()
    """Joints that do not move in the hold scene, such as a gripper's, and where they stand (m or rad)."""
    gripper: Gripper | None = None
    """What it can grasp with."""
    inertias: tuple[tuple[str, Inertia], ...] = ()
    """Links whose inertia in the URDF is not the arm's, and what it is."""


def pybullet_data() -> Path:
    """The folder of meshes that comes with PyBullet. Raises InputError where PyBullet is not installed."""
    spec = find_spec("pybullet_data")
    if spec is None or spec.origin is None:
        raise InputError(
            "pybullet is not installed: it has wheels for Python 3.10 and 3.11, and without it nothing can be simulated"
        )
    return Path(spec.origin).parent


def chain_of(spec: ArmSpec) -> Chain:
    """Read the kinematic chain from the arm's URDF; the limits come from the datasheet in `spec`."""
    root = ElementTree.parse(pybullet_data() / spec.urdf).getroot()
    origins, axes = [], []
    for name in spec.joints:
        joint = _find(root, "joint", name)
        xyz, rpy = _origin(joint)
        origins.append(np.concatenate([xyz, poses.from_rpy(rpy)]))
        axes.append(_numbers(_child(joint, "axis"), "xyz", "1 0 0"))
    return Chain(
        np.array(origins),
        np.array(axes),
        *(np.array(field, dtype=np.float64) for field in (spec.hand, spec.lower, spec.upper, spec.velocity)),
    )


def touching_chain(spec: ArmSpec) -> Chain:
    """The chain of an arm that may touch things: where it has a gripper, one more joint that turns nothing.

    Its position is the fingers' opening, from 0 (closed) to 1; its speed, at most what the fingers can, is in 1/s.
    """
    chain = chain_of(spec)
    if spec.gripper is None:
        return chain
    return Chain(
        np.concatenate([chain.origins, poses.IDENTITY[None]]),
        np.concatenate([chain.axes, np.zeros((1, 3))]),
        chain.hand,
        np.append(chain.lower, 0.0),
        np.append(chain.upper, 1.0),
        np.append(chain.velocity, spec.gripper.speed / spec.gripper.stroke),
    )


def light_urdf(spec: ArmSpec, triangles: int, draw: Draw = "whole", *, touches: bool = False) -> Path:
    """The arm's URDF, its visual meshes simplified to `triangles` in all; made once, cached.

    An arm that `touches` has collision shapes, the convex hulls of its links, and a gripper that moves.

    Raises InputError where the cache cannot be written, or for bounds that leave no arm to see.
    """
    if draw not in get_args(Draw):
        raise InputError(f"draw={draw}: unknown, known are {', '.join(get_args(Draw))}")
    if triangles < FEWEST_TRIANGLES:
        raise InputError(f"arm_triangles={triangles}: at least {FEWEST_TRIANGLES}, or the arm falls apart")
    source = pybullet_data() / spec.urdf
    described = json.dumps([_FORMAT, asdict(spec), triangles, draw, touches]) + source.read_text()
    name = f"{spec.name}-{draw}-{triangles}-{hashlib.sha256(described.encode()).hexdigest()[:12]}"
    return cached(name, lambda draft: _write(spec, source, draft, triangles, draw, touches)) / "arm.urdf"


def _write(spec: ArmSpec, source: Path, draft: Path, triangles: int, draw: Draw, touches: bool) -> None:
    tree = ElementTree.parse(source)
    root = tree.getroot()
    for name, inertia in spec.inertias:
        _set_inertia(_find(root, "link", name), inertia)
    for name, position in spec.frozen:
        if touches and spec.gripper is not None and name in spec.gripper.joints:
            continue
        _freeze(_find(root, "joint", name), position)
    for name in spec.joints:
        # Commands are projected into the limits; in the solver, rows for limits would only cost time.
        _find(root, "joint", name).set("type", "continuous")
    for link in root.iter("link"):
        for collision in link.findall("collision"):
            link.remove(collision)
    _lighten(root, spec, source.parent, draft, triangles)
    if touches:
        add_collisions(root, spec.gripper, draft)
    for link in root.iter("link"):
        if draw == "hidden" or (draw == "hand" and link.get("name") not in spec.hand_links):
            for visual in link.findall("visual"):
                link.remove(visual)
    if spec.stem is not None:
        last = _find(root, "link", _child(_find(root, "joint", spec.joints[-1]), "child").get("link", ""))
        if draw != "hidden":
            _add_stem(last, spec.hand, *spec.stem, draft)
        if touches:
            add_cylinder(last, spec.hand, *spec.stem)
    for link in root.iter("link"):
        if link.find("collision") is not None and link.find("visual") is None:
            _draw_nothing(link)
    tree.write(draft / "arm.urdf")


def _lighten(root: ElementTree.Element, spec: ArmSpec, folder: Path, draft: Path, triangles: int) -> None:
    """Give each link a simplified mesh of one colour, in proportion to its area; coarser ones far from the object."""
    import trimesh

    links = [link for link in root.iter("link") if link.find("visual") is not None]
    driven = [_child(_find(root, "joint", name), "child").get("link") for name in reversed(spec.joints)]
    meshes: list[trimesh.Trimesh] = []
    for link in links:
        path = _child(link, "visual/geometry/mesh").get("filename", "").removeprefix("package://")
        mesh = trimesh.load_mesh(folder / path)
        mesh.merge_vertices(merge_norm=True, merge_tex=True)
        meshes.append(mesh)
    weights = []
    for link, mesh in zip(links, meshes, strict=True):
        name = link.get("name")
        away = 0 if name in spec.hand_links else driven.index(name) if name in driven else len(driven)
        weights.append(mesh.area * _COARSER**away)
    for index, (link, mesh, weight) in enumerate(zip(links, meshes, weights, strict=True)):
        name = str(link.get("name"))
        count = max(_FEWEST_A_LINK, triangles // 20, int(triangles * weight / sum(weights)))
        light = mesh.simplify_quadric_decimation(face_count=count) if count < len(mesh.faces) else mesh
        light.visual = trimesh.visual.ColorVisuals()
        (draft / f"{name}.obj").write_text(trimesh.exchange.obj.export_obj(light, include_normals=True))
        visual = _child(link, "visual")
        _child(visual, "geometry/mesh").set("filename", f"{name}.obj")
        _paint(visual, name, spec.colors[index % len(spec.colors)])


def _paint(visual: ElementTree.Element, name: str, color: tuple[float, float, float]) -> None:
    for old in visual.findall("material"):
        visual.remove(old)
    material = ElementTree.SubElement(visual, "material", name=f"{name}-color")
    ElementTree.SubElement(material, "color", rgba=" ".join(map(str, (*color, 1.0))))


def _add_stem(link: ElementTree.Element, hand: tuple[float, ...], radius: float, length: float, draft: Path) -> None:
    """Draw the suction stem, ending at the hand frame."""
    import trimesh

    # PyBullet's own cylinders have ten times as many triangles.
    stem = trimesh.creation.cylinder(radius, length, sections=12)
    (draft / "stem.obj").write_text(trimesh.exchange.obj.export_obj(stem, include_normals=True))
    visual = ElementTree.SubElement(link, "visual")
    ElementTree.SubElement(visual, "origin", xyz=f"{hand[0]} {hand[1]} {hand[2] - length / 2}", rpy="0 0 0")
    ElementTree.SubElement(ElementTree.SubElement(visual, "geometry"), "mesh", filename="stem.obj")
    _paint(visual, "stem", (0.25, 0.25, 0.28))


def _draw_nothing(link: ElementTree.Element) -> None:
    """PyBullet draws the collision shape of a link that has nothing to draw; of a box of a micrometre no pixel is.

    One of no size at all would not do: PyBullet gives it some."""
    visual = ElementTree.SubElement(link, "visual")
    ElementTree.SubElement(ElementTree.SubElement(visual, "geometry"), "box", size="1e-6 1e-6 1e-6")


def _freeze(joint: ElementTree.Element, position: float) -> None:
    """Make a prismatic or revolute joint a fixed one."""
    from scipy.spatial.transform import Rotation  # slow to load, and needed here only

    xyz, rpy = _origin(joint)
    turn, axis = Rotation.from_euler("xyz", rpy), _numbers(_child(joint, "axis"), "xyz", "1 0 0")
    if joint.get("type") == "prismatic":
        xyz = xyz + turn.apply(axis) * position
    else:
        turn = turn * Rotation.from_rotvec(axis * position)
    origin = _child(joint, "origin")
    origin.set("xyz", " ".join(map(str, xyz)))
    origin.set("rpy", " ".join(map(str, turn.as_euler("xyz"))))
    joint.set("type", "fixed")
    for mimic in joint.findall("mimic"):
        joint.remove(mimic)


def _set_inertia(link: ElementTree.Element, inertia: Inertia) -> None:
    for old in link.findall("inertial"):
        link.remove(old)
    inertial = ElementTree.SubElement(link, "inertial")
    ElementTree.SubElement(inertial, "origin", xyz=" ".join(map(str, inertia.center)), rpy="0 0 0")
    ElementTree.SubElement(inertial, "mass", value=str(inertia.mass))
    names = ("ixx", "ixy", "ixz", "iyy", "iyz", "izz")
    ElementTree.SubElement(inertial, "inertia", dict(zip(names, map(str, inertia.tensor), strict=True)))


def _find(root: ElementTree.Element, kind: str, name: str) -> ElementTree.Element:
    return next(item for item in root.iter(kind) if item.get("name") == name)


def _child(element: ElementTree.Element, path: str) -> ElementTree.Element:
    found = element.find(path)
    assert found is not None, f"{element.get('name')} has no {path}"
    return found


def _origin(joint: ElementTree.Element) -> tuple[np.ndarray, np.ndarray]:
    origin = _child(joint, "origin")
    return _numbers(origin, "xyz", "0 0 0"), _numbers(origin, "rpy", "0 0 0")


def _numbers(element: ElementTree.Element, key: str, default: str) -> np.ndarray:
    return np.array(element.get(key, default).split(), dtype=np.float64)
