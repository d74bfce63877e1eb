"""Poses against scipy's rotations, special turns included."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from sim import poses

number = st.floats(-1.0, 1.0, width=32)
vector = st.tuples(number, number, number).map(np.array)
turn = (
    st.tuples(*[st.sampled_from([-1.0, 0.0, 1.0]) | number] * 4)
    .filter(lambda q: np.linalg.norm(q) > 0.1)
    .map(lambda q: np.array(q) / np.linalg.norm(q))
)
pose = st.tuples(vector, turn).map(np.concatenate)


def same_turn(q: np.ndarray, rotation: Rotation) -> None:
    """A quaternion and its negative are one turn."""
    assert abs(np.sum(q * rotation.as_quat())) == pytest.approx(1.0, abs=1e-12)


def matrix(pose: np.ndarray) -> np.ndarray:
    """The slow plain twin: homogeneous matrices [4, 4]."""
    homogeneous = np.eye(4)
    homogeneous[:3, :3], homogeneous[:3, 3] = Rotation.from_quat(pose[3:]).as_matrix(), pose[:3]
    return homogeneous


@given(a=turn, b=turn, v=vector)
def test_products_and_turns_of_vectors(a: np.ndarray, b: np.ndarray, v: np.ndarray) -> None:
    same_turn(poses.multiply(a, b), Rotation.from_quat(a) * Rotation.from_quat(b))
    same_turn(poses.conjugate(a), Rotation.from_quat(a).inv())
    assert poses.rotate(a, v) == pytest.approx(Rotation.from_quat(a).apply(v), abs=1e-12)
    assert poses.cross(v, a[:3]) == pytest.approx(np.cross(v, a[:3]), abs=1e-15)


@given(a=pose, b=pose)
def test_compose_and_inverse_are_those_of_matrices(a: np.ndarray, b: np.ndarray) -> None:
    assert matrix(poses.compose(a, b)) == pytest.approx(matrix(a) @ matrix(b), abs=1e-12)
    assert matrix(poses.inverse(a)) == pytest.approx(np.linalg.inv(matrix(a)), abs=1e-12)
    assert poses.compose(a, poses.IDENTITY) == pytest.approx(a)


@given(a=pose, b=pose)
def test_relative_is_the_difference_of_positions_and_the_turn_in_the_given_frame(a: np.ndarray, b: np.ndarray) -> None:
    moved = poses.relative(a, b)
    assert moved[:3] == pytest.approx(b[:3] - a[:3])
    assert moved[6] >= 0
    same_turn(moved[3:], Rotation.from_quat(b[3:]) * Rotation.from_quat(a[3:]).inv())


@given(hand=pose, moved=pose, grasp=pose)
def test_relative_turn_does_not_depend_on_the_grasp(hand: np.ndarray, moved: np.ndarray, grasp: np.ndarray) -> None:
    of_object = poses.relative(poses.compose(hand, grasp), poses.compose(moved, grasp))
    assert abs(np.sum(of_object[3:] * poses.relative(hand, moved)[3:])) == pytest.approx(1.0, abs=1e-12)


@given(q=turn)
def test_matrices_and_angles(q: np.ndarray) -> None:
    rotation = Rotation.from_quat(q)
    assert poses.to_matrix(q) == pytest.approx(rotation.as_matrix(), abs=1e-12)
    back = poses.from_matrix(rotation.as_matrix())
    assert back[3] >= 0
    assert np.linalg.norm(back) == pytest.approx(1.0, abs=1e-12)
    same_turn(back, rotation)
    assert poses.angle(q) == pytest.approx(rotation.magnitude(), abs=1e-7)
    assert poses.angle(-q) == poses.angle(q)


@given(axis=vector.filter(lambda v: np.linalg.norm(v) > 0.1), radians=st.floats(-7.0, 7.0))
def test_from_axis_angle(axis: np.ndarray, radians: float) -> None:
    axis = axis / np.linalg.norm(axis)
    same_turn(poses.from_axis_angle(axis, radians), Rotation.from_rotvec(axis * radians))


def test_all_functions_broadcast() -> None:
    """Against one call for each element."""
    rng = np.random.default_rng(0)
    q = rng.standard_normal((2, 5, 4))
    q /= np.linalg.norm(q, axis=-1, keepdims=True)
    p = np.concatenate([rng.standard_normal((2, 5, 3)), q], axis=-1)
    one = p[1, 3]
    for function in (poses.compose, poses.relative):
        for a, b in ((p, p[:, :1]), (p, one), (one, p)):
            result = function(a, b)
            assert result.shape == (2, 5, 7)
            a, b = np.broadcast_to(a, result.shape), np.broadcast_to(b, result.shape)
            for at in np.ndindex(2, 5):
                assert result[at] == pytest.approx(function(a[at], b[at]), abs=1e-14)
    result = poses.rotate(q[:, :, None], p[0, :, :3])
    assert result.shape == (2, 5, 5, 3)
    assert result[1, 2, 4] == pytest.approx(poses.rotate(q[1, 2], p[0, 4, :3]))
    for at in np.ndindex(2, 5):
        assert poses.inverse(p)[at] == pytest.approx(poses.inverse(p[at]))
        assert poses.to_matrix(q)[at] == pytest.approx(poses.to_matrix(q[at]))
        assert poses.from_matrix(poses.to_matrix(q))[at] == pytest.approx(poses.from_matrix(poses.to_matrix(q[at])))
        assert poses.angle(q)[at] == pytest.approx(poses.angle(q[at]))
    turns = poses.from_axis_angle(np.array([0.0, 0.0, 1.0]), np.array([[0.0, 1.0], [2.0, 3.0]]))
    assert turns[1, 0] == pytest.approx(poses.from_axis_angle(np.array([0.0, 0.0, 1.0]), 2.0))


def test_float32_stays_float32() -> None:
    p = np.concatenate([np.ones(3), poses.IDENTITY[3:]]).astype(np.float32)
    for result in (poses.compose(p, p), poses.relative(p, p), poses.inverse(p), poses.to_matrix(p[3:])):
        assert result.dtype == np.float32


def test_random_rotations_are_uniform() -> None:
    """The mean turn of a vector is nothing, and angles have the density (1 - cos) / pi."""
    rng = np.random.default_rng(0)
    q = np.array([poses.random_rotation(rng) for _ in range(4000)])
    assert np.linalg.norm(q, axis=-1) == pytest.approx(1.0)
    assert np.linalg.norm(poses.rotate(q, np.array([0.0, 0.0, 1.0])).mean(axis=0)) < 0.04
    assert poses.angle(q).mean() == pytest.approx(np.pi / 2 + 2 / np.pi, abs=0.05)


@given(rpy=st.lists(st.floats(-7.0, 7.0), min_size=3, max_size=3))
def test_roll_pitch_and_yaw_equal_scipys(rpy: list[float]) -> None:
    wanted = Rotation.from_euler("xyz", rpy).as_matrix()
    assert poses.to_matrix(poses.from_rpy(np.array(rpy))) == pytest.approx(wanted, abs=1e-12)
