"""The hold scene: an arm holds a toy before a camera and is given joint velocities."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from sim import poses
from sim.arm import chain_of, light_urdf
from sim.arms import arm_spec
from sim.bullet import import_bullet, quiet
from sim.camera import FAR, NEAR, pixels
from sim.grasp import grasp_pose, surface_points, visible_share
from sim.objects.mesh import Toy, write_obj
from sim.randomize import Look, backdrop, draw_background, plain_background
from sim.renderers import renderer
from sim.robot import Robot
from sim.settings import PHYSICS_RATE, SceneSettings

SOLVER_ITERATIONS = 16
"""Of PyBullet's solver a step, none left out; with fewer, seven motors do not get the velocities that they are told."""
CONTROL_STEPS = 6
"""Physics steps between two looks of the velocity controller at the joints: 40 a second."""
RECYCLE = 50
"""Toys after which the client is replaced: PyBullet never frees textures, disconnecting does."""
TOY_MASS = 0.15
"""kg."""
ARM, OBJECT = 1, 2
"""Numbers in a segmentation; 0 is the background."""


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
    depth: np.ndarray | None = None
    """float32 [H, W] m along the camera's axis, 0 where nothing is; where asked for."""
    segmentation: np.ndarray | None = None
    """uint8 [H, W]: 0 background, 1 arm, 2 object; where asked for."""


class SceneState(NamedTuple):
    """A moment of an episode, for `HoldScene.restore`; it holds in any process with the same settings."""

    toy: Toy
    grasp_rotation: np.ndarray
    look: Look
    background: np.ndarray
    wanted: np.ndarray
    physics: bytes
    """PyBullet's own file."""


