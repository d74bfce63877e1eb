"""The table scene: objects stand free on a table before an arm, which acts on them through contacts alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from sim import poses
from sim.arm import light_urdf, touching_chain
from sim.arms import arm_spec
from sim.contact_robot import ContactRobot
from sim.errors import InputError
from sim.objects.mesh import Toy
from sim.objects.solid import solid_of
from sim.objects.surface import surface_points
from sim.randomize import Look
from sim.rest import placed, standing
from sim.settings import PHYSICS_RATE, SceneSettings
from sim.stage import SceneState, Stage

FRICTION, SPINNING, ROLLING = 0.5, 0.001, 0.0005
"""Of an object on the table: sliding (no unit), turning on the spot and rolling (m)."""
LENGTH, WIDTH, THICKNESS = 1.2, 1.3, 0.04
"""Of the table along x and y, m; its top is at z = 0, where the arm stands too."""
CONTACT_ERP = 0.8
"""Share of a contact's depth that a step of physics takes away: with less, what is pressed sinks in."""
FARTHEST, DEEPEST, PARTS = 0.001, 0.00025, 16
"""Most that any point of an object may move in a step of physics, as contacts are seen from about as far, and most that
anything may sink in while the arm touches something, m. Beyond, a step is done in parts, at most so many."""
WOOD = (0.80, 0.73, 0.62, 1.0)
GAP = 0.001
"""Between object and table when it is put down, m: the margin of PyBullet's contacts."""
SETTLE = 24
"""Physics steps in which the objects come to rest before an episode begins."""
BEHIND, SQUEEZE = 0.03, 1.0
"""How far joints (rad) and a gripper (share of its opening) may be behind their commands and still be told to make it
good. An arm that was held up would leap when it comes free; a gripper goes on closing on what it holds."""
FALLEN = -0.05
"""An object whose middle is lower than this has fallen off, m."""
SPREAD = 0.04
"""How far from the middle of play an object may stand along x and y, m."""
APART = 0.16
"""Least distance between the middles of the played and another object, out of their size of 0.12 m."""

Placed = tuple[Toy, np.ndarray]
"""A toy and its pose [7] in the base frame."""


class Touch(NamedTuple):
    """What the arm touched since the frame before."""

    object: bool
    table: bool


