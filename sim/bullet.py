"""PyBullet, imported when a scene is made and not before, and without the lines that it prints."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Any

from sim.errors import InputError


def import_bullet() -> Any:
    """The module. Raises InputError where it is not installed, or was built without numpy."""
    try:
        with quiet():
            import pybullet
    except ImportError:
        raise InputError(
            "pybullet is not installed: it has wheels for Python 3.10 and 3.11, and without it nothing can be simulated"
        ) from None
    if not pybullet.isNumpyEnabled():
        raise InputError("pybullet was built without numpy: images would come as tuples, install the wheel from PyPI")
    return pybullet


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """PyBullet prints its build time to the C-level stdout and stderr at import; users did not ask for it."""
    saved = [os.dup(1), os.dup(2)]
    sink = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(sink, 1), os.dup2(sink, 2)
        yield
    finally:
        os.dup2(saved[0], 1), os.dup2(saved[1], 2)
        for descriptor in (*saved, sink):
            os.close(descriptor)
