"""What the action of a pair is, by another route: scipy's rotations, PyBullet's own kinematics, and loops."""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from agent.episode import Episode
from sim.arm import pybullet_data
from sim.arms import arm_spec


def relative_pose(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """From two poses [7] to translation and rotation [7] between them, w >= 0."""
    turn = (Rotation.from_quat(second[3:]) * Rotation.from_quat(first[3:]).inv()).as_quat()
    return np.concatenate([second[:3] - first[:3], turn if turn[3] >= 0 else -turn])


def integral(episode: Episode, here: int, there: int) -> np.ndarray:
    """The recorded commands from frame `here` to frame `there`, summed over time [D] rad, command by command."""
    total = np.zeros(episode.recorded.shape[1])
    for frame in range(min(here, there), max(here, there)):
        total += episode.recorded[frame].astype(np.float64) * (episode.times[frame + 1] - episode.times[frame])
    return total if there >= here else -total


class BulletArm:
    """The arm as it is shipped with PyBullet, without physics."""

    def __init__(self, name: str) -> None:
        import pybullet

        self._bullet, self._spec = pybullet, arm_spec(name)
        self._client = pybullet.connect(pybullet.DIRECT)
        urdf = str(pybullet_data() / self._spec.urdf)
        self._arm = pybullet.loadURDF(urdf, useFixedBase=True, physicsClientId=self._client)
        count = pybullet.getNumJoints(self._arm, physicsClientId=self._client)
        names = [pybullet.getJointInfo(self._arm, i, physicsClientId=self._client)[1].decode() for i in range(count)]
        self._indices = [names.index(joint) for joint in self._spec.joints]

    def hand(self, joints: np.ndarray) -> tuple[Rotation, np.ndarray]:
        """Rotation and position of the hand frame in the base frame, for joint angles [D] rad."""
        for index, angle in zip(self._indices, joints, strict=True):
            self._bullet.resetJointState(self._arm, index, float(angle), physicsClientId=self._client)
        state = self._bullet.getLinkState(
            self._arm, self._indices[-1], computeForwardKinematics=1, physicsClientId=self._client
        )
        link, position = Rotation.from_quat(state[5]), np.array(state[4])
        hand = np.array(self._spec.hand)
        return link * Rotation.from_quat(hand[3:]), position + link.apply(hand[:3])

    def efference(self, episode: Episode, here: int, there: int) -> np.ndarray:
        """The relative pose [7] in the camera frame that the recorded commands should have caused."""
        start = episode.joints[here].astype(np.float64)
        end = start + integral(episode, here, there)
        return self.seen_motion(start, end, camera=episode.camera_poses[here], grasp=episode.grasp)

    def seen_motion(self, start: np.ndarray, end: np.ndarray, *, camera: np.ndarray, grasp: np.ndarray) -> np.ndarray:
        """The relative pose [7] in the camera frame of what the hand holds, from joints [D] to joints [D]."""
        camera, grasp = camera.astype(np.float64), grasp.astype(np.float64)
        look = Rotation.from_quat(camera[3:]).inv()
        seen = []
        for joints in (start, end):
            rotation, position = self.hand(joints)
            held = position + rotation.apply(grasp[:3])
            turned = look * rotation * Rotation.from_quat(grasp[3:])
            seen.append(np.concatenate([look.apply(held - camera[:3]), turned.as_quat()]))
        return relative_pose(*seen)

    def close(self) -> None:
        self._bullet.disconnect(self._client)
