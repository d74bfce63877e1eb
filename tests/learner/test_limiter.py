"""Arms and learner stay in step, neither waits for ever, and silence is told from slowness."""

from __future__ import annotations

import threading
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.record import RecordSettings
from learner.limiter import Limiter, episodes_before
from learner.parts import limiter_for
from learner.settings import OnlineSettings
from learner.source import LiveSource
from sim.errors import InputError
from sim.scene import SceneSettings

PATIENCE = 30.0
"""Seconds after which a thread counts as stuck; nothing waits that long unless something is wrong."""


def limiter_of(
    *, ratio: float = 2.0, minimum: int = 20, batch: int = 8, episode_frames: int = 10, deadline: float = PATIENCE
) -> Limiter:
    return Limiter(ratio=ratio, minimum=minimum, batch=batch, episode_frames=episode_frames, deadline=deadline)


def ahead(limiter: Limiter) -> float:
    """Pairs that the learner is ahead of its share."""
    return limiter.sampled - limiter.ratio * (limiter.inserted - limiter.minimum)


class Arms(threading.Thread):
    """Inserts episodes for as long as they are wanted."""

    def __init__(self, limiter: Limiter, frames: int) -> None:
        super().__init__(daemon=True)
        self.limiter, self.frames = limiter, frames
        self.behind = 0.0
        """Most pairs that the learner was behind, seen after an insertion."""

    def run(self) -> None:
        while self.limiter.wait_to_insert():
            self.limiter.count_inserted(self.frames)
            self.behind = max(self.behind, -ahead(self.limiter))

    def end(self) -> None:
        self.limiter.close()
        self.join(PATIENCE)
        assert not self.is_alive()


@settings(max_examples=60, deadline=None)
@given(
    ratio=st.floats(1e-2, 1e2),
    batch=st.integers(1, 600),
    episode_frames=st.integers(1, 64),
    minimum=st.integers(1, 500),
)
def test_no_deadlock_and_the_ratio_within_the_slack(
    ratio: float, batch: int, episode_frames: int, minimum: int
) -> None:
    limiter = limiter_of(ratio=ratio, batch=batch, episode_frames=episode_frames, minimum=minimum)
    arms = Arms(limiter, episode_frames)
    arms.start()
    for step in range(20):
        limiter.wait_to_sample(batch)  # raises TimeoutError in a deadlock
        assert limiter.sampled == (step + 1) * batch
        assert limiter.filled
        assert ahead(limiter) <= limiter.slack * (1 + 1e-9)
    arms.end()
    assert arms.behind <= (limiter.slack + ratio * episode_frames) * (1 + 1e-9)


@settings(max_examples=100, deadline=None)
@given(
    ratio=st.floats(1e-3, 1e3),
    batch=st.integers(1, 600),
    episode_frames=st.integers(1, 64),
    minimum=st.integers(1, 500),
    schedule=st.lists(st.tuples(st.booleans(), st.floats(0, 1)), max_size=300),
)
def test_whoever_comes_when_one_side_can_always_go_on(
    ratio: float, batch: int, episode_frames: int, minimum: int, schedule: list[tuple[bool, float]]
) -> None:
    """Batches and episodes of any size up to the largest, in any order; who may go does so without waiting."""
    limiter = limiter_of(ratio=ratio, batch=batch, episode_frames=episode_frames, minimum=minimum, deadline=0.0)
    for learner_comes, share in schedule:
        pairs, frames = 1 + int(share * (batch - 1)), 1 + int(share * (episode_frames - 1))
        assert limiter.may_sample(batch) or limiter.may_insert()
        if limiter.may_sample(pairs) and (learner_comes or not limiter.may_insert()):
            limiter.wait_to_sample(pairs)
            assert limiter.filled
            assert ahead(limiter) <= limiter.slack * (1 + 1e-9)
        else:
            if limiter.filled and not limiter.may_sample(pairs):
                with pytest.raises(TimeoutError):
                    limiter.wait_to_sample(pairs)
            assert limiter.wait_to_insert()
            filled = limiter.filled
            limiter.count_inserted(frames)
            if filled:
                assert -ahead(limiter) <= (limiter.slack + ratio * frames) * (1 + 1e-9)


def test_a_larger_batch_than_the_slack_is_made_for_is_refused() -> None:
    """It could wait for ever: the arms stop before the learner's share is that large."""
    limiter = limiter_of(batch=8)
    limiter.count_inserted(1000)
    with pytest.raises(InputError, match="pairs=9: at most 8"):
        limiter.wait_to_sample(9)
    assert limiter.sampled == 0


def test_a_resumed_run_owes_nothing_for_the_episodes_that_it_is_given_again(tmp_path: Path) -> None:
    """Neither a burst of steps, though hundreds of episodes come back at once, nor a wait for as many new ones."""
    scene = SceneSettings(image_size=32, frames=10)
    settings = OnlineSettings(batch=8, replay_ratio=2.0, record=RecordSettings(scene=scene))
    source = LiveSource(settings, tmp_path, resume=False)
    source.stored = 500
    limiter = limiter_for(settings, source)
    for _ in range(500):
        assert not limiter.may_sample(8)
        assert limiter.wait_to_insert()
        limiter.count_inserted(10)
    batches = 0
    while limiter.may_sample(8):
        limiter.wait_to_sample(8)
        batches += 1
    assert 1 <= 8 * batches <= limiter.slack == 40
    assert limiter.may_insert()


