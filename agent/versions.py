"""What made a dataset or a run: the versions that its bytes follow from."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

PACKAGES = ("armplay", "pybullet", "numpy", "opencv-python-headless", "pyarrow", "fast-simplification")


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that pixels and poses depend on; `absent` for one not installed."""
    found = {"python": platform.python_version(), "machine": platform.machine()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "absent"
    return found
