"""The public API is what the three packages name: it is there, documented, typed, and told in the changelog."""

from __future__ import annotations

import inspect
import re
from importlib import import_module
from types import ModuleType

import pytest

from tests.scripts.running import ROOT

PACKAGES = ("sim", "agent", "learner")


def told() -> dict[str, set[str]]:
    """The names that the changelog tells of each package."""
    section = re.search(r"### API\n(.*?)\n\n", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.DOTALL)
    assert section is not None
    entries = re.findall(r"^- `(\w+)`: (.*?)(?=^- |\Z)", section[1], re.MULTILINE | re.DOTALL)
    return {package: set(re.findall(r"`(\w+)`", names)) for package, names in entries}


@pytest.mark.parametrize("package", [import_module(name) for name in PACKAGES], ids=PACKAGES)
def test_every_public_name_is_there_documented_and_typed(package: ModuleType) -> None:
    assert package.__all__ == sorted(package.__all__, key=lambda name: (not name.isupper(), name[0].islower(), name))
    for name in package.__all__:
        assert name in dir(package)
        public = getattr(package, name)
        if not callable(public):
            continue
        assert public.__doc__, name
        assert not public.__doc__.startswith(f"{name}("), (
            f"{name}: dataclass and tuple make such a docstring themselves"
        )
        if inspect.isfunction(public):
            signature = inspect.signature(public)
            assert signature.return_annotation is not inspect.Signature.empty, name
            assert all(each.annotation is not inspect.Parameter.empty for each in signature.parameters.values()), name
    with pytest.raises(AttributeError):
        _ = package.no_such_name


def test_the_changelog_tells_every_public_name() -> None:
    assert told() == {name: set(import_module(name).__all__) for name in PACKAGES}
