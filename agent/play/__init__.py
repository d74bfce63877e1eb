"""Play policies by name: a new one is a file in this folder and a line in `POLICIES`."""

from __future__ import annotations

from agent.play.curious import Curious
from agent.play.inspect import Inspect
from agent.play.policy import Asking, Body, Plan, Policy
from agent.play.tumble import Tumble
from agent.play.turntable import Turntable
from sim.errors import InputError

POLICIES: dict[str, Policy] = {
    "curious": Curious(),
    "inspect": Inspect(),
    "tumble": Tumble(),
    "turntable": Turntable(),
}


def play_policy(name: str) -> Policy:
    """The policy called `name`. Raises InputError for an unknown one."""
    if name not in POLICIES:
        raise InputError(f"play={name}: unknown, known are {', '.join(sorted(POLICIES))}")
    return POLICIES[name]


__all__ = ["POLICIES", "Asking", "Body", "Plan", "Policy", "play_policy"]
