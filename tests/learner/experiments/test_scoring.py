"""What trained encoders are scored on, and how wrong what they were told was."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from agent.dataset import Dataset, held_out
from agent.merge import merge
from agent.writer import DatasetWriter
from learner.actions import action_error
from learner.examination import ExamSettings
from learner.experiments import scoring
from learner.experiments.scoring import Held, score_baselines
from learner.experiments.told import first_of_each, told_error
from learner.probes import color_histogram, knn_predict
from sim.corrupt import Corruption, corrupt
from sim.errors import InputError
from sim.objects.splits import SPLITS
from tests.agent.sound import metadata_of, store
from tests.learner.episodes import kuka, real_episodes


@pytest.fixture
def stores(tmp_path: Path) -> tuple[Path, Path]:
    """A dataset to fit probes on, and one to score on."""
    for name, first in (("bank", 0), ("scored", 40)):
        store(tmp_path / name, range(first, first + 30), image_format="png")
    return tmp_path / "bank", tmp_path / "scored"


def test_probes_are_fitted_on_training_instances_and_all_of_the_other_set_is_scored(
    stores: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    bank, scored = (list(Dataset(root).episodes()) for root in stores)
    held = Held(*stores)
    monkeypatch.setattr(scoring, "BANK_PER_CATEGORY", 4)
    learned = [each for each in bank if held_out(each.instance) == "train"][: 4 * len(held.categories)]
    assert len(learned) < len(bank)
    for split, expected in (("train", learned), ("test", scored)):
        frames = held.frames(split)
        rows = np.arange(len(frames))
        np.testing.assert_array_equal(held.images(split, rows), np.concatenate([each.frames for each in expected]))
        names = [f"{each.category}/{each.instance}" for each in expected for _ in each.frames]
        assert [held.instances[number] for number in frames.instance] == names
        assert [held.categories[label] for label in frames.category] == [name.partition("/")[0] for name in names]
    assert len(held.frames("validation")) == 0
    assert len(np.unique(np.concatenate([held.frames(split).instance for split in SPLITS]))) == len(
        {f"{part}{each.instance}" for part, of in (("b", learned), ("s", scored)) for each in of}
    )


def test_of_folds_all_objects_of_the_bank_are_known_and_each_episode_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that a training holds out of its data too; of what is tested, one category is missing."""
    monkeypatch.setattr(scoring, "FRAMES", 2)
    about = {**metadata_of(), "objects": {"fold": "1/2", "alike": [["mug/toy-0", "mug/toy-3"]]}}
    for name, numbers in (("bank", range(30)), ("scored", [n for n in range(40, 70) if n % 3 != 1])):
        store(tmp_path / name, numbers, metadata=about, image_format="png")
    held = Held(tmp_path / "bank", tmp_path / "scored")
    assert held.alike == {"mug/toy-0": "mug/toy-0", "mug/toy-3": "mug/toy-0"}
    for split in ("train", "test"):
        episodes = list(Dataset(tmp_path / ("bank" if split == "train" else "scored")).episodes())
        frames = held.frames(split)
        assert len(frames) == 2 * len(episodes)
        ends = np.concatenate([each.frames[[0, -1]] for each in episodes])
        np.testing.assert_array_equal(held.images(split, np.arange(len(frames))), ends)
        assert [held.categories[label] for label in frames.category[::2]] == [each.category for each in episodes]
    assert held.categories == ("car", "mug", "tree")
    assert {held_out(name.partition("/")[2]) for name in held.instances} >= {"train", "validation"}
    found = score_baselines(tmp_path / "bank", tmp_path / "scored", "small", device="cpu")
    assert {name.partition("/")[0] for name in found["raw pixels"]} == {"mug", "tree"}


def test_baselines_are_right_about_each_instance_by_hand(
    stores: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scoring, "EXAM", ExamSettings(frames=0))
    held = Held(*stores)
    found = score_baselines(*stores, "small", device="cpu")
    assert set(found) == {"untrained small", "raw pixels", "colour histogram"}
    train, test = held.frames("train"), held.frames("test")
    known, asked = (held.images(split, np.arange(len(held.frames(split)))) for split in ("train", "test"))
    named = knn_predict(color_histogram(known), train.category, color_histogram(asked))
    for number, share in found["colour histogram"].items():
        own = test.instance == held.instances.index(number, len(held._parts["train"].instances))
        assert share == pytest.approx((named[own] == test.category[own]).mean())


def test_the_error_is_that_of_the_corrupted_commands(tmp_path: Path) -> None:
    with DatasetWriter(tmp_path / "kuka", metadata={**metadata_of(frames=8), "chain": kuka().to_json()}) as writer:
        for episode in real_episodes(4):
            writer.add(episode)
    episodes = {each.number: each for each in real_episodes(4)}
    noise = Corruption("gaussian", 0.5)

    def other(number: int) -> np.ndarray:
        return episodes[number].clean

    misled = [
        each._replace(recorded=corrupt(each.clean, noise, seed=3, episode=each.number, other=other))
        for each in episodes.values()
    ]
    assert told_error(tmp_path / "kuka", [noise], seed=3) == action_error(misled, kuka())
    assert told_error(tmp_path / "kuka", [], seed=3) == action_error(episodes.values(), kuka())


def test_the_error_of_merged_episodes_is_that_of_each_part(tmp_path: Path) -> None:
    episodes = list(real_episodes(4))
    wrong = [each._replace(recorded=1.5 * each.recorded) for each in episodes]
    for seed, (name, part) in enumerate((("right", episodes), ("wrong", wrong))):
        metadata = {**metadata_of(frames=8, seed=seed), "chain": kuka().to_json()}
        with DatasetWriter(tmp_path / name, metadata=metadata) as writer:
            for episode in part:
                writer.add(episode)
    merge(tmp_path / "both", [tmp_path / "right", tmp_path / "wrong"])
    assert first_of_each(Dataset(tmp_path / "both"), 6) == [0, 1, 2, 4, 5, 6]
    assert first_of_each(Dataset(tmp_path / "right"), 3) == [0, 1, 2]
    errors = {name: told_error(tmp_path / name, [], seed=0).relative for name in ("right", "wrong", "both")}
    assert errors["right"] < 0.01
    assert errors["both"] == pytest.approx(errors["wrong"] / np.sqrt(2), rel=0.05)  # of the same true motions


def test_other_categories_are_refused(tmp_path: Path, stores: tuple[Path, Path]) -> None:
    store(tmp_path / "few", range(1), image_format="png")
    with pytest.raises(InputError, match="1 categories, those"):
        Held(stores[0], tmp_path / "few")
