"""The hold scene: an arm holds a toy before a camera. Velocity control through real physics, drawn by TinyRenderer."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from sim import poses
from sim.arm import chain_of, light_urdf
from sim.arms import arm_spec
from sim.bullet import import_bullet
from sim.camera import Camera, pixels
from sim.errors import InputError
from sim.objects.mesh import Toy, write_obj
from sim.randomize import Background, check_background, draw_background, plain_background

PHYSICS_RATE = 240
RECYCLE = 50
"""Toys after which the client is replaced: PyBullet never frees textures, disconnecting does."""
TOY_MASS = 0.15
LIGHT = {
    "lightDirection": [0.4, -1.0, 1.6],
    "lightColor": [1.0, 1.0, 1.0],
    "lightDistance": 3.0,
    "lightAmbientCoeff": 0.6,
    "lightDiffuseCoeff": 0.42,
    "lightSpecularCoeff": 0.05,
    "shadow": 0,
}
"""All of them on every call: PyBullet keeps what an earlier call set."""
_NEIGHBOURS = np.ones((3, 3), dtype=np.uint8)
"""A surface point at the rim may fall into a pixel beside the drawn ones."""


@dataclass(frozen=True)
class SceneSettings:
    """The scene: arm, camera, pictures and time."""

    arm: str = "kuka"
    """Which arm; `sim/arms/` holds them."""
    image_size: int = 128
    """Height and width of the frames in pixels."""
    frames: int = 32
    """Frames an episode."""
    frame_rate: float = 5.0
    """Frames, and so commands, per second; physics runs at 240 Hz."""
    background: Background = "fixed"
    """fixed (one plain background), frame (drawn anew per frame), episode (a shortcut, kept to show it)."""
    object_size: float = 0.12
    """Longest side of the held object, m."""
    arm_triangles: int = 2000
    """Triangles that the arm is drawn with."""
    camera: Camera = field(default_factory=Camera)

    def __post_init__(self) -> None:
        check_background(self.background)
        if not 16 <= self.image_size <= 1024:
            raise InputError(f"image_size={self.image_size}: between 16 and 1024 pixels, or nothing can be told apart")
        if self.frames < 2:
            raise InputError(f"frames={self.frames}: at least 2 are needed, or there is no pair")
        if not self.frame_rate > 0 or abs(PHYSICS_RATE / self.frame_rate - self.substeps) > 1e-9 or self.substeps < 1:
            raise InputError(
                f"frame_rate={self.frame_rate}: must divide {PHYSICS_RATE} Hz, or a command ends within a physics step"
            )
        if not 0.02 <= self.object_size <= 0.3:
            raise InputError(f"object_size={self.object_size}: between 0.02 and 0.3 m, or the hand cannot hold it")
        if self.arm_triangles < 400:
            raise InputError(f"arm_triangles={self.arm_triangles}: at least 400, or the arm falls apart")

    @property
    def substeps(self) -> int:
        """Physics steps per frame."""
        return round(PHYSICS_RATE / self.frame_rate)

    @property
    def interval(self) -> float:
        """Seconds between two frames."""
        return self.substeps / PHYSICS_RATE


class View(NamedTuple):
    """What the scene shows at one moment."""

    frame: np.ndarray
    """uint8 [H, W, 3]."""
    mask: np.ndarray
    """bool [H, W]: arm and object."""
    joints: np.ndarray
    """float64 [D] rad."""
    object_pose: np.ndarray
    """float64 [7]: canonical frame of the object in the camera frame."""
    visible: float
    """Share of the object's silhouette that is in the image and not covered."""


