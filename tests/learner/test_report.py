"""The report: one file that needs nothing else, repeats the numbers it was given and claims no more than they show."""

from __future__ import annotations

import os
import re

import matplotlib
import numpy as np
import pytest

from learner.charts import COLORS, Curve, curves
from learner.evaluation import Row
from learner.page import flatten
from learner.pictured import PairPicture
from learner.probes import Score
from learner.report import POINTS, headline, panels, write_report
from tests.learner.html import Page, assert_alone

HOSTILE = '"><script>alert(1)</script>{{ 7*7 }}$x^{$ -->'


def made(accuracy: float, error: float = 0.01, *, chance: float = 0.065) -> Score:
    return Score(accuracy, error, chance, {0: accuracy + 0.0123, 1: accuracy - 0.0234})


def pair(category: str = "mug", *, span: tuple[int, int] = (2, 5), noise: float = 0.0) -> PairPicture:
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 256, (2, 32, 32, 3), np.uint8)
    clean = rng.normal(size=(7, 3)).astype(np.float32)
    recorded = clean + np.float32(noise) * rng.normal(size=clean.shape).astype(np.float32)
    return PairPicture(frames[0], frames[1], clean, recorded, span, category, (span[1] - span[0]) / 5, 1.5)


ROWS = [
    Row("aa-simclr", "kNN", made(0.54321)),
    Row("aa-simclr", "linear", made(0.60123, 0.02)),
    Row("untrained encoder", "kNN", made(0.0654)),
    Row("untrained encoder", "linear", made(0.0987)),
    Row("raw pixels", "kNN", made(0.0891)),
]
HISTORY = [
    {
        "step": 0,
        "seconds": 1.0,
        "loss": 9.0,
        "loss/action": 6.0,
        "loss/action_chance": 6.2,
        "speed/frames_per_s": 400.0,
    },
    {"step": 50, "seconds": 60.0, "loss": float("nan"), "probe/knn_validation": 0.2, "wait/arm_share": 0.25},
    {"step": 100, "seconds": 120.0, "loss": 7.25, "loss/action": 5.5, "probe/knn_validation": 0.3125},
]


def write(path, **changes) -> Page:
    given = {
        "title": "a run", "settings": {"seed": 0}, "machine": {"cpu": "x"}, "command": "python -m run --seed 0",
        "history": HISTORY, "rows": ROWS, "pairs": [pair(), pair(span=(6, 5), noise=0.1)], "width": 128,
    }  # fmt: skip
    write_report(path, **(given | changes))
    return Page(path.read_text(encoding="utf-8"))


def test_nothing_is_loaded_from_elsewhere(tmp_path):
    page = write(tmp_path / "report.html")
    assert len(page.all("img")) == 4
    assert_alone((tmp_path / "report.html").read_text(encoding="utf-8"))


def test_hostile_names_stay_text(tmp_path):
    rows = [Row(HOSTILE, HOSTILE, made(0.5)), *ROWS]
    history = [{"step": 1, f"loss/{HOSTILE}": 1.0}]
    page = write(
        tmp_path / "report.html", title=HOSTILE, settings={HOSTILE: {HOSTILE: HOSTILE}}, machine={HOSTILE: HOSTILE},
        command=HOSTILE, history=history, rows=rows, pairs=[pair(HOSTILE)], notes=[HOSTILE], category_names=[HOSTILE],
    )  # fmt: skip
    assert not page.all("script")
    assert not any(name.startswith("on") for _, attributes in page.tags for name in attributes)
    assert page.text.count(HOSTILE) >= 9
    assert "49" not in page.text.replace(HOSTILE, "")


