"""Settings of a scene: arm, camera, pictures and time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np

from sim.arm import FEWEST_TRIANGLES, Draw
from sim.arms import arm_spec
from sim.camera import BEFORE_TABLE, Camera
from sim.errors import InputError
from sim.randomize import Look, Randomization, draw_look
from sim.renderers import check_renderer

PHYSICS_RATE = 240
"""Physics steps per second."""
Drive = Literal["dynamics", "kinematics"]


@dataclass(frozen=True)
class SceneSettings:
    """The scene: arm, camera, pictures and time."""

    arm: str = "kuka"
    """Which arm: kuka or panda."""
    draw: Draw = "whole"
    """What is drawn of the arm: whole, hand or hidden."""
    draw_object: bool = True
    """Draw the held object; off: the arm is seen alone, to measure what its posture tells (a control)."""
    drive: Drive = "dynamics"
    """dynamics (motors with torque limits, through physics) or kinematics (exactly the commanded motion)."""
    renderer: str = "tiny"
    """tiny (runs everywhere, repeats to the bit) or egl (OpenGL; pays on a GPU)."""
    image_size: int = 128
    """Height and width of the frames in pixels."""
    frames: int = 32
    """Frames an episode."""
    frame_rate: float = 5.0
    """Frames, and so commands, per second; physics runs at 240 Hz."""
    object_size: float = 0.12
    """Longest side of the object, m."""
    clutter: int = 0
    """Other objects that stand around the one that is played with (table scene)."""
    arm_triangles: int = 1200
    """Triangles that the whole arm is drawn with, most of them near the object."""
    camera: Camera = field(default_factory=Camera)
    randomize: Randomization = field(default_factory=Randomization)

    def __post_init__(self) -> None:
        arm_spec(self.arm)
        check_renderer(self.renderer)
        for name, kind in (("draw", Draw), ("drive", Drive)):
            if getattr(self, name) not in get_args(kind):
                raise InputError(f"{name}={getattr(self, name)}: unknown, known are {', '.join(get_args(kind))}")
        if self.draw == "hidden" and not self.draw_object:
            raise InputError("draw_object=False: with draw=hidden nothing is seen; draw the arm, or its hand")
        if self.camera.mount == "wrist":
            raise InputError("mount=wrist: a camera on the wrist sees the held object motionless, use mount=world")
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
        if not 0 <= self.clutter <= 5:
            raise InputError(f"clutter={self.clutter}: from 0 to 5 other objects, or the table is too full to play on")
        if self.arm_triangles < FEWEST_TRIANGLES:
            raise InputError(f"arm_triangles={self.arm_triangles}: at least {FEWEST_TRIANGLES}, or the arm falls apart")

    @property
    def substeps(self) -> int:
        """Physics steps per frame."""
        return round(PHYSICS_RATE / self.frame_rate)

    @property
    def interval(self) -> float:
        """Seconds between two frames."""
        return self.substeps / PHYSICS_RATE

    @property
    def eye(self) -> Camera:
        """The camera in its place beside this arm; between episodes it may be jittered."""
        return self.camera.placed(arm_spec(self.arm).home_point)

    @property
    def table_point(self) -> tuple[float, float, float]:
        """Where play on the table happens, m in the base frame: below the home point, a little above the table."""
        x, y, _ = arm_spec(self.arm).home_point
        return x, y, 0.05

    @property
    def table_eye(self) -> Camera:
        """The camera in its place before the table."""
        return self.camera.placed(self.table_point, BEFORE_TABLE)

    def look(self, rng: np.random.Generator, eye: Camera | None = None) -> Look:
        """How one episode looks, from `eye`; by default that of the hold scene."""
        return draw_look(self.randomize, eye or self.eye, self.object_size, rng)
