"""`armplay/Hold-v0`: the hold scene as a Gymnasium environment."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

from sim import poses, viewsphere
from sim.errors import InputError
from sim.kinematics import forward, project, reach
from sim.objects.catalogue import Catalogue, ProceduralToys
from sim.scene import HoldScene, SceneSettings, View, grasp_pose, surface_points


class HoldEnv(gymnasium.Env[dict[str, np.ndarray], np.ndarray]):
    """An arm holds a toy before a camera and is given joint velocities.

    Action: float32 [D] in [-1, 1], shares of the joint velocity limits; projected into velocity and joint limits.
    Observation: `image` uint8 [H, W, 3]; `proprioception` float32 [2D], joint positions in rad and velocities in rad/s.
    Reward: newly seen share of the object's view sphere. The episode is truncated after `settings.frames` frames.

    `info`: `clean_command` and `executed_command` float32 [D] rad/s and `limited` (the projection changed the request);
    `joint_motion` float32 [D] rad, what the joints did; `object_pose` float32 [7] in the camera frame; `visible` share
    of the object; `category` and `instance`. After a reset there is no command yet: zeros.
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": 5}  # noqa: RUF012  (Gymnasium's own form)

    def __init__(
        self,
        *,
        settings: SceneSettings | None = None,
        objects: Catalogue | None = None,
        split: str = "train",
        render_mode: str | None = None,
    ) -> None:
        """`objects` defaults to all built-in toys, of which those of `split` are drawn."""
        if render_mode not in (None, "rgb_array"):
            raise InputError(f"render_mode={render_mode}: only rgb_array is drawn")
        self.settings = settings or SceneSettings()
        self.render_mode = render_mode
        self._objects = objects or ProceduralToys()
        self._split = split
        self._scene = HoldScene(self.settings)
        joints, size = self._scene.chain.joints, self.settings.image_size
        fastest = self._scene.chain.velocity
        widest = np.maximum(np.abs(self._scene.chain.lower), self._scene.chain.upper)
        bound = 1.1 * np.concatenate([widest, fastest]).astype(np.float32)  # physics may pass a limit by a little
        self.action_space = spaces.Box(-1.0, 1.0, (joints,), np.float32)
        self._felt = spaces.Box(-bound, bound, dtype=np.float32)
        self.observation_space = spaces.Dict(  # type: ignore[assignment]  # Gymnasium types it by content
            {
                "image": spaces.Box(0, 255, (size, size, 3), np.uint8),
                "proprioception": self._felt,
            }
        )
        self._view: View | None = None

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Draw a toy, a grasp and a posture near home. `options` may name `category` and `instance`."""
        super().reset(seed=seed)
        rng, scene, options = self.np_random, self._scene, options or {}
        self._category = options.get("category") or str(rng.choice(self._objects.categories))
        self._instance = options.get("instance") or self._objects.draw(self._category, rng, split=self._split)
        toy = self._objects.toy(self._category, self._instance)
        turn = poses.random_rotation(rng)
        center = grasp_pose(surface_points(toy, size=self.settings.object_size), turn)[:3]
        near = np.array(scene.spec.home) + rng.normal(0.0, 0.1, scene.chain.joints)
        here = poses.to_matrix(forward(scene.chain, near)[3:])
        start, _, _ = reach(scene.chain, near, np.array(self.settings.camera.target), here, center)
        scene.reset(toy, grasp_rotation=turn, joints=start, background=rng)
        self._frame = 0
        self._look()
        self._seen = viewsphere.seen(self._view.object_pose)  # type: ignore[union-attr]
        still = np.zeros(scene.chain.joints, dtype=np.float32)
        return self._observation(), self._info(still, still, False)

    def step(self, action: np.ndarray) -> tuple[dict[str, np.ndarray], float, bool, bool, dict[str, Any]]:
        """Hold the joint velocities for one frame (`1 / settings.frame_rate` seconds of physics)."""
        if self._view is None:
            raise gymnasium.error.ResetNeeded("call reset before step")
        scene, before = self._scene, self._view.joints
        requested = np.asarray(action, dtype=np.float64) * scene.chain.velocity
        command, limited = project(scene.chain, requested, before, self.settings.interval)
        scene.step(command)
        self._frame += 1
        self._look()
        seen = self._seen | viewsphere.seen(self._view.object_pose)
        reward = float(seen.mean() - self._seen.mean())
        self._seen = seen
        truncated = self._frame >= self.settings.frames - 1
        info = self._info(command, self._view.joints - before, limited)
        return self._observation(), reward, False, truncated, info

    def render(self) -> np.ndarray | None:
        """The current frame, uint8 [H, W, 3]."""
        if self.render_mode is None or self._view is None:
            return None
        return self._view.frame.copy()

    def close(self) -> None:
        self._scene.close()

    def _look(self) -> None:
        self._view = self._scene.observe()

    def _observation(self) -> dict[str, np.ndarray]:
        assert self._view is not None
        felt = np.concatenate([self._view.joints, self._scene.joint_velocities]).astype(np.float32)
        return {"image": self._view.frame.copy(), "proprioception": np.clip(felt, self._felt.low, self._felt.high)}

    def _info(self, command: np.ndarray, motion: np.ndarray, limited: bool) -> dict[str, Any]:
        assert self._view is not None
        return {
            "clean_command": command.astype(np.float32),
            "executed_command": command.astype(np.float32),
            "limited": limited,
            "joint_motion": motion.astype(np.float32),
            "object_pose": self._view.object_pose.astype(np.float32),
            "visible": self._view.visible,
            "category": self._category,
            "instance": self._instance,
        }