class HoldScene:
    """One arm, one toy in its hand, one camera. Call `reset`, then `step` and `observe` in turn; `close` at the end."""

    def __init__(self, settings: SceneSettings) -> None:
        self.settings = settings
        self.spec = arm_spec(settings.arm)
        self.chain = chain_of(self.spec)
        self.intrinsics = settings.camera.intrinsics(settings.image_size)
        self.camera_pose = settings.camera.pose
        self.renderer = "tiny"
        self._into_camera = poses.inverse(self.camera_pose)
        projection = settings.camera.projection_matrix
        # TinyRenderer looks through a pixel's lower left corner: moved half a pixel, frames agree with the intrinsics.
        projection[8] = projection[9] = 1.0 / settings.image_size
        self._matrices = settings.camera.view_matrix, projection
        self._urdf = light_urdf(self.spec, settings.arm_triangles)
        self._bullet = import_bullet()
        self._client = self._arm = self._toy = self._rest = -1
        self._toys = 0

    def reset(
        self, toy: Toy, *, grasp_rotation: np.ndarray, joints: np.ndarray, background: np.random.Generator
    ) -> None:
        """Put `toy` into the hand and the arm at rest at `joints` [D] rad.

        `grasp_rotation` [4] is the toy's orientation in the hand frame; `background` draws what is behind.
        """
        bullet = self._bullet
        if self._client < 0 or self._toys >= RECYCLE:
            self._connect()
        else:
            bullet.removeBody(self._toy, physicsClientId=self._client)
        bullet.restoreState(self._rest, physicsClientId=self._client)
        self._toys += 1
        self._surface = surface_points(toy, size=self.settings.object_size)
        self.grasp = grasp_pose(self._surface, grasp_rotation)
        self._toy = self._load(toy)
        self._background_rng = background
        if self.settings.background == "episode":
            self._background = draw_background(background, self.settings.image_size)
        for index, angle in zip(self._indices, joints, strict=True):
            bullet.resetJointState(self._arm, index, angle, 0.0, physicsClientId=self._client)
        self._command(np.zeros(self.chain.joints))
        self._place()

    def step(self, command: np.ndarray) -> None:
        """Hold the joint velocities `command` [D] rad/s for one frame of physics."""
        self._command(command)
        for _ in range(self.settings.substeps):
            self._bullet.stepSimulation(physicsClientId=self._client)
        self._place()

    def observe(self) -> View:
        """Draw the scene and measure it."""
        size = self.settings.image_size
        picture = self._bullet.getCameraImage(
            size,
            size,
            *self._matrices,
            renderer=self._bullet.ER_TINY_RENDERER,
            physicsClientId=self._client,
            **LIGHT,
        )
        colors = cv2.cvtColor(np.reshape(picture[2], (size, size, 4)).astype(np.uint8), cv2.COLOR_RGBA2RGB)
        owner = np.reshape(picture[4], (size, size))
        mask = owner >= 0
        if self.settings.background == "frame":
            self._background = draw_background(self._background_rng, size)
        frame = cv2.copyTo(colors, mask.view(np.uint8), self._background.copy())
        pose = poses.compose(self._into_camera, self._object)
        return View(frame, mask, self.joints, pose, self._visible_share(owner == self._toy, pose))

    @property
    def joints(self) -> np.ndarray:
        """Measured joint positions, float64 [D] rad."""
        states = self._bullet.getJointStates(self._arm, self._indices, physicsClientId=self._client)
        return np.array([state[0] for state in states])

    @property
    def joint_velocities(self) -> np.ndarray:
        """Measured joint velocities, float64 [D] rad/s."""
        states = self._bullet.getJointStates(self._arm, self._indices, physicsClientId=self._client)
        return np.array([state[1] for state in states])

    def close(self) -> None:
        """Free the physics client. May be called twice."""
        if self._client >= 0:
            self._bullet.disconnect(self._client)
            self._client = -1

    def _connect(self) -> None:
        self.close()
        bullet, settings = self._bullet, self.settings
        self._client = client = bullet.connect(bullet.DIRECT)
        self._toys = 0
        bullet.setPhysicsEngineParameter(
            fixedTimeStep=1 / PHYSICS_RATE,
            deterministicOverlappingPairs=1,
            enableFileCaching=0,
            physicsClientId=client,
        )
        bullet.setGravity(0, 0, -9.81, physicsClientId=client)
        self._arm = bullet.loadURDF(str(self._urdf), useFixedBase=True, physicsClientId=client)
        found = {}
        for index in range(bullet.getNumJoints(self._arm, physicsClientId=client)):
            found[bullet.getJointInfo(self._arm, index, physicsClientId=client)[1].decode()] = index
        self._indices = [found[name] for name in self.spec.joints]
        last = self._indices[-1]
        mass = bullet.getDynamicsInfo(self._arm, last, physicsClientId=client)[0]
        bullet.changeDynamics(self._arm, last, mass=mass + TOY_MASS, physicsClientId=client)
        self._background = plain_background(settings.image_size)
        self._rest = bullet.saveState(physicsClientId=client)

    def _load(self, toy: Toy) -> int:
        """A body without mass or collisions: it follows the hand exactly, which no constraint of PyBullet's does."""
        with tempfile.TemporaryDirectory(prefix="armplay-toy-") as folder:
            path = write_obj(toy, Path(folder), size=self.settings.object_size)
            shape = self._bullet.createVisualShape(
                self._bullet.GEOM_MESH, fileName=str(path), physicsClientId=self._client
            )
            return self._bullet.createMultiBody(0, -1, shape, physicsClientId=self._client)

    def _command(self, velocities: np.ndarray) -> None:
        self._bullet.setJointMotorControlArray(
            self._arm,
            self._indices,
            self._bullet.VELOCITY_CONTROL,
            targetVelocities=[float(v) for v in velocities],
            forces=self.spec.torque,
            physicsClientId=self._client,
        )

    def _place(self) -> None:
        """Put the toy where the hand is: by forward kinematics, after the physics of a frame."""
        state = self._bullet.getLinkState(
            self._arm, self._indices[-1], computeForwardKinematics=1, physicsClientId=self._client
        )
        link = np.concatenate([state[4], state[5]])
        self._object = poses.compose(poses.compose(link, self.chain.hand), self.grasp)
        self._bullet.resetBasePositionAndOrientation(
            self._toy, self._object[:3].tolist(), self._object[3:].tolist(), physicsClientId=self._client
        )

    def _visible_share(self, owned: np.ndarray, pose: np.ndarray) -> float:
        """Compare the silhouette of the bare object, splatted from its surface points, with the pixels that it owns."""
        size = self.settings.image_size
        points = pose[:3] + self._surface @ poses.to_matrix(pose[3:]).T
        column, row = np.floor(pixels(points, self.intrinsics)).astype(np.int64).T
        near = cv2.dilate(owned.view(np.uint8), _NEIGHBOURS).view(bool)
        inside = (column >= 0) & (column < size) & (row >= 0) & (row < size)
        shown = np.zeros(len(column), dtype=bool)
        shown[inside] = near[row[inside], column[inside]]
        cell = max(1, size // 64)
        row, column = row // cell, column // cell
        row, column = row - row.min(), column - column.min()
        cells = row * (column.max() + 1) + column
        silhouette, covered = np.zeros((2, cells.max() + 1), dtype=bool)
        silhouette[cells] = True
        covered[cells[shown]] = True
        return float(covered.sum() / silhouette.sum())


def grasp_pose(surface: np.ndarray, rotation: np.ndarray) -> np.ndarray:
    """The toy's frame in the hand frame, float64 [7]: its centre on the hand's axis, its surface at the suction cup.

    `surface` [N, 3] are points of the toy in m, `rotation` [4] is its orientation in the hand frame.
    """
    x, y, z = poses.to_matrix(rotation) @ surface.T
    on_axis = z[x * x + y * y < 0.01**2]
    depth = on_axis.min() if len(on_axis) else z.min() / 2
    return np.concatenate([[0.0, 0.0, max(-depth, 0.0)], rotation])


def surface_points(toy: Toy, count: int = 3000, *, size: float) -> np.ndarray:
    """Points [count, 3] m spread evenly over the surface of the toy of `size` m, the same ones at every call."""
    corners = (size * toy.vertices.astype(np.float64))[toy.faces]
    edge, other = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    area = np.cumsum(np.linalg.norm(poses.cross(edge, other), axis=-1))
    steps = (np.arange(count) + 0.5) / count
    face = np.searchsorted(area, steps * area[-1], side="right").clip(max=len(area) - 1)
    u, v = (steps * count * 0.7548776662466927) % 1.0, (steps * count * 0.5698402909980532) % 1.0
    fold = u + v > 1.0
    u, v = np.where(fold, 1 - u, u), np.where(fold, 1 - v, v)
    return corners[face, 0] + u[:, None] * edge[face] + v[:, None] * other[face]
