"""KUKA LBR iiwa 14 R820: the seven-joint arm whose model comes with PyBullet."""

from math import radians

from sim.arm import ArmSpec


def kuka() -> ArmSpec:
    """Limits: KUKA, "LBR iiwa" data sheet, iiwa 14 R820: axis ranges, axis speeds and rated torques of A1 to A7."""
    limits = tuple(radians(degrees) for degrees in (170, 120, 170, 120, 170, 120, 175))
    return ArmSpec(
        name="kuka",
        urdf="kuka_iiwa/model.urdf",
        joints=tuple(f"lbr_iiwa_joint_{i}" for i in range(1, 8)),
        lower=tuple(-limit for limit in limits),
        upper=limits,
        velocity=tuple(radians(degrees) for degrees in (85, 85, 100, 75, 130, 135, 135)),
        torque=(320.0, 320.0, 176.0, 176.0, 110.0, 40.0, 40.0),
        hand=(0.0, 0.0, 0.045 + 0.06, 0.0, 0.0, 0.0, 1.0),
        home=(0.0, 0.36, 0.0, -1.33, 0.0, 1.15, 0.0),
        home_point=(0.62, 0.0, 0.47),
        hand_links=(),
        colors=((0.55, 0.57, 0.6), (0.85, 0.86, 0.88), (0.95, 0.52, 0.15)),
        stem=(0.012, 0.06),
    )
