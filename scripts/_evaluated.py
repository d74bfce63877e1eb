"""What an evaluation shows: its table as text, and all its figures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from learner.examination import Finding, Retrieval, Seeds
from learner.protocols import Interval, Result

WIDEST = 40
"""Characters of a representation's name in the table; the end of a longer one is shown."""


def figures(
    found: Sequence[Finding],
    results: Mapping[str, Mapping[str, Result]],
    holds: Mapping[str, Mapping[str, Any]],
    retrieved: Sequence[Retrieval] = (),
) -> dict[str, Any]:
    """All figures, of types that JSON knows."""
    rows = [
        {**row._asdict(), "accuracy": asdict(row.accuracy), "beside": row.beside and asdict(row.beside)}
        for row in found
    ]
    retrieval = [
        {**row._asdict(), **{name: asdict(getattr(row, name)) for name in row.chance}, "chance": row.chance}
        for row in retrieved
    ]
    whole = {name: {key: each.summary() for key, each in of.items()} for name, of in results.items()}
    return {"figures": rows, "retrieval": retrieval, "results": whole, "holds": holds}


def table(
    found: Sequence[Finding],
    holds: Mapping[str, Mapping[str, Any]],
    retrieved: Sequence[Retrieval] = (),
    seeds: Seeds | None = None,
) -> str:
    """Accuracies with intervals, a row a representation and protocol; what each representation holds, mean over its
    seeds; and how well it finds actions."""
    seeds = seeds or {name: {0: name} for name in holds}
    width = min(WIDEST, max(map(len, seeds)))
    several = any(len(members) > 1 for members in seeds.values())
    over = "seeds and objects" if several else "objects"
    level, called = found[0].accuracy.level, f"{'protocol':21}" + ("seeds  " if several else "")
    lines = [f"{'':{width}} {called}accuracy, {level:.0%} interval over {over}; difference from the first"]
    for row in found:
        share, beside = row.accuracy, row.beside
        text = f"{row.protocol:21}{f'{row.seeds:5}  ' if several else ''}{_percent(share)}"
        if beside is not None:
            text += f"   {100 * beside.estimate:+5.1f} [{100 * beside.low:+5.1f}, {100 * beside.high:+5.1f}]"
        lines.append(f"{row.representation[-width:]:{width}} {text}")
    lines.append(f"always naming the largest category: {100 * found[0].chance:.1f} %")
    for name, members in seeds.items():
        lines.append(f"{name[-width:]:{width}} {_held([holds[member] for member in members.values()])}")
    return "\n".join([*lines, *_retrieval(retrieved, width)])


def _held(seeds: Sequence[Mapping[str, Any]]) -> str:
    """What a representation holds besides categories; means over its seeds."""

    def mean(read: Callable[[Mapping[str, Any]], float]) -> float:
        return float(np.mean([read(held) for held in seeds]))

    parts = [f"effective rank {mean(lambda held: held['effective_rank']):.0f}"]
    if "coherence" in seeds[0]:
        near, same, apart = (
            mean(lambda held, kind=kind: held["coherence"][kind])
            for kind in ("neighbours", "same_clip", "different_clips")
        )
        parts.append(f"cosine of next frames {near:.3f}, of a clip {same:.3f}, of other clips {apart:.3f}")
    if all("alignment" in held for held in seeds):
        ratio, low, high = (
            mean(lambda held, end=end: held["alignment"]["ratio"][end]) for end in ("estimate", "low", "high")
        )
        parts.append(f"equal over unequal views {ratio:.3f}" + (f" [{low:.3f}, {high:.3f}]" * (len(seeds) == 1)))
    for angle in ("azimuth", "polar"):
        if f"pose_{angle}" in seeds[0]:
            error = mean(lambda held, angle=angle: np.mean([fold["median_error"] for fold in held[f"pose_{angle}"]]))
            parts.append(f"{angle} read to {error:.0f} degrees")
    return ", ".join(parts)


def _retrieval(retrieved: Sequence[Retrieval], width: int) -> list[str]:
    """The table of action retrieval; nothing where no action is known."""
    if not retrieved:
        return []
    first = retrieved[0]
    lines = [f"the action between two frames, found among those of {first.candidates:.0f} pairs of test objects:"]
    lines.append(f"{'':{width}} {'by':12} {'top-1':22} {'top-5':22} mean rank")
    for row in retrieved:
        rank = f"{row.mean_rank.estimate:5.1f} [{row.mean_rank.low:.1f}, {row.mean_rank.high:.1f}]"
        text = f"{row.by:12} {_percent(row.top1):22} {_percent(row.top5):22} {rank}"
        lines.append(f"{row.representation[-width:]:{width}} {text}")
    guessed = first.chance
    shares = (f"{100 * guessed[name]:5.1f} %" for name in ("top1", "top5"))
    return [*lines, f"{'a guess':{width}} {'':12} {next(shares):22} {next(shares):22} {guessed['mean_rank']:5.1f}"]


def _percent(share: Interval) -> str:
    return f"{100 * share.estimate:5.1f} % [{100 * share.low:4.1f}, {100 * share.high:4.1f}]"
