"""Bodies for play policies, and where plans lead them."""

from __future__ import annotations

import numpy as np

from agent.play import POLICIES, Body, Plan
from sim import poses
from sim.arm import chain_of
from sim.arms import arm_spec
from sim.camera import Camera
from sim.kinematics import forward


def joints_of(plan: Plan, interval: float) -> np.ndarray:
    """Where the commands lead, [T, D] rad."""
    steps = np.concatenate([plan.start[None], interval * plan.clean.astype(np.float64)])
    return np.cumsum(steps, axis=0)


def body(arm: str, grasp: np.ndarray) -> Body:
    """An arm in its usual place before its usual camera."""
    spec = arm_spec(arm)
    camera = Camera().placed(spec.home_point).pose[3:]
    return Body(chain_of(spec), np.array(spec.home), np.array(spec.home_point), grasp, camera)


def held(rng: np.random.Generator, play: str = "inspect") -> np.ndarray:
    """A grasp [7] as that play likes it."""
    return np.concatenate([[0.0, 0.0, rng.uniform(0.0, 0.07)], POLICIES[play].hold(rng)])


def seen_from(body: Body, joints: np.ndarray) -> np.ndarray:
    """The directions [N, 3], in the object's frame, from which postures [N, D] show it."""
    turn = poses.multiply(forward(body.chain, joints)[:, 3:], body.grasp[3:])
    return poses.rotate(poses.conjugate(turn), -body.view)


def away_from_home(body: Body, joints: np.ndarray) -> np.ndarray:
    """How far [...] m the object is from the home point in postures [..., D]."""
    return np.linalg.norm(poses.compose(forward(body.chain, joints), body.grasp)[..., :3] - body.home_point, axis=-1)