@pytest.mark.long
@settings(max_examples=500, deadline=None)
@given(ratio=st.floats(1e-3, 1e3), batch=st.integers(1, 4096), episode_frames=st.integers(1, 512))
def test_no_deadlock_in_longer_runs(ratio: float, batch: int, episode_frames: int) -> None:
    limiter = limiter_of(ratio=ratio, batch=batch, episode_frames=episode_frames, minimum=1)
    arms = Arms(limiter, episode_frames)
    arms.start()
    for _ in range(100):
        limiter.wait_to_sample(batch)
    arms.end()


def test_arms_that_run_ahead_wait_for_a_slow_learner() -> None:
    limiter = limiter_of()  # slack 40 pairs; 20 frames to begin with, then 20 pairs an episode
    arms = Arms(limiter, 10)
    arms.start()
    # 2 episodes fill it; the learner is then 20 pairs behind with each further one, and at 60 the slack is passed.
    while limiter.inserted < 50:
        threading.Event().wait(0.001)
    arms.join(0.1)
    assert arms.is_alive()
    assert limiter.inserted == 50
    limiter.wait_to_sample(8)  # 52 behind: still too far
    arms.join(0.05)
    assert limiter.inserted == 50
    limiter.wait_to_sample(8)  # 44
    limiter.wait_to_sample(8)  # 36: one more episode is wanted
    while limiter.inserted < 60:
        threading.Event().wait(0.001)
    arms.join(0.05)
    assert limiter.inserted == 60
    arms.end()
    assert limiter.arm_waited > 0


def test_a_learner_that_runs_ahead_waits_for_slow_arms() -> None:
    limiter = limiter_of()
    steps: list[int] = []
    done = threading.Event()

    def learn() -> None:
        for _ in range(8):
            limiter.wait_to_sample(8)
            steps.append(limiter.sampled)
        done.set()

    thread = threading.Thread(target=learn, daemon=True)
    thread.start()
    limiter.count_inserted(19)  # one frame too few to begin
    thread.join(0.05)
    assert steps == []
    limiter.count_inserted(1)
    while len(steps) < 5:  # 40 pairs ahead is the slack
        threading.Event().wait(0.001)
    thread.join(0.05)
    assert steps == [8, 16, 24, 32, 40]
    limiter.count_inserted(4)  # its share grows by 8
    while len(steps) < 6:
        threading.Event().wait(0.001)
    thread.join(0.05)
    assert len(steps) == 6
    limiter.count_inserted(8)
    assert done.wait(PATIENCE)
    assert limiter.learner_waited > 0


def test_closing_lets_both_go() -> None:
    limiter = limiter_of(minimum=1000)
    released = threading.Event()

    def learn() -> None:
        limiter.wait_to_sample(8)
        released.set()

    threading.Thread(target=learn, daemon=True).start()
    limiter.close()
    assert released.wait(PATIENCE)
    assert limiter.closed
    full = limiter_of(minimum=1)
    arms = Arms(full, 100_000)  # far ahead at once
    arms.start()
    arms.end()
    assert not full.wait_to_insert()


def test_silence_is_an_error_that_names_the_side_and_the_counts() -> None:
    limiter = limiter_of(deadline=0.05)
    limiter.count_inserted(7)
    with pytest.raises(TimeoutError, match=r"the learner waited 0.05 s .* none came: 7 so far, 20 to begin with"):
        limiter.wait_to_sample(8)
    assert limiter.sampled == 0


def test_slow_arms_are_not_silent_ones() -> None:
    """Filling the buffer may take many times the deadline, as long as something comes."""
    limiter = limiter_of(minimum=12, deadline=0.5)

    def trickle() -> None:
        for _ in range(12):
            threading.Event().wait(0.1)
            limiter.count_inserted(1)

    threading.Thread(target=trickle, daemon=True).start()
    limiter.wait_to_sample(8)
    assert limiter.inserted == 12


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"ratio": 0.0}, "replay_ratio=0"),
        ({"ratio": -1.0}, "replay_ratio=-1"),
        ({"ratio": float("inf")}, "replay_ratio=inf"),
        ({"ratio": float("nan")}, "replay_ratio=nan"),
        ({"minimum": 0}, "minimum=0"),
        ({"batch": 0}, "batch=0"),
        ({"episode_frames": 0}, "episode_frames=0"),
    ],
)
def test_settings_that_could_not_work_are_refused(wrong: dict[str, float], message: str) -> None:
    with pytest.raises(InputError, match=message):
        limiter_of(**wrong)  # type: ignore[arg-type]


@given(
    step=st.integers(0, 10_000),
    ratio=st.fractions(Fraction(1, 8), 64, max_denominator=8),
    minimum=st.integers(1, 5000),
    batch=st.integers(1, 512),
    episode_frames=st.integers(1, 64),
)
def test_lockstep_count_is_the_fewest_episodes_that_keep_the_ratio(
    step: int, ratio: Fraction, minimum: int, batch: int, episode_frames: int
) -> None:
    found = episodes_before(step, ratio=float(ratio), minimum=minimum, batch=batch, episode_frames=episode_frames)

    def enough(episodes: int) -> bool:
        frames = episodes * episode_frames
        return frames >= minimum and ratio * (frames - minimum) >= step * batch

    assert enough(found)
    # Rounding may ask for one episode more where the count is exact, never for one less.
    assert not enough(found - 1) or abs(float((minimum + step * batch / ratio) % episode_frames)) < 1e-6
