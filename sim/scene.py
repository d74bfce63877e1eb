"""The hold scene: an arm holds a toy before a camera and is given joint velocities."""

from __future__ import annotations

import numpy as np

from sim import poses
from sim.arm import chain_of, light_urdf
from sim.arms import arm_spec
from sim.grasp import grasp_pose
from sim.objects.mesh import Toy
from sim.objects.surface import surface_points
from sim.randomize import Look
from sim.robot import Robot
from sim.settings import SceneSettings
from sim.stage import ARM, OBJECT, RECYCLE, SceneState, Stage, View

TOY_MASS = 0.15
"""kg."""


class HoldScene(Stage):
    """One arm, one toy in its hand, one camera. Call `reset`, then `step` and `observe` in turn; `close` at the end."""

    def __init__(self, settings: SceneSettings) -> None:
        spec = arm_spec(settings.arm)
        urdf = light_urdf(spec, settings.arm_triangles, settings.draw)
        super().__init__(settings, spec=spec, chain=chain_of(spec), urdf=urdf, eye=settings.eye)

    def reset(
        self, toy: Toy, *, grasp_rotation: np.ndarray, joints: np.ndarray, look: Look | np.random.Generator
    ) -> None:
        """Put `toy` into the hand and the arm at rest at `joints` [D] rad.

        `grasp_rotation` [4] is the toy's orientation in the hand frame; `look`, or what draws it, is how it looks.
        """
        self._clear(toys=1)
        self._see(self.settings.look(look) if isinstance(look, np.random.Generator) else look)
        self._surface = surface_points(toy, size=self._look.size)
        self.grasp = grasp_pose(self._surface, grasp_rotation)
        self._held = poses.compose(self.chain.hand, self.grasp)
        # Neither mass nor contacts: it follows the hand exactly, which no constraint of PyBullet's does.
        self._toy, self._shape = self._load(toy), toy
        self._bodies = [self._toy]
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

    def restore(self, state: SceneState) -> None:
        """Go back to a saved moment, to the bit."""
        super().restore(state)
        self._place()

    @property
    def _object(self) -> np.ndarray:
        return self._placed

    def _furnish(self) -> Robot:
        robot = Robot(self._bullet, self._client, self.spec, self._urdf)
        robot.carry(TOY_MASS, self.settings.object_size)
        return robot

    def _put(self) -> tuple[Toy, np.ndarray, tuple[tuple[Toy, np.ndarray], ...]]:
        return self._shape, self.grasp[3:].copy(), ()

    def _begin_again(self, state: SceneState, look: Look) -> None:
        self.reset(state.toy, grasp_rotation=state.put, joints=np.array(self.spec.home), look=look)

    def _place(self) -> None:
        """Put the toy where the hand is: by forward kinematics, after the physics of a frame."""
        self._placed = poses.compose(self._robot.link_pose, self._held)
        self._bullet.resetBasePositionAndOrientation(
            self._toy, self._placed[:3].tolist(), self._placed[3:].tolist(), physicsClientId=self._client
        )


__all__ = ["ARM", "OBJECT", "RECYCLE", "HoldScene", "SceneSettings", "SceneState", "View"]
