"""What a toy covers of the image when nothing is before it: drawn alone, in a physics client of its own."""

from __future__ import annotations

import tempfile
from math import atan, degrees, radians, tan
from pathlib import Path

import numpy as np
import pybullet

from sim.camera import Camera
from sim.objects.mesh import Toy, write_obj


def silhouette(toy: Toy, pose: np.ndarray, camera: Camera, *, object_size: float, image_size: int) -> np.ndarray:
    """bool [H, W], the toy at `pose` [7] in the base frame, by PyBullet's own matrices from where the camera stands."""
    client = pybullet.connect(pybullet.DIRECT)
    try:
        with tempfile.TemporaryDirectory() as folder:
            path = write_obj(toy, Path(folder), size=object_size)
            shape = pybullet.createVisualShape(pybullet.GEOM_MESH, fileName=str(path), physicsClientId=client)
            pybullet.createMultiBody(
                baseVisualShapeIndex=shape, basePosition=pose[:3], baseOrientation=pose[3:], physicsClientId=client
            )
        view = pybullet.computeViewMatrix(camera.position, camera.target, (0.0, 0.0, 1.0))
        projection = pybullet.computeProjectionMatrixFOV(camera.field_of_view, 1.0, 0.05, 4.0)
        picture = pybullet.getCameraImage(
            image_size, image_size, view, projection, renderer=pybullet.ER_TINY_RENDERER, physicsClientId=client
        )
        return np.reshape(picture[4], (image_size, image_size)) >= 0
    finally:
        pybullet.disconnect(client)


def whole_silhouette(toy: Toy, pose: np.ndarray, camera: Camera, *, object_size: float, image_size: int) -> np.ndarray:
    """As `silhouette`, bool [3H, 3W]: with pixels of the same size, and what lies outside the camera's image too."""
    wider = Camera(camera.position, camera.target, degrees(2 * atan(3 * tan(radians(camera.field_of_view) / 2))))
    return silhouette(toy, pose, wider, object_size=object_size, image_size=3 * image_size)
