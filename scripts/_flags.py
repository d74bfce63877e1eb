"""Settings as the command line that gives them."""

from __future__ import annotations

from typing import Any

from agent.record import RecordSettings
from agent.settings import differences, to_json
from learner.settings import OnlineSettings, TrainSettings, suited, suited_training

DEFAULTS: dict[type, tuple[Any, ...]] = {
    RecordSettings: (RecordSettings(),),
    TrainSettings: (suited_training(), TrainSettings()),
    OnlineSettings: (suited(), OnlineSettings()),
}
"""What the scripts begin from, here and on machines of another kind."""


def flags(settings: Any) -> list[str]:
    """The arguments that make a script's settings these, on any machine."""
    wanted = to_json(settings)
    found: dict[str, Any] = {}
    for default in DEFAULTS[type(settings)]:
        found |= {name: value for name, _, value in differences(to_json(default), wanted)}
    return [argument for name, value in found.items() for argument in _argument(name.rpartition(".")[2], value)]


def _argument(name: str, value: Any) -> list[str]:
    flag = name.replace("_", "-")
    if isinstance(value, bool):
        return [f"--{'' if value else 'no-'}{flag}"]
    values = value if isinstance(value, list) else [value]
    return [f"--{flag}", *map(str, values)]
