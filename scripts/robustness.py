"""How wrong the told actions get when commands or times are corrupted: every kind at four levels, on one scale.

python scripts/robustness.py --episodes 20
python scripts/robustness.py --what executed --kinds gaussian delayed --out executed.csv executed.png
python scripts/robustness.py --data data/hold --episodes 200 --out robustness.png
python scripts/robustness.py --quick
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import count, islice
from pathlib import Path
from typing import Literal, NamedTuple

from _cli import parse, program
from _progress import Progress
from experiment import Ask
from experiment import main as experiment
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from agent.dataset import Dataset
from agent.episode import Episode
from agent.files import write_text, write_whole
from agent.record import RecordSettings
from learner.actions import ActionError, action_error
from learner.experiments.told import Case, light, misled
from learner.source import recorded_settings
from sim.corrupt import KINDS, TIME_KINDS, Corruption, Levels, Timing
from sim.errors import InputError
from sim.kinematics import Chain
from sim.scene import SceneSettings

KNOWN: dict[str, Levels] = {kind: found.levels for kind, found in (*sorted(KINDS.items()), *TIME_KINDS.items())}

QUICK_HOURS = 0.6
HIGHEST_SHOWN = 2.0
"""Where the chart ends: there is no end where motors stop, and told nothing is told nothing."""


@dataclass(frozen=True)
class Robustness:
    """Measure how far the action that a learner is told (`efference`) is from what happened to the object."""

    episodes: int = 20
    """Episodes that each level is measured on."""
    data: Path | None = None
    """Measure the first episodes of this stored dataset; without it, an arm plays now."""
    what: Literal["recorded", "executed"] = "recorded"
    """recorded: the learner is told wrong commands (and times). executed: the motors are given wrong commands, so the
    arm plays anew for every level."""
    play: str = "tumble"
    """Play policy, where an arm plays."""
    arm: str = "kuka"
    """Which arm plays: kuka or panda."""
    kinds: tuple[str, ...] = ()
    """Kinds of corruption; none means all."""
    out: tuple[Path, ...] = ()
    """Files for the table (.csv) and the chart (.png)."""
    quick: bool = False
    """Train on corrupted commands for some 20 minutes on 2 cores, and draw a first curve of what that does to action
    retrieval and viewpoint alignment, in experiments/noise-quick; nothing else is measured. Killed, the same command
    goes on."""
    seed: int = 0
    """Draws the corruption, and the episodes where an arm plays."""
    quiet: bool = False
    """No progress."""

    def __post_init__(self) -> None:
        if self.episodes < 2:
            raise InputError(f"episodes={self.episodes}: at least 2 are needed to give one the commands of another")
        if self.seed < 0:
            raise InputError(f"seed={self.seed}: 0 or more, or no generator can be made")
        for kind in self.kinds:
            if kind not in KNOWN:
                raise InputError(f"kinds={kind}: unknown, known are {', '.join(KNOWN)}")
        if self.what == "executed" and self.data is not None:
            raise InputError(f"what=executed: the motors in {self.data} were given their commands; leave out --data")
        if self.what == "executed" and (timed := sorted(set(self.kinds) & set(TIME_KINDS))):
            raise InputError(f"what=executed: {timed[0]} changes no command; leave it out, or measure what=recorded")
        for path in self.out:
            if path.suffix not in (".csv", ".png"):
                raise InputError(f"out={path}: the ending must be .csv or .png, or it is not known what to write")
            if not path.parent.is_dir():
                raise InputError(f"out={path}: there is no folder {path.parent}, so nothing could be kept")


class Row(NamedTuple):
    """The error at one level."""

    case: Case
    error: ActionError


def main(settings: Robustness) -> int:
    """Episodes -> corrupted episodes -> error, for each case."""
    if settings.quick:
        return experiment(Ask("noise-quick", budget=QUICK_HOURS, quiet=settings.quiet))
    asked = cases(settings)
    played, chain = honest_episodes(settings)
    done, total = count(1), settings.episodes * (len(asked) + 1)
    with Progress(total, unit="episodes", title="robustness", quiet=settings.quiet) as bar:

        def watched(found: Iterable[Episode], note: str) -> Iterator[Episode]:
            for episode in found:
                yield episode
                bar.advance(next(done), note)

        episodes = list(watched(played, "reading" if settings.data else "the arm plays"))
        rows = []
        for case in asked:
            told = watched(corrupted(case, episodes, settings), str(case or "clean"))
            rows.append(Row(case, action_error(told, chain)))
    show(rows, len(episodes))
    for path in settings.out:
        if path.suffix == ".csv":
            write_text(path, table(rows, len(episodes), settings.seed))
        else:
            write_whole(path, partial(chart(rows).savefig, format="png"))
    return 0


def cases(settings: Robustness) -> list[Case]:
    """Nothing at first, then each kind at its levels; corrupted times both as a learner takes them and told truly."""
    found: list[Case] = [None]
    for kind, levels in KNOWN.items():
        if settings.kinds and kind not in settings.kinds:
            continue
        if kind in KINDS:
            found += [Corruption(kind, level, settings.what) for level in levels.grid]
        elif settings.what == "recorded":
            found += [Timing(kind, level, told) for told in ("nominal", "true") for level in levels.grid]
    return found


def honest_episodes(settings: Robustness) -> tuple[Iterator[Episode], Chain]:
    """Episodes that nothing was corrupted in. Of their frames, only the number is needed: one pixel of each is kept."""
    if settings.data is None:
        recorder = record_settings(settings)()
        return (light(recorder(number)) for number in range(settings.episodes)), recorder.chain
    dataset, stored = Dataset(settings.data), recorded_settings(settings.data)
    if stored.corrupt or stored.corrupt_time:
        raise InputError(
            f"data={settings.data}: collected with {stored.corrupt or stored.corrupt_time}, "
            "and corrupted twice it would be of no stated level"
        )
    if "chain" not in dataset.metadata:
        raise InputError(f"data={settings.data}: dataset.json lacks 'chain', and without it no action can be told")
    return map(light, islice(dataset.episodes(), settings.episodes)), Chain.from_json(dataset.metadata["chain"])


def record_settings(settings: Robustness) -> RecordSettings:
    """What the arm plays; nobody looks at the pictures, so they are small."""
    return RecordSettings(scene=SceneSettings(arm=settings.arm, image_size=32), play=settings.play, seed=settings.seed)


def corrupted(case: Case, episodes: list[Episode], settings: Robustness) -> Iterator[Episode]:
    """The episodes as they are with this corruption."""
    if isinstance(case, Corruption) and case.what == "executed":
        wrong = replace(record_settings(settings), corrupt=f"{case.kind}:{case.level}", corrupt_what="executed")
        recorder = wrong()
        yield from (light(recorder(episode.number)) for episode in episodes)
        recorder.close()
        return
    yield from misled(case, episodes, seed=settings.seed)


def show(rows: list[Row], episodes: int) -> None:
    """The table as text."""
    print(f"error of the told action over {episodes} episodes; 0: told exactly, 1: as if told that nothing moved")
    print(f"{'':50} relative   rotation (median)")
    for case, error in rows:
        print(f"{case or 'clean'!s:50} {error.relative:8.2f} {error.rotation_degrees:9.1f} degrees")


def table(rows: list[Row], episodes: int, seed: int) -> str:
    """The table as CSV."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    header = ("kind", "level", "unit", "corrupted", "told", *ActionError._fields, "episodes", "seed")
    writer.writerow(header)
    for case, error in rows:
        where = ("clean", 0.0, "", "", "") if case is None else (case.kind, case.level, KNOWN[case.kind].unit)
        if isinstance(case, Corruption):
            where += (case.what, "")
        elif isinstance(case, Timing):
            where += ("time", case.told)
        writer.writerow((*where, *error, episodes, seed))
    return text.getvalue()


