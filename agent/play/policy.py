"""What a play policy is given, and what it gives: the plan of a whole episode, made without a simulator."""

from __future__ import annotations

from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np

from agent.episode import Interest
from sim import poses
from sim.kinematics import Chain, project


class Body(NamedTuple):
    """What a policy knows of the arm and of what it holds."""

    chain: Chain
    home: np.ndarray
    """float64 [D] rad: a posture near which play happens."""
    home_point: np.ndarray
    """float64 [3] m in the base frame: where the object is kept."""
    grasp: np.ndarray
    """float64 [7]: the object's canonical frame in the hand frame; its position is the object's centre."""
    camera: np.ndarray
    """float64 [4]: orientation of the camera frame in the base frame."""

    @property
    def view(self) -> np.ndarray:
        """float64 [3]: unit vector in the base frame along which the camera looks."""
        return poses.to_matrix(self.camera)[:, 2]


class Plan(NamedTuple):
    """One episode of play, T frames."""

    start: np.ndarray
    """float64 [D] rad: joint positions at the first frame."""
    clean: np.ndarray
    """float32 [T-1, D] rad/s: joint velocities within velocity and joint limits."""
    limited: np.ndarray
    """bool [T-1]: the limits changed what was requested."""


class Policy(Protocol):
    """How the arm moves while it looks. A new one is a file beside this one and a line in `POLICIES`."""

    def hold(self, rng: np.random.Generator) -> np.ndarray:
        """How the object is put into the hand: orientation [4] of its canonical frame in the hand frame."""
        ...

    def __call__(self, body: Body, frames: int, interval: float, rng: np.random.Generator) -> Plan:
        """Plan `frames` frames, `interval` seconds apart."""
        ...


@runtime_checkable
class Asking(Protocol):
    """A policy that asks a learner what it would like to see."""

    def seeking(self, interest: Interest) -> Policy:
        """The policy that seeks that; by itself, it seeks nothing."""
        ...


def follow(chain: Chain, joints: np.ndarray, interval: float) -> Plan:
    """The plan that goes through `joints` [T, D] rad, `interval` s apart, as nearly as the limits allow."""
    now, commands, limited = joints[0], [], []
    for target in joints[1:]:
        command, changed = project(chain, (target - now) / interval, now, interval)
        commands.append(command)
        limited.append(changed)
        now = now + command * interval
    return Plan(joints[0], np.array(commands, dtype=np.float32), np.array(limited))