def test_the_table_and_the_categories_repeat_what_was_given(tmp_path):
    page = write(tmp_path / "report.html", category_names=["mug"])
    values = [float(data["value"] or "nan") for data in page.all("data")]
    expected = []
    for name in ("aa-simclr", "untrained encoder", "raw pixels"):
        scores = [row.score for row in ROWS if row.representation == name]
        expected += [number for score in scores for number in (score.accuracy, score.standard_error)]
        expected.append(scores[0].chance)
    per_category = ROWS[0].score.per_category
    assert values == [*expected, per_category[0], per_category[1]]
    for shown in ("54.3", "60.1", "6.5", "9.9", "8.9", "mug", "category 1", "python -m run --seed 0"):
        assert shown in page.text


def test_curves_name_their_last_finite_values_and_pairs_their_turn(tmp_path):
    text = write(tmp_path / "report.html").text
    for shown in ("total loss 7.25", "action loss 5.5", "chance 6.2", "kNN, validation 31.2 %", "frames in 400"):
        assert shown in text
    assert "2.0 minutes" in text
    assert "learner waits" not in text
    assert "+0.6 s · 86°" in text
    assert "\N{MINUS SIGN}0.2 s · 86°" in text
    assert "the clean commands, where they differ" in text


def test_clean_commands_are_not_mentioned_where_nothing_was_corrupted(tmp_path):
    assert "clean commands" not in write(tmp_path / "report.html", pairs=[pair()]).text


@pytest.mark.parametrize(
    ("trained", "untrained", "said", "unsaid"),
    [
        (made(0.543, 0.01), made(0.065, 0.01), "training gained 47.8 ± 1.4 points", "no gain"),
        (made(0.090, 0.01), made(0.065, 0.01), "+2.5 ± 1.4 points is within two standard errors", "gained"),
        (made(0.060, 0.01), made(0.065, 0.01), "chance is 6.5 %, which this does not clearly exceed", "gained"),
        (made(0.100, 0.01), made(0.300, 0.01), "training lost 20.0 ± 1.4 points", "gained"),
        (made(0.543, float("nan")), made(0.065, 0.01), "without a standard error, which shows nothing", "gained"),
    ],
)
def test_the_headline_claims_no_more_than_its_errors_allow(trained, untrained, said, unsaid):
    rows = [Row("untrained encoder", "kNN", untrained), Row("aa-simclr", "kNN", trained)]
    text = headline(rows, steps=20000, test_instances=112).replace("\N{NO-BREAK SPACE}", " ")
    assert text.startswith("After 20\N{NARROW NO-BREAK SPACE}000 steps, aa-simclr names ")
    assert "112 test instances of 2 categories" in text
    assert said in text
    assert unsaid not in text
    assert "nan" not in text


def test_the_headline_names_a_baseline_that_is_as_good():
    rows = [*ROWS, Row("colour histogram", "kNN", made(0.53))]
    text = headline(rows).replace("\N{NO-BREAK SPACE}", " ")
    assert text.endswith("It does not clearly exceed colour histogram (53.0 ± 1.0 %).")
    assert "raw pixels" not in text
    assert "colour histogram" in headline([row for row in rows if row.representation != "untrained encoder"])


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([], "No trained encoder was measured"),
        (ROWS[2:], "No trained encoder was measured"),
        (ROWS[:1], "no untrained encoder was measured beside it"),
        (ROWS[1:2], "by linear"),
        ([Row("aa-simclr", "kNN", made(0.5, float("nan")))], "50.0"),
    ],
)
def test_a_page_without_log_or_baselines_still_makes_sense(tmp_path, rows, said):
    page = write(tmp_path / "report.html", history=[], rows=rows, pairs=[], settings={}, machine={})
    assert said in page.text
    assert "Nothing was logged" in page.text
    assert "nan" not in page.text.replace("\N{NO-BREAK SPACE}", " ").split()


def test_nested_settings_become_dotted_names():
    nested = {"seed": 0, "encoder": {"name": "resnet18", "stem": {"stride": 2}}, "crop": (0.2, 1.0), "empty": {}}
    assert flatten(nested) == [
        ("seed", "0"), ("encoder.name", "resnet18"), ("encoder.stem.stride", "2"), ("crop", "(0.2, 1.0)"),
        ("empty", "{}"),
    ]  # fmt: skip


