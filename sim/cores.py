"""How many cores this process may use."""

from __future__ import annotations

import os


def cores() -> int:
    """Cores in this process's affinity: on a shared cluster, fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
