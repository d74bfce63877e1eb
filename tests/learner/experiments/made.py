"""Small grids, and scores that nobody measured."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from learner.experiments import EXPERIMENTS, Base, Scale
from learner.experiments.grid import Grid, grid_of, write_grid
from learner.experiments.outcome import write_outcome
from learner.settings import TrainSettings

INSTANCES = tuple(f"{category}/{number}" for category in ("car", "dog") for number in range(6))


def scale(**changes: Any) -> Scale:
    """Few steps, few seeds, three categories."""
    small: dict[str, Any] = {
        "steps": 6,
        "ladder": (),
        "seeds": 2,
        "other_seeds": 2,
        "episodes": 60,
        "validation_per_category": 4,
        "test_per_category": 5,
        "image_size": 32,
        "frames": 6,
        "categories": ("car", "dog", "mug"),
        "base": TrainSettings(batch=8, validation_episodes=4, test_episodes=6, bank_episodes=12),
    }
    return Scale(**{**small, **changes})


def grid(name: str, **changes: Any) -> Grid:
    """The grid of an experiment at that scale."""
    experiment, small = EXPERIMENTS[name], scale(**changes)
    return grid_of(experiment, small, Base(small, experiment.split))


def scores(accuracy: np.ndarray, *, error: float = 0.0, **others: Any) -> dict[str, Any]:
    """Of one training whose instances were told right in these shares [I]."""
    shares = dict(zip(INSTANCES, accuracy.tolist(), strict=True))
    logistic = {name: share / 2 for name, share in shares.items()}
    curve = [{"step": step, "seconds": step / 2, "knn_validation": step / 10} for step in (3, 6)]
    return {
        "accuracy": {"knn": shares, "logistic": logistic},
        "frames": 2 * len(shares),
        "coherence": 0.5,
        "error": error,
        "seconds": 4.0,
        "peak_megabytes": 100.0,
        "curve": curve,
        **others,
    }


def found_for(grid: Grid, seed: int = 0) -> dict[tuple[str, int], dict[str, Any]]:
    """Random scores for every cell."""
    rng = np.random.default_rng(seed)
    others = {"retrieval": {"top1": 0.2, "mean_rank": 3.1, "candidates": 8}, "alignment": 1.05}
    return {(each.condition.name, each.seed): scores(rng.uniform(size=len(INSTANCES)), **others) for each in grid.cells}


def outcome(folder: Path, name: str, **changes: int) -> Path:
    """What such an experiment leaves in its folder."""
    made = grid(name, **{"highest_rank": 1, **changes})
    folder.mkdir(parents=True)
    write_grid(folder / "grid.json", made)
    untaught = {"raw pixels": dict.fromkeys(INSTANCES, 0.25)}
    write_outcome(folder, EXPERIMENTS[name], made, found_for(made), baselines=untaught, command=f"python run {name}")
    return folder
