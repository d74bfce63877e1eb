"""The pinhole camera: where it stands, what it looks at, and the matrices that follow.

Its axes are OpenCV's: x right, y down, z forward.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import radians, tan
from typing import Literal, get_args

import numpy as np

from sim import poses
from sim.errors import InputError

NEAR, FAR = 0.05, 4.0
"""Clipping planes in m, closer and further than anything in reach."""
BESIDE = (0.09, -1.03, 0.22)
"""From the object to a head beside the arm, m in the base frame."""
BEFORE_TABLE = (0.08, -1.15, 0.75)
"""The same where the object stands on a table: further up and away, to see where it goes."""
Mount = Literal["world", "wrist"]


@dataclass(frozen=True)
class Camera:
    """A camera that stands still. Square images; the base frame is the arm's."""

    position: tuple[float, float, float] | None = None
    """Where it stands, m in the base frame; none: where a head beside the arm would be."""
    target: tuple[float, float, float] | None = None
    """The point that it looks at, m in the base frame; none: where the arm keeps the object."""
    field_of_view: float = 15.0
    """Degrees, vertical and horizontal."""
    mount: Mount = "world"
    """What it is fixed to."""

    def __post_init__(self) -> None:
        if not 1.0 <= self.field_of_view <= 120.0:
            raise InputError(f"field_of_view={self.field_of_view}: between 1 and 120 degrees, or nothing can be drawn")
        if self.mount not in get_args(Mount):
            raise InputError(f"mount={self.mount}: unknown, known are {', '.join(get_args(Mount))}")
        if self.position is None or self.target is None:
            return
        if not np.isfinite([self.position, self.target]).all():
            raise InputError(f"camera at {self.position} looking at {self.target}: not numbers of metres")
        if np.linalg.norm(np.cross(np.subtract(self.target, self.position), (0, 0, 1))) < 1e-6:
            raise InputError(f"camera at {self.position} looks straight up or down: its upright direction is undefined")

    def placed(self, home_point: tuple[float, float, float], away: tuple[float, float, float] = BESIDE) -> Camera:
        """The camera with nothing left open, for an arm that keeps the object at `home_point`, m in the base frame.

        `away` is from there to where the camera stands if nothing else is said.
        """
        target = self.target if self.target is not None else home_point
        (x, y, z), (ahead, aside, above) = home_point, away
        position = self.position if self.position is not None else (x + ahead, y + aside, z + above)
        return replace(self, position=position, target=target)

    def jittered(self, deviation: float, rng: np.random.Generator) -> Camera:
        """The placed camera a little elsewhere: its position moved by `deviation` m (standard deviation, each axis),
        what it looks at by a tenth of that."""
        position, target = self._placed()
        moved = position + deviation * rng.standard_normal(3)
        aim = target + 0.1 * deviation * rng.standard_normal(3)
        return replace(self, position=tuple(moved.tolist()), target=tuple(aim.tolist()))

    def _placed(self) -> tuple[np.ndarray, np.ndarray]:
        if self.position is None or self.target is None:
            raise ValueError("the camera is not placed yet: call placed() first")
        return np.array(self.position, dtype=np.float64), np.array(self.target, dtype=np.float64)

    @property
    def pose(self) -> np.ndarray:
        """The camera frame in the base frame, float64 [7]; image upright is the base frame's z."""
        position, target = self._placed()
        forward = (target - position) / np.linalg.norm(target - position)
        right = np.cross(forward, (0.0, 0.0, 1.0))
        right /= np.linalg.norm(right)
        rotation = np.stack([right, np.cross(forward, right), forward], axis=-1)
        return np.concatenate([position, poses.from_matrix(rotation)])

    def intrinsics(self, size: int) -> np.ndarray:
        """Pinhole matrix [3, 3] in pixels for images of `size` x `size`; the corner of the first pixel is (0, 0)."""
        focal = size / 2.0 / tan(radians(self.field_of_view) / 2.0)
        return np.array([[focal, 0, size / 2.0], [0, focal, size / 2.0], [0, 0, 1]], dtype=np.float64)

    @property
    def view_matrix(self) -> list[float]:
        """World to OpenGL camera (x right, y up, z backward), 16 numbers column by column."""
        matrix = np.eye(4)
        into = poses.inverse(self.pose)
        matrix[:3, :3], matrix[:3, 3] = poses.to_matrix(into[3:]), into[:3]
        return (np.diag([1.0, -1.0, -1.0, 1.0]) @ matrix).T.ravel().tolist()

    @property
    def projection_matrix(self) -> list[float]:
        """OpenGL perspective projection, 16 numbers column by column."""
        scale = 1.0 / tan(radians(self.field_of_view) / 2.0)
        depth = (FAR + NEAR) / (NEAR - FAR), 2 * FAR * NEAR / (NEAR - FAR)
        return [scale, 0, 0, 0, 0, scale, 0, 0, 0, 0, depth[0], -1, 0, 0, depth[1], 0]


def pixels(points: np.ndarray, intrinsics: np.ndarray) -> np.ndarray:
    """Image coordinates [..., 2] (column, row) of points [..., 3] m in the camera frame."""
    image = points @ intrinsics.T
    return image[..., :2] / image[..., 2:]
