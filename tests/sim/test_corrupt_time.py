"""Frames are lost once an episode, as often and as far apart as was asked for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

from sim.corrupt import TIME_KINDS, Levels, Timing, kept_frames
from sim.corrupt.time import register
from sim.errors import InputError

EVERY = sorted(TIME_KINDS)


def kept(kind: str, level: float, frames: int = 32, *, seed: int = 0, episode: int = 0) -> np.ndarray:
    return kept_frames(Timing(kind, level), frames, seed=seed, episode=episode)


@pytest.mark.parametrize("kind", EVERY)
@given(data=st.data())
def test_the_first_frame_and_one_more_are_always_kept(kind: str, data: st.DataObject) -> None:
    levels = TIME_KINDS[kind].levels
    strategy = st.integers(0, int(levels.highest)) if levels.whole else st.floats(0, levels.highest)
    level, frames, episode = float(data.draw(strategy)), data.draw(st.integers(2, 60)), data.draw(st.integers(0, 9999))
    found = kept(kind, level, frames, episode=episode)
    assert found[0] == 0
    assert len(found) >= 2
    assert (np.diff(found) > 0).all()
    assert found[-1] < frames
    assert np.array_equal(found, kept(kind, level, frames, episode=episode))


@pytest.mark.parametrize("kind", EVERY)
def test_level_zero_loses_nothing_and_episodes_differ(kind: str) -> None:
    assert np.array_equal(kept(kind, 0), np.arange(32))
    level = TIME_KINDS[kind].levels.grid[1]
    found = {kept(kind, level, seed=seed, episode=number).tobytes() for seed in range(3) for number in range(8)}
    assert len(found) > 20


@pytest.mark.parametrize("level", [0.2, 0.7])
def test_missing_frames_are_lost_independently_and_in_that_share(level: float) -> None:
    there = np.zeros((800, 33), dtype=bool)
    for number, row in enumerate(there):
        row[kept("missing", level, 33, episode=number)] = True
    lost = ~there[:, 1:]
    assert lost.mean() == pytest.approx(level, abs=0.01)
    assert lost.mean(axis=0) == pytest.approx(level, abs=0.07)
    assert np.corrcoef(lost[:, 1:].ravel(), lost[:, :-1].ravel())[0, 1] == pytest.approx(0, abs=0.02)


def test_more_missing_frames_are_the_same_and_others() -> None:
    for number in range(50):
        few, more, most = (set(kept("missing", level, episode=number)) for level in (0.2, 0.6, 1.0))
        assert most < more < few
        assert len(most) == 2


@pytest.mark.parametrize("longest", [2, 3, 7])
def test_uneven_gaps_are_each_as_likely(longest: int) -> None:
    # Only gaps that had room to be the longest: the last ones of an episode are shorter by selection.
    gaps = np.concatenate([np.diff(kept("uneven", longest, 32 + longest, episode=n))[:4] for n in range(600)])
    counts = np.bincount(gaps, minlength=longest + 1)
    assert counts[0] == 0
    assert len(counts) == longest + 1
    assert chisquare(counts[1:]).pvalue > 0.01


def test_uneven_gaps_of_one_lose_nothing_and_huge_ones_leave_the_last() -> None:
    assert np.array_equal(kept("uneven", 1), np.arange(32))
    found = [kept("uneven", 1000, episode=number) for number in range(30)]
    assert sum(np.array_equal(indices, [0, 31]) for indices in found) > 20


def test_a_new_kind_is_one_function(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TIME_KINDS, "ends", TIME_KINDS["missing"])  # so that it is gone afterwards

    @register("ends", Levels("", 1.0, (0.5, 1.0), default=1.0))
    def ends(frames, level, rng):  # type: ignore[no-untyped-def]
        return np.isin(np.arange(frames), (0, frames - 1))

    assert kept_frames(Timing.parse("ends"), 9, seed=0, episode=0).tolist() == [0, 8]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("fog:1", "corrupt_time=fog: unknown kind, known are missing, uneven"),
        ("gaussian:0.1", "corrupt_time=gaussian: unknown kind"),
        ("missing", "corrupt_time=missing: give a level in share of frames, as in missing:0.2"),
        ("missing:1.1", r"corrupt_time=missing:1.1: the level must be from 0 to 1 \(share of frames\)"),
        ("missing:some", "corrupt_time=missing:some: the level is not a number, write missing:0.2"),
        ("missing:nan", "must be from 0 to 1"),
        ("uneven:2.5", "corrupt_time=uneven:2.5: the level must be a whole number"),
        ("uneven:-1", "must be from 0 to 1000"),
    ],
)
def test_what_cannot_be_read_is_refused_in_one_line(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        Timing.parse(text)
    assert "\n" not in str(caught.value)


def test_what_is_read() -> None:
    assert Timing.parse("missing:0.2") == Timing("missing", 0.2, "nominal")
    assert str(Timing.parse("uneven:3", "true")) == "uneven:3 (frames), true times told"
    with pytest.raises(InputError, match="time_told=local: either nominal or true"):
        Timing.parse("missing:0.2", "local")  # type: ignore[arg-type]
