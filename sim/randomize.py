"""Domain randomisation: what may differ between episodes beside the object itself. All of it is off by default."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

import cv2
import numpy as np

from sim.camera import Camera
from sim.errors import InputError

Background = Literal["fixed", "frame", "episode"]
"""`fixed`: the same plain one always, as in one laboratory. `frame`: drawn anew for each frame. `episode`: drawn once
an episode, a shortcut that ruins contrastive learning and is kept to show it."""
Draw = Callable[[np.random.Generator, int], np.ndarray]
"""(generator, size) -> uint8 [size, size, 3]."""

PLAIN = (226, 228, 230)
PICTURES = (".jpg", ".jpeg", ".png", ".bmp", ".webp")


@dataclass(frozen=True)
class Randomization:
    """What differs from episode to episode, or from frame to frame."""

    background: Background = "fixed"
    """fixed (one plain background), frame (drawn anew per frame), episode (a shortcut, kept to show it)."""
    backdrop: str = "mixed"
    """What is drawn where it is not fixed: plain, gradient, noise, mixed, or a folder of pictures."""
    vary_light: float = 0.0
    """How much the light's direction, strength and colour vary between episodes: 0 (not at all) to 1."""
    vary_size: float = 0.0
    """How much the object's size varies between episodes, as a share of it: 0.2 means 0.8 to 1.2 times."""
    vary_camera: float = 0.0
    """How far the camera is moved between episodes, m (standard deviation along each axis)."""
    vary_grasp: bool = True
    """Hold each object another way; off: the same way in all episodes."""

    def __post_init__(self) -> None:
        if self.background not in get_args(Background):
            raise InputError(f"background={self.background}: unknown, known are {', '.join(get_args(Background))}")
        if Path(self.backdrop).name == self.backdrop:  # a folder is looked for when something is drawn
            backdrop(self.backdrop)
        bounds = (("vary_light", 1.0, "share"), ("vary_size", 0.8, "share"), ("vary_camera", 0.5, "m"))
        for name, highest, unit in bounds:
            if not 0.0 <= getattr(self, name) <= highest:
                raise InputError(f"{name}={getattr(self, name)}: must be from 0 to {highest:g} ({unit})")


class Light(NamedTuple):
    """A lamp far away, and the light that comes from everywhere."""

    direction: tuple[float, ...] = (0.4, -1.0, 1.6)
    """From the scene to the lamp, base frame."""
    color: tuple[float, ...] = (1.0, 1.0, 1.0)
    """RGB in [0, 1]."""
    ambient: float = 0.6
    diffuse: float = 0.42

    def options(self) -> dict[str, Any]:
        """For `getCameraImage`. All of them on every call: PyBullet keeps what an earlier call set."""
        return {
            "lightDirection": list(self.direction),
            "lightColor": list(self.color),
            "lightDistance": 3.0,
            "lightAmbientCoeff": self.ambient,
            "lightDiffuseCoeff": self.diffuse,
            "lightSpecularCoeff": 0.05,
            "shadow": 0,
        }


class Look(NamedTuple):
    """How one episode looks."""

    camera: Camera
    """Placed."""
    light: Light
    size: float
    """Longest side of the object, m."""
    behind: np.random.Generator
    """Draws the backgrounds."""


def draw_look(settings: Randomization, camera: Camera, size: float, rng: np.random.Generator) -> Look:
    """One episode's look, for a placed camera and an object of `size` m. Switching one part on or off leaves the
    others as they were."""
    for_camera, for_light, for_size, behind = rng.spawn(4)
    if settings.vary_camera:
        camera = camera.jittered(settings.vary_camera, for_camera)
    if settings.vary_size:
        size *= 1.0 + settings.vary_size * for_size.uniform(-1.0, 1.0)
    return Look(camera, draw_light(settings.vary_light, for_light), size, behind)


def draw_light(strength: float, rng: np.random.Generator) -> Light:
    """A light that differs from the usual one by `strength` in [0, 1]."""
    usual = Light()
    if strength == 0.0:
        return usual
    direction = np.array(usual.direction) + strength * rng.uniform(-1.2, 1.2, 3)
    color = 1.0 - strength * rng.uniform(0.0, 0.3, 3)
    ambient, diffuse = (1.0 + strength * rng.uniform(-0.35, 0.2, 2)) * (usual.ambient, usual.diffuse)
    return Light(tuple(direction.tolist()), tuple(color.tolist()), float(ambient), float(diffuse))


