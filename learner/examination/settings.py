"""How representations are compared."""

from __future__ import annotations

from dataclasses import dataclass

from sim.errors import InputError


@dataclass(frozen=True)
class ExamSettings:
    """How representations are compared."""

    frames: int = 16
    """Frames an object, evenly spaced; 0 takes all."""
    leave_one_out: bool = False
    """Test each object by all others, where a dataset is too small for a test split of its own."""
    shots: tuple[int, ...] = (1, 5, 10)
    """Labelled objects of each category in the few-shot protocols; those with fewer are left out."""
    draws: int = 10
    """Draws of those objects."""
    level: float = 0.95
    """Of the confidence intervals."""
    seed: int = 0
    """Of draws, probes and bootstrap."""

    def __post_init__(self) -> None:
        if self.frames < 0:
            raise InputError(f"frames={self.frames}: 0 (all) or more are needed")
        if any(shots < 1 for shots in self.shots) or self.draws < 1:
            raise InputError(f"shots={self.shots}, draws={self.draws}: at least 1 of each is needed")
