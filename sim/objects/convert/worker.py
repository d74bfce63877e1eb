"""The process that converts mesh files, so that a hostile one brings down nothing else.

It reads one request a line, a JSON string with the path of a mesh file from the root, and answers with one line of
JSON: ["outcome", digest, refusal, stamps] or ["error", message]. It ends when its input does.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import warnings
from contextlib import suppress
from pathlib import Path
from typing import TextIO

from sim.errors import InputError
from sim.objects.convert.conversion import Settings
from sim.objects.convert.making import convert_file

MEMORY = 4 << 30
"""Bytes of address space."""
SECONDS = 60
"""Of processor time for one object."""


def main() -> None:
    root, settings = json.loads(sys.argv[1])
    # What libraries print must not come between the answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    warnings.simplefilter("ignore")
    limit(resource.RLIMIT_AS, MEMORY)
    serve(Path(root), Settings(*settings), sys.stdin, answers)


def serve(root: Path, settings: Settings, requests: TextIO, answers: TextIO) -> None:
    for line in requests:
        used = resource.getrusage(resource.RUSAGE_SELF)
        limit(resource.RLIMIT_CPU, int(used.ru_utime + used.ru_stime) + SECONDS)
        try:
            answer: list[object] = ["outcome", *convert_file(root, json.loads(line), settings)]
        except InputError as error:
            answer = ["error", str(error)]
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def limit(what: int, amount: int) -> None:
    """Set a soft limit, as far as this system knows it and allows it."""
    _, hard = resource.getrlimit(what)
    if hard != resource.RLIM_INFINITY:
        amount = min(amount, hard)
    with suppress(OSError, ValueError):  # macOS refuses limits of address space
        resource.setrlimit(what, (amount, hard))


if __name__ == "__main__":
    main()
