"""What an evaluation shows: its table as text, confusions and viewpoint alignment as pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from agent.files import write_whole
from learner.examination import Finding
from learner.protocols import Result


def figures(
    found: Sequence[Finding], results: Mapping[str, Mapping[str, Result]], holds: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """All figures, of types that JSON knows."""
    rows = [
        {**row._asdict(), "accuracy": asdict(row.accuracy), "beside": row.beside and asdict(row.beside)}
        for row in found
    ]
    whole = {name: {key: each.summary() for key, each in of.items()} for name, of in results.items()}
    return {"figures": rows, "results": whole, "holds": holds}


def table(found: Sequence[Finding], holds: Mapping[str, Mapping[str, Any]]) -> str:
    """Accuracies with intervals, a row a representation and protocol; then what each representation holds."""
    level = found[0].accuracy.level
    lines = [f"{'':26} {'protocol':14} accuracy, {level:.0%} interval over objects; difference from the first"]
    for finding in found:
        share, beside = finding.accuracy, finding.beside
        text = f"{100 * share.estimate:5.1f} % [{100 * share.low:4.1f}, {100 * share.high:4.1f}]"
        if beside is not None:
            text += f"   {100 * beside.estimate:+5.1f} [{100 * beside.low:+5.1f}, {100 * beside.high:+5.1f}]"
        lines.append(f"{finding.representation[-26:]:26} {finding.protocol:14} {text}")
    lines.append(f"always naming the largest category: {100 * found[0].chance:.1f} %")
    for name, held in holds.items():
        parts = [f"effective rank {held['effective_rank']:.0f}"]
        if "alignment" in held:
            ratio = held["alignment"]["ratio"]
            parts.append(f"equal over unequal views {ratio['estimate']:.3f} [{ratio['low']:.3f}, {ratio['high']:.3f}]")
        for angle in ("azimuth", "polar"):
            if f"pose_{angle}" in held:
                error = np.mean([fold["median_error"] for fold in held[f"pose_{angle}"]])
                parts.append(f"{angle} read to {error:.0f} degrees")
        lines.append(f"{name[-26:]:26} {', '.join(parts)}")
    return "\n".join(lines)


def draw_confusion(path: Path, result: Result, categories: Sequence[str]) -> None:
    """What each category is taken for, in shares of its frames."""
    classes, counts = result.confusion
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    side = max(4.0, 0.22 * len(classes) + 2)
    figure = Figure(figsize=(side + 1, side), layout="constrained")
    axes = figure.add_subplot()
    shown = axes.imshow(shares, cmap="magma_r", vmin=0, vmax=1)
    names = [categories[label] for label in classes]
    axes.set_xticks(range(len(names)), names, rotation=90, fontsize=7)
    axes.set_yticks(range(len(names)), names, fontsize=7)
    axes.set_xlabel("taken for")
    axes.set_ylabel("is")
    axes.set_title(f"{result.protocol}: {100 * result.score.accuracy:.1f} %", fontsize=9)
    figure.colorbar(shown, shrink=0.6, label="share of frames")
    write_whole(path, lambda file: figure.savefig(file, format="png", dpi=120))


def draw_alignment(path: Path, holds: Mapping[str, Mapping[str, Any]]) -> None:
    """How alike features of different objects of a category are, by how different their viewpoints are; nothing where
    views are not known."""
    curves = {name: held["alignment"] for name, held in holds.items() if "alignment" in held}
    if not curves:
        return
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.add_subplot()
    for name, curve in curves.items():
        middle = (np.array(curve["degrees"][1:]) + curve["degrees"][:-1]) / 2
        cosine = np.array([np.nan if value is None else value for value in curve["cosine"]])
        known = ~np.isnan(cosine)
        axes.plot(middle[known], cosine[known], marker="o", markersize=3, label=name[-30:])
    axes.set_xlabel("difference of viewpoints, degrees")
    axes.set_ylabel("cosine similarity, other object of the category")
    axes.legend(fontsize=7, frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    write_whole(path, lambda file: figure.savefig(file, format="png", dpi=120))
