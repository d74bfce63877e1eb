"""Rigid poses as arrays [..., 7]: x, y, z in metres and quaternion x, y, z, w. They broadcast over leading axes."""

from __future__ import annotations

import numpy as np

IDENTITY = np.array([0, 0, 0, 0, 0, 0, 1], dtype=np.float64)


def multiply(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Quaternion product [..., 4]: first rotate by `b`, then by `a`."""
    a, b = np.asarray(a), np.asarray(b)
    ax, ay, az, aw = a[..., 0], a[..., 1], a[..., 2], a[..., 3]
    bx, by, bz, bw = b[..., 0], b[..., 1], b[..., 2], b[..., 3]
    product = np.empty(np.broadcast_shapes(a.shape, b.shape), dtype=np.result_type(a, b))
    product[..., 0] = aw * bx + ax * bw + ay * bz - az * by
    product[..., 1] = aw * by - ax * bz + ay * bw + az * bx
    product[..., 2] = aw * bz + ax * by - ay * bx + az * bw
    product[..., 3] = aw * bw - ax * bx - ay * by - az * bz
    return product


def conjugate(q: np.ndarray) -> np.ndarray:
    """The inverse rotation of a unit quaternion [..., 4]."""
    return np.asarray(q) * np.array([-1, -1, -1, 1], dtype=np.asarray(q).dtype)


def rotate(q: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """Rotate vectors [..., 3] by unit quaternions [..., 4]."""
    q, vector = np.asarray(q), np.asarray(vector)
    axis, w = q[..., :3], q[..., 3:]
    turned = 2.0 * cross(axis, vector)
    return vector + w * turned + cross(axis, turned)


def compose(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The pose [..., 7] of frame B in the world, from A in the world and B in A."""
    a, b = np.asarray(a), np.asarray(b)
    translation = a[..., :3] + rotate(a[..., 3:], b[..., :3])
    return np.concatenate([translation, multiply(a[..., 3:], b[..., 3:])], axis=-1)


def inverse(pose: np.ndarray) -> np.ndarray:
    """The pose [..., 7] of the world in the frame."""
    back = conjugate(np.asarray(pose)[..., 3:])
    return np.concatenate([-rotate(back, np.asarray(pose)[..., :3]), back], axis=-1)


def relative(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """What moved `first` to `second` [..., 7]: p' - p and R' R^T with w >= 0, in the frame that both are given in."""
    first, second = np.asarray(first), np.asarray(second)
    turn = multiply(second[..., 3:], conjugate(first[..., 3:]))
    turn = np.where(turn[..., 3:] < 0, -turn, turn)
    return np.concatenate([second[..., :3] - first[..., :3], turn], axis=-1)


def angle(q: np.ndarray) -> np.ndarray:
    """Rotation angle [...] in radians, in [0, pi], of unit quaternions [..., 4]."""
    q = np.asarray(q)
    return 2.0 * np.arctan2(np.linalg.norm(q[..., :3], axis=-1), np.abs(q[..., 3]))


def from_axis_angle(axis: np.ndarray, radians: float | np.ndarray) -> np.ndarray:
    """Quaternion [..., 4] of a turn by `radians` [...] about the unit vector `axis` [..., 3]."""
    half = np.asarray(radians, dtype=np.float64)[..., None] / 2.0
    return np.concatenate([np.asarray(axis) * np.sin(half), np.cos(half)], axis=-1)


def from_rpy(rpy: np.ndarray) -> np.ndarray:
    """Quaternion [4] of URDF's roll, pitch and yaw [3] rad: turns about the fixed x, then y, then z axis."""
    roll, pitch, yaw = (from_axis_angle(axis, angle) for axis, angle in zip(np.eye(3), rpy, strict=True))
    return multiply(yaw, multiply(pitch, roll))


def to_matrix(q: np.ndarray) -> np.ndarray:
    """Rotation matrices [..., 3, 3] of unit quaternions [..., 4]."""
    q = np.asarray(q)
    x, y, z, w = q[..., 0], q[..., 1], q[..., 2], q[..., 3]
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ]
    matrix = np.empty((*q.shape[:-1], 3, 3), dtype=q.dtype)
    for i, row in enumerate(rows):
        for j, entry in enumerate(row):
            matrix[..., i, j] = entry
    return matrix


def from_matrix(matrix: np.ndarray) -> np.ndarray:
    """Unit quaternions [..., 4], w >= 0, of rotation matrices [..., 3, 3].

    The entries give 4 q q^T; of its rows, the one whose square is largest is q without a small divisor (Shepperd 1978).
    """
    m = np.asarray(matrix, dtype=np.float64)
    (xx, xy, xz), (yx, yy, yz), (zx, zy, zz) = (np.moveaxis(row, -1, 0) for row in np.moveaxis(m, -2, 0))
    products = np.empty((*m.shape[:-2], 4, 4))
    products[..., 0, 0], products[..., 1, 1] = 1 + xx - yy - zz, 1 - xx + yy - zz
    products[..., 2, 2], products[..., 3, 3] = 1 - xx - yy + zz, 1 + xx + yy + zz
    mixed = ((0, 1, yx + xy), (0, 2, zx + xz), (1, 2, zy + yz), (0, 3, zy - yz), (1, 3, xz - zx), (2, 3, yx - xy))
    for i, j, entry in mixed:
        products[..., i, j] = products[..., j, i] = entry
    largest = np.einsum("...ii->...i", products).argmax(axis=-1)[..., None, None]
    q = np.take_along_axis(products, largest, axis=-2)[..., 0, :]
    q /= np.sqrt(np.einsum("...i,...i->...", q, q))[..., None]
    return np.where(q[..., 3:] < 0, -q, q)


def random_rotation(rng: np.random.Generator) -> np.ndarray:
    """A quaternion [4] drawn uniformly from all rotations."""
    q = rng.standard_normal(4)
    return q / np.linalg.norm(q)


def cross(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """As `numpy.cross` for [..., 3], whose handling of axes costs more than the product on single vectors."""
    product = np.empty(np.broadcast_shapes(a.shape, b.shape), dtype=np.result_type(a, b))
    product[..., 0] = a[..., 1] * b[..., 2] - a[..., 2] * b[..., 1]
    product[..., 1] = a[..., 2] * b[..., 0] - a[..., 0] * b[..., 2]
    product[..., 2] = a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
    return product
