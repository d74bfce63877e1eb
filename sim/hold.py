"""`armplay/Hold-v0`: the hold scene as a Gymnasium environment."""

from __future__ import annotations

import numpy as np

from sim import poses
from sim.environment import ArmEnv
from sim.grasp import grasp_pose
from sim.kinematics import forward, reach
from sim.objects.mesh import Toy
from sim.objects.surface import surface_points
from sim.randomize import Look
from sim.scene import OBJECT, HoldScene


class HoldEnv(ArmEnv[HoldScene]):
    """An arm holds an object before a camera and is given joint velocities.

    Action: float32 [D] in [-1, 1], shares of the joint velocity limits; projected into velocity and joint limits.
    Observation: `proprioception` float32 [2D], joint positions in rad and velocities in rad/s, and
    with observation "image": `image` uint8 [H, W, 3]; where asked for, `depth` float32 [H, W] in m along the camera's
    axis (0 where nothing is) and `segmentation` uint8 [H, W] (0 background, 1 arm, 2 object);
    with observation "state", for which nothing is drawn: `object_pose` float32 [7] in the camera frame.
    Reward: newly seen share of the object's view sphere. The episode is truncated after `settings.frames` frames.

    `info`: `clean_command`, `recorded_command` and `executed_command` float32 [D] rad/s, which are equal unless a
    wrapper corrupts them, and `limited` (the projection changed the request); `joint_motion` float32 [D] rad, what the
    joints did; `object_pose`; `visible` share of the object, where it was drawn; `category` and `instance`. After a
    reset there is no command yet: zeros.
    """

    scene_type = HoldScene
    kinds = OBJECT

    def _begin(self, toy: Toy, look: Look, rng: np.random.Generator) -> None:
        """A grasp and a posture near home with which the object is where the camera looks."""
        scene, turn = self._scene, poses.random_rotation(rng)
        if not self.settings.randomize.vary_grasp:
            turn = poses.IDENTITY[3:]
        center = grasp_pose(surface_points(toy, size=look.size), turn)[:3]
        near = np.array(scene.spec.home) + rng.normal(0.0, 0.1, self.chain.joints)
        here = poses.to_matrix(forward(self.chain, near)[3:])
        start, _, _ = reach(self.chain, near, np.array(self.settings.eye.target), here, center)
        scene.reset(toy, grasp_rotation=turn, joints=start, look=look)