class TableScene(Stage):
    """One arm, a table, a toy and maybe others on it, one camera. Call `reset`, then `step` and `observe` in turn;
    `close` at the end.

    Motors have little torque beside what bears the arm's weight, so an arm that meets something gives way:
    it is where physics left it, and not where its commands would have put it. Contact states repeat to the bit on one
    machine, and differ between machines.
    """

    iterations = 50

    def __init__(self, settings: SceneSettings) -> None:
        if settings.drive != "dynamics":
            raise InputError(f"drive={settings.drive}: on a table things move by contact, which takes drive=dynamics")
        spec = arm_spec(settings.arm)
        urdf = light_urdf(spec, settings.arm_triangles, settings.draw, touches=True)
        super().__init__(settings, spec=spec, chain=touching_chain(spec), urdf=urdf, eye=settings.table_eye)
        # A gripper presses on what it cannot close on, an arm does not.
        self.gives_way = np.full(self.chain.joints, BEHIND)
        self.gives_way[len(spec.joints) :] = SQUEEZE
        self._touch = Touch(False, False)
        self._radii: list[float] = []

    @property
    def home(self) -> np.ndarray:
        """The arm's home posture, its gripper open, float64 [D]."""
        return home_of(self.settings.arm)

    def reset(
        self,
        toy: Toy,
        *,
        place: np.ndarray,
        joints: np.ndarray,
        look: Look | np.random.Generator,
        others: Sequence[Placed] = (),
    ) -> None:
        """Put `toy` at the pose `place` [7] in the base frame, `others` at theirs, and the arm at rest at `joints` [D]
        rad; let the objects settle. `look`, or what draws it, is how it looks."""
        self._clear(toys=1 + len(others))
        self._see(self.settings.look(look, self.eye) if isinstance(look, np.random.Generator) else look)
        self._surface = surface_points(toy, size=self._look.size)
        self._others, self._radii = tuple(others), []
        self._start = toy, np.array(place, dtype=np.float64)
        for each, where in (self._start, *others):
            self._bodies.append(self._stand(each, where))
        self._toy = self._bodies[0]
        self._wanted = np.array(joints, dtype=np.float64)
        self._robot.put(self._wanted, np.zeros(self.chain.joints))
        self._robot.command(np.zeros(self.chain.joints))
        for _ in range(SETTLE):
            self._advance()
        self._touch = Touch(False, False)

    def step(self, command: np.ndarray) -> None:
        """Hold the joint velocities `command` [D] rad/s for one frame; the arm may fall behind what is in its way."""
        command = np.asarray(command, dtype=np.float64)
        self._touch = Touch(False, False)
        self._wanted = np.clip(self._drive(command), self.chain.lower, self.chain.upper)

    @property
    def touch(self) -> Touch:
        """What the arm touched since the frame before, looked at after each physics step."""
        return self._touch

    @property
    def fallen(self) -> bool:
        """The object is not on the table any more."""
        return bool(self._object[2] < FALLEN)

    @property
    def _object(self) -> np.ndarray:
        """The object's pose; PyBullet tells that of its centre of mass."""
        where = self._bullet.getBasePositionAndOrientation(self._toy, physicsClientId=self._client)
        return poses.compose(np.concatenate(where), self._from_center)

    def _furnish(self) -> ContactRobot:
        bullet, client = self._bullet, self._client
        half = [LENGTH / 2, WIDTH / 2, THICKNESS / 2]
        x = self.settings.table_point[0] - LENGTH / 2 + 0.4
        self._table = bullet.createMultiBody(
            0,
            bullet.createCollisionShape(bullet.GEOM_BOX, halfExtents=half, physicsClientId=client),
            bullet.createVisualShape(
                bullet.GEOM_BOX, halfExtents=half, rgbaColor=WOOD, specularColor=[0, 0, 0], physicsClientId=client
            ),
            [x, 0.0, -THICKNESS / 2],
            physicsClientId=client,
        )
        bullet.changeDynamics(
            self._table, -1, lateralFriction=1.0, spinningFriction=0.0, rollingFriction=0.0, physicsClientId=client
        )
        bullet.setPhysicsEngineParameter(contactERP=CONTACT_ERP, physicsClientId=client)
        self._arm = robot = ContactRobot(bullet, client, self.spec, self._urdf)
        # The arm is screwed to the table.
        bullet.setCollisionFilterPair(robot.body, self._table, -1, -1, 0, physicsClientId=client)
        return robot

    def _stand(self, toy: Toy, place: np.ndarray) -> int:
        """A body with mass, inertia, friction and its convex hull for contacts."""
        bullet, client = self._bullet, self._client
        solid = solid_of(toy, size=self._look.size)
        self._radii.append(float(np.linalg.norm(solid.hull - solid.center, axis=1).max()))
        moments, axes = np.linalg.eigh(solid.inertia)
        axes[:, 2] *= np.linalg.det(axes)
        inertial = np.concatenate([solid.center, poses.from_matrix(axes)])
        hull = bullet.createCollisionShape(
            bullet.GEOM_MESH,
            vertices=solid.hull.astype(np.float64).tolist(),
            physicsClientId=client,
        )
        body = self._load(
            toy,
            mass=solid.mass,
            collision=hull,
            basePosition=place[:3].tolist(),
            baseOrientation=place[3:].tolist(),
            baseInertialFramePosition=inertial[:3].tolist(),
            baseInertialFrameOrientation=inertial[3:].tolist(),
        )
        bullet.changeDynamics(
            body,
            -1,
            localInertiaDiagonal=moments.tolist(),
            lateralFriction=FRICTION,
            spinningFriction=SPINNING,
            rollingFriction=ROLLING,
            linearDamping=0,
            angularDamping=0,
            physicsClientId=client,
        )
        if not self._bodies:
            self._from_center = poses.inverse(inertial)
        return body

    def _advance(self) -> None:
        parts, touched = self._parts(), set()
        if parts > 1:
            self._pace(parts)
        for _ in range(parts):
            self._arm.hold_up()
            super()._advance()
            touched |= {point[2] for point in self._contacts()}
        if parts > 1:
            self._pace(1)
        self._touch = Touch(self._touch.object or self._toy in touched, self._touch.table or self._table in touched)

    def _parts(self) -> int:
        """How many parts the next step of physics is done in. Nothing should fly into what it has not met yet; and what
        is pressed sinks in, where the solver is not done with it, with the square of a step's length."""
        deep = speed = 0.0
        if self._contacts():
            points = self._bullet.getContactPoints(physicsClientId=self._client)
            deep = max(-point[8] for point in points)
        for body, radius in zip(self._bodies, self._radii, strict=True):
            linear, angular = self._bullet.getBaseVelocity(body, physicsClientId=self._client)
            speed = max(speed, math.hypot(*linear) + radius * math.hypot(*angular))
        return min(1 + int(max(speed / (PHYSICS_RATE * FARTHEST), deep / DEEPEST)), PARTS)

    def _contacts(self) -> Sequence[tuple]:
        """Where the arm touches something, as PyBullet tells it."""
        return self._bullet.getContactPoints(self._arm.body, physicsClientId=self._client)

    def _pace(self, parts: int) -> None:
        """Let a step of physics be a part of what it usually is; what is deep comes out as fast as ever."""
        self._bullet.setPhysicsEngineParameter(
            fixedTimeStep=1 / (PHYSICS_RATE * parts), contactERP=CONTACT_ERP / parts, physicsClientId=self._client
        )
        self._arm.drive()

    def _put(self) -> tuple[Toy, np.ndarray, tuple[Placed, ...]]:
        return *self._start, self._others

    def _begin_again(self, state: SceneState, look: Look) -> None:
        """PyBullet knows the contacts that it saved by numbers that bodies get as they are made, so as many have to be
        made before."""
        self._connect()
        for _ in range(state.before):
            shape = self._bullet.createCollisionShape(
                self._bullet.GEOM_SPHERE, radius=0.01, physicsClientId=self._client
            )
            body = self._bullet.createMultiBody(0, shape, physicsClientId=self._client)
            self._bullet.removeBody(body, physicsClientId=self._client)
        self._toys = state.before
        self.reset(state.toy, place=state.put, joints=self.home, look=look, others=state.others)


