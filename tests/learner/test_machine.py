"""What a process asks of the machine that it runs on."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

from learner.machine import OWN_PAGES_BYTES, keep_memory

ROUNDS = 20
FAULTS = """
import ctypes, resource, sys
from learner.machine import keep_memory
if sys.argv[1] == "kept":
    assert keep_memory()
rounds, size = int(sys.argv[2]), int(sys.argv[3])
libc = ctypes.CDLL(None)
libc.malloc.argtypes, libc.malloc.restype, libc.free.argtypes = [ctypes.c_size_t], ctypes.c_void_p, [ctypes.c_void_p]
def work():
    # Together they are more than malloc keeps by itself, which is twice the largest that was freed. Not tensors: what
    # small things torch allocates beside them may come to lie above them, and then nothing can be given back.
    blocks = [ctypes.memset(libc.malloc(size), 1, size) for _ in range(4)]
    for block in blocks:
        libc.free(block)
for _ in range(3):
    work()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(rounds):
    work()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another malloc, which is not told anything")
def test_freed_memory_is_kept_for_the_next_step() -> None:
    size = OWN_PAGES_BYTES // 2

    def faults(kept: str) -> int:
        asked = [sys.executable, "-c", FAULTS, kept, str(ROUNDS), str(size)]
        return int(subprocess.run(asked, check=True, capture_output=True, text=True).stdout)

    # Given back, they fault at least once a round; where pages are small, thousands of times.
    assert faults("kept") < ROUNDS <= faults("usual")


def test_elsewhere_nothing_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "libc_ver", lambda: ("", ""))
    assert not keep_memory()
