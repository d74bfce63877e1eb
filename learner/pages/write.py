"""Writes what an evaluation shows: pictures, each a file of its own, and `report.html`, which needs none of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from markupsafe import Markup
from matplotlib.figure import Figure

from agent.settings import to_json
from learner.charts import COLORS, PAGE, PAPER, drawing, svg, write_png
from learner.data import ImageData
from learner.examination import ExamSettings, Finding, Looked, Retrieval, folds
from learner.page import data_url, drawn, flatten, write_page
from learner.pages.drawings import draw_accuracies, draw_alignment, draw_confusion
from learner.pages.headline import headline
from learner.pages.maps import FEWEST, Known, Map, draw_maps, project, spread
from learner.pages.nearest import Fold, confusions, draw_queries, neighbours
from learner.pages.tiles import Row, Sheet, draw_sheet, read_pictures, tile
from learner.pages.trained import Trained, apart, overlaid
from learner.protocols import Result
from sim.seeding import stream

PROTOCOL = "knn"
"""The one that pictures and words are of: its answers are frames, which can be shown."""
HOW = "nearest neighbours"
QUERIES, NEIGHBOURS, CONFUSIONS = 6, 6, 8


class Evaluation(NamedTuple):
    """Encoders and baselines on one dataset, and what was found; `results`, `holds` and `trained` are by the names in
    `looked.features`."""

    data: ImageData
    looked: Looked
    results: Mapping[str, Mapping[str, Result]]
    """By name and protocol."""
    holds: Mapping[str, Mapping[str, Any]]
    found: Sequence[Finding]
    settings: ExamSettings
    trained: Mapping[str, Trained]
    """Of the encoders; the other names are baselines. Differences are from the first one."""
    seeds: Mapping[str, Mapping[int, str]] | None = None
    """Of each representation that `found` tells of, the names by training seed; None: each name is one of its own."""
    retrieved: Sequence[Retrieval] = ()
    """How well actions are found; empty where none is known."""

    @property
    def encoders(self) -> dict[str, list[str]]:
        """Representations that were trained, and their names; pictures are of the first name of each."""
        if self.seeds is None:
            return {name: [name] for name in self.trained}
        members = {one: [names[seed] for seed in sorted(names)] for one, names in self.seeds.items()}
        return {one: names for one, names in members.items() if names[0] in self.trained}

    @property
    def folds(self) -> list[Fold]:
        """Who was tested by whom."""
        return list(folds(self.looked, self.settings))

    @property
    def tested(self) -> np.ndarray:
        """Rows of `looked` that were tested, int64 [T], ascending."""
        return np.flatnonzero(np.any([test for _, test in self.folds], axis=0))

    @property
    def shown(self) -> dict[str, Result]:
        """What `PROTOCOL` says of each encoder that is pictured."""
        return {one: self.results[names[0]][PROTOCOL] for one, names in self.encoders.items()}


def write_pages(
    folder: Path,
    evaluation: Evaluation,
    *,
    command: str,
    versions: Mapping[str, str],
    told: Callable[[int, int], None],
) -> None:
    """Write `maps.png`, `neighbours.png`, `confused.png`, `confusion.png`, `alignment.png` (where view angles are
    known) and `report.html` to `folder`. What there is too little of to be shown is left out. `told` is given the steps
    done, and their number."""
    categories, sheets = evaluation.data.categories, [neighbour_sheet(evaluation), confusion_sheet(evaluation)]
    pictures = read_pictures(evaluation.data, evaluation.looked, sheets)
    titles = (
        "A frame of a tested object, and the nearest frames of other objects (green: of its category)",
        f"The largest confusions by {HOW}: a mistaken frame, and the nearest of what it is taken for",
    )
    files: dict[str, Callable[[], Figure | None]] = {
        "maps.png": lambda: draw_maps(maps, known, PAPER, columns=4) if maps else None,
        "neighbours.png": lambda: draw_sheet(sheets[0], pictures, title=titles[0]),
        "confused.png": lambda: draw_sheet(sheets[1], pictures, title=titles[1]),
        "confusion.png": lambda: draw_confusion(evaluation.shown, categories, PAPER, names=list(evaluation.encoders)),
        "alignment.png": lambda: draw_alignment(evaluation.holds, PAPER),
    }
    before, total = len(evaluation.encoders), len(evaluation.encoders) + len(files) + 1
    maps, known = make_maps(evaluation, lambda done: told(done, total))
    with drawing():
        for done, (name, draw) in enumerate(files.items(), start=before + 1):
            if (figure := draw()) is not None:
                write_png(folder / name, figure)
            told(done, total)
        _write_report(folder / "report.html", evaluation, maps, known, sheets, pictures, command, versions)
    told(total, total)


def make_maps(evaluation: Evaluation, told: Callable[[int], None]) -> tuple[dict[str, Map], Known]:
    """Maps of every encoder, of the same tested frames; none where there are fewer than `FEWEST`. `told` is given how
    many are made."""
    looked, seed = evaluation.looked, evaluation.settings.seed
    rows = evaluation.tested[spread(looked.instances[evaluation.tested], stream("map frames", seed))]
    names = np.array(evaluation.data.categories)[looked.labels[rows]]
    known = Known(names, looked.view[rows], len(np.unique(looked.instances[rows])))
    start, maps = int(stream("maps", seed).integers(2**31)), {}
    for done, (name, names) in enumerate(evaluation.encoders.items() if len(rows) >= FEWEST else (), start=1):
        maps[name] = project(looked.features[names[0]][rows], seed=start)
        told(done)
    return maps, known


def neighbour_sheet(evaluation: Evaluation) -> Sheet:
    """For a few tested frames the nearest frames of other objects; a row a frame, the same ones for every encoder."""
    data, looked = evaluation.data, evaluation.looked
    rng = stream("queries", evaluation.settings.seed)
    queries = draw_queries(looked.labels, evaluation.tested, rng, count=QUERIES)
    sheet: dict[str, list[Row]] = {}
    for name, names in evaluation.encoders.items():
        nearest = neighbours(looked.features[names[0]], looked.instances, queries, count=NEIGHBOURS)
        for query, found in zip(queries, nearest, strict=True):
            right = looked.labels[found] == looked.labels[query]
            tiles = [tile(data, looked, row, right=bool(same)) for row, same in zip(found, right, strict=True)]
            asked = tile(data, looked, query)
            note = f"{right.sum()} of {len(right)} right"
            sheet.setdefault(name, []).append(Row(f"nearest to {asked.name}", note, (asked, *tiles)))
    return sheet


def confusion_sheet(evaluation: Evaluation) -> Sheet:
    """The largest confusions of each encoder: what was mistaken, and for what."""
    data, looked = evaluation.data, evaluation.looked
    sheet = {}
    for name, result in evaluation.shown.items():
        features = looked.features[evaluation.encoders[name][0]]
        largest = confusions(features, looked.labels, result.predictions, evaluation.folds, count=CONFUSIONS)
        sheet[name] = [
            Row(
                f"{data.categories[one.true]} taken for {data.categories[one.said]}",
                f"{one.frames} of {one.tested} frames",
                (tile(data, looked, one.mistaken), tile(data, looked, one.example, right=False)),
            )
            for one in largest
        ]
    return sheet


def _write_report(
    path: Path,
    evaluation: Evaluation,
    maps: Mapping[str, Map],
    known: Known,
    sheets: Sequence[Sheet],
    pictures: Mapping[int, np.ndarray],
    command: str,
    versions: Mapping[str, str],
) -> None:
    data, looked, found, runs = evaluation.data, evaluation.looked, evaluation.found, evaluation.trained
    encoders = list(evaluation.encoders)
    tested = [row for row in found if row.protocol == PROTOCOL]
    objects = len(np.unique(looked.instances[evaluation.tested]))
    where = f"the frames of {objects} test objects of {len(np.unique(looked.labels[evaluation.tested]))} categories"
    alignment = draw_alignment(evaluation.holds, PAGE)
    differ, same = apart(list(runs.values()))
    write_page(
        path,
        "evaluation.html.jinja",
        title=f"{', '.join(encoders)} on {data.kind}:{data.root}",
        headline=headline(tested, encoders, where=where, how=HOW),
        frames=len(looked.labels),
        objects=looked.objects,
        level=found[0].accuracy.level,
        leave_one_out=evaluation.settings.leave_one_out,
        protocols=list(dict.fromkeys(row.protocol for row in found)),
        table=_by_representation(found),
        encoders=encoders,
        runs=list(runs),
        accuracies=draw_accuracies(found),
        how=HOW,
        categories=_per_category(evaluation),
        colors=COLORS,
        confusion=_confusion_drawings(evaluation),
        near=sheets[0],
        mistaken=sheets[1],
        pictures={row: data_url(picture, "jpeg") for row, picture in pictures.items()},
        maps=_map_drawings(maps, known),
        retrieved=evaluation.retrieved,
        holds=evaluation.holds,
        alignment=alignment and svg(alignment),
        panels=drawn(overlaid(runs)),
        differ=differ,
        same=same,
        commands={name: run.command for name, run in runs.items() if run.command},
        command=command,
        tables={
            "Evaluation": [("data", f"{data.kind}:{data.root}"), *flatten(to_json(evaluation.settings))],
            "Versions": flatten(versions),
        },
    )


def _by_representation(found: Sequence[Finding]) -> dict[str, dict[str, Finding]]:
    rows: dict[str, dict[str, Finding]] = {}
    for finding in found:
        rows.setdefault(finding.representation, {})[finding.protocol] = finding
    return rows


def _per_category(evaluation: Evaluation) -> list[tuple[str, list[float]]]:
    """Names and the accuracies of all encoders, means over seeds, those that the first one knows best first."""
    shares = [
        [evaluation.results[name][PROTOCOL].score.per_category for name in names]
        for names in evaluation.encoders.values()
    ]
    means = {label: [float(np.mean([one[label] for one in seeds])) for seeds in shares] for label in shares[0][0]}
    order = sorted(means, key=lambda label: -means[label][0])
    return [(evaluation.data.categories[label], means[label]) for label in order]


def _map_drawings(maps: Mapping[str, Map], known: Known) -> list[tuple[str, Markup]]:
    return [(name, svg(draw_maps({name: one}, known, PAGE, columns=2))) for name, one in maps.items()]


def _confusion_drawings(evaluation: Evaluation) -> list[tuple[str, int, Markup]]:
    """Names, widths in CSS pixels, and drawings."""
    found = []
    for name in evaluation.encoders:
        figure = draw_confusion(evaluation.shown, evaluation.data.categories, PAGE, names=[name])
        found.append((name, round(72 * figure.get_figwidth()), svg(figure)))
    return found
