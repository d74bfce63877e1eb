"""An arm in a physics client: where its joints are, and the commands that move them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from sim.arm import ArmSpec
from sim.bullet import quiet


class Robot:
    """One arm, loaded from its light URDF into a client of PyBullet's. Joint arrays are float64 [D], rad and rad/s."""

    def __init__(self, bullet: Any, client: int, spec: ArmSpec, urdf: Path) -> None:
        self._bullet, self._client = bullet, client
        self._torque = spec.torque
        self._tip = spec.hand[2]
        # Without the first flag PyBullet takes inertias from collision shapes, which a light arm does not have.
        flags = bullet.URDF_USE_INERTIA_FROM_FILE | bullet.URDF_MERGE_FIXED_LINKS
        with quiet():
            self.body: int = bullet.loadURDF(str(urdf), useFixedBase=True, flags=flags, physicsClientId=client)
        self.numbers: dict[str, int] = {}
        """PyBullet's numbers of all joints that are not fixed, by name."""
        for index in range(bullet.getNumJoints(self.body, physicsClientId=client)):
            self.numbers[bullet.getJointInfo(self.body, index, physicsClientId=client)[1].decode()] = index
            bullet.changeDynamics(
                self.body, index, jointDamping=0, linearDamping=0, angularDamping=0, physicsClientId=client
            )
        self.joints = [self.numbers[name] for name in spec.joints]
        """PyBullet's numbers of the driven joints, base first."""

    @property
    def positions(self) -> np.ndarray:
        return self._states(0)

    @property
    def velocities(self) -> np.ndarray:
        return self._states(1)

    @property
    def link_pose(self) -> np.ndarray:
        """The last driven link's frame in the base frame, float64 [7]; exact at any moment."""
        state = self._bullet.getLinkState(
            self.body, self.joints[-1], computeForwardKinematics=1, physicsClientId=self._client
        )
        return np.array([*state[4], *state[5]])

    def put(self, positions: np.ndarray, velocities: np.ndarray) -> None:
        """Place the joints, whatever the motors do."""
        self._bullet.resetJointStatesMultiDof(
            self.body,
            self.joints,
            positions[:, None].tolist(),
            targetVelocities=velocities[:, None].tolist(),
            physicsClientId=self._client,
        )

    def command(self, velocities: np.ndarray) -> None:
        """Let the motors hold these velocities with at most the datasheet's torques."""
        self._bullet.setJointMotorControlArray(
            self.body,
            self.joints,
            self._bullet.VELOCITY_CONTROL,
            targetVelocities=velocities.tolist(),
            forces=self._torque,
            physicsClientId=self._client,
        )

    def carry(self, mass: float, size: float) -> None:
        """Add an object of `mass` kg and `size` m, held at the hand, to what the last link weighs.

        Given a mass alone, PyBullet would forget the link's inertia.
        """
        last, client = self.joints[-1], self._client
        own, _, inertia = self._bullet.getDynamicsInfo(self.body, last, physicsClientId=client)[:3]
        away = self._tip + size / 2
        moments = np.array(inertia) + mass * np.array([away, away, size / 3]) ** 2
        self._bullet.changeDynamics(
            self.body, last, mass=own + mass, localInertiaDiagonal=moments.tolist(), physicsClientId=client
        )

    def _states(self, which: int) -> np.ndarray:
        states = self._bullet.getJointStates(self.body, self.joints, physicsClientId=self._client)
        return np.array([state[which] for state in states])
