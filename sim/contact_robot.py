"""An arm that touches things: it gives way to what is in its way, and its gripper is one more joint."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from sim.arm import ArmSpec
from sim.robot import Robot

GENTLE, STRONGEST = 0.1, 8.0
"""Share of the rated torques that motors have beside what holds the arm's own weight up, and the most that they have,
N m: an arm in the way of which something stands stops, and presses on it with 15 to 20 N."""
CATCH_UP = 0.2
"""Fastest that a finger makes good what it is behind, m/s. What stops a slow motor feels but a part of its force: the
solver gives it a little more in each of its iterations, the more the faster it should be."""
ARM_FRICTION, FINGER_FRICTION = 0.6, 2.0
"""Times an object's friction: metal and lacquer, and rubber pads."""


class ContactRobot(Robot):
    """As `Robot`, where the arm has a gripper with D one higher: the last position is its opening, from 0 to 1."""

    def __init__(self, bullet: Any, client: int, spec: ArmSpec, urdf: Path) -> None:
        super().__init__(bullet, client, spec, urdf)
        self._torque = tuple(min(GENTLE * torque, STRONGEST) for torque in spec.torque)
        self._gripper = spec.gripper
        self.fingers = [self.numbers[name] for name in spec.gripper.joints] if spec.gripper else []
        """PyBullet's numbers of the fingers' joints and links."""
        self._moving = [*self.joints, *self.fingers]
        self._still = [0.0] * len(self._moving)
        self._told = np.zeros(len(self._moving))
        self._weight: list[float] = []
        for link in range(-1, bullet.getNumJoints(self.body, physicsClientId=client)):
            friction = FINGER_FRICTION if link in self.fingers else ARM_FRICTION
            rubber = 0.002 if link in self.fingers else 0.0
            bullet.changeDynamics(
                self.body, link, lateralFriction=friction, spinningFriction=rubber, physicsClientId=client
            )
        if self.fingers:
            self._couple()

    def put(self, positions: np.ndarray, velocities: np.ndarray) -> None:
        """Place the joints, whatever the motors do."""
        arm = len(self.joints)
        super().put(positions[:arm], velocities[:arm])
        if self._gripper is not None:
            for finger in self.fingers:
                self._bullet.resetJointState(
                    self.body, finger, float(self._gripper.stroke * positions[-1]), physicsClientId=self._client
                )

    def command(self, velocities: np.ndarray) -> None:
        """Let the motors hold these velocities, for as long as `hold_up` is called before each step."""
        self._told = velocities
        self.drive()
        positions = self._bullet.getJointStates(self.body, self._moving, physicsClientId=self._client)
        self._weight = list(
            self._bullet.calculateInverseDynamics(
                self.body, [state[0] for state in positions], self._still, self._still, physicsClientId=self._client
            )
        )

    def drive(self) -> None:
        """Tell the motors again; steps of another length take that, as PyBullet keeps impulses, not forces."""
        arm = len(self.joints)
        super().command(self._told[:arm])
        if self._gripper is not None:
            speed = float(np.clip(self._gripper.stroke * self._told[-1], -CATCH_UP, CATCH_UP))
            self._bullet.setJointMotorControlArray(
                self.body,
                self.fingers,
                self._bullet.VELOCITY_CONTROL,
                targetVelocities=[speed] * 2,
                forces=[self._gripper.force] * 2,
                physicsClientId=self._client,
            )

    def hold_up(self) -> None:
        """Bear the arm's own weight in the next step of physics."""
        self._bullet.setJointMotorControlArray(
            self.body, self._moving, self._bullet.TORQUE_CONTROL, forces=self._weight, physicsClientId=self._client
        )

    def _couple(self) -> None:
        """A gear between the fingers: what one yields the other takes, so that they close on the middle."""
        one, two = self.fingers
        gear = self._bullet.createConstraint(
            self.body,
            one,
            self.body,
            two,
            self._bullet.JOINT_GEAR,
            jointAxis=[1, 0, 0],
            parentFramePosition=[0, 0, 0],
            childFramePosition=[0, 0, 0],
            physicsClientId=self._client,
        )
        self._bullet.changeConstraint(gear, gearRatio=-1, erp=0.1, maxForce=50, physicsClientId=self._client)

    def _states(self, which: int) -> np.ndarray:
        arm = super()._states(which)
        if self._gripper is None:
            return arm
        states = self._bullet.getJointStates(self.body, self.fingers, physicsClientId=self._client)
        return np.append(arm, np.mean([state[which] for state in states]) / self._gripper.stroke)