def home_of(arm: str) -> np.ndarray:
    """The home posture of an arm that touches things, its gripper open, float64 [D] rad."""
    spec = arm_spec(arm)
    return np.array([*spec.home, *([1.0] if spec.gripper else [])])


def draw_place(toy: Toy, settings: SceneSettings, size: float, rng: np.random.Generator) -> np.ndarray:
    """Where a toy of `size` m is put down [7]: standing as it stands by itself, anywhere about the middle of play."""
    solid = solid_of(toy, size=size)
    (x, y, _), (aside, along) = settings.table_point, rng.uniform(-SPREAD, SPREAD, 2)
    turned = poses.multiply(_about_z(rng.uniform(0.0, 2 * np.pi)), standing(solid))
    return placed(solid, turned, x + aside, y + along, gap=GAP)


def draw_others(
    toys: Sequence[Toy], settings: SceneSettings, size: float, place: np.ndarray, rng: np.random.Generator
) -> list[Placed]:
    """Other toys around the one that stands at `place`, evenly about it and behind it as the arm sees it."""
    found = []
    for index, toy in enumerate(toys):
        solid = solid_of(toy, size=size)
        angle = np.pi * ((index + rng.uniform(0.2, 0.8)) / len(toys) - 0.5)
        away = APART * (size / 0.12) * rng.uniform(1.0, 1.2)
        turned = poses.multiply(_about_z(rng.uniform(0.0, 2 * np.pi)), standing(solid))
        x, y = place[:2] + away * np.array([np.cos(angle), np.sin(angle)])
        found.append((toy, placed(solid, turned, x, y, gap=GAP)))
    return found


def _about_z(angle: float) -> np.ndarray:
    return poses.from_axis_angle(np.array([0.0, 0.0, 1.0]), angle)
