"""From the engine to the replay buffer, beside the learner: who inserts, in what order, and who waits."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence

from agent.episode import Episode
from learner.limiter import Limiter, episodes_before
from learner.replay import ReplayBuffer
from sim.errors import InputError
from sim.waiting import tell


class Feeder:
    """Inserts episodes as they come, in a thread of its own, or in lockstep with the learner.

    `before_sampling` is the learner's side: it returns when the next batch may be sampled.
    """

    def __init__(
        self,
        episodes: Iterable[Episode],
        buffer: ReplayBuffer,
        limiter: Limiter,
        *,
        lockstep: bool,
        watch: Sequence[Callable[[Episode], None]] = (),
    ) -> None:
        """Each of `watch` sees each episode once, before it is inserted. Lockstep needs episodes that come in the
        same order in every run (`in_order`)."""
        self._buffer, self._limiter, self._watch = buffer, limiter, watch
        self._lockstep = lockstep
        self._error: BaseException | None = None
        self.exhausted = False
        self._episodes = iter(episodes)
        self._thread = threading.Thread(target=self._feed, name="feeder", daemon=True)

    def __enter__(self) -> Feeder:
        if not self._lockstep:
            self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._limiter.close()
        if self._thread.is_alive():
            self._thread.join(timeout=10.0)

    def before_sampling(self, step: int, batch: int) -> None:
        """Wait for (or, in lockstep, insert) the episodes that step `step` may see, or until the limiter is closed.

        Raises what the engine raised, and InputError when the episodes ended before there was one.
        """
        if self._lockstep:
            limiter, frames = self._limiter, self._buffer.frames
            needed = episodes_before(
                step, ratio=limiter.ratio, minimum=limiter.minimum, batch=batch, episode_frames=frames
            )
            while limiter.inserted < needed * frames and not (self.exhausted or limiter.closed):
                self._insert_next()
                if limiter.inserted <= limiter.minimum:
                    tell("fill the buffer", "frames", limiter.inserted, limiter.minimum)
            limiter.sampled += batch
        else:
            self._limiter.wait_to_sample(batch)
        if self._error is not None:
            raise self._error
        if self.exhausted and not len(self._buffer):
            raise InputError("0 training episodes: at least 1 is needed, or nothing can be learned")

    def _feed(self) -> None:
        try:
            while self._limiter.wait_to_insert() and not self.exhausted:
                self._insert_next()
        except BaseException as error:
            self._error = error
        finally:
            self._limiter.close()

    def _insert_next(self) -> None:
        episode = next(self._episodes, None)
        if episode is None:
            self.exhausted = True
            return
        for look in self._watch:
            look(episode)
        self._buffer.insert(episode)
        # Lost frames count as if they were there: how long learning takes does not depend on them.
        self._limiter.count_inserted(self._buffer.frames)


def in_order(episodes: Iterable[Episode]) -> Iterator[Episode]:
    """Episodes in the order of their numbers, from 0 on; those that come early wait."""
    waiting: dict[int, Episode] = {}
    expected = 0
    for episode in episodes:
        waiting[episode.number] = episode
        while expected in waiting:
            yield waiting.pop(expected)
            expected += 1
