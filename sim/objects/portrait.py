"""Pictures of toys alone, for contact sheets and tests."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from sim.bullet import import_bullet
from sim.errors import InputError
from sim.objects.mesh import Toy, write_obj

BACKGROUND = 236
"""Grey level around the toy, out of 255."""
TOYS_PER_CLIENT = 50
"""PyBullet frees textures only when a client disconnects; this keeps memory flat at no cost."""


def portrait(
    toys: Sequence[Toy],
    *,
    image_size: int = 128,
    yaw: float = 0.6,
    pitch: float = 0.5,
    supersample: int = 2,
) -> np.ndarray:
    """Each toy before a plain background, uint8 [N, image_size, image_size, 3].

    Yaw and pitch in radians: the camera's direction from the toy, from the front towards +y and up. The bounding box
    just fits. `supersample` renders that many times larger first, because TinyRenderer does not smooth edges.
    """
    if image_size < 1 or supersample < 1:
        raise InputError(f"image_size={image_size}, supersample={supersample}: at least 1, or there is no picture")
    pictures = np.empty((len(toys), image_size, image_size, 3), np.uint8)
    with tempfile.TemporaryDirectory() as folder:
        for start in range(0, len(toys), TOYS_PER_CLIENT):
            batch = slice(start, start + TOYS_PER_CLIENT)
            large = _render(toys[batch], Path(folder, str(start)), image_size * supersample, yaw, pitch)
            for i, picture in enumerate(large, start):
                pictures[i] = cv2.resize(picture, (image_size, image_size), interpolation=cv2.INTER_AREA)
    return pictures


def _render(toys: Sequence[Toy], folder: Path, pixels: int, yaw: float, pitch: float) -> np.ndarray:
    """The pictures of one client's toys, uint8 [N, pixels, pixels, 3]."""
    pybullet = import_bullet()

    towards = np.array([np.cos(pitch) * np.cos(yaw), np.cos(pitch) * np.sin(yaw), np.sin(pitch)])
    right = np.array([-np.sin(yaw), np.cos(yaw), 0.0])
    up = np.cross(towards, right)
    projection = pybullet.computeProjectionMatrixFOV(fov=20.0, aspect=1.0, nearVal=0.5, farVal=10.0)
    client = pybullet.connect(pybullet.DIRECT)
    pictures = np.full((len(toys), pixels, pixels, 3), BACKGROUND, np.uint8)
    try:
        for i, toy in enumerate(toys):
            shape = pybullet.createVisualShape(
                pybullet.GEOM_MESH,
                # A folder each: two toys may share their name, and PyBullet's file cache would show the first twice.
                fileName=str(write_obj(toy, folder / str(i), size=1.0)),
                physicsClientId=client,
            )
            body = pybullet.createMultiBody(baseVisualShapeIndex=shape, physicsClientId=client)
            # Distance at which the silhouette fills 90 % of the frame's half angle, whatever the toy's form.
            extent = np.abs(toy.vertices @ np.stack([right, up], 1)) / (0.9 * np.tan(np.radians(10.0)))
            distance = (extent + (toy.vertices @ towards)[:, None]).max()
            view = pybullet.computeViewMatrix((towards * distance).tolist(), [0, 0, 0], [0, 0, 1])
            _, _, rgba, _, segmentation = pybullet.getCameraImage(
                pixels,
                pixels,
                view,
                projection,
                lightDirection=(towards + 0.6 * up + 0.5 * right).tolist(),
                lightColor=[1.0, 1.0, 1.0],
                lightDistance=10.0,
                shadow=0,
                lightAmbientCoeff=0.55,
                lightDiffuseCoeff=0.5,
                lightSpecularCoeff=0.05,
                renderer=pybullet.ER_TINY_RENDERER,
                physicsClientId=client,
            )
            seen = np.reshape(segmentation, (pixels, pixels)) >= 0
            pictures[i][seen] = np.reshape(rgba, (pixels, pixels, 4))[:, :, :3][seen]
            pybullet.removeBody(body, physicsClientId=client)
    finally:
        pybullet.disconnect(client)
    return pictures