def plain_background(size: int) -> np.ndarray:
    """The laboratory's wall, uint8 [size, size, 3]."""
    return np.full((size, size, 3), PLAIN, dtype=np.uint8)


def draw_background(rng: np.random.Generator, size: int, kind: str = "mixed") -> np.ndarray:
    """A background of that kind, uint8 [size, size, 3]."""
    return backdrop(kind)(rng, size)


def backdrop(kind: str) -> Draw:
    """What draws backgrounds of that kind: a name in `BACKDROPS`, or a folder. Raises InputError for neither."""
    return BACKDROPS[kind] if kind in BACKDROPS else _pictures(kind)


def _plain(rng: np.random.Generator, size: int) -> np.ndarray:
    return np.full((size, size, 3), rng.integers(40, 236, 3), dtype=np.uint8)


def _gradient(rng: np.random.Generator, size: int) -> np.ndarray:
    return _spread(rng, size).astype(np.uint8)


def _noise(rng: np.random.Generator, size: int) -> np.ndarray:
    """Blotches of four sizes, coarse ones stronger."""
    image = np.full((size, size, 3), rng.uniform(80, 180, 3), dtype=np.float32)
    for grid, deviation in ((3, 40.0), (6, 28.0), (12, 20.0), (24, 14.0)):
        blotches = rng.normal(0, deviation, (grid, grid, 3)).astype(np.float32)
        image += cv2.resize(blotches, (size, size), interpolation=cv2.INTER_CUBIC)
    return np.clip(image, 0, 255).astype(np.uint8)


def _mixed(rng: np.random.Generator, size: int) -> np.ndarray:
    """A gradient with blotches."""
    gradient = _spread(rng, size)
    blotches = rng.normal(0, 25, (5, 5, 3)).astype(np.float32)
    image = gradient + cv2.resize(blotches, (size, size), interpolation=cv2.INTER_CUBIC)
    return np.clip(image, 0, 255).astype(np.uint8)


def _spread(rng: np.random.Generator, size: int) -> np.ndarray:
    """Four colours, one a corner."""
    corners = rng.uniform(40, 235, (2, 2, 3)).astype(np.float32)
    return cv2.resize(corners, (size, size), interpolation=cv2.INTER_LINEAR)


BACKDROPS: dict[str, Draw] = {"plain": _plain, "gradient": _gradient, "noise": _noise, "mixed": _mixed}


@lru_cache(maxsize=8)
def _pictures(folder: str) -> Draw:
    """Square cuts of the pictures in a folder, in the order of their names."""
    known = ", ".join(BACKDROPS)
    if not Path(folder).is_dir():
        raise InputError(f"backdrop={folder}: neither {known} nor a folder of pictures")
    paths = sorted(path for path in Path(folder).rglob("*") if path.suffix.lower() in PICTURES)
    if not paths:
        raise InputError(f"backdrop={folder}: no picture in it ({', '.join(PICTURES)}), so nothing can be drawn")

    def draw(rng: np.random.Generator, size: int) -> np.ndarray:
        path = paths[rng.integers(len(paths))]
        picture = _read(path)
        side = int(min(picture.shape[:2]) * rng.uniform(0.5, 1.0))
        top, left = (int(rng.integers(length - side + 1)) for length in picture.shape[:2])
        cut = picture[top : top + side, left : left + side]
        return cv2.resize(cut, (size, size), interpolation=cv2.INTER_AREA if side > size else cv2.INTER_LINEAR)

    return draw


@lru_cache(maxsize=256)
def _read(path: Path) -> np.ndarray:
    """uint8 RGB, at most 512 pixels wide or high."""
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if picture is None:
        raise InputError(f"backdrop {path}: not a picture, remove it or give another folder")
    shrink = min(1.0, 512 / max(picture.shape[:2]))
    smaller = cv2.resize(picture, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA) if shrink < 1 else picture
    return cv2.cvtColor(smaller, cv2.COLOR_BGR2RGB)
