"""What the hold scene and the table scene have in common: a physics client with an arm, a camera and toys."""

from __future__ import annotations

import tempfile
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np

from sim import poses
from sim.arm import ArmSpec
from sim.bullet import import_bullet, quiet
from sim.camera import FAR, NEAR, Camera, pixels
from sim.grasp import visible_share
from sim.kinematics import Chain
from sim.objects.mesh import Toy, write_obj
from sim.randomize import Look, backdrop, draw_background, plain_background
from sim.renderers import renderer
from sim.robot import Robot
from sim.settings import PHYSICS_RATE, SceneSettings

CONTROL_STEPS = 6
"""Physics steps between two looks of the velocity controller at the joints: 40 a second."""
CELLS = 64
"""Most of a side of the image where it is asked whether an object must be seen: its surface points fill that many."""
RECYCLE = 50
"""Toys after which the client is replaced: PyBullet never frees textures, disconnecting does."""
ARM, OBJECT, TABLE, OTHER = 1, 2, 3, 4
"""Numbers in a segmentation; 0 is the background."""


class View(NamedTuple):
    """What the scene shows at one moment."""

    frame: np.ndarray
    """uint8 [H, W, 3]."""
    mask: np.ndarray
    """bool [H, W]: arm and objects; a table is background."""
    joints: np.ndarray
    """float64 [D] rad."""
    object_pose: np.ndarray
    """float64 [7]: canonical frame of the object in the camera frame."""
    visible: float
    """Share of the object's silhouette that is in the image and not covered."""
    depth: np.ndarray | None = None
    """float32 [H, W] m along the camera's axis, 0 where nothing is; where asked for."""
    segmentation: np.ndarray | None = None
    """uint8 [H, W]: 0 background, 1 arm, 2 object, 3 table, 4 other objects; where asked for."""


class SceneState(NamedTuple):
    """A moment of an episode, for `restore`; it holds in any process with the same settings."""

    toy: Toy
    put: np.ndarray
    """How `reset` put it there."""
    others: tuple[tuple[Toy, np.ndarray], ...]
    """Other toys, and how they were put there."""
    before: int
    """Toys that the client had held before these."""
    look: Look
    background: np.ndarray
    wanted: np.ndarray
    physics: bytes
    """PyBullet's own file."""


