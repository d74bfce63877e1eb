"""Play policies by name: a new one is a file in this folder and a line in `POLICIES`."""

from __future__ import annotations

from agent.play.curious import Curious
from agent.play.grasp import Grasp
from agent.play.inspect import Inspect
from agent.play.policy import Asking, Body, Plan, Policy
from agent.play.push import Push, Topple
from agent.play.reach import Stand, TablePolicy
from agent.play.tumble import Tumble
from agent.play.turntable import Turntable
from sim.errors import InputError

POLICIES: dict[str, Policy] = {
    "curious": Curious(),
    "inspect": Inspect(),
    "tumble": Tumble(),
    "turntable": Turntable(),
}
"""With the object in the hand."""
TABLE_POLICIES: dict[str, TablePolicy] = {
    "grasp": Grasp(),
    "push": Push(),
    "topple": Topple(),
}
"""With the object on a table."""


def check_play(name: str) -> None:
    """Raises InputError for a policy that is unknown."""
    if name not in POLICIES and name not in TABLE_POLICIES:
        raise InputError(f"play={name}: unknown, known are {', '.join(sorted({**POLICIES, **TABLE_POLICIES}))}")


def play_policy(name: str) -> Policy:
    """The policy called `name`, of those that hold the object. Raises InputError for any other."""
    check_play(name)
    if name not in POLICIES:
        raise InputError(
            f"play={name}: acts on an object on a table; with the object in the hand: {', '.join(POLICIES)}"
        )
    return POLICIES[name]


__all__ = [
    "POLICIES",
    "TABLE_POLICIES",
    "Asking",
    "Body",
    "Plan",
    "Policy",
    "Stand",
    "TablePolicy",
    "check_play",
    "play_policy",
]
