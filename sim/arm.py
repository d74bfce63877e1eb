"""Robot arms: what a datasheet says of one, its kinematic chain, and a URDF with light meshes, made once and cached."""

from __future__ import annotations

import hashlib
import json
import xml.etree.ElementTree as ElementTree
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from sim.cache import cached
from sim.errors import InputError
from sim.kinematics import Chain


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
    """Hand frame in the last link, 7: the tip of the suction stem, z pointing out of the hand."""
    stem: tuple[float, float]
    """Radius and length of the suction stem in m; it ends at the hand frame."""
    home: tuple[float, ...]
    """A posture, rad, from which the arm reaches the home point; play starts near it."""
    colors: tuple[tuple[float, float, float], ...]
    """RGB of the links in [0, 1], base first, repeated when there are more links."""


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
    by_name = {joint.get("name"): joint for joint in root.iter("joint")}
    origins, axes = [], []
    for name in spec.joints:
        joint = by_name[name]
        origin = joint.find("origin")
        axis = joint.find("axis")
        assert origin is not None
        assert axis is not None
        xyz, rpy = (np.fromstring(origin.get(key, "0 0 0"), sep=" ") for key in ("xyz", "rpy"))
        origins.append(np.concatenate([xyz, Rotation.from_euler("xyz", rpy).as_quat()]))
        axes.append(np.fromstring(axis.get("xyz", "1 0 0"), sep=" "))
    return Chain(
        np.array(origins),
        np.array(axes),
        *(np.array(field, dtype=np.float64) for field in (spec.hand, spec.lower, spec.upper, spec.velocity)),
    )


def light_urdf(spec: ArmSpec, triangles: int) -> Path:
    """The arm's URDF, its visual meshes simplified to `triangles` in all, without collision shapes; made once, cached.

    Raises InputError where the cache cannot be written.
    """
    source = pybullet_data() / spec.urdf
    described = json.dumps([4, asdict(spec), triangles]) + source.read_text()
    name = f"{spec.name}-{triangles}-{hashlib.sha256(described.encode()).hexdigest()[:12]}"
    return cached(name, lambda draft: _write_light_urdf(spec, source, draft, triangles)) / "arm.urdf"


def _write_light_urdf(spec: ArmSpec, source: Path, draft: Path, triangles: int) -> None:
    import trimesh

    tree = ElementTree.parse(source)
    root = tree.getroot()
    links = [link for link in root.iter("link") if link.find("visual") is not None]
    meshes: dict[str, trimesh.Trimesh] = {}
    for link in links:
        mesh_element = link.find("visual/geometry/mesh")
        assert mesh_element is not None
        loaded = trimesh.load_mesh(source.parent / mesh_element.get("filename", ""))
        loaded.merge_vertices(merge_norm=True, merge_tex=True)
        meshes[str(link.get("name"))] = loaded
    share = triangles / sum(len(mesh.faces) for mesh in meshes.values())
    for index, link in enumerate(links):
        name = str(link.get("name"))
        mesh = meshes[name]
        light = mesh.simplify_quadric_decimation(face_count=max(40, int(len(mesh.faces) * share)))
        light.visual = trimesh.visual.ColorVisuals()
        (draft / f"{name}.obj").write_text(trimesh.exchange.obj.export_obj(light, include_normals=True))
        link.find("visual/geometry/mesh").set("filename", f"{name}.obj")  # type: ignore[union-attr]
        _paint(link.find("visual"), name, spec.colors[index % len(spec.colors)])
        for collision in link.findall("collision"):
            link.remove(collision)
    _add_stem(root, spec)
    tree.write(draft / "arm.urdf")


def _paint(visual: ElementTree.Element | None, name: str, color: tuple[float, float, float]) -> None:
    assert visual is not None
    for old in visual.findall("material"):
        visual.remove(old)
    material = ElementTree.SubElement(visual, "material", name=f"{name}-color")
    ElementTree.SubElement(material, "color", rgba=" ".join(map(str, (*color, 1.0))))


def _add_stem(root: ElementTree.Element, spec: ArmSpec) -> None:
    """Draw the suction stem on the last link, ending at the hand frame."""
    last = next(j for j in root.iter("joint") if j.get("name") == spec.joints[-1]).find("child")
    assert last is not None
    link = next(item for item in root.iter("link") if item.get("name") == last.get("link"))
    radius, length = spec.stem
    x, y, z = spec.hand[:3]
    visual = ElementTree.SubElement(link, "visual")
    ElementTree.SubElement(visual, "origin", xyz=f"{x} {y} {z - length / 2}", rpy="0 0 0")
    geometry = ElementTree.SubElement(visual, "geometry")
    ElementTree.SubElement(geometry, "cylinder", radius=str(radius), length=str(length))
    _paint(visual, "stem", (0.25, 0.25, 0.28))