class Stage(ABC):
    """One arm and one camera in a physics client, which is made at the first reset and then every RECYCLE toys.

    A scene says how it is furnished, where its toy is, and how to begin again as a saved moment began.
    """

    iterations = 16
    """Of PyBullet's solver a step, none left out; with fewer, seven motors do not get the velocities that they are
    told."""
    gives_way: np.ndarray | float = np.inf
    """How far joints may be behind their commands and still be told to make it good, rad or [D] rad."""

    def __init__(self, settings: SceneSettings, *, spec: ArmSpec, chain: Chain, urdf: Path, eye: Camera) -> None:
        self.settings, self.spec, self.chain, self.eye = settings, spec, chain, eye
        self.intrinsics = eye.intrinsics(settings.image_size)
        self._urdf = urdf
        self._bullet = import_bullet()
        self._renderer = renderer(settings.renderer)
        backdrop(settings.randomize.backdrop)
        self.renderer = self._renderer.name
        self._client = self._toy = self._rest = self._table = -1
        self._toys = self._before = 0
        self._bodies: list[int] = []
        self._robot: Robot
        self._surface: np.ndarray
        self._wanted: np.ndarray
        self._background: np.ndarray

    @property
    def fallen(self) -> bool:
        """The object is out of reach for good, which ends an episode."""
        return False

    @abstractmethod
    def step(self, command: np.ndarray) -> None:
        """Hold the joint velocities `command` [D] rad/s for one frame."""

    def observe(self, *, depth: bool = False, segmentation: bool = False) -> View:
        """Draw the scene and measure it. Raises RuntimeError where the renderer gives a blank picture."""
        size = self.settings.image_size
        picture = self._bullet.getCameraImage(
            size, size, *self._matrices, renderer=self._renderer.flag, physicsClientId=self._client, **self._light
        )
        colors = cv2.cvtColor(np.reshape(picture[2], (size, size, 4)).astype(np.uint8), cv2.COLOR_RGBA2RGB)
        owner = np.reshape(picture[4], (size, size))
        drawn, owned = owner >= 0, owner == self._toy
        mask = drawn & (owner != self._table) if self._table >= 0 else drawn
        pose = self.object_pose
        points = pose[:3] + self._surface @ poses.to_matrix(pose[3:]).T
        if self.settings.draw_object and not mask.any() and _plain_to_see(points, self.intrinsics, size):
            raise RuntimeError(f"{self.renderer} drew nothing where the object is: a blank picture, use renderer=tiny")
        background = self.settings.randomize.background
        if background == "frame":
            self._background = self._draw_background()
        kept = drawn if background == "fixed" else mask
        return View(
            frame=cv2.copyTo(colors, kept.view(np.uint8), self._background.copy()),
            mask=mask,
            joints=self.joints,
            object_pose=pose,
            visible=visible_share(owned, points, self.intrinsics),
            depth=_metres(np.reshape(picture[3], (size, size)), drawn) if depth else None,
            segmentation=self._segmentation(owner) if segmentation else None,
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
        look = self._look._replace(behind=_copy(self._look.behind))
        return SceneState(*self._put(), self._before, look, self._background.copy(), self._wanted.copy(), physics)

    def restore(self, state: SceneState) -> None:
        """Go back to a saved moment, to the bit."""
        behind = _copy(state.look.behind)
        self._begin_again(state, state.look._replace(behind=behind))
        behind.bit_generator.state = state.look.behind.bit_generator.state
        self._background, self._wanted = state.background.copy(), state.wanted.copy()
        with tempfile.TemporaryDirectory(prefix="armplay-state-") as folder:
            path = Path(folder, "state.bullet")
            path.write_bytes(state.physics)
            self._bullet.restoreState(fileName=str(path), physicsClientId=self._client)

    def close(self) -> None:
        """Free the physics client. May be called twice."""
        if self._client >= 0:
            with quiet():
                self._bullet.disconnect(self._client)
            self._client = -1

    @property
    @abstractmethod
    def _object(self) -> np.ndarray:
        """The object's canonical frame in the base frame, float64 [7]."""

    @abstractmethod
    def _furnish(self) -> Robot:
        """Put the arm, and what else stays, into a new client."""

    @abstractmethod
    def _put(self) -> tuple[Toy, np.ndarray, tuple[tuple[Toy, np.ndarray], ...]]:
        """The toys, and how they were put there."""

    @abstractmethod
    def _begin_again(self, state: SceneState, look: Look) -> None:
        """Reset with the same toys."""

    def _advance(self) -> None:
        """One step of physics."""
        self._bullet.stepSimulation(physicsClientId=self._client)

    def _clear(self, toys: int) -> None:
        """Take away what the episode before left, for that many new toys; in a new client, where it is time."""
        if self._client < 0 or self._toys >= RECYCLE:
            self._connect()
        for body in self._bodies:
            self._bullet.removeBody(body, physicsClientId=self._client)
        self._bodies = []
        self._bullet.restoreState(self._rest, physicsClientId=self._client)
        self._before = self._toys
        self._toys += toys

    def _connect(self) -> None:
        self.close()
        bullet = self._bullet
        self._client = client = bullet.connect(bullet.DIRECT)
        self._toys, self._bodies = 0, []
        self._renderer.start(client)
        bullet.setPhysicsEngineParameter(
            fixedTimeStep=1 / PHYSICS_RATE,
            numSolverIterations=self.iterations,
            solverResidualThreshold=0.0,
            deterministicOverlappingPairs=1,
            enableFileCaching=0,
            physicsClientId=client,
        )
        bullet.setGravity(0, 0, -9.81, physicsClientId=client)
        self._robot = self._furnish()
        self._rest = bullet.saveState(physicsClientId=client)

    def _drive(self, command: np.ndarray) -> np.ndarray:
        """A velocity controller as arms have it: what motors fall behind while they speed up, they make good. Returns
        where the joints should be now [D] rad."""
        left = self.settings.substeps
        wanted = self._wanted.copy()
        while left:
            steps = min(left, CONTROL_STEPS)
            seconds = steps / PHYSICS_RATE
            now = self.joints
            wanted = np.clip(wanted, now - self.gives_way, now + self.gives_way)
            self._robot.command(command + (wanted - now) / seconds)
            for _ in range(steps):
                self._advance()
            wanted += command * seconds
            left -= steps
        return wanted

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

    def _load(self, toy: Toy, *, mass: float = 0.0, collision: int = -1, **more: Any) -> int:
        """A body that looks like the toy; by default without mass and contacts."""
        bullet, client = self._bullet, self._client
        if not self.settings.draw_object:
            return bullet.createMultiBody(mass, collision, -1, physicsClientId=client, **more)
        with tempfile.TemporaryDirectory(prefix="armplay-toy-") as folder:
            path = write_obj(toy, Path(folder), size=self._look.size)
            shape = bullet.createVisualShape(bullet.GEOM_MESH, fileName=str(path), physicsClientId=client)
            return bullet.createMultiBody(mass, collision, shape, physicsClientId=client, **more)

    def _segmentation(self, owner: np.ndarray) -> np.ndarray:
        """uint8 [H, W] from the numbers [H, W] of the bodies that are seen."""
        found = np.zeros(owner.shape, dtype=np.uint8)
        named = [(self._robot.body, ARM), (self._table, TABLE), *((body, OTHER) for body in self._bodies)]
        for body, number in (*named, (self._toy, OBJECT)):
            if body >= 0:
                found[owner == body] = number
        return found


def _copy(generator: np.random.Generator) -> np.random.Generator:
    """Another generator that will draw the same."""
    other = np.random.Generator(type(generator.bit_generator)())
    other.bit_generator.state = generator.bit_generator.state
    return other


def _plain_to_see(points: np.ndarray, intrinsics: np.ndarray, size: int) -> bool:
    """Whether the surface points [N, 3] m, camera frame, take up so much of the image that some of it must be drawn.

    A sword seen from its edge may fall between the pixels: it touches two or three cells for each that it is long.
    """
    cell = max(1, size // CELLS)
    at = np.floor(pixels(points[points[:, 2] > NEAR], intrinsics) / cell).astype(np.int64)
    at = np.unique(at[((at >= 0) & (at < size // cell)).all(axis=1)], axis=0)
    return len(at) > 16 and len(at) > 3 * np.ptp(at, axis=0).max()


def _metres(buffer: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """OpenGL's depth buffer [H, W] in [0, 1] as metres along the camera's axis; 0 outside the mask."""
    metres = FAR * NEAR / (FAR - (FAR - NEAR) * buffer.astype(np.float64))
    return np.where(mask, metres, 0.0).astype(np.float32)
