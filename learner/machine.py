"""What this machine is, and how to divide its cores between arms and learner."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Any

import numpy as np
import torch

from sim.cores import cores
from sim.errors import InputError


def default_device() -> str:
    """`cuda` where there is one, else `cpu`."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def check_device(device: str) -> None:
    """Raise InputError for a device that torch cannot use here."""
    try:
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise InputError(f"device={device}: {str(error).splitlines()[0]}") from None


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
