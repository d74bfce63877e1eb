"""Franka Emika Panda: the seven-joint arm with a gripper, whose model comes with PyBullet."""

from math import cos, pi, sin

from sim.arm import ArmSpec, Inertia
from sim.collisions import Gripper

_FLANGE, _FINGERTIP = 0.107, 0.0584 + 0.0454
"""From the last joint to the flange, and from the hand to the fingertips, m."""
_FINGER_LENGTH = 0.0538
"""Of a finger's mesh, m."""
_OPEN = 0.012
"""How far each finger stands from the middle, m."""
_NOTHING = Inertia(0.0, (0.0, 0.0, 0.0), (0.0, 0.0, 0.0, 0.0, 0.0, 0.0))
_FINGER = Inertia(0.015, (0.0, 0.0, 0.0), (2.375e-6, 0.0, 0.0, 2.375e-6, 0.0, 7.5e-7))


def panda() -> ArmSpec:
    """Limits: Franka Emika, "Robot and interface specifications": joint limits, velocities and torques of the Panda.

    Inertias: `franka_description`, identified by Gaz et al., "Dynamic Identification of the Franka Emika Panda Robot
    With Retrieval of Feasible Parameters" (RA-L 2019); the URDF in `pybullet_data` has 0.1 kg m^2 everywhere.
    """
    return ArmSpec(
        name="panda",
        urdf="franka_panda/panda.urdf",
        joints=tuple(f"panda_joint{i}" for i in range(1, 8)),
        lower=(-2.8973, -1.7628, -2.8973, -3.0718, -2.8973, -0.0175, -2.8973),
        upper=(2.8973, 1.7628, 2.8973, -0.0698, 2.8973, 3.7525, 2.8973),
        velocity=(2.175, 2.175, 2.175, 2.175, 2.61, 2.61, 2.61),
        torque=(87.0, 87.0, 87.0, 87.0, 12.0, 12.0, 12.0),
        # The fingers hold one centimetre of the object.
        hand=(0.0, 0.0, _FLANGE + _FINGERTIP - 0.01, 0.0, 0.0, sin(-pi / 8), cos(-pi / 8)),
        home=(0.0, -0.35, 0.0, -2.175, 0.0, 1.825, 0.0),
        home_point=(0.45, 0.0, 0.40),
        hand_links=("panda_hand", "panda_leftfinger", "panda_rightfinger"),
        colors=((0.92, 0.92, 0.93), (0.92, 0.92, 0.93), (0.85, 0.86, 0.88)),
        # Franka Emika, "Franka Hand" data sheet: stroke, speed; less force than its 70 N, for toys.
        gripper=Gripper(
            joints=("panda_finger_joint1", "panda_finger_joint2"),
            links=("panda_leftfinger", "panda_rightfinger"),
            stroke=0.04,
            speed=0.05,
            force=10.0,
            tip=_FINGER_LENGTH - _FINGERTIP + 0.0584 + 0.01,
            finger=(0.021, 0.015, _FINGER_LENGTH),
        ),
        frozen=(("panda_finger_joint1", _OPEN), ("panda_finger_joint2", _OPEN)),
        inertias=(
            (
                "panda_link1",
                Inertia(
                    4.970684,
                    (0.003875, 0.002081, -0.04762),
                    (0.70337, -0.000139, 0.006772, 0.70661, 0.019169, 0.009117),
                ),
            ),
            (
                "panda_link2",
                Inertia(
                    0.646926,
                    (-0.003141, -0.02872, 0.003495),
                    (0.007962, -0.003925, 0.010254, 0.02811, 0.000704, 0.025995),
                ),
            ),
            (
                "panda_link3",
                Inertia(
                    3.228604,
                    (0.027518, 0.039252, -0.066502),
                    (0.037242, -0.004761, -0.011396, 0.036155, -0.012805, 0.01083),
                ),
            ),
            (
                "panda_link4",
                Inertia(
                    3.587895,
                    (-0.05317, 0.104419, 0.027454),
                    (0.025853, 0.007796, -0.001332, 0.019552, 0.008641, 0.028323),
                ),
            ),
            (
                "panda_link5",
                Inertia(
                    1.225946,
                    (-0.011953, 0.041065, -0.038437),
                    (0.035549, -0.002117, -0.004037, 0.029474, 0.000229, 0.008627),
                ),
            ),
            (
                "panda_link6",
                Inertia(
                    1.666555,
                    (0.060149, -0.014117, -0.010517),
                    (0.001964, 0.000109, -0.001158, 0.004354, 0.000341, 0.005433),
                ),
            ),
            (
                "panda_link7",
                Inertia(
                    0.735522,
                    (0.010517, -0.004252, 0.061597),
                    (0.012516, -0.000428, -0.001196, 0.010027, -0.000741, 0.004815),
                ),
            ),
            ("panda_hand", Inertia(0.73, (-0.01, 0.0, 0.03), (0.001, 0.0, 0.0, 0.0025, 0.0, 0.0017))),
            ("panda_link8", _NOTHING),
            ("panda_grasptarget", _NOTHING),
            ("panda_leftfinger", _FINGER),
            ("panda_rightfinger", _FINGER),
        ),
    )
