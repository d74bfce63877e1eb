"""What an evaluation shows: its table as text, and all its figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

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
