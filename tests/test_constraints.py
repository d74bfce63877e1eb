"""constraints.txt pins all that is installed, for each Python: over a gap or a wrong pin, pip may search for hours."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PYTHONS = ("3.10", "3.11", "3.12", "3.13")
OF_A_BUILD = ("cuda-", "nvidia-", "triton")
"""What builds of torch for CUDA bring; each build pins its own."""


def pins(python: str) -> dict[str, list[str]]:
    lines = (Path(__file__).parents[1] / "constraints.txt").read_text().splitlines()
    found: dict[str, list[str]] = {}
    for pin in (Requirement(line) for line in lines if line and not line.startswith("#")):
        if pin.marker is None or pin.marker.evaluate({"python_version": python}):
            found.setdefault(canonicalize_name(pin.name), []).append(str(pin.specifier))
    return found


@pytest.mark.parametrize("python", PYTHONS)
def test_each_package_has_one_exact_version_for_a_python(python: str) -> None:
    assert all(len(versions) == 1 and versions[0].startswith("==") for versions in pins(python).values())


def test_what_is_pinned_for_a_newer_python_is_pinned_for_the_oldest() -> None:
    assert pins("3.11").keys() <= pins("3.10").keys()
    assert pins("3.12").keys() == pins("3.11").keys() == pins("3.13").keys()


def test_all_that_is_installed_with_the_dev_extra_is_pinned() -> None:
    known = pins("3.11").keys() | pins("3.10").keys()
    waiting: list[tuple[str, str]] = [("armplay", extra) for extra in ("", "dev")]
    seen = set(waiting)
    while waiting:
        name, extra = waiting.pop()
        try:
            wanted = [Requirement(each) for each in requires(name) or []]
        except PackageNotFoundError:
            continue  # of another Python, or another machine
        needed = [each for each in wanted if each.marker is None or each.marker.evaluate({"extra": extra})]
        for each in needed:
            new = {(each.name, part) for part in ("", *each.extras)} - seen
            waiting += new
            seen |= new
    missing = {canonicalize_name(name) for name, _ in seen} - known - {"armplay"}
    assert not {name for name in missing if not name.startswith(OF_A_BUILD)}
