"""What a run shows while it goes: losses, speeds, and who waits for whom."""

from __future__ import annotations

import time

from agent.episode import Pairs
from learner.limiter import Limiter
from learner.replay import ReplayBuffer


class Meters:
    """Averages losses and counts between two rows of the history."""

    def __init__(self, *, seconds: float) -> None:
        """`seconds` trained before, in a resumed run."""
        self._began = time.monotonic() - seconds
        self._sums: dict[str, float] = {}
        self._steps = 0
        self._latest: dict[str, float] = {}
        self._mark: tuple[float, int, int, float, float] | None = None
        self._last: dict[str, float] = {}

    @property
    def seconds(self) -> float:
        """Seconds trained so far, earlier sessions included."""
        return time.monotonic() - self._began

    def count(self, losses: dict[str, float], pairs: Pairs) -> None:
        """Add one step."""
        self._steps += 1
        for name, value in losses.items():
            self._sums[name] = self._sums.get(name, 0.0) + value
        size = len(pairs.instance)
        same = float((pairs.instance[:, None] == pairs.instance[None]).sum()) - size
        shared = same / max(1, size * (size - 1))
        self._sums["buffer/false_negatives"] = self._sums.get("buffer/false_negatives", 0.0) + shared

    def note(self, values: dict[str, float]) -> None:
        """Figures that are not averaged, for the next row."""
        self._latest |= values

    def row(self, limiter: Limiter, buffer: ReplayBuffer) -> dict[str, float]:
        """The history's row since the last one, which starts the next."""
        row = {"seconds": self.seconds, **{name: total / self._steps for name, total in self._sums.items()}}
        row |= self._latest
        row["buffer/episodes"] = float(len(buffer))
        row["speed/replay_ratio"] = limiter.sampled / max(1, limiter.inserted)
        now = (self.seconds, limiter.inserted, limiter.sampled, limiter.learner_waited, limiter.arm_waited)
        if self._mark is not None:
            passed, frames, pairs, learner, arm = (b - a for a, b in zip(self._mark, now, strict=True))
            row["speed/frames_per_s"] = frames / passed
            row["speed/samples_per_s"] = pairs / passed
            row["wait/learner_share"] = min(1.0, learner / passed)
            row["wait/arm_share"] = min(1.0, arm / passed)
        self._mark, self._sums, self._steps, self._latest = now, {}, 0, {}
        self._last = {**self._last, **row}
        return row

    def line(self, limiter: Limiter, buffer: ReplayBuffer) -> str:
        """One line for the progress bar."""
        last = self._last
        parts = [f"{len(buffer)} episodes"]
        if "loss" in last:
            parts.append(f"loss {last['loss']:.2f}")
        if "probe/knn_validation" in last:
            parts.append(f"kNN {100 * last['probe/knn_validation']:.1f} %")
        if "speed/frames_per_s" in last:
            parts.append(f"{last['speed/frames_per_s']:.0f} frames/s in, {last['speed/samples_per_s']:.0f} pairs/s out")
            parts.append(f"{last['speed/replay_ratio']:.1f} pairs a frame")
            waiting = {"learner": last["wait/learner_share"], "arm": last["wait/arm_share"]}
            who = max(waiting, key=lambda name: waiting[name])
            parts.append(f"{who} waits {100 * waiting[who]:.0f} %")
        return ", ".join(parts)
