"""The learner: replay buffer, encoders, methods, training, probes, report.

What is named here is imported when it is first used, as all of it needs torch: `import learner` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from learner.encoders import Encoder, build_encoder
    from learner.export import load_encoder
    from learner.methods import METHODS, MethodSettings, build_method
    from learner.replay import ReplayBuffer
    from learner.training import Learner

_HOMES = {
    "METHODS": "learner.methods",
    "Encoder": "learner.encoders",
    "Learner": "learner.training",
    "MethodSettings": "learner.methods",
    "ReplayBuffer": "learner.replay",
    "build_encoder": "learner.encoders",
    "build_method": "learner.methods",
    "load_encoder": "learner.export",
}

__all__ = [
    "METHODS",
    "Encoder",
    "Learner",
    "MethodSettings",
    "ReplayBuffer",
    "build_encoder",
    "build_method",
    "load_encoder",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'learner' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
