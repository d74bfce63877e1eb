"""Which runs are one representation, what they are called, and how several seeds are told."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from learner.encoders import build_encoder
from learner.examination import ExamSettings, findings, read_run, representations, seeds_of
from learner.protocols import Result, apart, interval, paired
from sim.seeding import stream
from tests.learner.runs import write_run


def rewrite(folder: Path, **given: object) -> Path:
    """The run's settings, changed."""
    header = json.loads((folder / "settings.json").read_text())
    header["settings"] |= given
    (folder / "settings.json").write_text(json.dumps(header))
    return folder


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The settings of a run with seed 0, as they are stored."""
    folder = tmp_path_factory.mktemp("runs") / "run"
    write_run(folder)
    return (folder / "settings.json").read_text()


def test_runs_that_differ_in_their_seed_are_one(tmp_path: Path, run: str) -> None:
    def folder(name: str, *, seed: int = 0, **given: object) -> Path:
        (tmp_path / name).mkdir()
        (tmp_path / name / "settings.json").write_text(run)
        record = json.loads(run)["settings"]["record"] | {"seed": seed}
        return rewrite(tmp_path / name, record=record, **given)

    a0, a2 = folder("a0", workers=1, precision="float32"), folder("a2", seed=2, workers=7, precision="bfloat16")
    b0, b1 = (folder(f"b{seed}", seed=seed, steps=9) for seed in (0, 1))
    t0, t1 = (folder(f"t{seed}", seed=seed, method="simclr-tt") for seed in (0, 1))
    lone, again = folder("lone", seed=5, batch=99), folder("again", seed=2)
    exported = tmp_path / "exported"
    assert read_run(exported) is None
    assert seeds_of([a0, a2]) == {"aa-simclr": {0: str(a0), 2: str(a2)}}
    assert seeds_of([lone, exported]) == {str(lone): {5: str(lone)}, str(exported): {0: str(exported)}}
    found = seeds_of([t0, a0, b0, exported, lone, b1, again, a2, t1])
    assert list(found.items()) == [
        ("simclr-tt", {0: str(t0), 1: str(t1)}),
        ("aa-simclr, steps=500", {0: str(a0), 2: str(again)}),
        ("aa-simclr, steps=9", {0: str(b0), 1: str(b1)}),
        (str(exported), {0: str(exported)}),
        (str(lone), {5: str(lone)}),
        (str(a2), {2: str(a2)}),  # its settings and its seed are those of another
    ]


def test_runs_begin_with_the_untrained_encoders_beside_them() -> None:
    encoders = {name: build_encoder("small", seed=9, image_size=32) for name in ("a", "b", "c")}
    seeds = {"aa-simclr": {3: "a", 4: "b"}, "c": {0: "c"}}
    embeds, groups = representations(encoders, seeds, device="cpu")
    assert list(groups) == ["aa-simclr", "c", "untrained small", "raw pixels", "colour histogram"]
    assert sorted(groups["untrained small"]) == [0, 3, 4]
    assert {name for members in groups.values() for name in members.values()} == embeds.keys()
    images = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), dtype=np.uint8)
    begun = build_encoder("small", seed=4, image_size=32)
    expected = representations({"x": begun}, device="cpu")[0]["x"](images)
    np.testing.assert_array_equal(embeds[groups["untrained small"][4]](images), expected)
    alone, names = representations({"a": encoders["a"]}, {"a": {3: "a"}}, device="cpu")
    assert names["untrained small"] == {3: "untrained small"}
    assert list(alone) == ["a", "untrained small", "raw pixels", "colour histogram"]


def told(right: np.ndarray) -> Result:
    """One frame each of instances 0, 1, ..., of category 1; those that are right are told so."""
    count = len(right)
    return Result("knn", {}, right.astype(np.int64), np.ones(count, np.int64), np.arange(count))


def test_seeds_are_joined_and_paired_where_both_have_them() -> None:
    values = {name: np.random.default_rng(place).integers(0, 2, 30) for place, name in enumerate("abcdef")}
    results = {name: {"knn": told(right)} for name, right in values.items()}
    seeds = {"one": {0: "a", 1: "b"}, "two": {1: "d", 0: "c"}, "three": {1: "e", 7: "f"}, "four": {0: "a"}}
    found = {row.representation: row for row in findings(results, ExamSettings(), seeds)}
    assert [found[name].seeds for name in seeds] == [2, 2, 2, 1]

    def of(names: str) -> np.ndarray:
        return np.stack([values[name] for name in names]).astype(float)

    def rng() -> np.random.Generator:
        return stream("bootstrap", 0)

    assert found["one"].accuracy == interval(of("ab"), rng=rng())
    assert found["one"].beside is None
    assert found["two"].beside == paired(of("cd"), of("ab"), rng=rng())
    assert found["three"].beside == apart(of("ef"), of("ab"), rng=rng())
    assert found["four"].beside == apart(of("a"), of("ab"), rng=rng())
    assert [row.representation for row in findings(results, ExamSettings())] == list("abcdef")
