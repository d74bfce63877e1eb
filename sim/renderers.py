"""Renderers by name: TinyRenderer, which runs everywhere and repeats to the bit, and EGL, which pays on a GPU."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec

from sim.bullet import import_bullet, quiet
from sim.errors import InputError

PROBE_S = 60
_PROBE = """
import pybullet, sys
client = pybullet.connect(pybullet.DIRECT)
assert pybullet.loadPlugin(sys.argv[1], "_eglRendererPlugin", physicsClientId=client) >= 0
body = pybullet.createMultiBody(0, -1, pybullet.createVisualShape(pybullet.GEOM_SPHERE, radius=0.5))
view = pybullet.computeViewMatrix([2, 0, 0], [0, 0, 0], [0, 0, 1])
lens = pybullet.computeProjectionMatrixFOV(40, 1, 0.1, 10)
picture = pybullet.getCameraImage(32, 32, view, lens, renderer=pybullet.ER_BULLET_HARDWARE_OPENGL)
assert len(set(picture[4].ravel().tolist())) == 2, "blank"
print("ARMPLAY RENDERER WORKS")
"""


@dataclass(frozen=True)
class Renderer:
    """One way to draw."""

    name: str
    """What is recorded of a frame."""
    flag: int
    """PyBullet's constant."""
    shift: float
    """By how much of a pixel the projection has to be moved, so that frames agree with the intrinsics."""
    plugin: str = ""
    """Library that a client loads before it can draw."""

    def start(self, client: int) -> None:
        """Make a physics client able to draw this way."""
        if self.plugin:
            with quiet():
                import_bullet().loadPlugin(self.plugin, "_eglRendererPlugin", physicsClientId=client)


@lru_cache(maxsize=1)
def _tiny() -> Renderer:
    # TinyRenderer looks through a pixel's lower left corner.
    return Renderer("pybullet TinyRenderer", import_bullet().ER_TINY_RENDERER, shift=0.5)


@lru_cache(maxsize=1)
def _egl() -> Renderer:
    """OpenGL without a screen. Tried in another process first: where it does not work, PyBullet ends the process."""
    bullet = import_bullet()
    plugin = find_spec("eglRenderer")
    advice = "install libegl1 and a driver (NVIDIA's, or libgl1-mesa-dri), or use --renderer tiny"
    if plugin is None or plugin.origin is None:
        raise InputError(f"renderer=egl: this PyBullet has no EGL renderer; {advice}")
    try:
        probe = subprocess.run(
            [sys.executable, "-c", _PROBE, plugin.origin], capture_output=True, text=True, timeout=PROBE_S, check=False
        )
    except subprocess.TimeoutExpired:
        raise InputError(f"renderer=egl: no picture within {PROBE_S} s; {advice}") from None
    if "ARMPLAY RENDERER WORKS" not in probe.stdout:
        said = [line for line in (probe.stdout + probe.stderr).splitlines() if line.strip()]
        raise InputError(f"renderer=egl: does not work here ({said[-1] if said else probe.returncode}); {advice}")
    device = re.search(r"GL_RENDERER=(.*)", probe.stdout)
    where = device[1].strip() if device else "unknown device"
    visible = os.environ.get("EGL_VISIBLE_DEVICES")
    where += f", EGL_VISIBLE_DEVICES={visible}" if visible else ""
    return Renderer(f"pybullet EGL ({where})", bullet.ER_BULLET_HARDWARE_OPENGL, shift=0.0, plugin=plugin.origin)


RENDERERS = {"tiny": _tiny, "egl": _egl}


def renderer(name: str) -> Renderer:
    """The renderer called `name`. Raises InputError for an unknown one, and for one that does not work here."""
    check_renderer(name)
    return RENDERERS[name]()


def check_renderer(name: str) -> None:
    """Raise InputError for an unknown name; whether it works is not tried."""
    if name not in RENDERERS:
        raise InputError(f"renderer={name}: unknown, known are {', '.join(RENDERERS)}")
