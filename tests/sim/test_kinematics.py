"""The chain that is read from the URDF, against PyBullet and against finite differences."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from sim import poses
from sim.arm import chain_of, light_urdf, pybullet_data
from sim.arms import ARMS, arm_spec
from sim.errors import InputError
from sim.kinematics import (
    Chain,
    damped_least_squares,
    forward,
    hand_frames,
    inverse,
    jacobian,
    link_frames,
    project,
    reach,
    rotation_vector,
)

pybullet = pytest.importorskip("pybullet")
SPEC = arm_spec("kuka")
CHAIN = chain_of(SPEC)
HOME = np.array(SPEC.home)


def random_joints(count: int, seed: int = 0, chain: Chain = CHAIN) -> np.ndarray:
    return np.random.default_rng(seed).uniform(chain.lower, chain.upper, (count, chain.joints))


@pytest.mark.parametrize("arm_name", sorted(ARMS))
@pytest.mark.parametrize("light", [False, True])
def test_forward_equals_pybullets(arm_name: str, light: bool) -> None:
    spec = arm_spec(arm_name)
    chain = chain_of(spec)
    urdf = light_urdf(spec, 400) if light else pybullet_data() / spec.urdf
    client = pybullet.connect(pybullet.DIRECT)
    try:
        arm = pybullet.loadURDF(str(urdf), useFixedBase=True, physicsClientId=client)
        count = pybullet.getNumJoints(arm, physicsClientId=client)
        names = [pybullet.getJointInfo(arm, index, physicsClientId=client)[1].decode() for index in range(count)]
        indices = [names.index(name) for name in spec.joints]
        for joints in random_joints(300, chain=chain):
            for index, angle in zip(indices, joints, strict=True):
                pybullet.resetJointState(arm, index, angle, physicsClientId=client)
            state = pybullet.getLinkState(arm, indices[-1], computeForwardKinematics=1, physicsClientId=client)
            wanted = poses.compose(np.concatenate([state[4], state[5]]), np.array(spec.hand))
            missing = poses.relative(wanted, forward(chain, joints))
            assert missing == pytest.approx(poses.IDENTITY, abs=1e-5)
    finally:
        pybullet.disconnect(client)


@pytest.mark.parametrize("arm_name", sorted(ARMS))
@pytest.mark.parametrize("joints", range(1, 8))
def test_the_hand_stands_at_the_end_of_the_links(arm_name: str, joints: int) -> None:
    """Of an arm cut short too: the product has another shape for every number of joints."""
    whole = chain_of(arm_spec(arm_name))
    parts = {name: getattr(whole, name)[:joints] for name in ("origins", "axes", "lower", "upper", "velocity")}
    chain = Chain(hand=whole.hand, **parts)
    angles = random_joints(20, chain=chain)
    wanted = np.eye(4)
    for link in range(joints):
        turn = poses.from_axis_angle(chain.axes[link], angles[:, link])
        step = np.tile(np.eye(4), (20, 1, 1))
        step[:, :3, 3] = chain.origins[link, :3]
        step[:, :3, :3] = poses.to_matrix(poses.multiply(chain.origins[link, 3:], turn))
        wanted = wanted @ step
    assert link_frames(chain, angles)[:, -1] == pytest.approx(wanted, abs=1e-12)
    assert hand_frames(chain, angles) == pytest.approx(wanted @ chain.hand_frame, abs=1e-12)


def test_forward_broadcasts() -> None:
    joints = random_joints(6).reshape(2, 3, 7)
    together = forward(CHAIN, joints)
    assert together.shape == (2, 3, 7)
    for at in np.ndindex(2, 3):
        assert together[at] == pytest.approx(forward(CHAIN, joints[at]), abs=1e-12)


def test_jacobian_equals_finite_differences() -> None:
    point, step = np.array([0.01, -0.02, 0.06]), 1e-6
    for joints in random_joints(20):
        matrix, where, rotation = jacobian(CHAIN, joints, point)
        hand = forward(CHAIN, joints)
        assert where == pytest.approx(hand[:3] + poses.rotate(hand[3:], point), abs=1e-12)
        assert rotation == pytest.approx(poses.to_matrix(hand[3:]), abs=1e-12)
        for i in range(CHAIN.joints):
            ahead, behind = (forward(CHAIN, joints + sign * step * np.eye(7)[i]) for sign in (1, -1))
            linear = ahead[:3] + poses.rotate(ahead[3:], point) - behind[:3] - poses.rotate(behind[3:], point)
            turned = poses.to_matrix(ahead[3:]) @ poses.to_matrix(behind[3:]).T
            difference = np.concatenate([linear, Rotation.from_matrix(turned).as_rotvec()]) / (2 * step)
            assert matrix[:, i] == pytest.approx(difference, abs=1e-6)


@given(
    axis=st.lists(st.floats(-1.0, 1.0), min_size=3, max_size=3).filter(lambda v: np.linalg.norm(v) > 0.1),
    radians=st.floats(0.0, np.pi - 1e-4),
)
def test_rotation_vectors_equal_scipys(axis: list[float], radians: float) -> None:
    """OpenCV takes turns below 1e-5 rad for none."""
    vector = radians * np.array(axis) / np.linalg.norm(axis)
    assert rotation_vector(Rotation.from_rotvec(vector).as_matrix()) == pytest.approx(vector, abs=2e-5)


def test_damped_least_squares_minimises_what_it_says() -> None:
    """The same minimum by an ordinary least squares of stacked equations."""
    rng = np.random.default_rng(0)
    for _ in range(20):
        matrix, twist, rest = rng.standard_normal((6, 7)), rng.standard_normal(6), rng.standard_normal(7)
        damping = rng.uniform(0.01, 1.0)
        stacked = np.concatenate([matrix, damping * np.eye(7)])
        wanted = np.linalg.lstsq(stacked, np.concatenate([twist, damping * rest]))[0]
        assert damped_least_squares(matrix, twist, damping=damping, rest=rest) == pytest.approx(wanted, abs=1e-8)


shares = st.lists(st.floats(0.0, 1.0), min_size=7, max_size=7).map(np.array)
requests = st.lists(st.floats(-10.0, 10.0), min_size=7, max_size=7).map(np.array)


@given(share=shares, requested=requests, interval=st.floats(0.01, 1.0))
def test_project_keeps_limits_and_changes_nothing_else(
    share: np.ndarray, requested: np.ndarray, interval: float
) -> None:
    joints = CHAIN.lower + share * (CHAIN.upper - CHAIN.lower)
    command, limited = project(CHAIN, requested, joints, interval)
    assert (np.abs(command) <= CHAIN.velocity).all()
    after = joints + command * interval
    assert (after >= CHAIN.lower - 1e-9).all()
    assert (after <= CHAIN.upper + 1e-9).all()
    again, changed = project(CHAIN, command, joints, interval)
    assert np.array_equal(again, command)
    assert not changed
    for i in range(7):  # the nearest within the limits, joint by joint
        wished = joints[i] + requested[i] * interval
        free = abs(requested[i]) <= CHAIN.velocity[i] and CHAIN.lower[i] <= wished <= CHAIN.upper[i]
        assert not free or command[i] == pytest.approx(requested[i], abs=1e-9)
        assert command[i] * requested[i] >= 0
    assert limited == bool((np.abs(command - requested) > 1e-9).any())


def test_a_joint_beyond_its_limit_may_only_come_back() -> None:
    joints = CHAIN.upper + 0.01
    assert project(CHAIN, np.ones(7), joints, 0.2) == (pytest.approx(np.zeros(7)), True)
    assert project(CHAIN, -np.ones(7), joints, 0.2) == (pytest.approx(-np.ones(7)), False)


def test_reach_comes_to_poses_that_the_arm_can_take() -> None:
    rng, point = np.random.default_rng(0), np.array([0.0, 0.0, 0.05])
    for _ in range(50):
        joints = np.clip(HOME + rng.uniform(-0.4, 0.4, 7), CHAIN.lower, CHAIN.upper)
        _, position, rotation = jacobian(CHAIN, joints, point)
        found, metres, radians = reach(CHAIN, HOME, position, rotation, point)
        _, where, now = jacobian(CHAIN, found, point)
        assert metres == pytest.approx(np.linalg.norm(where - position), abs=1e-12)
        assert radians == pytest.approx(poses.angle(poses.from_matrix(rotation @ now.T)), abs=2e-5)
        assert metres < 1e-4
        assert radians < 1e-3
        assert (found >= CHAIN.lower).all()
        assert (found <= CHAIN.upper).all()


def test_reach_says_what_is_missing_of_a_point_beyond_reach() -> None:
    joints, metres, _ = reach(CHAIN, HOME, np.array([3.0, 0.0, 0.5]), np.eye(3), np.zeros(3))
    assert metres > 1.0
    assert (joints >= CHAIN.lower).all()
    assert (joints <= CHAIN.upper).all()


@pytest.mark.parametrize("arm_name", sorted(ARMS))
def test_inverse_finds_nearly_all_poses_that_can_be_reached(arm_name: str) -> None:
    """Poses of random postures over the whole range: at least 95 %; what is found is checked by forward kinematics."""
    spec = arm_spec(arm_name)
    chain, point, found = chain_of(spec), np.array([0.0, 0.0, 0.05]), 0
    for joints in random_joints(40, chain=chain):
        _, position, rotation = jacobian(chain, joints, point)
        answer = inverse(chain, position, rotation, point, start=np.array(spec.home))
        if answer is None:
            continue
        found += 1
        assert (answer >= chain.lower).all()
        assert (answer <= chain.upper).all()
        hand = forward(chain, answer)
        assert hand[:3] + poses.rotate(hand[3:], point) == pytest.approx(position, abs=1e-4)
        assert poses.angle(poses.multiply(poses.from_matrix(rotation), poses.conjugate(hand[3:]))) < 1e-4
    assert found >= 38


def test_inverse_of_a_pose_beyond_reach_is_none() -> None:
    far = {"chain": CHAIN, "rotation": np.eye(3), "point": np.zeros(3), "start": HOME}
    assert inverse(position=np.array([1.5, 0.0, 0.5]), **far) is None
    assert inverse(position=np.array([0.0, 0.0, -1.0]), **far) is None


def test_a_chain_goes_through_json_bit_by_bit() -> None:
    back = Chain.from_json(json.loads(json.dumps(CHAIN.to_json())))
    for name, value in vars(CHAIN).items():
        if isinstance(value, np.ndarray) and name in CHAIN.to_json():
            assert np.array_equal(value, getattr(back, name))
            assert getattr(back, name).dtype == np.float64
    joints = random_joints(5)
    assert np.array_equal(forward(back, joints), forward(CHAIN, joints))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"axes": []}, r"origins of shape \[7, 7\]"),
        ({"lower": [0.0] * 6}, r"lower of shape \[6\]: numbers \[7\] are needed"),
        ({"hand": [0.0] * 6 + [float("nan")]}, r"hand of shape \[7\]"),
        ({"upper": [[0.0], [0.0, 1.0]]}, "ValueError"),
        ({"upper": ["far"] * 7}, "ValueError"),
        ({"origins": None}, "origins of shape"),
    ],
)
def test_what_is_no_chain_is_refused(change: dict[str, object], told: str) -> None:
    with pytest.raises(InputError, match=f"^chain: .*{told}"):
        Chain.from_json({**CHAIN.to_json(), **change})
    with pytest.raises(InputError, match="no kinematic chain of an arm"):
        Chain.from_json({})


def test_an_unknown_arm_is_an_input_error() -> None:
    with pytest.raises(InputError, match="known are kuka"):
        arm_spec("tentacle")
