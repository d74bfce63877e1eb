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


def asks(name: str) -> bool:
    """Whether the policy of that name asks a learner what it would like to see."""
    return isinstance(POLICIES.get(name), Asking)


__all__ = [
    "POLICIES",
    "TABLE_POLICIES",
    "Asking",
    "Body",
    "Plan",
    "Policy",
    "Stand",
    "TablePolicy",
    "asks",
    "check_play",
]
