"""Corruption is drawn once an episode, is what it says it is, and reaches whom it should."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.record import Recorder, RecordSettings
from sim.corrupt import BLOCK, Corruption, corrupt, partner
from sim.errors import InputError
from sim.scene import SceneSettings

CLEAN = np.random.default_rng(0).uniform(-1, 1, (31, 7)).astype(np.float32)


def never(number: int) -> np.ndarray:
    raise AssertionError(f"commands of episode {number} are not needed")


def fake_clean(number: int) -> np.ndarray:
    return np.full((31, 7), number, dtype=np.float32)


def corrupted(kind: str, level: float, *, seed: int = 0, episode: int = 0) -> np.ndarray:
    return corrupt(CLEAN, Corruption(kind, level), seed=seed, episode=episode, other=fake_clean)


@pytest.mark.parametrize("level", [0.05, 0.2, 1.0])
def test_gaussian_noise_has_its_level_and_no_structure(level: float) -> None:
    noise = np.array([corrupted("gaussian", level, episode=number) - CLEAN for number in range(100)])
    assert noise.std() == pytest.approx(level, rel=0.02)
    assert noise.std(axis=(0, 1)) == pytest.approx(level, rel=0.06)
    assert noise.mean() == pytest.approx(0.0, abs=0.03 * level)
    together = np.corrcoef(noise.reshape(-1, 7).T)
    assert together == pytest.approx(np.eye(7), abs=0.07)
    following = np.corrcoef(noise[:, 1:].ravel(), noise[:, :-1].ravel())[0, 1]
    assert following == pytest.approx(0.0, abs=0.03)
    assert (np.abs(noise) < 2 * level).mean() == pytest.approx(0.9545, abs=0.01)


@pytest.mark.parametrize("kind", ["gaussian", "shuffled"])
def test_corruption_is_a_pure_function(kind: str) -> None:
    first = corrupted(kind, 0.5, seed=1, episode=2)
    assert first.dtype == np.float32
    assert np.array_equal(first, corrupted(kind, 0.5, seed=1, episode=2))
    of_all = {corrupted(kind, 1.0, seed=seed, episode=number).tobytes() for seed in range(3) for number in range(8)}
    assert len(of_all) > 8
    assert np.array_equal(CLEAN, np.random.default_rng(0).uniform(-1, 1, (31, 7)).astype(np.float32))


@pytest.mark.parametrize("kind", ["gaussian", "shuffled"])
def test_level_zero_changes_nothing(kind: str) -> None:
    for number in range(50):
        clean = corrupt(CLEAN, Corruption(kind, 0.0), seed=0, episode=number, other=never)
        assert np.array_equal(clean, CLEAN)


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


@pytest.mark.parametrize("level", [0.5, 0.9])
def test_shuffled_takes_its_share_of_episodes(level: float) -> None:
    changed = [not np.array_equal(corrupted("shuffled", level, episode=number), CLEAN) for number in range(1000)]
    assert np.mean(changed) == pytest.approx(level, abs=0.05)


def test_a_higher_level_keeps_what_a_lower_one_corrupted() -> None:
    """So that levels differ by how much is corrupted, not by where."""
    low, high = (
        [not np.array_equal(corrupted("shuffled", level, episode=number), CLEAN) for number in range(300)]
        for level in (0.3, 0.6)
    )
    assert all(np.array(high)[np.array(low)])
    noise = [corrupted("gaussian", level, episode=3) - CLEAN for level in (0.1, 0.2)]
    assert noise[1] == pytest.approx(2 * noise[0], abs=1e-5)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("fog:0.2", "corrupt=fog: unknown kind, known are gaussian, shuffled"),
        ("", "unknown kind"),
        ("gaussian", r"corrupt=gaussian: give a level in rad/s, as in gaussian:0.2"),
        ("gaussian:", "give a level in rad/s"),
        ("gaussian:-0.1", "the level must be from 0 to inf"),
        ("gaussian:nan", "the level must be from 0"),
        ("gaussian:inf", "the level must be from 0"),
        ("gaussian:much", r"corrupt=gaussian:much: the level is not a number, write gaussian:0.2"),
        ("shuffled:1.5", r"from 0 to 1 \(share of episodes\)"),
    ],
)
def test_what_cannot_be_read_is_refused_in_one_line(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        Corruption.parse(text)
    assert "\n" not in str(caught.value)


def test_what_is_read() -> None:
    assert Corruption.parse("gaussian:0.2") == Corruption("gaussian", 0.2, "recorded")
    assert Corruption.parse("shuffled", "executed") == Corruption("shuffled", 1.0, "executed")
    with pytest.raises(InputError, match="corrupt-what=thought: either recorded or executed"):
        Corruption.parse("gaussian:0.2", "thought")  # type: ignore[arg-type]


# Through the recorder


def recorder(corrupt: str = "", what: str = "recorded") -> Recorder:
    pytest.importorskip("pybullet")
    scene = SceneSettings(image_size=32, frames=12)
    return RecordSettings(scene=scene, corrupt=corrupt, corrupt_what=what)()  # type: ignore[arg-type]


def test_shuffled_episodes_are_told_their_partners_commands() -> None:
    plain, misled = recorder(), recorder("shuffled:1")
    for number in (0, 5, 1023):
        clean, told = plain(number), misled(number)
        assert np.array_equal(told.recorded, plain(partner(0, number)).clean)
        assert not np.array_equal(told.recorded, told.clean)
        for name in ("clean", "executed", "frames", "joints", "object_poses"):
            assert np.array_equal(getattr(told, name), getattr(clean, name)), name
    plain.close()
    misled.close()


def test_wrongly_recorded_commands_change_nothing_that_is_seen() -> None:
    plain, misled = recorder(), recorder("gaussian:0.3")
    clean, told = plain(4), misled(4)
    assert (told.recorded - told.clean).std() == pytest.approx(0.3, abs=0.06)
    for name in ("clean", "executed", "frames", "joints", "object_poses", "visible"):
        assert np.array_equal(getattr(told, name), getattr(clean, name)), name
    plain.close()
    misled.close()


@pytest.mark.parametrize("kind", ["gaussian:0.5", "gaussian:30", "shuffled:1"])
def test_wrongly_executed_commands_stay_in_limits_and_move_the_arm(kind: str) -> None:
    plain, misled = recorder(), recorder(kind, "executed")
    chain = misled.chain
    for number in range(2):
        clean, done = plain(number), misled(number)
        assert np.array_equal(done.recorded, done.clean)
        assert np.array_equal(done.clean, clean.clean)
        assert np.array_equal(done.joints[0], clean.joints[0])
        assert np.abs(done.joints[1:] - clean.joints[1:]).max() > 0.05
        assert not np.array_equal(done.frames[-1], clean.frames[-1])
        assert (np.abs(done.executed) <= chain.velocity * (1 + 1e-6)).all()
        assert (done.joints > chain.lower - 0.02).all()
        assert (done.joints < chain.upper + 0.02).all()
        told = done.joints[:-1] + done.executed * 0.2
        assert np.median(np.abs(told - done.joints[1:])) < 0.01
    plain.close()
    misled.close()
