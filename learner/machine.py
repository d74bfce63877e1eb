"""What this machine is, and how to divide its cores between arms and learner."""

from __future__ import annotations

import ctypes
import platform
from pathlib import Path
from typing import Any

import numpy as np
import torch

from sim.cores import cores
from sim.errors import InputError

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""Of glibc's malloc.h."""
KEPT_BYTES, OWN_PAGES_BYTES = 2**31 - 1, 32 * 2**20
"""Free memory that malloc keeps, and the least allocation that has pages of its own: the most that each may be."""


def default_device() -> str:
    """`cuda` where there is one, else `cpu`."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def check_device(device: str) -> None:
    """Raise InputError for a device that torch cannot use here."""
    try:
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise InputError(f"device={device}: {str(error).splitlines()[0]}") from None


def keep_memory() -> bool:
    """Let this process keep the memory that it frees, and whether it does: only glibc can be told.

    It otherwise hands the large tensors of a training step back, and the system clears their pages anew at the next
    step: some thousand page faults, 5 % of a step of the small encoder.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    mallopt = ctypes.CDLL(None).mallopt
    return bool(mallopt(M_MMAP_THRESHOLD, OWN_PAGES_BYTES) and mallopt(M_TRIM_THRESHOLD, KEPT_BYTES))


def describe(device: str) -> dict[str, Any]:
    """Machine and versions, for settings and reports."""
    found: dict[str, Any] = {
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cores": cores(),
        "device": device,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
    }
    if device.startswith("cuda"):
        found["gpu"] = torch.cuda.get_device_name(torch.device(device))
    return found


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "")


def check_compile(device: str) -> None:
    """Raise InputError where `torch.compile` cannot work on this machine: a line of code is tried, in a few seconds."""
    try:
        torch.compile(torch.sin)(torch.ones(64, device=device))
    except RuntimeError as error:
        said = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise InputError(
            f"compile=True: torch.compile does not work on {device} here ({said.strip()[:200]})"
        ) from error
