"""Where PyBullet is not installed, as under Python 3.12 and later, what fails for want of it is skipped."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec

import pytest

WANTED = ("pybullet is not installed", "nothing can be simulated", "No module named 'pybullet")
"""What our own code and Python say, also those of another process whose output a test looks at: pytest cuts it short,
and keeps its end."""
REASON = "needs PyBullet, which has wheels for Python 3.10 and 3.11 only"


def lacks_pybullet(error: BaseException | None) -> bool:
    """Whether an exception, or one that led to it, is for want of PyBullet."""
    while error is not None and find_spec("pybullet") is None:
        if any(words in str(error) for words in WANTED):
            return True
        error = error.__cause__ or error.__context__
    return False


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Iterator[None]:  # pytest's own type is a generator of reports
    report = yield
    if call.excinfo is not None and report.failed and lacks_pybullet(call.excinfo.value):
        report.outcome, report.longrepr = "skipped", (str(item.path), item.location[1] or 0, f"Skipped: {REASON}")
    return report