def chart(rows: list[Row]) -> Figure:
    """Relative error against level, a panel for each kind, all on one scale."""
    kinds = list(dict.fromkeys(row.case.kind for row in rows if row.case is not None))
    columns = min(4, len(kinds))
    lines = -(-len(kinds) // columns)
    figure = Figure(figsize=(0.6 + 2.2 * columns, 0.4 + 1.9 * lines), dpi=160, layout="constrained")
    panels = figure.subplots(lines, columns, sharey=True, squeeze=False).ravel()
    for panel, kind in zip(panels, kinds, strict=False):
        draw(panel, kind, rows)
    for panel in panels[len(kinds) :]:
        panel.set_visible(False)
    highest = max(1.0, *(row.error.relative for row in rows))
    panels[0].set_ylim(-0.05, min(1.1 * highest, HIGHEST_SHOWN))
    figure.supylabel("relative error of the told action", fontsize=9)
    return figure


def draw(axes: Axes, kind: str, rows: list[Row]) -> None:
    """One kind, from no corruption on; of corrupted times, a line for each way to be told."""
    clean, told = rows[0].error.relative, {}
    for case, error in rows:
        if case is not None and case.kind == kind:
            told.setdefault(getattr(case, "told", ""), []).append((case.level, error.relative))
    axes.axhline(1.0, color="0.6", linestyle=":", linewidth=1)  # as if told that nothing moved
    for name, points in told.items():
        style = {"true": ("C7", "--")}.get(name, ("C0", "-"))
        levels, errors = zip((0.0, clean), *points, strict=True)
        axes.plot(levels, errors, color=style[0], linestyle=style[1], marker="o", markersize=3, label=name)
    axes.set_title(kind, fontsize=9)
    axes.set_xlabel(KNOWN[kind].unit, fontsize=8)
    axes.tick_params(labelsize=7)
    axes.spines[["top", "right"]].set_visible(False)
    if "true" in told:
        axes.legend(title="times told", frameon=False, fontsize=7, title_fontsize=7)


def command_line() -> Robustness:
    """The arguments."""
    return parse(Robustness)


if __name__ == "__main__":
    program(lambda: main(command_line()))
