"""Who waits for whom: keeps pairs sampled and frames inserted at a fixed ratio, within a slack."""

from __future__ import annotations

import threading
import time

from sim.errors import InputError
from sim.waiting import tell


class Limiter:
    """Balances a thread that inserts frames and a thread that samples pairs (after Reverb's SampleToInsertRatio).

    Counted from the moment the buffer holds its minimum, sampled pairs stay within `slack` pairs of
    `ratio` * inserted frames; whoever is ahead waits. A resumed run counts anew, so it carries no debt.
    """

    def __init__(self, *, ratio: float, minimum: int, batch: int, episode_frames: int, deadline: float = 300.0) -> None:
        """`ratio`: pairs per frame; `minimum`: frames before learning starts; `deadline`: longest silence in s."""
        if not 0 < ratio < float("inf"):
            raise InputError(f"replay_ratio={ratio}: must be above 0, or the learner would wait for ever")
        if minimum < 1:
            raise InputError(f"minimum={minimum}: at least 1 frame is needed, or there is nothing to sample")
        if batch < 1 or episode_frames < 1:
            raise InputError(
                f"batch={batch}, episode_frames={episode_frames}: at least 1 of each, or nothing can be balanced"
            )
        self.ratio, self.minimum = ratio, minimum
        self._most = batch
        # With room for two batches and two episodes, the learner waits only when it is ahead and the arms only when it
        # is behind: never both.
        self.slack = 2.0 * max(batch, ratio * episode_frames)
        self.inserted = self.sampled = 0
        self.learner_waited = self.arm_waited = 0.0
        self._deadline = deadline
        self._changed = threading.Condition()
        self._closed = False

    @property
    def closed(self) -> bool:
        """Nobody waits any more."""
        return self._closed

    @property
    def filled(self) -> bool:
        """The buffer has held its minimum."""
        return self.inserted >= self.minimum

    def may_sample(self, pairs: int) -> bool:
        """The learner need not wait before it samples `pairs`."""
        return self._closed or (self.filled and self._ahead() + pairs <= self.slack)

    def may_insert(self) -> bool:
        """The arms need not wait before they insert an episode."""
        return self._closed or not self.filled or self._ahead() >= -self.slack

    def wait_to_sample(self, pairs: int) -> None:
        """Block until `pairs` may be sampled, and count them. Raises TimeoutError when frames stop coming, and
        InputError for more pairs than the batch that the limiter was made for."""
        if pairs > self._most:
            raise InputError(f"pairs={pairs}: at most {self._most}, or learner and arms could wait for each other")
        start = time.monotonic()
        with self._changed:
            while not self.may_sample(pairs):
                # Each sign of life starts the deadline anew: slow arms are not stopped ones.
                if not self._changed.wait(self._deadline):
                    raise TimeoutError(
                        f"the learner waited {self._deadline:g} s for frames and none came: "
                        f"{self.inserted} so far, {self.minimum} to begin with"
                    )
                if self.inserted <= self.minimum:
                    tell("fill the buffer", "frames", self.inserted, self.minimum)
            self.sampled += pairs
            self._changed.notify_all()
        self.learner_waited += time.monotonic() - start

    def wait_to_insert(self) -> bool:
        """Block until more frames are wanted, however long the learner takes. False when the run has ended."""
        start = time.monotonic()
        with self._changed:
            self._changed.wait_for(self.may_insert)
        self.arm_waited += time.monotonic() - start
        return not self._closed

    def count_inserted(self, frames: int) -> None:
        """Count frames that are in the buffer now."""
        with self._changed:
            self.inserted += frames
            self._changed.notify_all()

    def close(self) -> None:
        """Let everyone go: the run ends, or no more frames will come."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _ahead(self) -> float:
        """Pairs that the learner is ahead of its share; negative when it is behind."""
        return self.sampled - self.ratio * (self.inserted - self.minimum)


def episodes_before(step: int, *, ratio: float, minimum: int, batch: int, episode_frames: int) -> int:
    """Lockstep: how many episodes have come in when step `step` (from 0) samples."""
    frames = max(minimum, minimum + (step * batch) / ratio)
    return -int(-frames // episode_frames)
