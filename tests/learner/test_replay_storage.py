"""How much room a buffer takes and where: told beforehand, refused where it is not there, and given back."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.record import RecordSettings
from learner.parts import buffer_for, check_buffer
from learner.settings import OnlineSettings
from learner.source import LiveSource
from learner.storage import Layout, Rows, check_room, free_memory, parse_size, size_text
from sim.errors import InputError
from sim.randomize import Randomization
from sim.scene import SceneSettings
from tests.agent.episodes import fake_episode
from tests.full_disk import room_for
from tests.learner.episodes import buffer_of, kuka

MAPS = Path("/proc/self/maps")
layouts = st.builds(Layout, st.integers(2, 64), st.integers(1, 200), st.integers(1, 9), st.booleans())


@given(rows=st.integers(1, 9), width=st.integers(1, 40), seed=st.integers(0, 99), on_disk=st.booleans())
def test_rows_come_back_as_they_were_written(
    rows: int, width: int, seed: int, on_disk: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    rng = np.random.default_rng(seed)
    folder = tmp_path_factory.getbasetemp() if on_disk else None
    store, plain = Rows(rows, width, folder=folder), np.zeros((rows, width), dtype=np.uint8)
    store.write(0, plain)
    for _ in range(4):
        start = int(rng.integers(rows))
        values = rng.integers(256, size=(int(rng.integers(rows - start + 1)), width), dtype=np.uint8)
        store.write(start, values)
        plain[start : start + len(values)] = values
    chosen = rng.integers(rows, size=20)
    np.testing.assert_array_equal(store.gather(chosen).numpy(), plain[chosen])
    assert store.nbytes == rows * width


@pytest.mark.parametrize("keep", [lambda rows: rows, lambda rows: rows[3:, 1], lambda rows: rows.numpy()[2:]])
def test_memory_of_a_batch_is_used_again_when_nothing_looks_at_it_and_not_before(keep: Callable[..., Any]) -> None:
    store = Rows(50, 8)
    store.write(0, np.arange(50, dtype=np.uint8)[:, None].repeat(8, axis=1))
    kept = [(row, keep(store.gather(np.full(6, row)))) for row in range(20)]
    for _ in range(20):
        store.gather(np.full(6, 49))
    assert all((np.asarray(values) == row).all() for row, values in kept)
    used = {store.gather(np.full(6, 1)).data_ptr() for _ in range(20)}
    assert len(used) <= 2
    assert store.gather(np.arange(4)).shape == (4, 8)


@pytest.mark.parametrize("masks", [False, True])
def test_the_size_is_known_beforehand(masks: bool) -> None:
    layout = Layout(5, 20, kuka().joints, masks)
    buffer = buffer_of(7, frames=5, size=20, masks=masks)
    assert buffer.size_bytes == layout.bytes_of(7)
    for number in range(9):
        buffer.insert(fake_episode(number, frames=5, size=20, masks=True))
    assert buffer.size_bytes == layout.bytes_of(7)


@given(layout=layouts, size=st.integers(0, 10**12))
def test_as_many_episodes_as_fit_and_no_more(layout: Layout, size: int) -> None:
    episodes = layout.episodes_in(size)
    assert layout.bytes_of(episodes + 1) > size
    if episodes:
        assert layout.bytes_of(episodes) <= size
    assert layout.episodes_in(layout.bytes_of(1000)) == 1000


def test_frames_take_nearly_all_of_the_room() -> None:
    """Masks are 1 bit beside 24 of a pixel: 4.2 %, which smaller pictures leave less room beside."""
    for layout in (Layout(32, 128, 7, True), Layout(32, 128, 7, False), Layout(32, 64, 7, False)):
        assert layout.bytes_of(1000) < 1.05 * 1000 * layout.frames * layout.pixel_bytes


@pytest.mark.skipif(not MAPS.exists(), reason="tells open files by Linux's /proc")
def test_a_file_has_no_name_and_is_gone_when_the_buffer_is_closed(tmp_path: Path) -> None:
    def mapped() -> bool:
        gc.collect()
        return str(tmp_path) in MAPS.read_text()

    with buffer_of(4, folder=tmp_path, masks=True) as buffer:
        assert mapped()
        assert list(tmp_path.iterdir()) == []
        assert buffer.size_bytes > 0
    assert not mapped()


@pytest.fixture
def _small_files() -> Iterator[None]:
    """No file of this process may be larger than 100 kB."""
    with room_for(100_000):
        yield


@pytest.mark.usefixtures("_small_files")
def test_a_file_that_cannot_be_had_is_told_when_the_buffer_is_made(tmp_path: Path) -> None:
    buffer_of(4, folder=tmp_path).close()
    with pytest.raises(InputError, match=r"replay buffer cannot be had there \(File too large\)") as told:
        buffer_of(4000, folder=tmp_path)
    assert "\n" not in str(told.value)
    with pytest.raises(InputError, match="cannot be had there"):
        buffer_of(4, folder=tmp_path / "no-such")


def test_more_than_there_is_room_for_is_refused_in_a_line(tmp_path: Path) -> None:
    assert 10**6 < free_memory() < 10**16
    check_room(10**6)
    check_room(10**6, folder=tmp_path / "not" / "yet")
    yet = tmp_path / "not" / "yet"
    for folder, where in ((None, "in memory"), (yet, f"on the disk of {yet}")):
        with pytest.raises(InputError, match=rf"buffer=1000\.0 TB: [0-9.]+ .B are free {where}, so it would not fit"):
            check_room(10**15, folder=folder)
    with pytest.raises(InputError, match="would not fit"):
        buffer_of(10**14, size=100)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "size"),
    [("0", 0), ("17B", 17), ("1kB", 1000), ("500M", 500 * 10**6), ("2.5 GB", 2_500_000_000), (" 2GiB ", 2**31)],
)
def test_sizes_are_read(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "much", "GB", "-1GB", "1 2GB", "1PB", "2gb", "1e9", "nan", "2GBB", "1,5GB"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="give a size such as"):
        parse_size(text)


def test_sizes_are_told() -> None:
    assert [size_text(size) for size in (12, 2100, 4_915_200_000)] == ["12 B", "2.1 kB", "4.9 GB"]


def settings_of(background: str = "fixed", **options: Any) -> OnlineSettings:
    scene = SceneSettings(image_size=32, frames=6, randomize=Randomization(background=background))  # type: ignore[arg-type]
    return OnlineSettings(**{"batch": 8, "record": RecordSettings(scene=scene), **options})


@pytest.mark.parametrize("background", ["fixed", "frame"])
@pytest.mark.parametrize("storage", ["memory", "file"])
@pytest.mark.parametrize("eviction", ["oldest", "random"])
def test_a_run_gets_the_buffer_that_its_settings_announce(
    background: str, storage: str, eviction: str, tmp_path: Path
) -> None:
    settings = settings_of(background, buffer="1MB", storage=storage, eviction=eviction)
    announced = settings.layout.bytes_of(settings.capacity)
    assert 0.9e6 < announced <= 1e6
    check_buffer(settings, settings.layout, settings.capacity, tmp_path)
    source = LiveSource(settings, tmp_path / "episodes", resume=False)
    with buffer_for(settings, source, settings.capacity, tmp_path, device="cpu", eviction=eviction) as buffer:
        assert (buffer.size_bytes, buffer.capacity) == (announced, settings.capacity)
        for number in range(settings.capacity + 40):
            episode = fake_episode(number, frames=6, size=32, masks=background == "frame")
            buffer.insert(episode._replace(category=buffer.categories[0]))
        pairs = buffer.sample(settings.capacity, np.random.default_rng(0), second="same")
        assert bool((pairs.first != pairs.second).any()) == (background == "frame")
        assert (min(pairs.episode.tolist()) == 40) == (eviction == "oldest")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"buffer": "300kB"}, r"buffer=300kB: room for 11 episodes: at least 16, or learning never starts"),
        ({"buffer": "1kB"}, r"buffer=1kB: room for 0 episodes"),
        ({"buffer": "lots"}, "buffer=lots: give a size"),
        ({"buffer_episodes": 15}, "buffer_episodes=15: at least 16"),
        ({"storage": "cuda"}, "storage=cuda with device=cpu"),
        ({"storage": "paper"}, "storage=paper: unknown"),
        ({"eviction": "youngest"}, "eviction=youngest: unknown"),
        ({"sampling": "backwards"}, "sampling=backwards: unknown"),
    ],
)
def test_settings_that_could_not_work_are_refused(options: dict[str, str], told: str) -> None:
    with pytest.raises(InputError, match=told):
        settings_of(**options)


def test_a_run_whose_buffer_would_not_fit_is_refused_before_anything_is_claimed(tmp_path: Path) -> None:
    for storage, told in (("memory", "free in memory"), ("file", f"free on the disk of {tmp_path}")):
        huge = replace(settings_of(), buffer="900000TB", storage=storage)
        with pytest.raises(InputError, match=told):
            check_buffer(huge, huge.layout, huge.capacity, tmp_path / "run")
    assert list(tmp_path.iterdir()) == []
