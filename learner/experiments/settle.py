"""Which action term learns: the paper's own setting, one factor at a time, on validation instances."""

from __future__ import annotations

from typing import Any

from learner.experiments.design import MAIN, Base, Condition, Experiment, main_methods

TERM = "action term"
"""The panel whose conditions the action term is chosen from."""
BATCHES = (64, 256, 512)


def conditions(base: Base) -> list[Condition]:
    """The three methods, both forms of negatives, and each dial of the action term around its default."""
    data, steps = base.data(), base.scale.steps
    base = Base(base.scale, base.split)
    found = main_methods(base, data, panel=TERM)

    def add(name: str, *, panel: str = TERM, rank: int = 1, method: str = "aa-simclr", **changes: Any) -> None:
        against = MAIN[:2] if method == "aa-simclr" else ()
        settings = base.train(method, **changes)
        found.append(base.condition(name, settings, data, panel=panel, rank=rank, against=against))

    add("aa-simclr, all", rank=0, loss={"negatives": "all"})
    add("aa-simclr, all, pair norm", loss={"negatives": "all", "pair_norm": True})
    add("aa-simclr, pair norm", loss={"pair_norm": True})
    for weight in (0.1, 0.3, 3.0):
        add(f"aa-simclr, weight {weight:g}", rank=2, loss={"action_weight": weight})
    for share in (4, 2):
        add(f"aa-simclr, warm-up 1/{share}", rank=2, loss={"action_warmup": steps // share})
    for temperature in (0.05, 0.3):
        add(f"aa-simclr, action temperature {temperature:g}", rank=3, loss={"action_temperature": temperature})
    add("aa-simclr, all, weight 0.1", rank=3, loss={"negatives": "all", "action_weight": 0.1})
    add("aa-simclr, all, warm-up 1/2", rank=3, loss={"negatives": "all", "action_warmup": steps // 2})
    for batch in BATCHES:
        for method in MAIN:
            add(f"{method}, batch {batch}", panel="batch", rank=4, method=method, batch=batch)
    for temperature in (0.05, 0.3):
        for method in MAIN:
            changes = {"temperature": temperature}
            add(f"{method}, temperature {temperature:g}", panel="temperature", rank=5, method=method, loss=changes)
    return found


EXPERIMENT = Experiment(
    name="settle",
    title="Settling the action term",
    asks="In the paper's own setting (upright turns, the turn alone as action, one background, the arm not seen): what "
    "makes the action term learn, and does it help? Settings of the action term are chosen here.",
    split="validation",
    conditions=conditions,
)
