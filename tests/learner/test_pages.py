"""The page of an evaluation: it needs nothing else, repeats its figures and claims no more than they show."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from learner.charts import COLORS
from learner.data.images import ImageFolder
from learner.encoders import build_encoder
from learner.examination import ExamSettings, Finding, Looked, Retrieval, contents, findings, folds, look
from learner.export import export_encoder
from learner.pages import Evaluation, Trained, read_trained, write_pages
from learner.pages.headline import headline
from learner.pages.trained import apart, overlaid
from learner.probes import color_histogram, raw_pixels
from learner.protocols import Interval, Result, knn, least_squares
from sim.errors import InputError
from tests.learner.html import Page, assert_alone

HOSTILE = "<script>alert(1)"
COLOURS = {HOSTILE: (200, 40, 40), "green": (40, 200, 40), "red": (90, 40, 160)}
VIEWS = 3
RETRIEVED = [
    Retrieval(
        "runs/a", by, 1, Interval(top1, 0.01, 0.92, 0.95), Interval(0.5, 0.4, 0.6, 0.95), Interval(*rank, 0.95), 64
    )
    for by, top1, rank in (("own heads", 0.625, (3.5, 2.25, 4.75)), ("regression", 0.125, (9.5, 8.25, 10.75)))
]


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three categories of three objects, three views each at known angles; the first object of `green` is red."""
    root, rng = tmp_path_factory.mktemp("photographs"), np.random.default_rng(0)
    rows = ["category,instance,polar_deg,azimuth_deg,image"]
    for category in COLOURS:
        for number in range(3):
            folder = root / category / f"object{number}"
            folder.mkdir(parents=True)
            colour = COLOURS["red" if (category, number) == ("green", 0) else category]
            for view in range(VIEWS):
                image = np.clip(np.array(colour) + rng.normal(0, 12, (16, 16, 3)), 0, 255).astype(np.uint8)
                cv2.imwrite(str(folder / f"{view}.png"), image)
                rows.append(f"{category},{folder.name},90,{120 * view},{category}/{folder.name}/{view}.png")
    (root / "manifest.csv").write_text("\n".join(rows) + "\n")
    return root


def predicted(looked: Looked, name: str, asked: ExamSettings, how: Callable[..., Result]) -> Result:
    """As `examine`, by a fast protocol."""
    options = {"k": 3} if how is knn else {}
    parts = [how(looked.of(name, train), looked.of(name, test), **options) for train, test in folds(looked, asked)]
    whole = {
        part: np.concatenate([getattr(one, part) for one in parts]) for part in ("predictions", "labels", "instances")
    }
    return replace(parts[0], **whole)


@pytest.fixture(scope="module")
def evaluation(photographs: Path) -> Evaluation:
    """Colour histograms and pixels in the roles of two encoders."""
    data, asked = ImageFolder(photographs), ExamSettings(leave_one_out=True)
    embeds = {"runs/a": color_histogram, "runs/b": raw_pixels, "untrained small": raw_pixels}
    looked = look(data, embeds, asked, size=16, told=lambda done, total: None)
    results = {
        name: {how.__name__: predicted(looked, name, asked, how) for how in (knn, least_squares)} for name in embeds
    }
    holds = {name: contents(looked, name, asked) for name in embeds}
    history = [{"step": 1, "loss": 9.0}, {"step": 2, "loss": 7.25, "probe/knn_validation": 0.5}]
    trained = {
        "runs/a": Trained({"seed": "0", "method": "aa-simclr", "note": HOSTILE}, "python -m train --seed 0", history),
        "runs/b": Trained({"seed": "0", "method": "simclr-tt", "note": HOSTILE}, "", []),
    }
    return Evaluation(data, looked, results, holds, findings(results, asked), asked, trained, retrieved=RETRIEVED)