class HoldScene:
    """One arm, one toy in its hand, one camera. Call `reset`, then `step` and `observe` in turn; `close` at the end."""

    def __init__(self, settings: SceneSettings) -> None:
        self.settings = settings
        self.spec = arm_spec(settings.arm)
        self.chain = chain_of(self.spec)
        self.intrinsics = settings.eye.intrinsics(settings.image_size)
        self._urdf = light_urdf(self.spec, settings.arm_triangles, settings.draw)
        self._bullet = import_bullet()
        self._renderer = renderer(settings.renderer)
        backdrop(settings.randomize.backdrop)
        self.renderer = self._renderer.name
        self._client = self._toy = self._rest = -1
        self._toys = 0

    def reset(
        self, toy: Toy, *, grasp_rotation: np.ndarray, joints: np.ndarray, look: Look | np.random.Generator
    ) -> None:
        """Put `toy` into the hand and the arm at rest at `joints` [D] rad.

        `grasp_rotation` [4] is the toy's orientation in the hand frame; `look`, or what draws it, is how it looks.
        """
        bullet = self._bullet
        if self._client < 0 or self._toys >= RECYCLE:
            self._connect()
        else:
            bullet.removeBody(self._toy, physicsClientId=self._client)
        bullet.restoreState(self._rest, physicsClientId=self._client)
        self._toys += 1
        self._see(self.settings.look(look) if isinstance(look, np.random.Generator) else look)
        self._surface = surface_points(toy, size=self._look.size)
        self.grasp = grasp_pose(self._surface, grasp_rotation)
        self._held = poses.compose(self.chain.hand, self.grasp)
        self._toy, self._shape = self._load(toy), toy
        self._wanted = np.array(joints, dtype=np.float64)
        self._robot.put(self._wanted, np.zeros(self.chain.joints))
        self._robot.command(np.zeros(self.chain.joints))
        self._place()

    def step(self, command: np.ndarray) -> None:
        """Hold the joint velocities `command` [D] rad/s for one frame."""
        command = np.asarray(command, dtype=np.float64)
        if self.settings.drive == "kinematics":
            self._robot.put(self._wanted + command * self.settings.interval, command)
        else:
            self._drive(command)
        self._wanted += command * self.settings.interval
        self._place()

    def observe(self, *, depth: bool = False, segmentation: bool = False) -> View:
        """Draw the scene and measure it. Raises RuntimeError where the renderer gives a blank picture."""
        size = self.settings.image_size
        picture = self._bullet.getCameraImage(
            size, size, *self._matrices, renderer=self._renderer.flag, physicsClientId=self._client, **self._light
        )
        colors = cv2.cvtColor(np.reshape(picture[2], (size, size, 4)).astype(np.uint8), cv2.COLOR_RGBA2RGB)
        owner = np.reshape(picture[4], (size, size))
        mask, owned = owner >= 0, owner == self._toy
        pose = self.object_pose
        points = pose[:3] + self._surface @ poses.to_matrix(pose[3:]).T
        if self.settings.draw_object and not mask.any() and _plain_to_see(points, self.intrinsics, size):
            raise RuntimeError(f"{self.renderer} drew nothing where the object is: a blank picture, use renderer=tiny")
        if self.settings.randomize.background == "frame":
            self._background = self._draw_background()
        return View(
            frame=cv2.copyTo(colors, mask.view(np.uint8), self._background.copy()),
            mask=mask,
            joints=self.joints,
            object_pose=pose,
            visible=visible_share(owned, points, self.intrinsics),
            depth=_metres(np.reshape(picture[3], (size, size)), mask) if depth else None,
            segmentation=mask.astype(np.uint8) * ARM + owned * np.uint8(OBJECT - ARM) if segmentation else None,
        )

    @property
    def joints(self) -> np.ndarray:
        """Measured joint positions, float64 [D] rad."""
        return self._robot.positions

    @property
    def joint_velocities(self) -> np.ndarray:
        """Measured joint velocities, float64 [D] rad/s."""
        return self._robot.velocities

    @property
    def object_pose(self) -> np.ndarray:
        """The object's canonical frame in the camera frame, float64 [7]. Nothing is drawn for it."""
        return poses.compose(self._into_camera, self._object)

    def save(self) -> SceneState:
        """This moment, to come back to."""
        with tempfile.TemporaryDirectory(prefix="armplay-state-") as folder:
            path = Path(folder, "state.bullet")
            self._bullet.saveBullet(str(path), physicsClientId=self._client)
            physics = path.read_bytes()
        # A generator of the same state: the scene goes on drawing from its own.
        behind = np.random.Generator(type(self._look.behind.bit_generator)())
        behind.bit_generator.state = self._look.behind.bit_generator.state
        look = self._look._replace(behind=behind)
        return SceneState(
            self._shape, self.grasp[3:].copy(), look, self._background.copy(), self._wanted.copy(), physics
        )

    def restore(self, state: SceneState) -> None:
        """Go back to a saved moment, to the bit."""
        behind = np.random.Generator(type(state.look.behind.bit_generator)())
        behind.bit_generator.state = state.look.behind.bit_generator.state
        home = np.array(self.spec.home)
        self.reset(state.toy, grasp_rotation=state.grasp_rotation, joints=home, look=state.look._replace(behind=behind))
        behind.bit_generator.state = state.look.behind.bit_generator.state
        self._background, self._wanted = state.background.copy(), state.wanted.copy()
        with tempfile.TemporaryDirectory(prefix="armplay-state-") as folder:
            path = Path(folder, "state.bullet")
            path.write_bytes(state.physics)
            self._bullet.restoreState(fileName=str(path), physicsClientId=self._client)
        self._place()

    def close(self) -> None:
        """Free the physics client. May be called twice."""
        if self._client >= 0:
            with quiet():
                self._bullet.disconnect(self._client)
            self._client = -1

    def _connect(self) -> None:
        self.close()
        bullet = self._bullet
        self._client = client = bullet.connect(bullet.DIRECT)
        self._toys = 0
        self._renderer.start(client)
        bullet.setPhysicsEngineParameter(
            fixedTimeStep=1 / PHYSICS_RATE,
            numSolverIterations=SOLVER_ITERATIONS,
            solverResidualThreshold=0.0,
            deterministicOverlappingPairs=1,
            enableFileCaching=0,
            physicsClientId=client,
        )
        bullet.setGravity(0, 0, -9.81, physicsClientId=client)
        self._robot = Robot(bullet, client, self.spec, self._urdf)
        self._robot.carry(TOY_MASS, self.settings.object_size)
        self._rest = bullet.saveState(physicsClientId=client)

    def _drive(self, command: np.ndarray) -> None:
        """A velocity controller as arms have it: what motors fall behind while they speed up, they make good."""
        left = self.settings.substeps
        wanted = self._wanted.copy()
        while left:
            steps = min(left, CONTROL_STEPS)
            seconds = steps / PHYSICS_RATE
            self._robot.command(command + (wanted - self.joints) / seconds)
            for _ in range(steps):
                self._bullet.stepSimulation(physicsClientId=self._client)
            wanted += command * seconds
            left -= steps

    def _see(self, look: Look) -> None:
        """Make an episode's look the scene's."""
        size = self.settings.image_size
        self._look, self.camera_pose = look, look.camera.pose
        self._into_camera = poses.inverse(self.camera_pose)
        projection = look.camera.projection_matrix
        projection[8] = projection[9] = 2.0 * self._renderer.shift / size
        self._matrices = look.camera.view_matrix, projection
        self._light = look.light.options()
        drawn = self.settings.randomize.background == "episode"
        self._background = self._draw_background() if drawn else plain_background(size)

    def _draw_background(self) -> np.ndarray:
        return draw_background(self._look.behind, self.settings.image_size, self.settings.randomize.backdrop)

    def _load(self, toy: Toy) -> int:
        """A body without mass or collisions: it follows the hand exactly, which no constraint of PyBullet's does."""
        if not self.settings.draw_object:
            return self._bullet.createMultiBody(0, -1, -1, physicsClientId=self._client)
        with tempfile.TemporaryDirectory(prefix="armplay-toy-") as folder:
            path = write_obj(toy, Path(folder), size=self._look.size)
            shape = self._bullet.createVisualShape(
                self._bullet.GEOM_MESH, fileName=str(path), physicsClientId=self._client
            )
            return self._bullet.createMultiBody(0, -1, shape, physicsClientId=self._client)

    def _place(self) -> None:
        """Put the toy where the hand is: by forward kinematics, after the physics of a frame."""
        self._object = poses.compose(self._robot.link_pose, self._held)
        self._bullet.resetBasePositionAndOrientation(
            self._toy, self._object[:3].tolist(), self._object[3:].tolist(), physicsClientId=self._client
        )


def _plain_to_see(points: np.ndarray, intrinsics: np.ndarray, size: int) -> bool:
    """Whether the surface points [N, 3] m, camera frame, take up so much of the image that some of it must be drawn.

    A thin thing seen from its edge may fall between the pixels.
    """
    at = np.floor(pixels(points[points[:, 2] > NEAR], intrinsics)).astype(np.int64)
    at = at[((at >= 0) & (at < size)).all(axis=1)]
    return len(np.unique(at @ [1, size])) > max(16, size * size // 100)


def _metres(buffer: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """OpenGL's depth buffer [H, W] in [0, 1] as metres along the camera's axis; 0 outside the mask."""
    metres = FAR * NEAR / (FAR - (FAR - NEAR) * buffer.astype(np.float64))
    return np.where(mask, metres, 0.0).astype(np.float32)
