"""The figures of merit: how wrong actions may be until half of the gain is gone, and what an accuracy costs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from learner.experiments.grid import Grid
from learner.experiments.noise import CLEAN
from learner.experiments.summary import Found, Row, by_instance
from learner.protocols.bootstrap import instance_weights
from sim.seeding import stream

LEVEL = 0.95
NO_GAIN = "no gain to lose"
ENOUGH = 3.0
"""Standard errors that the clean gain is above zero where accuracy can say what corruption takes away."""
NOT_YET = "Accuracy counts from 3 standard errors on: read action retrieval and viewpoint alignment"


class Merit(NamedTuple):
    """At which error half of the gain is gone, for one kind of corruption."""

    kind: str
    estimate: float
    """NaN where there is no gain to lose, infinite where half of it is never lost."""
    low: float
    high: float
    told: str
    """The same in words."""


def standard_errors(gain: Row) -> float:
    """How many standard errors a difference is above zero; its interval holds 1.96 on either side."""
    return gain.estimate / max((gain.high - gain.low) / 3.92, 1e-12)


def half_gone(errors: np.ndarray, gains: np.ndarray) -> np.ndarray:
    """The first error at which the gain falls to half of the clean one, float64 [B].

    `errors` [L] ascending, from the clean one on; `gains` [B, L] of as many redraws. Between two errors gains are
    straight lines. NaN where the clean gain is not above 0; infinite where the half is not reached.
    """
    wanted = gains[:, :1] / 2
    below = gains <= wanted
    first = below.argmax(axis=1)
    found = np.full(len(gains), np.inf)
    rows = np.flatnonzero(below.any(axis=1) & (first > 0))
    ends = first[rows]
    high, low = gains[rows, ends - 1], gains[rows, ends]
    share = (high - wanted[rows, 0]) / (high - low)
    found[rows] = errors[ends - 1] + share * (errors[ends] - errors[ends - 1])
    return np.where(gains[:, 0] > 0, found, np.nan)


def merits(grid: Grid, found: Found, *, protocol: str = "knn", draws: int = 2000) -> list[Merit]:
    """For each kind, by the two-way bootstrap over seeds and instances; empty while a clean line is missing."""
    kinds = dict.fromkeys(each.panel for each in grid.conditions if each.panel != CLEAN)
    return [each for kind in kinds if (each := _merit(kind, grid, found, protocol, draws)) is not None]


def _merit(kind: str, grid: Grid, found: Found, protocol: str, draws: int) -> Merit | None:
    names = ["simclr-tt", "aa-simclr", *(each.name for each in grid.conditions if each.panel == kind)]
    held = [{seed for of, seed in found if of == name} for name in names]
    if not held[0] & held[1]:
        return None
    names = [name for name, seeds in zip(names, held, strict=True) if seeds]
    seeds = sorted(set.intersection(*(each for each in held if each)))
    if len(names) < 3 or not seeds:
        return None
    values = np.stack([by_instance([found[name, seed] for seed in seeds], protocol) for name in names])
    errors = np.array([np.mean([found[name, seed]["error"] for seed in seeds]) for name in names[1:]])
    order = np.concatenate([[0], 1 + np.argsort(errors[1:], kind="stable")])
    means = np.concatenate([values.mean(axis=(1, 2))[None], redrawn(values, draws)])
    gains = (means[:, 1:] - means[:, :1])[:, order]
    at = half_gone(errors[order], gains)
    return _said(kind, at[0], at[1:], last=errors.max())


def shares_left(grid: Grid, found: Found, *, protocol: str = "knn", draws: int = 2000) -> list[tuple[str, str]]:
    """For each condition that is compared with `simclr-tt`, how much of the gain of clean `aa-simclr` over it is left,
    in words: 1 is all of it, 0 what `simclr-tt` reaches with no action. Empty while a clean line is missing."""
    told = []
    for condition in grid.conditions:
        names = ("simclr-tt", "aa-simclr", condition.name)
        seeds = sorted(set.intersection(*({seed for of, seed in found if of == name} for name in names)))
        if "simclr-tt" not in condition.against or not seeds:
            continue
        values = np.stack([by_instance([found[name, seed] for seed in seeds], protocol) for name in names])
        means = np.concatenate([values.mean(axis=(1, 2))[None], redrawn(values, draws)])
        clean, own = means[:, 1] - means[:, 0], means[:, 2] - means[:, 0]
        if clean[0] <= 0 or (clean > 0).mean() < LEVEL:
            told.append((condition.name, f"{NO_GAIN}: that of clean actions is not above zero for sure"))
            continue
        shares = own[clean > 0] / clean[clean > 0]
        low, high = np.quantile(shares[1:], [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
        told.append((condition.name, f"{shares[0]:.2f} [{low:.2f}, {high:.2f}]"))
    return told


def redrawn(values: np.ndarray, draws: int) -> np.ndarray:
    """Means [draws, C] of `values` [C, S, I], with seeds and instances redrawn, the same ones for all C."""
    rng, (_, seeds, instances) = stream("bootstrap", 0), values.shape
    means = []
    for weights in instance_weights(instances, draws, rng):
        of_seed = rng.multinomial(seeds, np.full(seeds, 1 / seeds), size=len(weights)) / seeds
        means.append(np.einsum("bs,csi,bi->bc", of_seed, values, weights, optimize=True) / instances)
    return np.concatenate(means)


def _said(kind: str, estimate: float, at: np.ndarray, *, last: float) -> Merit:
    gain = ~np.isnan(at)
    if np.isnan(estimate) or gain.mean() < LEVEL:
        return Merit(kind, np.nan, np.nan, np.nan, f"{NO_GAIN}: that of clean actions is not above zero for sure")
    ordered = np.sort(at[gain])  # infinite ones last: quantiles between those would be no number
    low, high = (ordered[round(q * (len(ordered) - 1))] for q in ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
    ends = f"[{low:.2f}, {high:.2f}]" if np.isfinite(high) else f"[{min(low, last):.2f}, beyond {last:.2f}]"
    if np.isinf(estimate):
        return Merit(kind, estimate, float(low), float(high), f"not reached up to {last:.2f} {ends}")
    return Merit(kind, float(estimate), float(low), float(high), f"{estimate:.2f} {ends}")


def costs(grid: Grid, found: Found) -> list[dict[str, Any]]:
    """What each condition takes to reach the validation accuracy that `simclr` ends with (mean over seeds): means over
    the seeds that reach it, None where none does."""
    ends = [found[key]["curve"][-1]["knn_validation"] for key in found if key[0] == "simclr" and found[key]["curve"]]
    if not ends:
        return []
    target, rows = float(np.mean(ends)), []
    for condition in grid.conditions:
        curves = [found[key]["curve"] for key in sorted(found) if key[0] == condition.name]
        firsts = [next((look for look in curve if look["knn_validation"] >= target), None) for curve in curves]
        reached = [look for look in firsts if look is not None]
        if not curves:
            continue
        row: dict[str, Any] = {"condition": condition.name, "target": target, "seeds": len(curves)}
        row |= {"reached": len(reached), "steps": _mean([look["step"] for look in reached])}
        row["seconds"] = _mean([look["seconds"] for look in reached])
        row["pairs"] = None if row["steps"] is None else row["steps"] * condition.settings.batch
        peaks = [found[key]["peak_megabytes"] for key in sorted(found) if key[0] == condition.name]
        row["megabytes"] = _mean([peak for peak in peaks if peak is not None])
        rows.append(row)
    return rows


def _mean(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if values else None