@pytest.fixture(scope="module")
def written(evaluation: Evaluation, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pages")
    steps: list[tuple[int, int]] = []
    write_pages(
        folder, evaluation, command="evaluate --x", versions={"python": "3"}, told=lambda *step: steps.append(step)
    )
    assert steps == [(done, len(steps)) for done in range(1, len(steps) + 1)]
    return folder


def test_the_page_stands_alone_and_hostile_names_stay_text(written: Path) -> None:
    html = (written / "report.html").read_text()
    assert_alone(html)
    page = Page(html)
    assert page.text.count(HOSTILE) > 5
    assert any(HOSTILE in (image["alt"] or "") for image in page.all("img"))


def test_every_figure_of_the_table_is_on_the_page(written: Path, evaluation: Evaluation) -> None:
    page = Page((written / "report.html").read_text())
    values = [float(data["value"] or "nan") for data in page.all("data")]
    assert values[: len(evaluation.found)] == [row.accuracy.estimate for row in evaluation.found]
    for row in evaluation.found:
        spans = [f"[{100 * row.accuracy.low:.1f}, {100 * row.accuracy.high:.1f}]"]
        if row.beside is not None:
            signed = [f"{100 * each:+.1f}" for each in (row.beside.estimate, row.beside.low, row.beside.high)]
            spans.append("{} [{}, {}]".format(*signed).replace("-", "\N{MINUS SIGN}"))
        for span in spans:
            assert span in page.text
    per_category = [evaluation.results[name]["knn"].score.per_category for name in evaluation.trained]
    shares = values[len(evaluation.found) : -2 * len(RETRIEVED)]
    shown = np.array(shares).reshape(-1, 2)
    assert sorted(map(tuple, shown.tolist())) == sorted(zip(*(each.values() for each in per_category), strict=True))
    assert values[-2 * len(RETRIEVED) :] == [0.625, 0.5, 0.125, 0.5]
    for told in (
        "own heads",
        "9.5 [8.2, 10.8]",
        "32.5",
        "Where the encoders differ",
        "simclr-tt",
        "evaluate --x",
        "python -m train --seed 0",
        "7.25",
    ):
        assert told in page.text


def test_the_red_object_of_the_green_ones_is_shown_as_what_it_is_taken_for(written: Path) -> None:
    text = " ".join(Page((written / "report.html").read_text()).text.split())
    assert f"green taken for red {VIEWS} of {3 * VIEWS} frames green object0 red" in text
    assert "nearest to green" in text


def test_pictures_lie_beside_the_page(written: Path) -> None:
    names = {"maps.png", "neighbours.png", "confused.png", "confusion.png", "alignment.png", "report.html"}
    assert {path.name for path in written.iterdir()} == names
    for path in written.glob("*.png"):
        assert min(cv2.imread(str(path)).shape[:2]) > 200


def test_runs_that_differ_in_their_seed_alone_are_one_encoder(evaluation: Evaluation, tmp_path: Path) -> None:
    rows = [row for row in evaluation.found if row.representation != "runs/b"]
    joined = [row._replace(representation="aa") if row.representation == "runs/a" else row for row in rows]
    seeds = {"aa": {1: "runs/b", 0: "runs/a"}, "untrained small": {0: "untrained small"}}
    both = evaluation._replace(found=joined, seeds=seeds, retrieved=())
    write_pages(tmp_path, both, command="x", versions={}, told=lambda done, total: None)
    page = Page((tmp_path / "report.html").read_text())
    assert "training seeds and test objects" in page.text
    shares = [evaluation.results[name]["knn"].score.per_category.values() for name in ("runs/a", "runs/b")]
    values = [float(data["value"] or "nan") for data in page.all("data")][len(joined) :]
    assert sorted(values) == pytest.approx(sorted((one + other) / 2 for one, other in zip(*shares, strict=True)))
    assert page.text.count("nearest to green") == 1


def found(name: str, estimate: float, beside: tuple[float, float, float] | None = None) -> Finding:
    accuracy = Interval(estimate, estimate - 0.05, estimate + 0.05, 0.95)
    return Finding(name, "knn", accuracy, 0.1, beside and Interval(*beside, 0.95))


FIRST = found("a", 0.6)


@pytest.mark.parametrize(
    ("rows", "said", "unsaid"),
    [
        ([FIRST, found("untrained x", 0.4, (-0.2, -0.3, -0.1))], "gained 20.0 points [+10.0, +30.0]", "no gain"),
        ([FIRST, found("untrained x", 0.7, (0.1, 0.02, 0.2))], "lost 10.0 points [-20.0, -2.0]", "gained"),
        ([FIRST, found("untrained x", 0.5, (-0.1, -0.3, 0.1))], "+10.0 points [-10.0, +30.0] is not clear", "gained"),
        ([found("a", 0.12)], "reaches 10.0 %, which this does not clearly exceed.", "untrained"),
        ([FIRST], "reaches 10.0 %.", "exceed"),
        ([FIRST, found("raw pixels", 0.8, (0.2, 0.1, 0.3))], "is clearly below raw pixels (80.0", "exceed"),
        ([FIRST, found("raw pixels", 0.8, (0.2, 0.0, 0.3))], "does not clearly exceed raw pixels", "clearly below"),
        ([FIRST, found("raw pixels", 0.1, (-0.5, -0.6, -0.4))], "a names 60.0 % [55.0, 65.0]", "pixels"),
        ([FIRST, found("b", 0.7, (0.1, 0.05, 0.2))], "b is clearly better: +10.0 points [+5.0, +20.0]", "not"),
        ([FIRST, found("b", 0.5, (-0.1, -0.2, -0.05))], "b is clearly worse: -10.0 points [-20.0, -5.0]", "not"),
        ([FIRST, found("b", 0.7, (0.1, -0.1, 0.2))], "b is not clearly better or worse: +10.0", "is clearly"),
    ],
)
def test_the_headline_claims_no_more_than_intervals_allow(rows: list[Finding], said: str, unsaid: str) -> None:
    encoders = [row.representation for row in rows if row.representation in ("a", "b")]
    text = headline(rows, encoders, where="the frames of 9 test objects", how="x")
    text = text.replace("\N{NO-BREAK SPACE}", " ").replace("\N{MINUS SIGN}", "-")
    assert said in text
    assert unsaid not in text


def test_settings_that_differ_are_told_from_those_that_agree() -> None:
    one, other = Trained({"seed": "0", "steps": "9"}, "", []), Trained({"seed": "1", "steps": "9", "init": "x"}, "", [])
    differ, same = apart([one, other])
    assert differ == [("seed", ["0", "1"]), ("init", ["\N{EN DASH}", "x"])]
    assert same == [("steps", "9")]
    assert apart([one]) == ([], [("seed", "0"), ("steps", "9")])


def test_a_run_tells_its_settings_and_curves_and_an_exported_encoder_what_it_knows(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    (run / "settings.json").write_text(json.dumps({"command": "train", "settings": {"record": {"seed": 3}}}))
    (run / "history.jsonl").write_text('{"step": 1, "loss": 3.0}\n{"step": 2, "loss": 2.0}\n{"st')
    told = read_trained(run)
    assert told == Trained({"record.seed": "3"}, "train", [{"step": 1, "loss": 3.0}, {"step": 2, "loss": 2.0}])
    bare = Trained({}, "", [])
    (line,) = overlaid({"bare": bare, "run": told})["Total loss"]
    assert (line.label, line.color, line.values.tolist()) == ("run", COLORS[1], [3.0, 2.0])
    encoder = build_encoder("small", seed=0)
    score = {"representation": "simclr", "probe": "kNN", "accuracy": 0.5, "chance": 0.1}
    trained = {"method": "simclr", "scores": [score]}
    export_encoder(tmp_path / "other" / "encoder", encoder, name="small", image_size=32, trained=trained)
    for folder in (tmp_path / "other", tmp_path / "other" / "encoder"):
        exported = read_trained(folder)
        assert (exported.settings["trained.method"], exported.settings["image_size"]) == ("simclr", "32")
        assert not any("scores" in name for name in exported.settings)
        assert (exported.command, exported.history) == ("", [])


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"settings": 3, "command": ""}'])
def test_a_folder_with_other_settings_is_refused_in_a_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "settings.json").write_text(text)
    with pytest.raises(InputError, match="how its encoder was trained"):
        read_trained(tmp_path)
