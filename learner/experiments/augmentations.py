"""Does acting replace augmentation: each operation taken away, and three combinations."""

from __future__ import annotations

from learner.experiments.design import Base, Condition, Experiment, augmented, main_methods

EACH = ("crop", "jitter", "grey", "brightness", "contrast", "saturation", "hue")
COMBINED = {"crops alone": ("jitter", "grey"), "colours alone": ("crop",), "none": ("crop", "jitter", "grey")}
"""Which operations three combinations leave out; `colours alone` is what is left without crops."""


def conditions(base: Base) -> list[Condition]:
    """The three methods with all operations, then without."""
    data, usual = base.data(), base.scale.base.augment
    found = main_methods(base, data, panel="all operations")
    cases: dict[str, tuple[tuple[str, ...], int]] = {
        f"without {name}": ((name,), 1 if name in EACH[:3] else 3) for name in EACH if name != "crop"
    }
    cases |= {name: (without, 1 if name == "none" else 2) for name, without in COMBINED.items()}
    for panel, (without, rank) in cases.items():
        train = {"augment": augmented(usual, *without)}
        found += main_methods(base, data, panel=panel, suffix=f", {panel}", rank=rank, train=train)
    return found


EXPERIMENT = Experiment(
    name="augmentations",
    title="Augmentations taken away",
    asks="Acting shows an object from other sides. Does it replace augmentation? Each operation is taken away alone, "
    "and in three combinations: crops alone, colours alone (no crops), and none at all.",
    split="test",
    conditions=conditions,
)
