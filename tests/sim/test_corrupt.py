"""Corruption of commands is drawn once an episode and is what it says it is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

from sim.corrupt import BLOCK, KINDS, Corruption, Levels, corrupt, partner
from sim.corrupt.commands import register
from sim.errors import InputError

CLEAN = np.random.default_rng(0).uniform(-1, 1, (31, 7)).astype(np.float32)
EVERY = sorted(KINDS)
DRAWN = sorted(set(KINDS) - {"delayed", "quantised"})


def never(number: int) -> np.ndarray:
    raise AssertionError(f"commands of episode {number} are not needed")


def fake_clean(number: int) -> np.ndarray:
    return np.full((31, 7), number, dtype=np.float32)


def corrupted(
    kind: str, level: float, *, seed: int = 0, episode: int = 0, clean: np.ndarray = CLEAN, what: str = "recorded"
) -> np.ndarray:
    corruption = Corruption(kind, level, what)  # type: ignore[arg-type]
    return corrupt(clean, corruption, seed=seed, episode=episode, other=fake_clean)


def many(kind: str, level: float, *, count: int = 400, clean: np.ndarray = CLEAN) -> np.ndarray:
    """The corrupted commands [count, T-1, D] of as many episodes."""
    return np.array([corrupted(kind, level, episode=number, clean=clean) for number in range(count)])


# What holds for every kind


@pytest.mark.parametrize("kind", EVERY)
def test_corruption_is_a_pure_function(kind: str) -> None:
    before = CLEAN.copy()
    level = KINDS[kind].levels.grid[-1]
    first = corrupted(kind, level, seed=1, episode=2)
    assert (first.dtype, first.shape) == (np.float32, CLEAN.shape)
    assert np.array_equal(first, corrupted(kind, level, seed=1, episode=2, what="executed"))
    assert not np.array_equal(first, CLEAN)
    assert np.array_equal(before, CLEAN)


@pytest.mark.parametrize("kind", DRAWN)
def test_each_episode_and_each_seed_has_its_own_draws(kind: str) -> None:
    level = 1.0 if kind == "shuffled" else 0.5
    found = {corrupted(kind, level, seed=seed, episode=number).tobytes() for seed in range(3) for number in range(8)}
    assert len(found) > 20


@pytest.mark.parametrize("kind", EVERY)
def test_level_zero_changes_nothing(kind: str) -> None:
    for number in range(5):
        clean = corrupt(CLEAN, Corruption(kind, 0.0), seed=0, episode=number, other=never)
        assert np.array_equal(clean, CLEAN)
        assert clean is not CLEAN


@pytest.mark.parametrize("kind", EVERY)
@given(data=st.data())
def test_what_comes_later_changes_nothing_before(kind: str, data: st.DataObject) -> None:
    highest = KINDS[kind].levels.highest
    whole = KINDS[kind].levels.whole
    level = float(data.draw(st.integers(0, 12) if whole else st.floats(0, min(highest, 3.0))))
    commands, seed, episode = (data.draw(st.integers(0, high)) for high in (50, 2**32, 3000))
    clean = np.random.default_rng(seed).normal(0, 1, (commands, 3)).astype(np.float32)
    given_length = data.draw(st.integers(0, 50))

    def other(number: int) -> np.ndarray:
        return np.random.default_rng(number).normal(0, 1, (given_length, 3)).astype(np.float32)

    def first(count: int) -> np.ndarray:
        return corrupt(clean[:count], Corruption(kind, level), seed=seed, episode=episode, other=other)

    whole_episode, count = first(commands), data.draw(st.integers(0, commands))
    assert np.array_equal(first(count), whole_episode[:count])
    assert np.isfinite(whole_episode).all()


@pytest.mark.parametrize("kind", EVERY)
def test_the_highest_level_is_still_a_number(kind: str) -> None:
    assert np.isfinite(corrupted(kind, KINDS[kind].levels.highest)).all()
    if not KINDS[kind].levels.whole:
        assert np.isfinite(corrupted(kind, 5e-324)).all()


@pytest.mark.parametrize("kind", ["gaussian", "bias", "drift"])
def test_a_higher_level_is_more_of_the_same_noise(kind: str) -> None:
    low, high = (corrupted(kind, level, episode=3) - CLEAN for level in (0.1, 0.2))
    assert high == pytest.approx(2 * low, abs=1e-6)


@pytest.mark.parametrize("kind", ["dropped", "stuck", "flipped", "shuffled"])
def test_a_higher_share_keeps_what_a_lower_one_corrupted(kind: str) -> None:
    """So that levels differ by how much is corrupted, not by where."""
    low, high = (many(kind, level) for level in (0.3, 0.6))
    assert ((high != CLEAN) | (low == CLEAN)).all()
    assert (high[low != CLEAN] == low[low != CLEAN]).all()
    assert (high != CLEAN).sum() > 1.5 * (low != CLEAN).sum()


# What each kind is


@pytest.mark.parametrize("level", [0.05, 0.2, 1.0])
def test_gaussian_noise_has_its_level_and_no_structure(level: float) -> None:
    noise = many("gaussian", level, count=100) - CLEAN
    assert noise.std() == pytest.approx(level, rel=0.02)
    assert noise.std(axis=(0, 1)) == pytest.approx(level, rel=0.06)
    assert noise.mean() == pytest.approx(0.0, abs=0.03 * level)
    together = np.corrcoef(noise.reshape(-1, 7).T)
    assert together == pytest.approx(np.eye(7), abs=0.07)
    following = np.corrcoef(noise[:, 1:].ravel(), noise[:, :-1].ravel())[0, 1]
    assert following == pytest.approx(0.0, abs=0.03)
    assert (np.abs(noise) < 2 * level).mean() == pytest.approx(0.9545, abs=0.01)


def test_bias_is_one_offset_a_joint_and_episode_of_either_sign() -> None:
    offsets = many("bias", 0.3) - CLEAN
    assert np.abs(offsets) == pytest.approx(0.3, abs=1e-6)
    signs = np.sign(offsets)
    assert (signs == signs[:, :1]).all()
    assert signs.mean() == pytest.approx(0, abs=0.06)
    assert np.corrcoef(signs[:, 0].T) == pytest.approx(np.eye(7), abs=0.2)


def test_drift_reaches_its_level_at_the_31st_command_and_walks_on() -> None:
    long = np.zeros((124, 7), dtype=np.float32)
    offsets = many("drift", 0.4, count=800, clean=long)
    assert offsets[:, 30].std() == pytest.approx(0.4, rel=0.03)
    assert offsets.std(axis=(0, 2)) == pytest.approx(0.4 * np.sqrt(np.arange(1, 125) / 31), rel=0.06)
    assert np.abs(offsets.mean(axis=(0, 2))) == pytest.approx(0, abs=0.04)
    steps = np.diff(offsets, axis=1)
    assert np.corrcoef(steps[:, 1:].ravel(), steps[:, :-1].ravel())[0, 1] == pytest.approx(0, abs=0.01)


def test_quantised_commands_are_the_nearest_steps() -> None:
    for step in (0.3, 1.0, 7.0):
        found = corrupted("quantised", step)
        assert found / step == pytest.approx(np.round(CLEAN / step), abs=1e-5)
    assert np.abs(corrupted("quantised", 0.3) - CLEAN).max() <= 0.15 + 1e-6


@pytest.mark.parametrize("level", [0.25, 0.7])
def test_dropped_commands_are_zero_for_all_joints(level: float) -> None:
    found = many("dropped", level)
    lost = (found == 0).all(axis=2)
    assert lost.mean() == pytest.approx(level, abs=0.02)
    assert (found == np.where(lost[..., None], 0, CLEAN)).all()
    assert np.corrcoef(lost[:, 1:].ravel(), lost[:, :-1].ravel())[0, 1] == pytest.approx(0, abs=0.03)


@pytest.mark.parametrize("level", [0.25, 1.0])
def test_stuck_joints_stop_at_any_moment_and_for_good(level: float) -> None:
    found = many("stuck", level, count=2000)
    stopped = found == 0
    ever = stopped.any(axis=1)
    assert ever.mean() == pytest.approx(level, abs=0.03)
    assert (np.diff(stopped.astype(int), axis=1) >= 0).all()
    assert (found == np.where(stopped, 0, CLEAN)).all()
    moments = stopped.argmax(axis=1)[ever]
    assert chisquare(np.bincount(moments, minlength=31)).pvalue > 0.01


def test_flipped_joints_turn_the_wrong_way_all_along() -> None:
    found = many("flipped", 0.4)
    signs = found / CLEAN
    assert np.isin(signs, (-1, 1)).all()
    assert (signs == signs[:, :1]).all()
    assert (signs < 0).mean() == pytest.approx(0.4, abs=0.03)


@pytest.mark.parametrize("late", [1, 3, 30, 31, 900])
def test_delayed_commands_come_later(late: int) -> None:
    found = corrupted("delayed", late)
    assert not found[:late].any()
    assert np.array_equal(found[late:], CLEAN[: max(0, 31 - late)])
    if late < 10:
        likeness = [np.sum(found[lag:] * CLEAN[: 31 - lag]) for lag in range(12)]
        assert int(np.argmax(likeness)) == late


@pytest.mark.parametrize("level", [0.5, 0.9])
def test_shuffled_takes_its_share_of_episodes(level: float) -> None:
    changed = [not np.array_equal(corrupted("shuffled", level, episode=number), CLEAN) for number in range(1000)]
    assert np.mean(changed) == pytest.approx(level, abs=0.05)


@pytest.mark.parametrize("length", [0, 10, 31, 50])
def test_shuffled_commands_are_the_partners_with_zeros_after(length: int) -> None:
    given_commands = np.random.default_rng(1).normal(size=(length, 7)).astype(np.float32)
    asked = []

    def other(number: int) -> np.ndarray:
        asked.append(number)
        return given_commands

    found = corrupt(CLEAN, Corruption("shuffled", 1.0), seed=4, episode=9, other=other)
    assert asked == [partner(4, 9)]
    assert np.array_equal(found[:length], given_commands[:31])
    assert not found[length:].any()


@given(seed=st.integers(0, 2**32), block=st.integers(0, 1000))
def test_partners_are_another_and_each_is_used_once(seed: int, block: int) -> None:
    numbers = range(block * BLOCK, block * BLOCK + 40)
    partners = [partner(seed, number) for number in numbers]
    assert all(a != b for a, b in zip(numbers, partners, strict=True))
    assert len(set(partners)) == 40
    assert {number // BLOCK for number in partners} == {block}


def test_partners_of_a_block_are_the_block() -> None:
    partners = [partner(7, number) for number in range(BLOCK, 2 * BLOCK)]
    assert sorted(partners) == list(range(BLOCK, 2 * BLOCK))
    assert partners != [partner(8, number) for number in range(BLOCK, 2 * BLOCK)]


@given(stored=st.sets(st.integers(0, 1023), min_size=2, max_size=40), seed=st.integers(0, 100))
def test_those_that_exist_are_partners_of_each_other(stored: set[int], seed: int) -> None:
    partners = {number: partner(seed, number, stored.__contains__) for number in stored}
    assert set(partners.values()) == stored
    assert all(number != other for number, other in partners.items())


def test_one_alone_in_its_block_is_given_one_of_an_earlier_block() -> None:
    stored = set(range(BLOCK)) | {3 * BLOCK + 5}
    assert partner(0, 3 * BLOCK + 5, stored.__contains__) in range(BLOCK)
    with pytest.raises(InputError, match="episode 5 is the only one: at least 2 are needed"):
        partner(0, 5, {5}.__contains__)


# What is asked for


def test_a_new_kind_is_one_function(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(KINDS, "halved", KINDS["gaussian"])  # so that it is gone afterwards

    @register("halved", Levels("share", 1.0, (0.5, 1.0), default=1.0))
    def halved(clean, level, rng, partner):  # type: ignore[no-untyped-def]
        return clean * (1 - level / 2)

    found = corrupt(CLEAN, Corruption.parse("halved"), seed=0, episode=0, other=never)
    assert np.array_equal(found, CLEAN / 2)


@pytest.mark.parametrize("kind", EVERY)
def test_grids_ascend_and_can_be_asked_for(kind: str) -> None:
    grid = KINDS[kind].levels.grid
    assert len(grid) == 4
    assert sorted(set(grid)) == list(grid)
    for level in grid:
        assert Corruption.parse(f"{kind}:{level:g}").level == level


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("fog:0.2", "corrupt=fog: unknown kind, known are bias, delayed, .*, gaussian, .*, stuck"),
        ("fog:much", "corrupt=fog: unknown kind"),
        ("", "unknown kind"),
        ("gaussian", r"corrupt=gaussian: give a level in rad/s, as in gaussian:0.2"),
        ("gaussian:", "give a level in rad/s"),
        ("delayed", r"corrupt=delayed: give a level in frames, as in delayed:2$"),
        ("gaussian:-0.1", "the level must be from 0 to 100"),
        ("gaussian:nan", "the level must be from 0"),
        ("gaussian:inf", "the level must be from 0"),
        ("gaussian:1e39", "the level must be from 0"),
        ("gaussian:much", r"corrupt=gaussian:much: the level is not a number, write gaussian:0.2"),
        ("shuffled:1.5", r"from 0 to 1 \(share of episodes\)"),
        ("dropped:1.01", r"from 0 to 1 \(share of commands\)"),
        ("stuck:2", r"from 0 to 1 \(share of joints\)"),
        ("delayed:1.5", r"corrupt=delayed:1.5: the level must be a whole number \(frames\)"),
        ("delayed:-1", "the level must be from 0 to 1000"),
    ],
)
def test_what_cannot_be_read_is_refused_in_one_line(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        Corruption.parse(text)
    assert "\n" not in str(caught.value)


def test_what_is_read() -> None:
    assert Corruption.parse("gaussian:0.2") == Corruption("gaussian", 0.2, "recorded")
    assert Corruption.parse("shuffled", "executed") == Corruption("shuffled", 1.0, "executed")
    assert str(Corruption.parse("delayed:3")) == "delayed:3 (frames), recorded"
    with pytest.raises(InputError, match="corrupt-what=thought: either recorded or executed"):
        Corruption.parse("gaussian:0.2", "thought")  # type: ignore[arg-type]