def test_a_long_log_is_drawn_from_few_means():
    history = [{"step": step, "loss": step % 7} for step in range(50_000)]
    (curve,) = panels(history, [])["Total loss"]
    assert len(curve.steps) == POINTS
    assert curve.values[0] == np.mean([row["loss"] for row in history[:125]])
    assert curve.steps[0] == 62


def healthy(step: int, **changes: float) -> dict[str, float]:
    row = {"step": step, "health/std": 0.8, "health/rank": 29.5, "health/alignment": 0.5, "health/uniformity": -2.25}
    row |= {"health/retrieval_top1": 0.125, "health/retrieval_top1_chance": 1 / 128, "buffer/false_negatives": 0.004}
    return row | {name.replace("__", "/"): value for name, value in changes.items()}


def test_health_has_a_section_with_its_last_values(tmp_path):
    text = write(tmp_path / "report.html", history=[*HISTORY, healthy(500), healthy(1000, health__std=0.75)]).text
    assert text.index("Training") < text.index("Health") < text.index("What the learner saw")
    for shown in (
        "relative to an even spread 0.75", "dimensions in use 29.5", "squared distance 0.5",
        "log potential \N{MINUS SIGN}2.25", "own pair nearest 12.5 %", "chance 0.781 %", "false negatives 0.4 %",
    ):  # fmt: skip
        assert shown in text
    assert "collapsed:" not in text


def test_what_is_wrong_at_the_end_is_said_at_the_top(tmp_path):
    broken = [healthy(500), healthy(990, health__std=0.01, health__rank=2.0), {"step": 1000, "loss": 7.0}]
    text = write(tmp_path / "report.html", history=broken).text
    collapsed, dimensional = (
        "The embedding has collapsed: its standard deviation is 0.01",
        "effective rank of the features is 2 of 128",
    )
    assert text.index(collapsed) < text.index(dimensional) < text.index("Final accuracy")
    recovered = write(tmp_path / "report.html", history=[*broken, healthy(1500)]).text
    assert "has collapsed" not in recovered


def test_a_log_without_health_has_no_section_of_it(tmp_path):
    page = write(tmp_path / "report.html")
    assert "Health" not in page.text
    assert not any("warnings" in (attributes.get("class") or "") for attributes in page.all("ul"))


@pytest.mark.parametrize(
    ("title", "values", "shown", "unseen"),
    [
        ("Alignment", (0.2, 0.8), {"0", "0.5"}, "500m"),
        ("Uniformity", (-2.5, -1.0), {"\N{MINUS SIGN}2", "0"}, "1"),
        ("Replay buffer", (0.0, 4000.0), {"0", "2k"}, "2000"),
        ("Negatives of the same object", (0.0, 0.0), {"0 %"}, "-5 %"),
        ("Action loss", (5.0, 6.0), {"5", "6"}, "0"),
    ],
)
def test_axes_reach_zero_where_nothing_is_the_measure(title, values, shown, unseen):
    with matplotlib.rc_context({"svg.fonttype": "none"}):
        drawn = curves(title, [Curve("line", np.array([101.0, 109.0]), np.array(values), COLORS[0])])
    labels = set(re.findall(r"<text[^>]*>([^<]*)</text>", drawn))
    assert shown <= labels
    assert unseen not in labels


def test_the_file_appears_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "report.html"
    write(path)
    assert [file.name for file in tmp_path.iterdir()] == ["report.html"]
    before = path.read_bytes()

    def full(*_: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="no space"):
        write(path, title="another")
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["report.html"]


def test_the_same_run_gives_the_same_bytes(tmp_path):
    write(tmp_path / "a.html")
    write(tmp_path / "b.html")
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()
