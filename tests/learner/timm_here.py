"""Puts the stand-in of timm in the place of timm, for one test."""

from __future__ import annotations

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

STANDINS = Path(__file__).resolve().parents[1] / "references" / "standins"


def stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = spec_from_file_location("timm", STANDINS / "timm" / "__init__.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "timm", module)
    spec.loader.exec_module(module)
