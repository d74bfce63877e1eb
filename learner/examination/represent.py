"""What is compared: encoders, runs of several seeds as one, and the baselines that always stand beside them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from agent.files import read_json
from learner.encoders import Encoder, build_encoder
from learner.probes import Embed, color_histogram, embed, raw_pixels
from learner.settings import FREE_ON_RESUME

Seeds = dict[str, dict[int, str]]
"""Representation -> seed -> the name under which it is embedded."""
UNIMPORTANT = {*FREE_ON_RESUME, "precision", "seed", "record.seed"} - {"steps"}
"""Settings that make no other representation; which precision is faster is found out anew in every run."""


class TrainedRun(NamedTuple):
    """What the folder of a run says of it."""

    seed: int
    method: str
    action: str
    data: str
    settings: dict[str, Any]
    """All of its settings that make it another representation, by dotted names, with script and processes."""
    stored: dict[str, Any]
    """Its settings, as they are stored."""


def read_run(folder: Path) -> TrainedRun | None:
    """What is known of the run in a folder; None where there is an exported encoder, and nothing of its training."""
    try:
        header = read_json(folder / "settings.json")
        stored = header["settings"]
        seed = int(stored["seed"] if "seed" in stored else stored["record"]["seed"])
        found = {name: value for name, value in _flat(stored) if name not in UNIMPORTANT}
        found |= {"script": header["script"], "processes": header["processes"]}
        return TrainedRun(seed, stored["method"], stored["action"], stored.get("data", ""), found, stored)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError):
        return None


def seeds_of(folders: Sequence[Path]) -> Seeds:
    """Runs with the same settings but the seed are one representation, called by their method, with the settings in
    which it differs where there are two of that method. All others stand alone, under their folder; so do runs that
    have even the seed in common."""
    runs = {str(folder): run for folder in folders if (run := read_run(folder)) is not None}
    groups: list[dict[int, str]] = []
    for name, run in runs.items():
        alike = [group for group in groups if runs[next(iter(group.values()))].settings == run.settings]
        free = [group for group in alike if run.seed not in group]
        if free:
            free[0][run.seed] = name
        else:
            groups.append({run.seed: name})
    several = [group for group in groups if len(group) > 1]
    labels = _labels([runs[next(iter(group.values()))] for group in several])
    found: Seeds = {}
    for folder in map(str, folders):
        place = next((at for at, group in enumerate(several) if folder in group.values()), None)
        if place is not None:
            found[labels[place]] = several[place]
        else:
            found[folder] = {runs[folder].seed if folder in runs else 0: folder}
    return found


def _flat(settings: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Nested settings by dotted names."""
    for name, value in settings.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _labels(runs: Sequence[TrainedRun]) -> list[str]:
    """The method of each, and the settings that tell it from the others of that method."""
    found = []
    for run in runs:
        others = [other.settings for other in runs if other.method == run.method]
        apart = [name for name in sorted(run.settings) if len({str(other.get(name)) for other in others}) > 1]
        found.append(", ".join([run.method, *(f"{name}={run.settings.get(name)}" for name in apart)]))
    return found


def representations(
    encoders: Mapping[str, Encoder], seeds: Seeds | None = None, *, device: str
) -> tuple[dict[str, Embed], Seeds]:
    """How the encoders and the baselines embed frames, by name: raw pixels, colours, and the untrained encoders that
    runs of these seeds began with; and which names are one representation under several seeds."""
    seeds = seeds or {name: {0: name} for name in encoders}
    found: dict[str, Embed] = {}
    for label, encoder in encoders.items():
        found[label] = partial(embed, encoder.to(device), device=device)
    baselines: Seeds = {}
    for name, size in {encoder.name: encoder.image_size for encoder in encoders.values()}.items():
        trained = [group for group in seeds.values() if encoders[next(iter(group.values()))].name == name]
        begun = sorted({seed for group in trained for seed in group})
        members = {seed: f"untrained {name}" + (f", seed {seed}" if len(begun) > 1 else "") for seed in begun}
        for seed, label in members.items():
            untrained = build_encoder(name, seed=seed, image_size=size).to(device)
            found[label] = partial(embed, untrained, device=device)
        baselines[f"untrained {name}"] = members
    simple: dict[str, Embed] = {"raw pixels": raw_pixels, "colour histogram": color_histogram}
    return {**found, **simple}, {**seeds, **baselines, **{name: {0: name} for name in simple}}
