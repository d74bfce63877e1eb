"""What a writer or reader refuses: one line that names it, and nothing is touched."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas
import pytest

from agent import shards
from agent.dataset import Dataset
from sim.errors import InputError
from tests.agent.episodes import fake_episode
from tests.agent.stores import SETTINGS, contents, open_writer, shard, store


def refused(root: Path, message: str, **options: Any) -> None:
    """The writer refuses the folder in one line, and leaves it as it is."""
    before = contents(root)
    with pytest.raises(InputError, match=message) as caught:
        open_writer(root, **options)
    assert "\n" not in str(caught.value)
    assert contents(root) == before


def test_settings_of_the_writer_are_checked(tmp_path: Path) -> None:
    refused(tmp_path, "episodes_per_shard=0: at least 1", episodes_per_shard=0)
    refused(tmp_path, "image_format='gif': jpeg and png are known", image_format="gif")
    with pytest.raises(ValueError, match="not for the caller"):
        open_writer(tmp_path, metadata={"version": 3})


def test_what_is_there_is_not_touched(tmp_path: Path) -> None:
    store(tmp_path / "set", range(6))
    refused(tmp_path / "set", "holds a dataset already; pass --resume to continue it, or give another folder")
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign" / "thesis.txt").write_text("years of work")
    refused(tmp_path / "foreign", "not empty and no dataset of armplay")
    refused(tmp_path / "foreign", "not empty and no dataset of armplay", resume=True)
    refused(tmp_path / "foreign" / "thesis.txt", "a file, where the folder of the dataset should be")
    refused(tmp_path / "foreign" / "thesis.txt" / "below", "cannot be written")
    refused(Path("/proc/armplay"), "/proc/armplay: cannot be written .*, so nothing can be kept there")


def test_only_the_same_settings_resume(tmp_path: Path) -> None:
    store(tmp_path, range(6))
    other = SETTINGS | {"camera": {"size": 32, "rate": 5.0}}
    difference = r"begun with settings\.camera\.size=16, resumed with 32: "
    refused(tmp_path, difference, metadata={"settings": other}, resume=True)
    more = SETTINGS | {"table": True}
    difference = r'begun with settings\.table="\(absent\)", resumed with true: '
    refused(tmp_path, difference, metadata={"settings": more}, resume=True)
    refused(tmp_path, "begun with episodes_per_shard=4, resumed with 8", episodes_per_shard=8, resume=True)
    refused(tmp_path, 'begun with image_format="jpeg", resumed with "png"', image_format="png", resume=True)


def test_one_process_writes_at_a_time(tmp_path: Path) -> None:
    with open_writer(tmp_path):
        refused(tmp_path, "another process writes there", resume=True)
    open_writer(tmp_path, resume=True).close()


@pytest.mark.parametrize("damage", ["cut", "empty", "foreign", "misplaced"])
def test_a_damaged_shard_is_named(tmp_path: Path, damage: str) -> None:
    store(tmp_path, range(6))
    path = shard(tmp_path, 1)
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-100])
    elif damage == "empty":
        path.write_bytes(b"")
    elif damage == "foreign":
        pandas.DataFrame({"a": [1, 2]}).to_parquet(path)
    else:
        path.rename(shard(tmp_path, 2))
    message = r"shard-00000\d\.parquet: damaged shard \(.*\); restore it, or delete it and collect again with --resume"
    refused(tmp_path, message, resume=True)
    with pytest.raises(InputError, match=message):
        Dataset(tmp_path)


def test_a_shard_spoilt_inside_is_not_continued(tmp_path: Path) -> None:
    store(tmp_path, range(6))
    data = bytearray(shard(tmp_path, 1).read_bytes())
    data[len(data) // 4 : len(data) // 4 + 8] = b"armplay!"
    shard(tmp_path, 1).write_bytes(data)
    before = contents(tmp_path)
    writer = open_writer(tmp_path, resume=True)
    for number in (6, 7):
        writer.add(fake_episode(number))
    with pytest.raises(InputError, match="damaged shard"):
        writer.close()
    assert contents(tmp_path) == before


def test_remains_are_removed_on_resume(tmp_path: Path) -> None:
    store(tmp_path, range(6))
    before = contents(tmp_path)
    (tmp_path / "data" / ".shard-000002.parquet.tmp").write_bytes(b"half")
    open_writer(tmp_path, resume=True).close()
    assert contents(tmp_path) == before


def test_what_is_no_dataset_is_not_opened(tmp_path: Path) -> None:
    header = tmp_path / "dataset.json"
    with pytest.raises(InputError, match="no such folder"):
        Dataset(tmp_path / "absent")
    with pytest.raises(InputError, match=r"holds no dataset\.json"):
        Dataset(tmp_path)
    open_writer(tmp_path).close()
    with pytest.raises(InputError, match="0 episodes stored: at least 1 is needed"):
        Dataset(tmp_path)
    with pytest.raises(InputError, match="a file, where the folder"):
        Dataset(header)
    good = json.loads(header.read_text())
    for text, message in {
        "{": "cannot be read",
        "[]": "its format is not",
        json.dumps(good | {"format": "lerobot"}): "its format is not",
        json.dumps(good | {"image_format": "tiff"}): "image_format='tiff': jpeg and png are known, so its images",
        json.dumps({**good, "image_format": None}): "image_format=None: jpeg and png are known, so its images",
        json.dumps(good | {"settings": None}): "settings is no JSON object, so how its episodes were made",
        json.dumps(good | {"chain": [7]}): "chain is no JSON object",
        json.dumps(good | {"objects": "toys"}): "objects is no JSON object",
        json.dumps(good | {"versions": ["1.0"]}): "'versions' are not what made its episodes",
        json.dumps(good | {"version": 2}): "version 2: at most 1 is read here; update armplay",
        json.dumps(good | {"episodes_per_shard": 0}): "episodes_per_shard=0: at least 1",
    }.items():
        header.write_text(text)
        with pytest.raises(InputError, match=message):
            Dataset(tmp_path)
        refused(tmp_path, message, resume=True)


def test_errors_of_threads_surface(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = open_writer(tmp_path / "one")
    writer.add(fake_episode(0)._replace(joints=fake_episode(0).joints[1:]))
    with pytest.raises(ValueError, match="expected length"):
        writer.close()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    writer = open_writer(tmp_path / "two")
    monkeypatch.setattr(shards, "write_whole", full)
    message = r"shard-000000\.parquet: cannot be written \(No space left on device\)"

    def add_many() -> None:
        for number in range(100):
            writer.add(fake_episode(number))

    with pytest.raises(InputError, match=message):
        add_many()
    with pytest.raises(InputError, match=message):
        writer.close()
    with pytest.raises(ValueError, match="closed"):
        writer.add(fake_episode(101))


def test_an_episode_is_added_once(tmp_path: Path) -> None:
    store(tmp_path, range(6))
    with open_writer(tmp_path, resume=True) as writer:
        writer.add(fake_episode(6))
        for number in (3, 5, 6):
            with pytest.raises(ValueError, match=f"episode {number} was added before"):
                writer.add(fake_episode(number))
