"""In the hand, on a table, or half of each: what is learned there, and what of it holds in the other place."""

from __future__ import annotations

from dataclasses import replace

from learner.experiments.design import Base, Condition, Data, Experiment
from sim.camera import Camera

METHODS = {"simclr-tt": 1, "aa-simclr": 0}
"""And the rank of each."""
ACTION = "efference"
"""A hand that pushes hardly turns, so `rotation` would tell nothing on the table."""
TABLE_VIEW = 11.0
"""Degrees of the camera before the table: of what is pushed, 98 % stays in the picture; 91 % would with the 8.5 degrees
of the hold scene."""


def conditions(base: Base) -> list[Condition]:
    """Both methods on as many episodes of each kind, scored in both places. A training is scored twice."""
    hand, table = base.data(play="tumble"), base.data(play="push", camera=Camera(field_of_view=TABLE_VIEW))
    # With another seed, the halves have different objects, so that all three have as many.
    learned = {"hand": hand, "table": table, "both": replace(hand, beside=replace(table.record, seed=1))}
    return [*_scored(base, learned, "hand", "in the hand"), *_scored(base, learned, "table", "on the table")]


def _scored(base: Base, learned: dict[str, Data], home: str, place: str) -> list[Condition]:
    """Compared with SimCLR-TT, and with what was learned where it is scored, at `home`."""
    found, panel = [], f"scored {place}"
    for source, data in learned.items():
        for method, rank in METHODS.items():
            name = f"{method}, {source}, {panel}"
            beside = (f"simclr-tt, {source}, {panel}", f"{method}, {home}, {panel}")
            against = tuple(other for other in dict.fromkeys(beside) if other != name)
            settings = base.train(method, action=ACTION)
            found.append(
                base.condition(name, settings, data, like=learned[home], panel=panel, rank=rank, against=against)
            )
    return found


EXPERIMENT = Experiment(
    name="contact",
    title="In the hand, or by contact",
    asks="As many episodes, frames and objects of tumbling in the hand, of pushing on a table, or half of each "
    "(`hand`, `table`, `both`): what is learned, and does it hold in the other place? Probes are fitted on "
    "training objects seen as the scored ones are. The arm is not drawn. The action is `efference`, what the hand "
    "did: in the hand that is what the object did (`pose`); on the table the hand moves along and does not turn, "
    "so `rotation` would tell nothing, and the object does what contact makes of it: `pose` differs, by the "
    "*error told*. Of actions of a place where it did not learn, *action found* tells little. In `both`, a "
    "picture's place alone tells much of its action: read its action loss with that in mind. Curves while "
    "learning are of objects that the training itself held out; of `both`, in the hand.",
    split="test",
    conditions=conditions,
)
