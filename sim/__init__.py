"""The world: objects, arms, scenes, cameras and corruption. Importing it registers `armplay/Hold-v0`
and `armplay/Table-v0` with Gymnasium."""

import gymnasium

from sim.arm import ArmSpec
from sim.arms import arm_spec
from sim.camera import Camera
from sim.corrupt import Corruption, Timing
from sim.errors import InputError
from sim.kinematics import Chain, forward
from sim.randomize import Randomization
from sim.scene import HoldScene, SceneSettings
from sim.table_scene import TableScene
from sim.wrappers import CorruptCommands

gymnasium.register("armplay/Hold-v0", entry_point="sim.hold:HoldEnv")
gymnasium.register("armplay/Table-v0", entry_point="sim.table:TableEnv")

__all__ = [
    "ArmSpec",
    "Camera",
    "Chain",
    "CorruptCommands",
    "Corruption",
    "HoldScene",
    "InputError",
    "Randomization",
    "SceneSettings",
    "TableScene",
    "Timing",
    "arm_spec",
    "forward",
]
