"""Programs that this one starts: each in a session of its own, and told to end, and to keep everything, when this one
is."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

from _cli import Stop

POLL_S = 0.1


class Ended(NamedTuple):
    """How a program ended."""

    status: int
    peak_megabytes: float
    """Of memory, while it was that program."""
    told: str
    """The last line that it wrote to stderr."""


def run_script(
    name: str, arguments: list[str], *, log: Path, stop: Stop, device: str = "cpu", threads: int = 0
) -> Ended:
    """Run `scripts/NAME.py` to its end, or to a sooner one where `stop` comes; what it writes is in `log`."""
    # A terminal's Ctrl-C goes to all of a session: a child of this one would be told twice, and end at once.
    environment = {**os.environ, **({"OMP_NUM_THREADS": str(threads)} if threads else {})}
    if device.startswith("cuda:"):
        environment["CUDA_VISIBLE_DEVICES"] = device.removeprefix("cuda:")
    script = Path(__file__).with_name(f"{name}.py")
    with log.open("a") as file:
        child = subprocess.Popen(
            [sys.executable, str(script), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            start_new_session=True,
            env=environment,
        )
        asked, peak = False, 0.0
        while True:
            peak = max(peak, _peak_megabytes(child.pid))
            ended, status, used = os.wait4(child.pid, os.WNOHANG)
            if ended:
                child.returncode = os.waitstatus_to_exitcode(status)
                break
            if stop and not asked:
                child.terminate()
                asked = True
            time.sleep(POLL_S)
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    most = used.ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6
    return Ended(child.returncode, peak or most, lines[-1] if lines else "")


def _peak_megabytes(process: int) -> float:
    """The most memory so far of a process that runs; 0 where the system does not tell.

    Not what Linux tells of one that has ended, which is its parent's where that had more when it started the child.
    """
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith("VmHWM:")), 0.0)
