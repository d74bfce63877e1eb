"""Views of a run."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure

from agent.pictures import check_picture
from sim.errors import InputError


@dataclass(frozen=True)
class Curve:
    """How a run's accuracy on held-out objects grew, beside its baselines."""

    run: Path
    """Folder of the run."""
    out: Path
    """The picture to write; the ending names the format."""

    def __call__(self) -> None:
        check_picture(self.out)
        try:
            history = [json.loads(line) for line in (self.run / "history.jsonl").read_text().splitlines()]
            scores = json.loads((self.run / "scores.json").read_text())["scores"]
        except (OSError, ValueError, KeyError) as error:
            raise InputError(f"run={self.run}: no finished run of armplay ({error})") from None
        figure = Figure(figsize=(7.2, 2.9), dpi=160, layout="constrained")
        axes = figure.add_subplot()
        for key, name in (("probe/linear_online", "linear, online"), ("probe/knn_validation", "kNN")):
            points = [(row["step"], 100 * row[key]) for row in history if key in row]
            axes.plot(*zip(*points, strict=True), marker="o", markersize=3, label=f"{name}, validation objects")
        best = {score["representation"]: score for score in scores if score["probe"] == "kNN"}
        for name, style in (("raw pixels", "--"), ("untrained encoder", "-."), ("colour histogram", ":")):
            axes.axhline(
                100 * best[name]["accuracy"],
                color="0.45",
                linestyle=style,
                linewidth=1,
                label=f"{name}, kNN, test objects",
            )
        axes.set(xlabel="training step", ylabel="accuracy, %", ylim=(0, None))
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))
        self.out.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(self.out)
