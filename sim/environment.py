"""What the environments have in common: an arm that is given joint velocities before a camera, and an object."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar, Generic, Literal, NamedTuple, TypeVar, get_args

import gymnasium
import numpy as np
from gymnasium import spaces

from sim import viewsphere
from sim.camera import FAR
from sim.errors import InputError
from sim.kinematics import Chain, project
from sim.objects.catalogue import Catalogue, ProceduralToys
from sim.objects.mesh import Toy
from sim.randomize import Look
from sim.settings import SceneSettings
from sim.stage import SceneState, Stage, View

Observation = Literal["image", "state"]
Scene = TypeVar("Scene", bound=Stage)


class Moment(NamedTuple):
    """A moment of an episode, for `restore`; it holds in any process with the same settings."""

    scene: SceneState
    frame: int
    seen: np.ndarray
    category: str
    instance: str
    generator: dict[str, Any]


class ArmEnv(gymnasium.Env[dict[str, np.ndarray], np.ndarray], Generic[Scene]):
    """An environment is one scene with its own way to begin; `HoldEnv` and `TableEnv` say what is in it."""

    metadata = {"render_modes": ["rgb_array"], "render_fps": 5}  # noqa: RUF012  (Gymnasium's own form)

    scene_type: type[Scene]
    kinds: ClassVar[int]
    """Highest number in a segmentation."""

    def __init__(
        self,
        *,
        settings: SceneSettings | None = None,
        objects: Catalogue | None = None,
        split: str = "train",
        observation: Observation = "image",
        depth: bool = False,
        segmentation: bool = False,
        render_mode: str | None = None,
    ) -> None:
        """`objects` defaults to all built-in toys, of which those of `split` are drawn."""
        if render_mode not in (None, "rgb_array"):
            raise InputError(f"render_mode={render_mode}: only rgb_array is drawn")
        if observation not in get_args(Observation):
            raise InputError(f"observation={observation}: unknown, known are {', '.join(get_args(Observation))}")
        if observation == "state" and (depth or segmentation):
            raise InputError("observation=state: nothing is drawn, so there is no depth and no segmentation")
        self.settings = settings or SceneSettings()
        self.render_mode = render_mode
        self.metadata = {**self.metadata, "render_fps": self.settings.frame_rate}
        self._objects = objects or ProceduralToys()
        self._split = split
        self._scene: Scene = self.scene_type(self.settings)  # type: ignore[call-arg]  # each scene is made of settings
        self._drawn = observation == "image"
        self._extras = {"depth": depth, "segmentation": segmentation}
        size = self.settings.image_size
        widest = np.maximum(np.abs(self.chain.lower), self.chain.upper)
        # Physics may pass a limit by a little.
        bound = 1.1 * np.concatenate([widest, self.chain.velocity]).astype(np.float32)
        self.action_space = spaces.Box(-1.0, 1.0, (self.chain.joints,), np.float32)
        self._felt = spaces.Box(-bound, bound, dtype=np.float32)
        seen: dict[str, spaces.Space[Any]] = {"proprioception": self._felt}
        if self._drawn:
            seen["image"] = spaces.Box(0, 255, (size, size, 3), np.uint8)
        else:
            seen["object_pose"] = spaces.Box(-FAR, FAR, (7,), np.float32)
        if depth:
            seen["depth"] = spaces.Box(0.0, FAR, (size, size), np.float32)
        if segmentation:
            seen["segmentation"] = spaces.Box(0, self.kinds, (size, size), np.uint8)
        self.observation_space = spaces.Dict(seen)  # type: ignore[assignment]  # Gymnasium types it by content
        self._view: View | None = None
        self._joints: np.ndarray | None = None

    @property
    def chain(self) -> Chain:
        """The arm's kinematics and limits."""
        return self._scene.chain

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Draw an object and how it is put there. `options` may name `category` and `instance`."""
        super().reset(seed=seed)
        rng, options = self.np_random, options or {}
        self._category = options.get("category") or str(rng.choice(self._objects.categories))
        self._instance = options.get("instance") or self._objects.draw(self._category, rng, split=self._split)
        toy = self._objects.toy(self._category, self._instance)
        self._begin(toy, self.settings.look(rng, self._scene.eye), rng)
        self._frame = 0
        self._look()
        self._seen = viewsphere.seen(self._scene.object_pose)
        still = np.zeros(self.chain.joints)
        return self._observation(), self._info(still, still, False)

    @abstractmethod
    def _begin(self, toy: Toy, look: Look, rng: np.random.Generator) -> None:
        """Reset the scene with this toy, and draw what else there is to draw."""

    def _over(self) -> bool:
        """Whether the episode ends here, whatever its frames."""
        return False

    def _more(self) -> dict[str, Any]:
        """What else `info` says."""
        return {}

    def project(self, action: np.ndarray) -> tuple[np.ndarray, bool]:
        """The joint velocities [D] rad/s that an action asks for, within limits, and whether limits changed them."""
        requested = np.asarray(action, dtype=np.float64) * self.chain.velocity
        return project(self.chain, requested, self._now(), self.settings.interval)

    def step(self, action: np.ndarray) -> tuple[dict[str, np.ndarray], float, bool, bool, dict[str, Any]]:
        """Hold the joint velocities for one frame (`1 / settings.frame_rate` seconds)."""
        before = self._now()
        command, limited = self.project(action)
        self._scene.step(command)
        self._frame += 1
        self._look()
        seen = self._seen | viewsphere.seen(self._scene.object_pose)
        reward = float(seen.mean() - self._seen.mean())
        self._seen = seen
        truncated = self._frame >= self.settings.frames - 1
        info = self._info(command, self._now() - before, limited)
        return self._observation(), reward, self._over(), truncated, info

    def render(self) -> np.ndarray | None:
        """The current frame, uint8 [H, W, 3]."""
        if self.render_mode is None or self._joints is None:
            return None
        view = self._view or self._scene.observe()
        return view.frame.copy()

    def save(self) -> Moment:
        """This moment, to come back to."""
        self._now()
        generator = self.np_random.bit_generator.state
        return Moment(
            self._scene.save(), self._frame, self._seen.copy(), self._category, self._instance, dict(generator)
        )

    def restore(self, state: Moment) -> dict[str, np.ndarray]:
        """Go back to a saved moment, to the bit; returns what is observed there."""
        self._scene.restore(state.scene)
        self._frame, self._seen = state.frame, state.seen.copy()
        self._category, self._instance = state.category, state.instance
        self.np_random.bit_generator.state = state.generator
        self._look()
        return self._observation()

    def close(self) -> None:
        self._scene.close()

    def _now(self) -> np.ndarray:
        if self._joints is None:
            raise gymnasium.error.ResetNeeded("call reset before step, project or save")
        return self._joints

    def _look(self) -> None:
        self._view = self._scene.observe(**self._extras) if self._drawn else None
        self._joints = self._scene.joints

    def _observation(self) -> dict[str, np.ndarray]:
        felt = np.concatenate([self._now(), self._scene.joint_velocities]).astype(np.float32)
        seen = {"proprioception": np.clip(felt, self._felt.low, self._felt.high)}
        if self._view is None:
            return {**seen, "object_pose": self._scene.object_pose.astype(np.float32)}
        seen["image"] = self._view.frame.copy()
        extras = {name: getattr(self._view, name) for name, wanted in self._extras.items() if wanted}
        return {**seen, **extras}

    def _info(self, command: np.ndarray, motion: np.ndarray, limited: bool) -> dict[str, Any]:
        told = command.astype(np.float32)
        info = {
            "clean_command": told,
            "recorded_command": told.copy(),
            "executed_command": told.copy(),
            "limited": limited,
            "joint_motion": motion.astype(np.float32),
            "object_pose": self._scene.object_pose.astype(np.float32),
            "category": self._category,
            "instance": self._instance,
            **self._more(),
        }
        return info if self._view is None else {**info, "visible": self._view.visible}
