"""What of an arm can touch things: convex hulls of its links, and boxes for the fingers of its gripper."""

from __future__ import annotations

import copy
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import NamedTuple

import numpy as np

from sim.objects.solid import corners


class Gripper(NamedTuple):
    """Two fingers that close on an object; in the table scene one more command opens and closes them."""

    joints: tuple[str, str]
    """Names of the fingers' prismatic joints, which move as one."""
    links: tuple[str, str]
    """Names of the fingers."""
    stroke: float
    """How far each finger goes from closed to open, m."""
    speed: float
    """Of each finger, m/s."""
    force: float
    """Of each finger, N."""
    tip: float
    """How far the fingertips are beyond the hand frame, m."""
    finger: tuple[float, float, float]
    """Sides of the box that touches, m; in the finger's frame its inside is at y = 0, and it begins at z = 0."""


def add_collisions(root: ElementTree.Element, gripper: Gripper | None, folder: Path) -> None:
    """Give each link of a URDF that has a mesh in `folder` its convex hull; the fingers of a gripper get boxes, because
    what they hold lies between planes."""
    import trimesh

    for link in root.iter("link"):
        visual, name = link.find("visual"), link.get("name", "")
        if visual is None:
            continue
        collision = ElementTree.SubElement(link, "collision")
        placed = visual.find("origin")
        if gripper is not None and name in gripper.links:
            # Shipped fingers have anchors of friction. These keep points of contact whose normals no longer hold once
            # the hand has turned, and what is held sinks into the fingers.
            for soft in link.findall("contact"):
                link.remove(soft)
            x, y, z = gripper.finger
            # The second finger's mesh is the first one's, turned by half a turn about z.
            side = 1.0 if name == gripper.links[0] else -1.0
            ElementTree.SubElement(collision, "origin", xyz=f"0 {side * y / 2} {z / 2}", rpy="0 0 0")
            ElementTree.SubElement(ElementTree.SubElement(collision, "geometry"), "box", size=f"{x} {y} {z}")
            continue
        if placed is not None:
            collision.append(copy.deepcopy(placed))
        mesh = trimesh.load_mesh(folder / f"{name}.obj")
        hull = trimesh.Trimesh(corners(np.asarray(mesh.vertices))).convex_hull
        (folder / f"{name}-hull.obj").write_text(trimesh.exchange.obj.export_obj(hull, include_normals=False))
        ElementTree.SubElement(ElementTree.SubElement(collision, "geometry"), "mesh", filename=f"{name}-hull.obj")


def add_cylinder(link: ElementTree.Element, hand: tuple[float, ...], radius: float, length: float) -> None:
    """Give a link a cylinder that ends at the hand frame, along its z."""
    collision = ElementTree.SubElement(link, "collision")
    ElementTree.SubElement(collision, "origin", xyz=f"{hand[0]} {hand[1]} {hand[2] - length / 2}", rpy="0 0 0")
    geometry = ElementTree.SubElement(collision, "geometry")
    ElementTree.SubElement(geometry, "cylinder", radius=str(radius), length=str(length))
